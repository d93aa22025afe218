"""Whole solutions in steps, in the manner of models that answer school and competition problems.

A maker writes steps with a `Pen`: every value that it computes goes through the pen, and the pen slips at one
of them, or at none. What follows goes on from the wrong value, as in a real solution, so that only one step
is wrong by itself. The step in which the pen slipped is the mark. This is the development voice; `aside.py`
holds another one.
"""

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.claims.generate import Case, off


class Solution(NamedTuple):
    """The steps of a solution, the index of the wrong one (None: all are right), and its kind."""

    steps: tuple[str, ...]
    wrong: int | None
    kind: str


@dataclass
class Pen:
    """Writes steps; slips at the value number `slip`, counted from 0 (None: never)."""

    rng: random.Random
    slip: int | None = None
    values: int = 0
    steps: list[str] = field(default_factory=list)
    wrong: int | None = None

    def __call__(self, value: int) -> int:
        """A value, or the slip in its place; it belongs to the step that is written next."""
        self.values += 1
        if self.values - 1 != self.slip:
            return value
        self.wrong = len(self.steps)
        return off(self.rng, value)

    def step(self, *texts: str) -> None:
        """One more step, in one of these wordings."""
        self.steps.append(self.rng.choice(texts))


Make = Callable[[Pen], None]


def shop(pen: Pen) -> None:
    r = pen.rng
    n, p, m, q, paid = r.randint(3, 12), r.randint(2, 15), r.randint(2, 9), r.randint(2, 12), 500
    a = pen(n * p)
    pen.step(
        f"First, calculate the cost of the pens: {n} pens * ${p}/pen = ${a}.",
        f"The pens cost {n} × {p} = {a} dollars.",
        f"1. **Cost of the pens:** \\({n} \\times {p} = {a}\\) dollars",
        f"Each pen costs ${p}, so {n} pens cost ${p} x {n} = ${a}.",
    )
    b = pen(m * q)
    pen.step(
        f"Next, calculate the cost of the books: {m} books * ${q}/book = ${b}.",
        f"Step 2: {m} * {q} = {b} dollars for the books.",
        f"2. **Cost of the books:**\n   \\[\n   {m} \\text{{ books}} \\times \\${q} = \\${b}\n   \\]",
        f"The books cost {m} times ${q} which is ${b}.",
    )
    total = pen(a + b)
    pen.step(
        f"Total cost = ${a} + ${b} = ${total}",
        f"So the total cost is {a} + {b} = {total} dollars.",
        f"Adding these together, we get ${a} + ${b} = ${total}.",
        f"Therefore, the total amount she spends is \\( {a} + {b} = {total} \\) dollars.",
    )
    left = pen(paid - total)
    pen.step(
        f"Her change is ${paid} - ${total} = ${left}.",
        f"She pays with ${paid}, so she gets ${paid} - ${total} = ${left} back.",
        f"Subtracting the cost from {paid} gives {paid} - {total} = {left}.",
    )
    pen.step(f"The answer is {left}.", f"\\boxed{{{left}}}", f"Therefore, she has ${left} left.")


def work(pen: Pen) -> None:
    r = pen.rng
    hours, days, wage, tax = r.randint(4, 9), r.randint(3, 6), r.choice((10, 12, 15, 20)), 20
    total = pen(hours * days)
    pen.step(
        f"He works {hours} hours a day for {days} days, so he works {hours} * {days} = {total} hours a week.",
        f"To find the hours per week, we multiply {hours} by {days}: {hours} × {days} = {total}.",
        f"Hours per week: {hours} hours/day × {days} days = {total} hours",
    )
    pay = pen(total * wage)
    pen.step(
        f"At ${wage} per hour he earns {total} * ${wage} = ${pay} per week.",
        f"His weekly pay is {total} hours * ${wage}/hour = ${pay}.",
        f"So he makes {total}*{wage} = ${pay}",
    )
    taken = pen(pay * tax // 100) if pay * tax % 100 == 0 else pay * tax / 100
    pen.step(
        f"Taxes take {tax}% of ${pay}, which is 0.{tax} * {pay} = {taken}.",
        f"{tax}% of {pay} is {taken}.",
        f"The tax is \\( {pay} \\times 0.{tax} = {taken} \\).",
    )
    pen.step(f"He keeps {pay} - {taken} = {pay - taken:g}.")


def ages(pen: Pen) -> None:
    r = pen.rng
    x, k, d = r.randint(4, 20), r.randint(2, 4), r.randint(3, 12)
    total = x + k * x + d
    pen.step(
        f"Let x be Anna's age. Then her mother is {k}x + {d} years old.",
        f"Let's denote Anna's age as x. Her mother's age is {k}x + {d}.",
    )
    a = pen(k + 1)
    pen.step(
        f"The sum of their ages is {total}, so x + {k}x + {d} = {total}, which simplifies to "
        f"{a}x + {d} = {total}.",
        f"x + ({k}x + {d}) = {total}\n{a}x + {d} = {total}",
        f"We get the equation:\n\\[ x + {k}x + {d} = {total} \\]\nCombine like terms:\n"
        f"\\[ {a}x + {d} = {total} \\]",
    )
    rest = pen(total - d)
    pen.step(
        f"Subtracting {d} from both sides gives {a}x = {rest}.",
        f"Subtract {d} from both sides:\n\\[ {a}x = {rest} \\]",
        f"Now we solve for x: {a}x = {total} - {d}, so {a}x = {rest}.",
    )
    if rest % a == 0:
        age = pen(rest // a)
        pen.step(
            f"Dividing both sides by {a}, we find x = {age}.",
            f"x = {rest}/{a} = {age}",
            f"Divide both sides by {a}:\n\\[ x = \\frac{{{rest}}}{{{a}}} = {age} \\]",
        )
        mother = pen(k * age + d)
        pen.step(
            f"Therefore her mother is {k} * {age} + {d} = {mother} years old.",
            f"So her mother's age is {k}({age}) + {d} = {mother}.",
        )


def expansion(pen: Pen) -> None:
    r = pen.rng
    a, b, c, d = (r.randint(2, 9) for _ in range(4))
    first, last = pen(a * c), pen(b * d)
    pen.step(
        f"We expand the product:\n\\[ ({a}x + {b})({c}x + {d}) = {first}x^2 + {a * d}x "
        f"+ {b * c}x + {last} \\]",
        f"Expanding, we have $({a}x+{b})({c}x+{d}) = {first}x^2+{a * d}x+{b * c}x+{last}$.",
        f"Using the distributive property, ({a}x + {b})({c}x + {d}) = {first}x^2 "
        f"+ {a * d}x + {b * c}x + {last}.",
    )
    cross = pen(a * d + b * c)
    pen.step(
        f"Combining like terms, {first}x^2 + {a * d}x + {b * c}x + {last} = {first}x^2 + {cross}x + {last}.",
        f"Simplify: \\[ {first}x^2 + {a * d}x + {b * c}x + {last} = {first}x^2 + {cross}x + {last}. \\]",
    )
    total = pen(first + cross + last)
    pen.step(
        f"The sum of the coefficients is {first} + {cross} + {last} = {total}.",
        f"Adding the coefficients: \\({first} + {cross} + {last} = \\boxed{{{total}}}\\).",
    )


def squares(pen: Pen) -> None:
    r = pen.rng
    a, b = r.randint(2, 9), r.randint(10, 40)
    inner = pen(2 * a)
    pen.step(
        f"We have $(x + {a})^2 - {b} = x^2 + {inner}x + {a * a} - {b}.$",
        f"First we square the binomial: \\((x + {a})^2 = x^2 + {inner}x + {a * a}\\).",
        f"Note that (x + {a})^2 = x^2 + {inner}x + {a * a} for all x.",
    )
    constant = pen(a * a - b)
    sign = "+" if constant >= 0 else "-"
    pen.step(
        f"So $x^2 + {inner}x + {a * a} - {b} = x^2 + {inner}x {sign} {abs(constant)}$.",
        f"Simplifying, x^2 + {inner}x + {a * a} - {b} becomes x^2 + {inner}x {sign} {abs(constant)}.",
    )
    at = r.randint(1, 6)
    value = pen(at * at + inner * at + constant)
    pen.step(
        f"At $x = {at}$, this is ${at}^2 + {inner}({at}) {sign} {abs(constant)} = {value}$.",
        f"Substituting x = {at}: {at}^2 + {inner}*{at} {sign} {abs(constant)} = {value}.",
    )


def function(pen: Pen) -> None:
    r = pen.rng
    a, b, s, t = r.randint(2, 5), r.randint(1, 9), r.randint(2, 6), r.randint(7, 10)
    pen.step(f"Let $f(x) = {a}x^2 + {b}$.", f"We are given f(x) = {a}x^2 + {b}.", f"f(x) = {a}x^2 + {b}")
    one = pen(a * s * s + b)
    pen.step(
        f"Then $f({s}) = {a} \\cdot {s}^2 + {b} = {one}$.",
        f"So f({s}) = {a}({s})^2 + {b} = {a * s * s} + {b} = {one}.",
        f"We find $f({s}) = {one}$.",
    )
    two = pen(a * t * t + b)
    pen.step(
        f"Similarly, $f({t}) = {a} \\cdot {t}^2 + {b} = {two}$.",
        f"f({t}) = {a}*{t}^2 + {b} = {two}",
        f"And f({t}) = {two}.",
    )
    gap = pen(two - one)
    pen.step(
        f"Hence $f({t}) - f({s}) = {two} - {one} = {gap}$.",
        f"Therefore, f({t}) - f({s}) = {gap}.",
    )


def triangle(pen: Pen) -> None:
    k = pen.rng.randint(1, 9)
    a, b, c = 3 * k, 4 * k, 5 * k
    total = pen(a * a + b * b)
    pen.step(
        f"By the Pythagorean theorem, $c^2 = {a}^2 + {b}^2 = {a * a} + {b * b} = {total}$.",
        f"Using the Pythagorean theorem: {a}^2 + {b}^2 = {a * a} + {b * b} = {total}",
        f"We know that \\(AC^2 = AB^2 + BC^2 = {a}^2 + {b}^2 = {total}\\).",
    )
    if total == c * c:
        root = pen(c)
        pen.step(
            f"So $c = \\sqrt{{{total}}} = {root}$.",
            f"Taking the square root, c = {root}.",
            f"Thus \\( AC = \\sqrt{{{total}}} = {root} \\).",
        )
        perimeter = pen(a + b + root)
        pen.step(f"The perimeter is ${a} + {b} + {root} = {perimeter}$.")
    area = pen(a * b // 2)
    pen.step(
        f"The area is $\\frac{{1}}{{2}} \\cdot {a} \\cdot {b} = {area}$.",
        f"Its area is (1/2) * {a} * {b} = {area} square units.",
        f"Area = 1/2 * base * height = 1/2 * {a} * {b} = {area}",
    )


def system(pen: Pen) -> None:
    r = pen.rng
    x, y = r.randint(2, 15), r.randint(2, 15)
    s, d = x + y, 3 * x - y
    pen.step(
        f"We have the system of equations:\n\\begin{{align*}}\nx + y &= {s} \\\\\n3x "
        f"- y &= {d}\n\\end{{align*}}",
        f"The two conditions give us x + y = {s} and 3x - y = {d}.",
    )
    four = pen(s + d)
    pen.step(
        f"Adding the two equations, we get $4x = {four}$.",
        f"Adding the equations eliminates y: 4x = {four}.",
    )
    if four % 4 == 0:
        first = pen(four // 4)
        pen.step(f"Dividing by 4, x = {first}.", f"So $x = {four}/4 = {first}$.", f"Thus x = {first}.")
        second = pen(s - first)
        pen.step(
            f"Substituting x = {first} into the first equation, {first} + y = {s}, so y = {second}.",
            f"Then $y = {s} - x = {s} - {first} = {second}$.",
        )


def modular(pen: Pen) -> None:
    r = pen.rng
    n, m = r.randint(100, 999), r.randint(7, 19)
    q, rest = n // m, pen(n % m)
    pen.step(
        f"When {n} is divided by {m}, the remainder is {rest}.",
        f"We have ${n} = {m} \\cdot {q} + {rest}$.",
        f"${n} \\equiv {rest} \\pmod{{{m}}}$",
        f"{n} ÷ {m} = {q} with a remainder of {rest}",
    )
    square = pen(rest * rest)
    pen.step(f"Squaring, {rest}^2 = {square}.", f"Then ${rest}^2 = {square}$.")
    found = pen(square % m)
    pen.step(f"And {square} mod {m} = {found}.")


def counting(pen: Pen) -> None:
    r = pen.rng
    n, k = r.randint(5, 9), r.randint(2, 3)
    ways = pen(math.comb(n, k))
    pen.step(
        f"There are $\\binom{{{n}}}{{{k}}} = {ways}$ ways to choose the students.",
        f"The number of committees is \\(\\binom{{{n}}}{{{k}}} = \\frac{{{n}!}}{{{k}!({n - k})!}} "
        f"= {ways}\\).",
        f"We can choose them in C({n}, {k}) = {ways} ways.",
    )
    orders = pen(math.factorial(k + 2))
    pen.step(
        f"They can be arranged in ${k + 2}! = {orders}$ ways.",
        f"There are {k + 2}! = {orders} orders.",
    )
    found = pen(ways * orders)
    pen.step(
        f"The total is ${ways} \\times {orders} = {found}$.",
        f"Multiplying, we get {ways} * {orders} = {found}.",
    )


MAKERS: tuple[Make, ...] = (
    shop, work, ages, expansion, squares, function, triangle, system, modular, counting,
)  # fmt: skip


def solution(rng: random.Random, make: Make, true: bool) -> Solution:
    """A solution by one maker; the pen slips once if it is not `true`."""
    state = rng.getstate()
    counted = Pen(rng)
    make(counted)
    if true:
        return Solution(tuple(counted.steps), None, make.__name__)
    spot = rng.randrange(counted.values)
    rng.setstate(state)
    pen = Pen(rng, spot)
    make(pen)
    if pen.wrong is None:
        return Solution(tuple(pen.steps), None, make.__name__)
    return Solution(tuple(pen.steps), pen.wrong, make.__name__)


def solutions(seed: int, count: int, makers: tuple[Make, ...] = MAKERS) -> list[Solution]:
    """`count` solutions, two in three with a slip."""
    rng = random.Random(seed)
    return [solution(rng, rng.choice(makers), rng.random() < 1 / 3) for _ in range(count)]


def cases(seed: int, count: int) -> list[Case]:
    """`count` solutions as texts."""
    return [Case("\n\n".join(one.steps), one.wrong is None, one.kind) for one in solutions(seed, count)]


def main() -> None:
    """Prints solutions as rows for `python -m benchmarks.blame --marked`."""
    for number, one in enumerate(solutions(20260101, 600)):
        label = -1 if one.wrong is None else one.wrong
        row = {"id": f"{one.kind}-{number}", "problem": one.kind, "steps": one.steps, "label": label}
        print(json.dumps(row))


if __name__ == "__main__":
    main()
