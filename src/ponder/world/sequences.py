"""Sequences: the next term, found by differences, quotients, or differences of differences."""

import itertools
from random import Random

from ponder.world.phrasing import dressed, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

_ASK = (
    "[What comes next: {s}, [?|...|…]|What is the next number in [the sequence |]{s}?|Continue: {s}, [...|?]|Which number comes next? {s}|"
    "Find the next term: {s}, [...|…]|{s}, ?|Complete the sequence: {s}, _|What is the next term of {s}?|The sequence {s} goes on. How?]"
)


def make(rng: Random, level: int) -> Problem:
    """Equal steps; from level 2 also equal quotients and growing steps; at 3 the sum of the last two."""
    kind = rng.choice(
        ("step", "step", "down", "ratio", "growing", "ratio", "growing", "sum")[
            : 2 + 3 * (level - 1) + (level == 1)
        ]
    )
    count = rng.randint(4, 5)
    terms = _terms(rng, kind, level, count + 1)
    shown, value = terms[:-1], terms[-1]
    text = ", ".join(map(str, shown))
    question = dressed(rng, phrase(rng, _ASK, s="{s}").replace("{s}", text))
    return Problem(
        "sequences", level, question, str(value), f"sequences {shown}",
        lambda w: str(_next(w, shown)),
        lambda w, answer: _fits(w, [*shown, int(answer)]),
    )  # fmt: skip


def _terms(rng: Random, kind: str, level: int, count: int) -> list[int]:
    step = rng.randint(2, (9, 25, 90)[level - 1])
    first = rng.randint(1, (20, 60, 200)[level - 1])
    if kind == "step":
        return [first + step * at for at in range(count)]
    if kind == "down":
        return [first + step * (count - at) for at in range(count)]
    if kind == "ratio":
        ratio = rng.randint(2, 5 if count < 6 else 3)
        return [(first % 5 + 1) * ratio**at for at in range(count)]
    if kind == "growing":
        more = rng.randint(1, 5)
        terms = [first % 30 + 1]
        for at in range(count - 1):
            terms.append(terms[-1] + step % 10 + 1 + more * at)
        return terms
    terms = [rng.randint(1, 9)]
    terms.append(terms[0] + rng.choice((0, 1, 2, 4, 5, 6)))
    if terms[1] == 2 * terms[0] or 3 * terms[0] == 2 * terms[1]:  # another rule would fit the beginning too
        terms[1] += 1
    while len(terms) < count:
        terms.append(terms[-1] + terms[-2])
    return terms


def _next(w: Working, shown: list[int]) -> int:
    down = shown[1] < shown[0]
    sign = "-" if down else "+"
    steps = []
    for before, after in itertools.pairwise(shown):
        steps.append(w.sub(before, after) if down else w.sub(after, before))
    w.step(" ".join(f"{sign}{step}" for step in steps))
    if len(set(steps)) == 1:
        w.line("equal steps")
        return w.sub(shown[-1], steps[0]) if down else w.add(shown[-1], steps[0])
    more = _growth(steps)
    if more:
        for before, after in itertools.pairwise(steps):
            w.sub(after, before)
        w.step("growing steps")
        return w.add(shown[-1], w.add(steps[-1], more))
    ratio = _ratio(shown)
    if ratio:
        w.step(f"each ×{ratio}")
        for before, after in itertools.pairwise(shown):
            w.step(f"{before}×{ratio}={after}")
        return w.mul(shown[-1], ratio)
    w.step("sum of the last two")
    return w.add(shown[-2], shown[-1])


def _growth(steps: list[int]) -> int:
    """By how much each of at least three steps is longer than the one before; 0 for another rule."""
    second = {after - before for before, after in itertools.pairwise(steps)}
    return max(0, *second) if len(second) == 1 and len(steps) > 2 else 0


def _ratio(terms: list[int]) -> int:
    """The factor above 1 from each term to the next; 0 for another rule."""
    ratio = terms[1] // terms[0]
    same = all(after == before * ratio for before, after in itertools.pairwise(terms))
    return ratio if ratio > 1 and same else 0


def _fits(w: Working, terms: list[int]) -> bool:
    """The last step, taken back, must lead to the term before."""
    w.expect(terms[-2])
    last, before, third = terms[-1], terms[-2], terms[-3]
    if third > before:
        return w.verdict(w.add(last, third - before) == before)
    if last < before:
        return w.verdict(False)
    shown = terms[:-1]
    steps = [b - a for a, b in itertools.pairwise(shown)]
    more, ratio = _growth(steps), _ratio(shown)
    if len(set(steps)) == 1:
        return w.verdict(w.sub(last, steps[0]) == before)
    if more:
        return w.verdict(last >= steps[-1] + more and w.sub(last, steps[-1] + more) == before)
    if ratio:
        if last % ratio:
            w.divided(last, ratio)
            return w.verdict(False)
        return w.verdict(w.div(last, ratio) == before)
    return w.verdict(last >= third and w.sub(last, third) == before)
