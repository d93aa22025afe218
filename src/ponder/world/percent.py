"""Percentages: a part of a whole, more or less by so much, and which share one number is of another."""

from random import Random

from ponder.world.phrasing import NAMES, dressed, number, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

_PART = (
    "[[What is|How much is|Calculate|Find|Work out|Compute|] [{p}%|{p} %|{p} percent|{p} per cent] of {n}[?|.|]|"
    "{who} has {n} [dollars|euros|coins] and spends {p}% of [it|them]. How [much|many] [does {who} spend|is that]?|"
    "In a school of {n} [pupils|children], {p}% walk to school. How many [pupils |children |]walk[ to school|]?|"
    "{p}% of the {n} seats in a theatre are taken. How many seats are taken?]"
)
_MORE = (
    "[Increase {n} by {p}%.|What is {n} increased by {p}%?|A price of {n} dollars rises by {p}%. What is the new price?|"
    "{n} plus {p}% = ?|{who} earns {n} euros a week and gets {p}% more. What does {who} earn now?|"
    "The village had {n} people and grew by {p} percent. How many people live there now?]"
)
_LESS = (
    "[Decrease {n} by {p}%.|What is {n} decreased by {p}%?|A coat costs {n} dollars. It is reduced by {p}%. What is the "
    "new price?|{n} minus {p}% = ?|There is {p}% off a bike that costs {n} euros. How much does {who} pay?|"
    "A tank of {n} litres loses {p} percent of its water. How many litres are left?]"
)
_SHARE = (
    "[What percent of {n} is {a}?|{a} is what percent of {n}?|{a} of {n} is how many percent?|What percentage is {a} out "
    "of {n}?|{who} got {a} of {n} points. What percent is that?|{a} out of {n} people said yes. How many percent?]"
)


def make(rng: Random, level: int) -> Problem:
    """Whole results only; wholes up to 100, 500 or 2,000 at the levels 1, 2, 3."""
    kind = rng.choice(("part", "part", "more", "less", "share"))
    if kind == "share":
        return _share(rng, level)
    while True:
        percent = rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, rng.randint(1, 99)))
        whole = rng.choice((5, 10, 20, 25, 50, 100)) * rng.randint(1, (10, 20, 40)[level - 1])
        if whole * percent % 100 == 0 and whole >= 10:
            break
    part = whole * percent // 100
    value = {"part": part, "more": whole + part, "less": whole - part}[kind]
    grammar = {"part": _PART, "more": _MORE, "less": _LESS}[kind]
    who = rng.choice(NAMES)
    question = dressed(rng, phrase(rng, grammar, p=percent, n=number(rng, whole), who=who))

    def solve(w: Working) -> str:
        part = w.div(w.mul(whole, percent), 100)
        if kind == "part":
            return str(part)
        return str(w.add(whole, part) if kind == "more" else w.sub(whole, part))

    def check(w: Working, answer: str) -> bool:
        part = int(answer)
        if kind != "part":
            if kind == "more":
                part = w.sub(part, whole) if part > whole else 0
            else:
                part = w.sub(whole, part) if whole > part else 0
        return w.nines(whole, percent, w.mul(part, 100))

    return Problem("percent", level, question, str(value), f"percent {kind} {percent} {whole}", solve, check)


def _share(rng: Random, level: int) -> Problem:
    whole = rng.choice((2, 4, 5, 8, 10, 20, 25, 40, 50, 80, 100, 200, 400, 500, 1000)[: 7 + 3 * level - 1])
    while True:
        part = rng.randint(1, whole - 1)
        if part * 100 % whole == 0:
            break
    question = dressed(
        rng, phrase(rng, _SHARE, n=number(rng, whole), a=number(rng, part), who=rng.choice(NAMES))
    )

    def solve(w: Working) -> str:
        hundredfold = w.mul(part, 100)
        divisor = whole
        while divisor % 10 == 0 and divisor > 10 and hundredfold % 10 == 0:
            w.step(f"{hundredfold}/{divisor}={hundredfold // 10}/{divisor // 10}")
            hundredfold, divisor = hundredfold // 10, divisor // 10
        if divisor == 25:
            w.step(f"{hundredfold}/25={hundredfold * 4}/100")
            hundredfold, divisor = w.mul(hundredfold, 4), 100
        return f"{w.div(hundredfold, divisor)}%"

    def check(w: Working, answer: str) -> bool:
        return w.nines(whole, int(answer[:-1]), w.mul(part, 100))

    return Problem(
        "percent", level, question, f"{part * 100 // whole}%", f"percent share {part} {whole}", solve, check
    )
