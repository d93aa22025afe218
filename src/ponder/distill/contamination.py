"""Whether a prompt is one that a student will be measured on: by key, by words, by words without numbers.

A generated problem has a key that names the instance whatever its wording, and keys are exact. Texts from
elsewhere share a run of eight words with a problem they were copied from (s1 and open-r1 use that length; a
longer one misses copies with other numbers), or are the same text with other numbers (as Light-R1 masks
digits). Canaries, copies that are planted on purpose, tell how many such copies are found.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from ponder.distill.prompt import Prompt

GRAM = 8
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def words(text: str) -> list[str]:
    """The words and numbers of a text, in small letters."""
    return _WORD.findall(text.casefold())


def stamp(found: Sequence[str]) -> int:
    """64 bits of some words, the same in every process."""
    return int.from_bytes(blake2b("\0".join(found).encode(), digest_size=8).digest())


class Measured:
    """The problems of the evaluation sets, to be looked up."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self._grams: dict[int, str] = {}
        self._masked: dict[int, str] = {}
        self._generated: set[str] = set()

    def add(self, problem: Prompt) -> None:
        """One problem of an evaluation set."""
        if problem.key:
            self.keys.setdefault(problem.key, problem.source)
            self._generated.add(problem.source)
            return
        for gram in _grams(words(problem.question)):
            self._grams.setdefault(gram, problem.source)
        masked = _masked(problem.question)
        if masked is not None:
            self._masked.setdefault(masked, problem.source)

    def matches(self, prompt: Prompt) -> str:
        """Why `prompt` must go, "" where it may stay."""
        if prompt.key in self.keys and prompt.key:
            return f"key of {self.keys[prompt.key]}"
        found = words(prompt.question)
        for gram in _grams(found):
            if gram in self._grams:
                return f"{GRAM}-gram of {self._grams[gram]}"
        masked = _masked(prompt.question)
        if masked in self._masked and masked is not None:
            return f"digit-masked {self._masked[masked]}"
        return ""


def _grams(found: list[str]) -> Iterator[int]:
    """Hashes of every run of GRAM words; of a shorter text the whole."""
    if len(found) < GRAM:
        yield stamp(found)
    for at in range(len(found) - GRAM + 1):
        yield stamp(found[at : at + GRAM])


def _masked(text: str) -> int | None:
    """The text without its numbers, None where too little is left to tell texts apart."""
    found = words(_NUMBER.sub(" # ", text))
    return stamp(found) if len(found) >= GRAM // 2 else None


def canaries(problems: Iterable[Prompt], count: int, seed: int) -> list[tuple[str, Prompt]]:
    """Copies of at most `count` measured problems: verbatim, in other dress, with other numbers, or wrapped;
    a generated problem is copied with its key. Each with what was done to it.
    """
    dice = random.Random(f"canaries {seed}")
    known = list(problems)
    chosen = known if len(known) <= count else dice.sample(known, count)
    out = []
    for number, problem in enumerate(chosen):
        if problem.key:
            out.append(("key", replace(problem, question=_wrapped(problem.question))))
            continue
        how = list(_CHANGES)[number % len(_CHANGES)]
        out.append((how, replace(problem, question=_CHANGES[how](problem.question))))
    return out


def _wrapped(text: str) -> str:
    return f"Here is a problem for you. {text} Show all your work, please."


def _dressed(text: str) -> str:
    return re.sub(r"\s+", "  ", text.upper()).replace(".", " .").replace("?", " ?")


def _renumbered(text: str) -> str:
    return re.sub(r"\d+", lambda found: str(int(found[0]) + 1 + len(text) % 9), text)


_CHANGES: dict[str, Callable[[str], str]] = {
    "verbatim": str,
    "dress": _dressed,
    "numbers": _renumbered,
    "wrapped": _wrapped,
}


def caught(measured: Measured, planted: Iterable[tuple[str, Prompt]]) -> dict[str, list[int]]:
    """For each way of copying: how many canaries were found, of how many."""
    seen, found = Counter[str](), Counter[str]()
    for how, canary in planted:
        seen[how] += 1
        found[how] += bool(measured.matches(canary))
    return {how: [found[how], seen[how]] for how in sorted(seen)}
