"""Sums: the four operations with written working, and short chains of them."""

from random import Random

from ponder.world.phrasing import dressed, number, phrase
from ponder.world.problem import Problem
from ponder.world.working import INVERSE, Working, applied

_WORDS = {
    "+": "[{a} + {b}|{a}+{b}|{a} plus {b}|the sum of {a} and {b}|{a} added to {b}|{a} and {b} together]",
    "-": "[{a} - {b}|{a}-{b}|{a} minus {b}|{a} − {b}|the difference between {a} and {b}|{a} take away {b}]",
    "×": "[{a} × {b}|{a}*{b}|{a} * {b}|{a} x {b}|{a} times {b}|the product of {a} and {b}|{a} multiplied by {b}]",
    "÷": "[{a} ÷ {b}|{a}/{b}|{a} / {b}|{a} : {b}|{a} divided by {b}|the quotient of {a} and {b}]",
}
_ASK = (
    "[What is {e}?|What's {e}?|Calculate {e}.|Compute {e}.|Work out {e}.|Find {e}.|How much is {e}?|{e} = ?|{e}|"
    "Evaluate {e}.|Tell me {e}.|Can you calculate {e}?|What do you get for {e}?|I want to know {e}.|Please compute {e}]"
)


def make(rng: Random, level: int) -> Problem:
    """One operation on numbers of level + 1 digits or so, or a chain of level + 1 small ones."""
    if rng.random() < 0.3:
        return _chain(rng, level)
    sign = rng.choice("+-×÷")
    a, b = _operands(rng, sign, level)
    expression = phrase(rng, _WORDS[sign], a=number(rng, a), b=number(rng, b))
    question = dressed(rng, phrase(rng, _ASK, e=expression))
    value = applied(sign, a, b)
    pair = sorted((a, b)) if sign in "+×" else (a, b)
    key = f"sums {pair[0]}{sign}{pair[1]}"
    return Problem(
        "sums", level, question, str(value), key,
        lambda w: str(worked(w, sign, a, b)),
        lambda w, answer: undone(w, sign, a, b, int(answer)),
    )  # fmt: skip


def _operands(rng: Random, sign: str, level: int) -> tuple[int, int]:
    def sized(digits: int) -> int:
        return rng.randint(10 ** (digits - 1), 10**digits - 1)

    if sign == "+":
        return sized(rng.randint(1, level + 1)), sized(rng.randint(max(1, level - 1), level + 1))
    if sign == "-":
        a, b = sized(rng.randint(level, level + 1)), sized(rng.randint(max(1, level - 1), level + 1))
        return max(a, b), min(a, b)
    if sign == "×":
        return (
            (sized(level), sized(1))
            if level < 3 or rng.random() < 0.3
            else (sized(rng.randint(2, 3)), sized(2))
        )
    divisor = rng.randint(2, 9 if level < 3 else 12)
    return divisor * sized(level), divisor


def worked(w: Working, sign: str, a: int, b: int) -> int:
    """The operation `sign`, written out."""
    return {"+": w.add, "-": w.sub, "×": w.mul, "÷": w.div}[sign](a, b)


def undone(w: Working, sign: str, a: int, b: int, value: int) -> bool:
    """The check of one operation: it is taken back; products of long numbers by casting out nines."""
    if sign == "×" and min(a, b) >= 10 and max(a, b) > 12:
        return w.nines(a, b, value)
    if sign == "×" and a < b:
        a, b = b, a
    if sign == "+" and a < b:
        a, b = b, a
    w.expect(a)
    if sign == "+":
        return w.verdict(value >= b and w.sub(value, b) == a)
    if sign == "-":
        return w.verdict(w.add(value, b) == a)
    if sign == "×":
        if value % b:
            w.divided(value, b)
            return w.verdict(False)
        return w.verdict(w.div(value, b) == a)
    return w.verdict(w.mul(value, b) == a)


Ops = list[tuple[str, int]]


def forward(w: Working, start: int, ops: Ops) -> int:
    """The operations one after the other."""
    for sign, operand in ops:
        start = worked(w, sign, start, operand)
    return start


def backward(w: Working, start: int, ops: Ops, value: int) -> bool:
    """The check of a chain: everything is taken back, and must end where it began."""
    w.expect(start)
    for sign, operand in reversed(ops):
        if sign == "×" and value % operand:
            w.divided(value, operand)
            return w.verdict(False)
        if sign == "+" and value < operand:
            w.step(f"{value}<{operand}")
            return w.verdict(False)
        value = worked(w, INVERSE[sign], value, operand)
    return w.verdict(value == start)


def _chain(rng: Random, level: int) -> Problem:
    """A chain, written with brackets where they are needed."""
    start = rng.randint(2, 20 * level)
    ops: Ops = []
    value, text, loose = start, str(start), False
    for _ in range(rng.randint(2, level + 1)):
        sign = rng.choice("++--××÷")
        operand = rng.randint(2, 9 if sign in "×÷" else 30 * level)
        if (
            (sign == "-" and operand > value)
            or (sign == "÷" and value % operand)
            or (sign == "×" and value > 150)
        ):
            sign, operand = "+", rng.randint(1, 30 * level)
        ops.append((sign, operand))
        value = applied(sign, value, operand)
        if sign in "×÷" and loose:
            text = f"({text})"
        text = f"{text} {sign} {operand}"
        loose = sign in "+-"
    if rng.random() < 0.3:
        text = text.replace(" ", "")
    if rng.random() < 0.4:
        text = text.replace("×", "*").replace("÷", "/")
    question = dressed(rng, phrase(rng, _ASK, e="{e}").replace("{e}", text))
    key = f"chain {start}" + "".join(f"{sign}{operand}" for sign, operand in ops)
    return Problem(
        "sums", level, question, str(value), key,
        lambda w: str(forward(w, start, ops)),
        lambda w, answer: backward(w, start, ops, int(answer)),
    )  # fmt: skip
