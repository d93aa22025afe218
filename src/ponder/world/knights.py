"""Knights and knaves: who always tells the truth and who always lies, found by trying every case."""

from itertools import product
from random import Random
from typing import NamedTuple

from ponder.world.phrasing import dressed, people, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working


class Said(NamedTuple):
    """What one inhabitant says: a kind of sentence, and whom it is about."""

    kind: str
    about: int


_TEXTS = {
    "knight": "[{a} is a knight|{a} always tells the truth|{a} is no knave]",
    "knave": "[{a} is a knave|{a} always lies|{a} is a liar|{a} is not a knight]",
    "same": "[{a} and I are the same|{a} and I are of the same kind|we are the same kind, {a} and I]",
    "different": "[{a} and I are different|{a} and I are not the same|exactly one of {a} and me is a knight]",
    "both": "[we are both knights, {a} and I|{a} and I are both knights]",
    "neither": "[we are both knaves, {a} and I|{a} and I are both knaves]",
    "some": "[at least one of {a} and me is a knave|{a} or I am a knave]",
}
_INTRO = (
    "[On an island, knights always tell the truth and knaves always lie.|Knights tell the truth, knaves lie.|"
    "Every inhabitant is a knight, who always tells the truth, or a knave, who always lies.|Knights always speak the truth and knaves never do.]"
)
_ASK = "[Who is what?|Who is a knight and who is a knave?|What are they?|What is each of them?|Find out who is a knight.|Which of them are knights?]"


def _true(said: Said, speaker: int, case: tuple[bool, ...]) -> bool:
    me, them = case[speaker], case[said.about]
    return {
        "knight": them, "knave": not them, "same": me == them, "different": me != them, "both": me and them,
        "neither": not me and not them, "some": not (me and them),
    }[said.kind]  # fmt: skip


def _fits(case: tuple[bool, ...], says: list[Said]) -> bool:
    return all(_true(said, who, case) == case[who] for who, said in enumerate(says))


def make(rng: Random, level: int) -> Problem:
    """Two people at the levels 1 and 2, three at 3; always exactly one solution."""
    count = 3 if level == 3 else 2
    kinds = list(_TEXTS) if level > 1 else ["knight", "knave", "same", "different", "both", "neither"]
    while True:
        says = [
            Said(rng.choice(kinds), rng.choice([other for other in range(count) if other != who]))
            for who in range(count)
        ]
        cases = [case for case in product((True, False), repeat=count) if _fits(case, says)]
        if len(cases) == 1:
            break
    names = people(rng, count)
    sentences = [phrase(rng, _INTRO)]
    if rng.random() < 0.6:
        sentences.append(phrase(rng, "[You meet|There are|We meet|You talk to] {n}.", n=_listed(names)))
    for who, said in enumerate(says):
        text = phrase(rng, _TEXTS[said.kind], a=names[said.about])
        verb = rng.choice(("says", "says", "claims", "tells you"))
        sentences.append(
            f'{names[who]} {verb}: "{text[0].upper() + text[1:]}."'
            if rng.random() < 0.6
            else f"{names[who]} {verb} that {text}."
            if "I" not in text.split() and "we" not in text.split() and "me" not in text.split()
            else f'{names[who]}: "{text}"'
        )
    sentences.append(phrase(rng, _ASK))
    question = dressed(rng, " ".join(sentences), keep_case=True)
    answer = _told(names, cases[0])
    key = "knights " + " ".join(f"{said.kind}{said.about}" for said in says)
    if count == 2:  # so few that a held-out one must differ by its people
        key += " " + " ".join(names)

    def solve(w: Working) -> str:
        w.step("Plan: " + ", ".join(_short(names, who, said) for who, said in enumerate(says)))
        for case in product((True, False), repeat=count):
            w.step(_case(names, case))
            if _tried(w, names, case, says):
                return _told(names, case)
        raise ArithmeticError("a slip left no case")

    def check(w: Working, found: str) -> bool:
        case = tuple(part.endswith("knight") for part in found.split(", "))
        w.step(f"Check: {_case(names, case)}")
        for who, said in enumerate(says):
            truth = _true(said, who, case)
            w.line(f"{_short(names, who, said)}: {_yes(truth)}, {_kind(case[who])}")
            if truth != case[who]:
                return w.verdict(False)
        return w.verdict(True)

    return Problem("knights", level, question, answer, key, solve, check, f"{answer}.")


def _short(names: list[str], who: int, said: Said) -> str:
    return f"{names[who]} {said.kind} {names[said.about]}"


def _kind(knight: bool) -> str:
    return "knight" if knight else "knave"


def _yes(truth: bool) -> str:
    return "true" if truth else "false"


def _tried(w: Working, names: list[str], case: tuple[bool, ...], says: list[Said]) -> bool:
    """One case, statement by statement until one contradicts."""
    for who, said in enumerate(says):
        w.line(f"{_short(names, who, said)}: ")
        truth = _true(said, who, case)
        fits = (w.chosen(_yes(truth), _yes(not truth)) == "true") == case[who]
        w.write(" ✓" if fits else " ✗")
        if not fits:
            return False
    return True


def _told(names: list[str], case: tuple[bool, ...]) -> str:
    return ", ".join(f"{name} is a {_kind(knight)}" for name, knight in zip(names, case, strict=True))


def _case(names: list[str], case: tuple[bool, ...]) -> str:
    return ", ".join(f"{name} {_kind(knight)}" for name, knight in zip(names, case, strict=True))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]
