"""Comparing and sorting: numbers, decimals and fractions, by one comparison after the other."""

import itertools
from fractions import Fraction
from random import Random

from ponder.world.phrasing import dressed, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working


def make(rng: Random, level: int) -> Problem:
    """Three or four, four or five, five or six numbers to sort at the levels 1, 2, 3."""
    return rng.choice((_sort, _sort, _extreme, _extreme, _decimals, _halves))(rng, level)


def _numbers(rng: Random, level: int, count: int) -> list[int]:
    most = rng.choice((20, 100, 1000)[: level + 1])
    return rng.sample(range(1, most), count)


def _sort(rng: Random, level: int) -> Problem:
    numbers = _numbers(rng, level, rng.randint(level + 2, level + 3))
    up = rng.random() < 0.6
    grammar = (
        "[[Sort|Order|Arrange] [these numbers |the numbers |]{n} [from smallest to largest|in ascending order|in increasing order][.|]|"
        "Put {n} in ascending order.|Put {n} in order, smallest first.|Sort {n}.]"
        if up
        else "[[Sort|Order|Arrange] [these numbers |the numbers |]{n} [from largest to smallest|in descending order|in decreasing order][.|]|"
        "Put {n} in descending order.|Put {n} in order, largest first.]"
    )
    question = dressed(rng, phrase(rng, grammar, n=_listed(rng, numbers)))
    done = sorted(numbers, reverse=not up)

    def solve(w: Working) -> str:
        left, out = list(numbers), []
        while len(left) > 1:
            w.step(", ".join(map(str, left)))
            best = _best(w, left, up=up)
            out.append(best)
            left.remove(best)
        return ", ".join(map(str, [*out, *left]))

    def check(w: Working, answer: str) -> bool:
        given = [int(each) for each in answer.split(", ")]
        w.step("Check:")
        for before, after in itertools.pairwise(given):
            w.line(f"{before}{'<' if before < after else '>'}{after}")
            if (before < after) != up:
                return w.verdict(False)
        return w.verdict(given == done)

    key = f"ordering {up} {sorted(numbers)} {numbers[0]}"
    return Problem("ordering", level, question, ", ".join(map(str, done)), key, solve, check)


def _listed(rng: Random, numbers: list[int] | list[str]) -> str:
    texts = [str(each) for each in numbers]
    if rng.random() < 0.3:
        return ", ".join(texts[:-1]) + " and " + texts[-1]
    return rng.choice((", ", ", ", ", ", "; ", " ")).join(texts)


def _best(w: Working, numbers: list[int], *, up: bool) -> int:
    best = numbers[0]
    for each in numbers[1:]:
        w.line(str(best))
        less = w.chosen("<" if best < each else ">", ">" if best < each else "<") == "<"
        w.write(str(each))
        best = best if less == up else each
    w.line(str(best))
    return best


def _extreme(rng: Random, level: int) -> Problem:
    numbers = _numbers(rng, level, rng.randint(2, level + 3))
    up = rng.random() < 0.5
    word = "[smallest|lowest|least|minimum]" if up else "[largest|biggest|greatest|highest|maximum]"
    grammar = (
        f"[Which [number |of these numbers |]is the {word}: {{n}}?|What is the {word} [number |]of {{n}}?|Find the {word} of {{n}}.|"
        f"{{n}}: which is the {word}?|Of {{n}}, which is the {word}?]"
    )
    question = dressed(rng, phrase(rng, grammar, n=_listed(rng, numbers)))
    value = min(numbers) if up else max(numbers)

    def solve(w: Working) -> str:
        w.step(", ".join(map(str, numbers)))
        return str(_best(w, numbers, up=up))

    def check(w: Working, answer: str) -> bool:
        w.step("Check:")
        for each in numbers:
            if each != int(answer):
                w.line(f"{answer}{'<' if int(answer) < each else '>'}{each}")
                if (int(answer) < each) != up:
                    return w.verdict(False)
        return w.verdict(int(answer) == value)

    return Problem("ordering", level, question, str(value), f"ordering {up} of {numbers}", solve, check)


def _decimals(rng: Random, level: int) -> Problem:
    """Two decimals, one often with more digits than the other."""
    whole = rng.randint(0, 20)
    places = [rng.randint(1, 1 + level), rng.randint(1, 1 + level)]
    texts = [f"{whole}.{rng.randint(1, 10**p - 1):0{p}d}" for p in places]
    if Fraction(texts[0]) == Fraction(texts[1]):
        texts[1] += "1"
    question = dressed(rng, phrase(rng, _WHICH, a=texts[0], b=texts[1]))
    longest = max(len(text) for text in texts)
    padded = [text + "0" * (longest - len(text)) for text in texts]
    less = padded[0] < padded[1]
    value = texts[1] if less else texts[0]

    def solve(w: Working) -> str:
        w.step(f"{texts[0]}={padded[0]}")
        w.line(f"{texts[1]}={padded[1]}")
        w.line(padded[0])
        sign = w.chosen("<" if less else ">", ">" if less else "<")
        w.write(padded[1])
        return texts[1] if sign == "<" else texts[0]

    def check(w: Working, answer: str) -> bool:
        other = texts[0] if answer == texts[1] else texts[1]
        w.step(f"Check: {answer}{'>' if answer == value else '<'}{other}")
        return w.verdict(answer == value)

    return Problem("ordering", level, question, value, f"ordering {texts}", solve, check)


_WHICH = (
    "[Which is [larger|bigger|greater], {a} or {b}?|Which number is [larger|bigger|greater]: {a} or {b}?|Is {a} or {b} [larger|bigger|greater]?|"
    "What is [larger|bigger|greater], {a} or {b}?|Compare {a} and {b}: which is [larger|bigger|greater]?]"
)


def _halves(rng: Random, level: int) -> Problem:
    """Two fractions, made comparable by multiplying crosswise."""
    while True:
        a, b = (Fraction(rng.randint(1, 4 * level + 1), rng.randint(2, 4 * level + 3)) for _ in range(2))
        if a != b and a.denominator > 1 and b.denominator > 1:
            break
    question = dressed(rng, phrase(rng, _WHICH, a=a, b=b))

    def solve(w: Working) -> str:
        w.step(f"{a}, {b}:")
        left = w.mul(a.numerator, b.denominator)
        right = w.mul(b.numerator, a.denominator)
        w.line(f"{left}{'<' if left < right else '>'}{right}" if left != right else f"{left}={right}")
        return str(a if left > right else b)

    def check(w: Working, answer: str) -> bool:
        other = b if Fraction(answer) == a else a
        w.step(f"Check: {answer}>{other}" if Fraction(answer) > other else f"Check: {answer}<{other}")
        return w.verdict(Fraction(answer) > other)

    return Problem("ordering", level, question, str(max(a, b)), f"ordering {a} {b}", solve, check)
