"""The kinds of `worked.py` in another voice: the frozen phrasing, written before the checker.

Textbook and forum style, LaTeX displays, and some Chinese. It shows totals only, but its templates were read
before the last changes of the checker.
"""

import calendar
import datetime
import random

from benchmarks.claims.generate import Case, off
from benchmarks.claims.worked import DAYS, Make
from benchmarks.claims.worked import cases as cases_of

NAMES = ("Natalia", "Tim", "Mr. Ortega", "The baker", "小明")
CHINESE_DAYS = "一二三四五六日"


def linear(rng: random.Random, true: bool) -> str:
    x, a, b = rng.randint(3, 40), rng.randint(2, 12), rng.randint(2, 50)
    v = rng.choice("xytnkz")
    said = x if true else off(rng, x)
    return rng.choice(
        (
            f"Starting with {a}{v} - {b} = {a * x - b}, add {b} to both sides to obtain "
            f"{a}{v} = {a * x if true else off(rng, a * x)}.",
            f"The equation is {a}*{v} + {b} = {a * x + b}. Therefore, "
            f"{v} = ({a * x + b} - {b})/{a} = {said}.",
            f"$${a}{v}+{b}={a * x + b}$$\nSubtracting ${b}$ gives ${a}{v}={a * x}$, and dividing by ${a}$ "
            f"yields ${v}={said}$.",
            rf"\begin{{align*}} {a}{v} + {b} &= {a * x + b} \\ {a}{v} &= {a * x} \\ {v} &= {said} "
            rf"\end{{align*}}",
            f"由 {a}{v} + {b} = {a * x + b} 得 {v} = {said}。",
            f"{a}({v} + {b}) = {a * (x + b)} ⟹ {v} + {b} = {x + b if true else off(rng, x + b)} ⟹ {v} = {x}",
            f"If we solve {a}{v} = {b}{v} - {(b - a) * x}, we find that {v} = {said}."
            if a != b
            else f"{v} + {a} = {x + a}, hence {v} = {said}.",
        )
    )


def quadratic(rng: random.Random, true: bool) -> str:
    p, q = rng.sample(range(1, 12), 2)
    s = p if true else p + rng.choice((12, 13))
    v = rng.choice("xtz")
    sum_, product = p + q, p * q
    return rng.choice(
        (
            rf"We solve ${v}^2 - {sum_}{v} + {product} = 0$; the roots are ${v} = {s}$ and ${v} = {q}$.",
            rf"$${v}^2-{sum_}{v}+{product}=({v}-{s})({v}-{q})$$ by factoring.",
            f"{v}² − {sum_}{v} + {product} = 0 has solutions {v} = {s}, {q}.",
            f"The quadratic {v}^2 + {sum_}{v} + {product} can be factored into ({v} + {s})({v} + {q}).",
            f"方程 {v}^2 - {sum_}{v} + {product} = 0 的解是 {v} = {s} 或 {v} = {q}。",
            rf"{v}^2 = {p * p}, thus {v} = \pm {p if true else p + 1}.",
        )
    )


def identity(rng: random.Random, true: bool) -> str:
    a, b, c = (rng.randint(2, 12) for _ in range(3))
    w = 0 if true else rng.choice((1, -1, 2))
    return rng.choice(
        (
            f"Multiplying out the brackets we obtain {a}({b}m - {c}) = {a * b + w}m - {a * c}.",
            rf"\[ (t + {a})(t - {b}) = t^2 - {b}t + {a}t - {a * b} = t^2 + {a - b + w}t - {a * b} \]".replace(
                "+ -", "- "
            ),
            f"({a}k + {b})² expands to {a * a}k² + {2 * a * b + w}k + {b * b}.",
            f"Collecting like terms, {a}p + {b} + {c}p - 1 becomes {a + c}p + {b - 1 + w}.",
            rf"Note that $(u+v)(u-v) = u^2 {'-' if true else '+'} v^2$ is an identity.",
            f"展开得 (x + {a})(x + {b}) = x^2 + {a + b + w}x + {a * b}。",
            rf"$$\frac{{{a * b}x + {a * c}}}{{{a}}} = {b}x + {c + w}$$ after simplification.",
        )
    )


def system(rng: random.Random, true: bool) -> str:
    a, b = rng.randint(2, 25), rng.randint(2, 25)
    c, d = (a, b) if true else rng.choice(((off(rng, a), b), (a, off(rng, b))))
    return rng.choice(
        (
            f"We know a + b = {a + b} and a - b = {a - b}, which means a = {c} and b = {d}.",
            rf"Solving $3m + n = {3 * a + b}$ and $m + n = {a + b}$ simultaneously, $m = {c}$ and $n = {d}$.",
            f"Let c be the number of cats and d the number of dogs. Then "
            f"c + d = {a + b} and d = c + {b - a}. "
            f"Hence c = {c} and d = {d}."
            if b > a
            else f"u + v = {a + b}, u - v = {a - b}. Hence u = {c} and v = {d}.",
        )
    )


def follow(rng: random.Random, true: bool) -> str:
    w, h, k = rng.randint(3, 30), rng.randint(3, 30), rng.randint(2, 9)
    bad = 0 if true else rng.choice((1, -2, 10))
    return rng.choice(
        (
            f"The width w equals {w} and the height h equals {h}.\n\nIts area is w*h = {w * h + bad}.",
            f"Solving {k}t = {k * w} we find t = {w}.\n\nTherefore {k}t + {h} = {k * w + h} and "
            f"t - 1 = {w - 1 + bad}.",
            f"Denote the number of days by d, with d = {w}.\n\nThen {k}d = {k * w + bad}.",
            rf"Given $m = {w}$ and $n = {h}$." + "\n\n" + rf"Thus $m^2 - n = {w * w - h + bad}$.",
            f"设 x = {w}。\n\n所以 x + {h} = {w + h + bad}。",
            f"Hence k = {k}.\n\nPlugging this in: 5k + {h} = {5 * k + h + bad}.",
        )
    )


def dates(rng: random.Random, true: bool) -> str:
    day = datetime.date(rng.randint(1900, 2090), rng.randint(1, 12), rng.randint(1, 28))
    n, shift = rng.randint(3, 150), 0 if true else rng.randint(1, 6)
    name = DAYS[(day.weekday() + shift) % 7]
    back = day - datetime.timedelta(days=n + bool(shift))
    length = calendar.monthrange(day.year, day.month)[1]
    leap = calendar.isleap(day.year)
    return rng.choice(
        (
            f"Since {day.day} {day:%B} {day.year} is a {name}, the shop is open.",
            f"The date {day:%m}/{day:%d}/{day.year} is a {name}.",
            f"{day:%B} {day.year} has {length + bool(shift)} days.",
            f"Going back {n} days from {day:%B} {day.day}, {day.year} we arrive at "
            f"{back:%B} {back.day}, {back.year}.",
            f"{day.year}年{day.month}月{day.day}日是星期{CHINESE_DAYS[(day.weekday() + shift) % 7]}。",
            f"Because {day.year} is {'a' if leap == true else 'not a'} leap year, February has "
            f"{'29' if leap == true else '28'} days.",
            f"{day:%b} {day.day}, {day.year} + {n} days = "
            f"{(e := day + datetime.timedelta(days=n + bool(shift))):%b} {e.day}, {e.year}",
        )
    )


def counts(rng: random.Random, true: bool) -> str:
    words = rng.sample(("apple", "pear", "fig", "plum", "kiwi", "lime", "date", "grape"), rng.randint(3, 7))
    bad = 0 if true else rng.choice((1, -1))
    numbers = sorted(rng.sample(range(2, 90), rng.randint(4, 8)))
    phrase = " ".join(words)
    word = rng.choice(("engineering", "possession", "watermelon", "assassin", "tennessee"))
    letter = rng.choice(word)
    spelled = "-".join(word)
    return rng.choice(
        (
            f"Items: {', '.join(words)}. That is {len(words) + bad} items.",
            f"There are {len(numbers) + bad} numbers in the list {numbers}.",
            f'The sentence "{phrase}" consists of {len(words) + bad} words.',
            f"In {word}, the letter {letter} occurs {word.count(letter) + bad} times.",
            f"{spelled}: the word {word} is {len(word) + bad} letters long.",
            f"The set {{{', '.join(map(str, numbers))}}} has {len(numbers) + bad} elements.",
            f"{word} 中有 {word.count(letter) + bad} 个 {letter}。",
            f"2^{numbers[0]} has {len(str(2 ** numbers[0])) + bad} digits.",
        )
    )


def code(rng: random.Random, true: bool) -> str:
    items = rng.sample(range(1, 40), 5)
    bad = 0 if true else rng.choice((1, -1, 10))
    word = rng.choice(("banana", "parallel", "level"))
    return rng.choice(
        (
            f"```python\nnums = {items}\nprint(max(nums) - min(nums))\n```\n"
            f"Running it prints `{max(items) - min(items) + bad}`.",
            f"```python\nprint('{word}'.count('l'))\n```\n# Output: {word.count('l') + abs(bad)}",
            f"Consider\n```python\nx = {items[0]}\nwhile x < 100:\n    x *= 2\nprint(x)\n```\nwhich outputs "
            f"{next(v for k in range(9) if (v := items[0] * 2**k) >= 100) + bad}.",
            f"```py\ndef add(a, b):\n    return a + b\n```\nCalling `add({items[0]}, {items[1]})` returns "
            f"{items[0] + items[1] + bad}.",
        )
    )


def everyday(rng: random.Random, true: bool) -> str:
    n, k = rng.randint(3, 40), rng.randint(2, 12)
    bad = 0 if true else rng.choice((1, -1, 10))
    name = rng.choice(NAMES)
    return rng.choice(
        (
            f"{name} sold {n}/1 * {k} = {n * k + bad} clips in May.",
            f"In total, {name} pays ${n}.50 + ${k}.25 = ${n + k + bad}.75.",
            f"That leaves 100% - {n}% = {100 - n + bad}%.",
            f"A quarter of {4 * n} is {n + bad}.",
            f"Three times {n} is {3 * n + bad}.",
            f"{k} hours is {60 * k + bad} minutes.",
            f"一共有 {n} × {k} = {n * k + bad} 个苹果。",
            f"A 25% discount on ${4 * n} saves ${n + bad}.",
            f"The average of {n}, {n + 2} and {n + 4} is {n + 2 + bad}.",
            f"{n}*{k}=<<{n}*{k}={n * k + bad}>>{n * k + bad} pages",
        )
    )


def harmless(rng: random.Random, true: bool) -> str:  # noqa: ARG001 - one signature for all
    a, b, c = rng.randint(2, 12), rng.randint(13, 40), rng.randint(41, 99)
    return rng.choice(
        (
            f"We look for t with {a}t + {b} = {c}. Could t = {a} work?",
            f"Define g(t) = {a}t^2 - {b}, so that g(0) = -{b}.",
            f"Assume k = {a}; then k + {b} = {a + b}. On the other hand, k = {b} gives k + {b} = {2 * b}.",
            f"The graph of y = x^2 + {a} never meets y = {a - 1}.",
            f"When x = {a}, y = {b}; when x = {b}, y = {c}.",
            f"Students often write (m + {a})^2 = m^2 + {a * a}, which is wrong.",
            f"If 1 May {1900 + c} were a Friday, we would be done.",
            f"有 {b} 个苹果吗？",
            f"设 x = {a}。如果 x = {b}，则 x + 1 = {b + 1}。",
            f"Is x = {a} a solution of x^2 - {b}x + {c} = 0? Not necessarily.",
            f"For n = {a} we have 3n = {3 * a}, and for n = {b} we have 3n = {3 * b}.",
            f"Either x + {a} = {c} or x - {a} = {c}.",
            f"Let s = {a}.\n\nIn the second problem, s = {b} and 2s = {2 * b}.",
            f"The word has {a} letters and the list has {b} numbers.",
            f"The circle x^2 + y^2 = {a * a} has radius {a}. The tangent is x = {a}.",
            f"She wants {a}p = {c} but p = {b} is too large.",
        )
    )


KINDS: dict[str, Make] = {
    make.__name__: make
    for make in (linear, quadratic, identity, system, follow, dates, counts, code, everyday, harmless)
}


def cases(seed: int, count: int) -> list[Case]:
    """`count` cases in the other voice."""
    return cases_of(seed, count, KINDS)
