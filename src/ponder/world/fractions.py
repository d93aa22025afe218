"""Fractions: the four operations, simplifying, and a fraction of a number."""

from fractions import Fraction
from math import gcd, lcm
from random import Random

from ponder.world.phrasing import dressed, number, phrase
from ponder.world.problem import Problem
from ponder.world.working import INVERSE, Working

_BELOW = (2, 3, 4, 5, 6, 8, 9, 10, 12)
_WORDS = {
    "+": "[{a} + {b}|{a}+{b}|{a} plus {b}|the sum of {a} and {b}]",
    "-": "[{a} - {b}|{a}-{b}|{a} minus {b}|the difference between {a} and {b}]",
    "×": "[{a} × {b}|{a} * {b}|{a} times {b}|the product of {a} and {b}]",
    "÷": "[{a} ÷ {b}|{a} : {b}|{a} divided by {b}]",
}
_ASK = (
    "[What is {e}?|Calculate {e}.|Compute {e} as a fraction.|Work out {e}.|Find {e} in lowest terms.|{e} = ?|"
    "How much is {e}?|Give {e} as a fraction in lowest terms.|Simplify {e}.|What fraction is {e}?]"
)


def make(rng: Random, level: int) -> Problem:
    """Denominators up to 6, 10 or 12 at the levels 1, 2, 3."""
    kind = rng.choice(("+", "+", "-", "-", "×", "÷", "simplify", "of", "of"))
    if kind == "simplify":
        return _simplify(rng, level)
    if kind == "of":
        return _of(rng, level)
    below = _BELOW[: 5 + 2 * level]
    a, b = (Fraction(rng.randint(1, under - 1), under) for under in (rng.choice(below), rng.choice(below)))
    if kind == "-":
        a, b = max(a, b), min(a, b)
        if a == b:
            b = Fraction(1, a.denominator + 1 if a.denominator + 1 in below else 12)
            a, b = max(a, b), min(a, b)
            if a == b:
                a = Fraction(1, 2)
    value = {"+": a + b, "-": a - b, "×": a * b, "÷": a / b}[kind]
    expression = phrase(rng, _WORDS[kind], a=a, b=b)
    question = dressed(rng, phrase(rng, _ASK, e=expression))
    pair = sorted((a, b)) if kind in "+×" else (a, b)
    return Problem(
        "fractions", level, question, str(value), f"fractions {pair[0]}{kind}{pair[1]}",
        lambda w: str(_worked(w, kind, a, b)),
        lambda w, answer: _undone(w, kind, a, b, Fraction(answer)),
    )  # fmt: skip


def _worked(w: Working, sign: str, a: Fraction, b: Fraction) -> Fraction:
    w.step(f"{a}{sign}{b}:" if sign in "+-" else f"({a}){sign}({b}):")
    if sign in "+-":
        return _common(w, sign, a, b)
    if sign == "÷":
        w.line(f"({a})÷({b})=({a})×({b.denominator}/{b.numerator})")
    c, d = (b.numerator, b.denominator) if sign == "×" else (b.denominator, b.numerator)
    top = w.result(f"{a.numerator}×{c}", a.numerator * c)
    bottom = w.result(f"{a.denominator}×{d}", a.denominator * d)
    return lowest(w, top, bottom)


def _common(w: Working, sign: str, a: Fraction, b: Fraction) -> Fraction:
    below = lcm(a.denominator, b.denominator)
    tops = []
    for each in (a, b):
        factor = below // each.denominator
        if factor == 1:
            tops.append(each.numerator)
            continue
        w.line(f"{each.denominator}×{factor}={below}")
        top = w.result(f"{each.numerator}×{factor}", each.numerator * factor)
        w.line(f"{each} is {top}/{below}")
        tops.append(top)
    top = tops[0] + tops[1] if sign == "+" else tops[0] - tops[1]
    if top <= 0:
        raise ArithmeticError("a slip made the difference vanish")
    return lowest(w, w.result(f"{tops[0]}{sign}{tops[1]}", top), below)


def lowest(w: Working, top: int, bottom: int) -> Fraction:
    """top/bottom in lowest terms, divided by one prime after the other."""
    text = f"{top}/{bottom}"
    while (common := gcd(top, bottom)) > 1:
        prime = next(n for n in (2, 3, 5, 7, 11, common) if common % n == 0)
        top, bottom = top // prime, bottom // prime
        text += f"={top}/{bottom}" if bottom > 1 else f"={top}"
    w.line(text)
    return Fraction(top, bottom)


def _undone(w: Working, sign: str, a: Fraction, b: Fraction, value: Fraction) -> bool:
    w.expect(a)
    if sign == "+" and value <= b:
        w.step(f"{value}≤{b}")
        return w.verdict(False)
    if value.denominator > 200 or value.numerator > 200:
        raise ArithmeticError("a slip made numbers too large to check")
    return w.verdict(_worked(w, INVERSE[sign], value, b) == a)


def _simplify(rng: Random, level: int) -> Problem:
    factor = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10)[: 3 * level])
    under = rng.randint(3, 12)
    over = rng.randint(1, under - 1)
    top, bottom = over * factor, under * factor
    ask = (
        "[Simplify {e}.|Reduce {e} to lowest terms.|What is {e} in lowest terms?|Write {e} as simply as possible.|"
        "Reduce the fraction {e}.|What is the simplest form of {e}?|Cancel down {e}.]"
    )
    question = dressed(rng, phrase(rng, ask, e=f"{top}/{bottom}"))

    def check(w: Working, answer: str) -> bool:
        value = Fraction(answer)
        step = bottom // value.denominator
        w.expect(f"{top}/{bottom}")
        over = w.mul(value.numerator, step)
        under = w.mul(value.denominator, step)
        return w.verdict((over, under) == (top, bottom))

    return Problem(
        "fractions", level, question, str(Fraction(top, bottom)), f"fractions {top}/{bottom}",
        lambda w: str(lowest(w, top, bottom)), check,
    )  # fmt: skip


def _of(rng: Random, level: int) -> Problem:
    part = Fraction(rng.randint(1, 9), rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10)))
    if part >= 1 or part.denominator == 1:
        part = Fraction(rng.choice((1, 2)), 3)
    share = rng.randint(2, (12, 40, 120)[level - 1])
    whole = share * part.denominator
    ask = (
        "[What is {p} of {n}?|Find {p} of {n}.|How much is {p} of {n}?|Calculate {p} of {n}.|"
        "A box holds {n} things and {p} of them are red. How many are red?|"
        "Of {n} pupils {p} play football. How many is that?|{p} of {n} = ?]"
    )
    question = dressed(rng, phrase(rng, ask, p=part, n=number(rng, whole)))

    def solve(w: Working) -> str:
        share = w.div(whole, part.denominator)
        return str(share if part.numerator == 1 else w.mul(share, part.numerator))

    def check(w: Working, answer: str) -> bool:
        value = int(answer)
        w.expect(whole)
        if value % part.numerator:
            w.divided(value, part.numerator)
            return w.verdict(False)
        share = value if part.numerator == 1 else w.div(value, part.numerator)
        return w.verdict(w.mul(share, part.denominator) == whole)

    value = whole * part
    return Problem("fractions", level, question, str(value), f"fractions {part} of {whole}", solve, check)
