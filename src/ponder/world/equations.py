"""Linear equations with one unknown: each line undoes one thing, and the solution is put in to check."""

from random import Random

from ponder.world.phrasing import dressed, phrase
from ponder.world.problem import Problem
from ponder.world.sums import worked
from ponder.world.working import INVERSE, Working, applied

_ASK = (
    "[Solve {e}.|Solve for {x}: {e}|Find {x} if {e}.|What is {x} if {e}?|{e}. What is {x}?|{e}, {x} = ?|Solve {e} for {x}.|"
    "Determine {x}: {e}|If {e}, what is {x}?|Which {x} solves {e}?|Given {e}, find {x}.|Solve the equation {e}.|{e}]"
)
_WORDS = {
    "+": "I think of a number, multiply it by {a} and add {b}. I get {c}. What is [my|the] number?",
    "-": "I think of a number, multiply it by {a} and subtract {b}. The result is {c}. What is [my|the] number?",
}


def make(rng: Random, level: int) -> Problem:
    """ax ± b = c; from level 2 on also a(x ± b) = c, x/a ± b = c, and unknowns on both sides."""
    kind = rng.choice(("line", "line", "brackets", "quotient", "both", "both")[: 2 * level])
    x = rng.randint(1, (12, 25, 60)[level - 1])
    a, b, sign = rng.randint(2, 9), rng.randint(1, (15, 40, 99)[level - 1]), rng.choice("+-")
    name = rng.choice("xxxxxxynabtzkpm")
    if kind == "both":
        return _both(rng, level, x, name)
    if kind == "brackets" and sign == "-" and b > x:
        sign = "+"
    if kind == "line":
        if sign == "-" and b > a * x:
            sign = "+"
        steps = [("×", a), (sign, b)]
        text = f"{a}{name} {sign} {b}"
    elif kind == "brackets":
        steps = [(sign, b), ("×", a)]
        text = f"{a}({name} {sign} {b})"
    else:
        if sign == "-" and b > x:
            sign = "+"
        steps = [("÷", a), (sign, b)]
        x = x * a
        text = f"{name}/{a} {sign} {b}"
    value = x
    for each, operand in steps:
        value = applied(each, value, operand)
    equation = f"{text} = {value}" if rng.random() < 0.85 else f"{value} = {text}"
    if rng.random() < 0.4:
        equation = equation.replace(" ", "")
    question = phrase(rng, _ASK, e="{e}", x=name).replace("{e}", equation)
    if kind == "line" and rng.random() < 0.15:
        name, question = "x", phrase(rng, _WORDS[sign], a=a, b=b, c=value)
    return Problem(
        "equations", level, dressed(rng, question, keep_case=True), f"{name} = {x}",
        f"equations {kind} {steps} {value}",
        lambda w: _solved(w, name, steps, value),
        lambda w, answer: _put_in(w, int(answer.split("= ")[1]), steps, value),
        f"{name} = {x}",
    )  # fmt: skip


def _solved(w: Working, name: str, steps: list[tuple[str, int]], value: int) -> str:
    left = _written(name, steps)
    w.step(f"{left}={value}")
    for at, (sign, operand) in reversed(list(enumerate(steps))):
        if sign == "+" and value < operand:
            raise ArithmeticError("a slip made the number negative")
        value = worked(w, INVERSE[sign], value, operand)
        w.line(f"{_written(name, steps[:at])}={value}")
    return f"{name} = {value}"


def _written(name: str, steps: list[tuple[str, int]]) -> str:
    text = name
    for sign, operand in steps:
        if sign == "×":
            text = f"{operand}{text}" if text == name else f"{operand}({text})"
        elif sign == "÷":
            text = f"{text}/{operand}"
        else:
            text = f"{text}{sign}{operand}"
    return text


def _put_in(w: Working, x: int, steps: list[tuple[str, int]], wanted: int) -> bool:
    w.expect(wanted)
    for sign, operand in steps:
        if sign == "÷" and x % operand:
            w.divided(x, operand)
            return w.verdict(False)
        if sign == "-" and x < operand:
            w.step(f"{x}<{operand}")
            return w.verdict(False)
        x = worked(w, sign, x, operand)
    return w.verdict(x == wanted)


def _both(rng: Random, level: int, x: int, name: str) -> Problem:
    """ax + b = cx + d with a > c and d > b."""
    c = rng.randint(1, 7)
    a = c + rng.randint(1, 9 - c)
    b = rng.randint(1, 40)
    d = b + (a - c) * x
    left, right = f"{a}{name} + {b}", f"{'' if c == 1 else c}{name} + {d}"
    if rng.random() < 0.2:
        left, right = right, left
    equation = f"{left} = {right}"
    question = dressed(rng, phrase(rng, _ASK, e="{e}", x=name).replace("{e}", equation), keep_case=True)
    first, second = f"{a}{name}", f"{'' if c == 1 else c}{name}"

    def solve(w: Working) -> str:
        w.step(f"{first}+{b}={second}+{d}")
        rest = w.sub(d, b)
        w.line(f"{first}={second}+{rest}")
        less = w.sub(a, c)
        factor = f"{less}{name}" if less > 1 else name
        w.line(f"{factor}={rest}")
        found = w.div(rest, less) if less > 1 else rest
        if less > 1:
            w.line(f"{name}={found}")
        return f"{name} = {found}"

    def check(w: Working, answer: str) -> bool:
        found = int(answer.split("= ")[1])
        w.step(f"Check ({name}={found}):")
        one = found if c == 1 else w.mul(found, c)
        wanted = w.add(one, d)
        w.expect(wanted)
        return w.verdict(w.add(w.mul(found, a), b) == wanted)

    return Problem(
        "equations",
        level,
        question,
        f"{name} = {x}",
        f"equations both {a} {b} {c} {d}",
        solve,
        check,
        f"{name} = {x}",
    )
