"""Worked solutions in algebra, dates, counts and code, in the voice of a notebook: the development phrasing.

Every maker writes a text of one or more steps in which, if `true` is false, exactly one thing is wrong. The
same kinds in another voice stand in `unseen.py`.
"""

import calendar
import datetime
import random
from collections.abc import Callable

from benchmarks.claims.generate import WORDS, Case, off

Make = Callable[[random.Random, bool], str]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def linear(rng: random.Random, true: bool) -> str:
    x, a, b = rng.randint(2, 20), rng.randint(2, 9), rng.randint(1, 30)
    said = x if true else off(rng, x)
    c = a * x + b
    return rng.choice(
        (
            f"We have {a}x + {b} = {c}, so x = {said}.",
            f"{a}x + {b} = {c}\n{a}x = {c - b if true else off(rng, c - b)}\nx = {x}",
            f"Subtract {b} from both sides of {a}x + {b} = {c}: {a}x = {c - b}. "
            f"Divide both sides by {a}: x = {said}.",
            f"Solving {a}(x - {b}) = {a * (x - b)} gives x = {said}.",
            rf"\[ {a}x + {b} = {c} \]" + "\n" + rf"\[ {a}x = {c - b} \]" + "\n" + rf"\[ x = {said} \]",
            rf"\({a}x - {b} = {a * x - b} \implies x = {said}\)",
            rf"\[ \frac{{x}}{{{a}}} = {x} \]" + "\n\nMultiplying both sides by "
            f"{a}, we get" + "\n\n" + rf"\[ x = {a * x if true else off(rng, a * x)} \]",
        )
    )


def quadratic(rng: random.Random, true: bool) -> str:
    p, q = rng.sample([n for n in range(-9, 10) if n], 2)
    b, c = -(p + q), p * q
    left = f"x^2 {'+' if b >= 0 else '-'} {abs(b)}x {'+' if c >= 0 else '-'} {abs(c)}".replace(" + 0x", "")
    s = p if true else off(rng, p)
    while s == q or (not true and s == p):
        s = off(rng, s)
    factors = f"(x {'-' if s > 0 else '+'} {abs(s)})(x {'-' if q > 0 else '+'} {abs(q)})"
    return rng.choice(
        (
            f"The solutions of {left} = 0 are x = {s} and x = {q}.",
            f"{left} = 0, so x = {s} or x = {q}.",
            f"{left} factors as {factors}.",
            f"Factor: {left} = {factors}",
            f"{left} = 0\n{factors} = 0",
            rf"\({left} = 0 \Rightarrow {factors} = 0\)",
            f"The roots of {left} = 0 are {s} and {q}.",
        )
    )


def identity(rng: random.Random, true: bool) -> str:
    a, b, c, d = (rng.randint(2, 9) for _ in range(4))
    cross, last = a * d + b * c, b * d
    if true:
        e, f = cross, last
    else:
        e, f = rng.choice(((off(rng, cross), last), (cross, off(rng, last))))
    return rng.choice(
        (
            f"Expanding, ({a}x + {b})({c}x + {d}) = {a * c}x^2 + {e}x + {f}.",
            f"({a}x + {b})({c}x + {d}) = {a * c}x² + {a * d}x + {b * c}x + {b * d} = {a * c}x² + {e}x + {f}",
            f"Using FOIL: ({a}y + {b})({c}y + {d}) = {a * c}y^2 + {e}y + {f}",
            rf"\({a}({b}x + {c}) = {a * b}x + {a * c if true else off(rng, a * c)}\) "
            "by the distributive law.",
            f"(x + {a})^2 = x^2 + {2 * a if true else a}x + {a * a} by the square formula.",
            f"The identity (a+b)^2 = a^2 + {2 if true else 3}ab + b^2 helps.",
            f"Simplify: {a}x + {b}x - {c}x = {a + b - c if true else off(rng, a + b - c)}x",
            rf"Expand: \[ (x - {a})(x + {a}) = x^2 - {a * a if true else a * a + a} \]",
            f"x^2 - {a * a} = (x - {a})(x + {a if true else a + 1}) (difference of squares).",
        )
    )


def system(rng: random.Random, true: bool) -> str:
    x, y = rng.randint(1, 20), rng.randint(1, 20)
    s, d = x + y, 2 * x - y
    x2, y2 = (x, y) if true else rng.choice(((off(rng, x), y), (x, off(rng, y))))
    return rng.choice(
        (
            f"From x + y = {s} and 2x - y = {d} we get x = {x2} and y = {y2}.",
            f"The system is\nx + y = {s}\n2x - y = {d}\n\nAdding the equations: 3x = {3 * x}, so x = {x}. "
            f"Then y = {s} - {x} = {y if true else off(rng, y)}.",
            f"The solution of the system x + y = {s}, x - y = {x - y} is x = {x2}, y = {y2}.",
        )
    )


def follow(rng: random.Random, true: bool) -> str:
    x, y, a = rng.randint(2, 30), rng.randint(2, 12), rng.randint(2, 20)
    return rng.choice(
        (
            f"Let x = {x} and y = {y}.\n\nNow we add.\n\nSo x + y = {x + y if true else off(rng, x + y)}.",
            f"The price p is {x} dollars.\n\nThe cost of {y} of them is {y}p = "
            f"{x * y if true else off(rng, x * y)}.",
            f"From 2n = {2 * x} we get n = {x}.\n\nThen n + {a} = {x + a if true else off(rng, x + a)}.",
            f"So a = {x} and b = {y}.\n\nThe area is a × b = {x * y if true else off(rng, x * y)}.",
            rf"Set \(r = {y}\)."
            + "\n\n"
            + rf"\[ r^2 + {a} = {y * y + a if true else off(rng, y * y + a)} \]",
            f"We are given s = {x}.\n\nThe perimeter is 4s = 4 × {x} = {4 * x if true else off(rng, 4 * x)}.",
            f"Let x = {x}.\n\nThen y = x + {a} = {x + a}.\n\n"
            f"Finally 2y = {2 * (x + a) if true else off(rng, 2 * (x + a))}.",
        )
    )


def dates(rng: random.Random, true: bool) -> str:
    day = datetime.date(rng.randint(1950, 2060), rng.randint(1, 12), rng.randint(1, 28))
    gap = rng.randint(5, 200)
    later = day + datetime.timedelta(days=gap)
    shift = 0 if true else rng.randint(1, 6)
    name, wrong_later = DAYS[(day.weekday() + shift) % 7], later + datetime.timedelta(days=bool(shift))
    year, leap = day.year, calendar.isleap(day.year)
    length = calendar.monthrange(year, day.month)[1]
    written = f"{day:%B} {day.day}, {year}"
    return rng.choice(
        (
            f"{written} was a {name}.",
            f"{written} is a {name}.",
            f"{day.isoformat()} falls on a {name}.",
            f"{year} is {'' if leap == true else 'not '}a leap year.",
            f"There are {length if true else length - 1} days in {day:%B} {year}.",
            f"{gap} days after {written} is {wrong_later:%B} {wrong_later.day}, {wrong_later.year}.",
            f"From {written} to {later:%B} {later.day}, {later.year} there are "
            f"{gap if true else gap + 1 + shift} days.",
            f"If today is {DAYS[gap % 7]}, then {gap} days later it is {DAYS[(2 * gap + shift) % 7]}.",
        )
    )


def counts(rng: random.Random, true: bool) -> str:
    items = rng.sample(range(1, 60), rng.randint(4, 9))
    n = len(items)
    said = n if true else off(rng, n) if n > 12 else n + rng.choice((1, -1))
    word, listed = rng.choice(WORDS), ", ".join(map(str, items))
    big = rng.randint(10**4, 10**9)
    long = len(word) if true else len(word) + rng.choice((1, -1))
    spot = rng.randrange(len(word))
    letter = word[spot] if true else next(c for c in "xqzvk" if c != word[spot])
    return rng.choice(
        (
            f"The list {listed} has {said} numbers.",
            f"The numbers are {listed}, so there are {said} numbers.",
            f"The list [{listed}] contains {said} elements.",
            f'The word "{word}" has {long} letters.',
            f"{big} has {len(str(big)) if true else len(str(big)) + 1} digits.",
            f"The sum of the digits of {big} is "
            f"{sum(map(int, str(big))) if true else off(rng, sum(map(int, str(big))))}.",
            f'Letter {spot + 1} of "{word}" is {letter}.',
            f"The largest of {listed} is {max(items) if true else min(items)}.",
        )
    )


def code(rng: random.Random, true: bool) -> str:
    n, a = rng.randint(3, 9), rng.randint(2, 9)
    total = sum(i * a for i in range(n))
    said = total if true else off(rng, total)
    loop = f"total = 0\nfor i in range({n}):\n    total += i * {a}\nprint(total)"
    function = f"def f(n):\n    return n * {a} + 1\n\nprint(f({n}))"
    value = n * a + 1 if true else off(rng, n * a + 1)
    return rng.choice(
        (
            f"```python\n{loop}\n```\nThis prints {said}.",
            f"```python\n{loop}\n```\n\nOutput:\n```\n{said}\n```",
            f"```python\n{function}\n```\nThe output is {value}.",
            f"```python\ndef g(x):\n    return x * {a}\n```\n\nHere g({n}) returns "
            f"{n * a if true else off(rng, n * a)}.",
        )
    )


def everyday(rng: random.Random, true: bool) -> str:
    n, k, price = rng.randint(2, 30), rng.randint(2, 9), rng.randint(4, 60)
    wrong = 0 if true else rng.choice((1, -1, 10, 2))
    return rng.choice(
        (
            f"{k} tickets at ${price} each cost {k} × ${price} = ${k * price + wrong}.",
            f"Half of {2 * n} is {n + wrong}, which leaves {n}.",
            f"He has {n} apples and buys {k} more, so he has {n} + {k} = {n + k + wrong} apples.",
            f"Twice {n} is {2 * n + wrong}.",
            f"A third of {3 * n} is {n + wrong}.",
            f"She pays 20% of ${5 * n}, which is ${n + wrong}.",
            f"Her speed is {n * k} miles / {k} hours = {n + wrong} miles per hour.",
            f"{k} dozen is {12 * k + wrong} eggs.",
            f"{n} increased by 50% is {n * 1.5 + wrong:g}.",
            f"The ratio {n * k}:{k * (k + 1)} simplifies to {n + wrong}:{k + 1}.",
        )
    )


def harmless(rng: random.Random, true: bool) -> str:  # noqa: ARG001 - one signature for all
    a, b, c = rng.randint(2, 9), rng.randint(2, 30), rng.randint(31, 90)
    return rng.choice(
        (
            f"We need to solve {a}x + {b} = {c}. Try x = {a}: that gives {a * a + b}, not {c}.",
            f"Let f(x) = {a}x + {b}. Then f({a}) = {a * a + b}.",
            f"If x = {b}, then x + {a} = {b + a}. If x = {c}, then x + {a} = {c + a}.",
            f"Suppose (x + {a})^2 = x^2 + {c}.",
            f"The line y = {a}x + {b} meets the axis x = 0.",
            f"Let x = {b}.\n\nCase 2: x = {c}.\n\nSo x + 1 = {c + 1}.",
            f"(x + {a})^2 = x^2 + {a * a} is a common mistake.",
            f"x^2 = {b}x - {c} is the equation.",
            f"Is 2024-03-0{a} a Monday?",
            f"Suppose March {a}, 2024 is a Monday.",
            f"The list has {b} numbers.",
            f"```python\nprint({a} + {b})\n```\nThis does not print {c}.",
            f"Let n = {b}. Now let n = {c}. Then n + 1 = {c + 1}.",
            f"x + y = {c} and x - y = {b}. Suppose x = {a}.",
            f"At x = {a} the slope of y = x^2 is {2 * a}.",
            f"{a}x + {b} = {c}, where x = number of weeks.",
            f"Equation 1: x + {a} = {c}\nEquation 2: y + {b} = {c}",
            f"n = {a}: 2n + 1 = {2 * a + 1}\nn = {b}: 2n + 1 = {2 * b + 1}",
        )
    )


KINDS: dict[str, Make] = {
    make.__name__: make
    for make in (linear, quadratic, identity, system, follow, dates, counts, code, everyday, harmless)
}
OPENINGS = ("", "", "Okay. ", "Let me work it out.\n\n", "Hmm. ", "First, ")


def cases(seed: int, count: int, kinds: dict[str, Make] | None = None) -> list[Case]:
    """`count` cases in the notebook voice, or of other `kinds`; harmless ones are neither true nor false."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        kind, make = rng.choice(list((kinds or KINDS).items()))
        true = rng.random() < 0.5
        opening = rng.choice(OPENINGS)
        body = make(rng, true)
        joined = opening if body[:1].isupper() or opening.endswith(("\n", ". ")) else ""
        out.append(Case(joined + body, None if kind == "harmless" else true, kind))
    return out
