"""Statements of worked solutions, true and false, in phrasings of their own: nothing here uses the checker.

A case is a text and whether its one checkable claim holds; None marks a text that claims nothing false
(questions, suppositions, denials, half expressions, labels), where "wrong" would be a false alarm.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

Make = Callable[[random.Random, bool], str]
NAMES = ("Mia", "Tom", "Aisha", "Chen", "the baker")
THINGS = ("apples", "pens", "boxes", "tickets", "marbles", "books")
INTROS = ("", "So ", "Then ", "Okay, ", "First, ", "That means ", "Therefore, ", "Now, ", "Next: ", "Hence ")
ENDS = (".", "", "\n", ". Good.", ", and that is it.", ". So the next step is easy.")
WORDS = (
    "strawberry",
    "mississippi",
    "banana",
    "committee",
    "occurrence",
    "bookkeeper",
    "parallel",
    "raspberry",
)


class Case(NamedTuple):
    text: str
    true: bool | None
    kind: str


def off(rng: random.Random, value: int) -> int:
    """A slip: a digit, a carry, one too many, or a factor of ten."""
    slip = rng.choice((1, -1, 2, 10, -10, 3, 9))
    return value * 10 if value and rng.random() < 0.05 else value + slip


def spaced(rng: random.Random, value: int) -> str:
    return f"{value:,}" if rng.random() < 0.5 else str(value)


def arithmetic(rng: random.Random, true: bool) -> str:
    a, b, c = rng.randint(2, 999), rng.randint(2, 99), rng.randint(2, 30)
    text, value = rng.choice(
        (
            (f"{a} + {b}", a + b),
            (f"{a} - {b}", a - b),
            (f"{a} × {b}", a * b),
            (f"{a}*{b}", a * b),
            (f"{a} + {b} - {c}", a + b - c),
            (f"({a} + {b}) × {c}", (a + b) * c),
            (f"{c}^2", c * c),
            (f"{a * b} ÷ {b}", a),
            (f"{a * b} / {b}", a),
            (f"{a} + {b}·{c}", a + b * c),
            (f"{c}² + {b}", c * c + b),
            (f"{a} x {c}", a * c),
            (f"2({a} + {b})", 2 * (a + b)),
            (f"{c}**2 - {b}", c * c - b),
        )
    )
    said = value if true else off(rng, value)
    sign = rng.choice((" = ", "=", " equals ", " is ", " gives ", " is equal to "))
    unit = rng.choice(("", "", "", " dollars", " " + rng.choice(THINGS)))
    body = f"{text}{sign}{spaced(rng, said)}{unit}"
    return rng.choice(
        (
            f"{body}",
            f"{rng.choice(NAMES)} has {body}",
            f"the total is {text} = {said}",
            f"**{text} = {said}**",
        )
    )


def latex(rng: random.Random, true: bool) -> str:
    a, b, c = rng.randint(2, 99), rng.randint(2, 40), rng.randint(2, 12)
    text, value = rng.choice(
        (
            (rf"{a} \times {b}", a * b),
            (rf"{a} \cdot {b} + {c}", a * b + c),
            (rf"\frac{{{a * c}}}{{{c}}}", a),
            (rf"\sqrt{{{b * b}}} + {a}", a + b),
            (rf"\left({a} + {b}\right) \cdot {c}", (a + b) * c),
            (rf"{c}^{{3}}", c**3),
            (rf"\dfrac{{{b * c}}}{{{c}}} + {a}", a + b),
            (rf"{a * b} \div {b}", a),
        )
    )
    said = value if true else off(rng, value)
    tail = rng.choice((f"{said}", rf"\boxed{{{said}}}", rf"{said} \text{{ {rng.choice(THINGS)}}}"))
    body = f"{text} = {tail}"
    return rng.choice((rf"\( {body} \)", rf"\[ {body} \]", f"${body}$", f"$$\n{body}\n$$"))


def words(rng: random.Random, true: bool) -> str:
    a, b = rng.randint(2, 90), rng.randint(2, 20)
    text, value = rng.choice(
        (
            (f"{a} plus {b}", a + b),
            (f"{a} times {b}", a * b),
            (f"{a * b} divided by {b}", a),
            (f"{b} squared", b * b),
            (f"the sum of {a}, {b} and 7", a + b + 7),
            (f"{a} multiplied by {b}", a * b),
            (f"half of {2 * a}", a),
            (f"the square root of {b * b}", b),
            (f"{a + b} minus {b}", a),
            (f"the product of {a} and {b}", a * b),
        )
    )
    return f"{text} {rng.choice(('is', 'equals', 'is equal to'))} {value if true else off(rng, value)}"


def percent(rng: random.Random, true: bool) -> str:
    share, base = rng.choice((5, 10, 15, 20, 25, 40, 75)), 20 * rng.randint(1, 60)
    value = share * base // 100
    said = value if true else off(rng, value)
    return rng.choice(
        (
            f"{share}% of {base} is {said}",
            f"{share} percent of {base} is {said}",
            f"{share}% × {base} = {said}",
            rf"{share}\% \text{{ of }} {base} = {said}",
            f"{value} / {base} = {share if true else share + rng.choice((2, 5, -3))}%",
        )
    )


def fractions(rng: random.Random, true: bool) -> str:
    a, b, k = rng.randint(1, 12), rng.randint(2, 13), rng.randint(2, 9)
    top = a * k if true else a * k + rng.choice((1, -1, 2))
    return rng.choice(
        (
            f"{top}/{b * k} = {a}/{b}",
            rf"\(\frac{{{top}}}{{{b * k}}} = \frac{{{a}}}{{{b}}}\)",
            f"{a}/{b} + {k}/{b} = {top - a * k + a + k}/{b}",
            f"{a}/{b} of {b * k} is {top}",
        )
    )


def decimals(rng: random.Random, true: bool) -> str:
    a, b = rng.randint(101, 9999), rng.randint(2, 40)
    value = a * b
    said = value if true else value + rng.choice((100, -100, 200, 1000, 90))
    ratio = a / b if true else a / b * rng.choice((1.1, 0.9, 1.5))
    return rng.choice(
        (
            f"{b} × {a / 100:.2f} = {said / 100:.2f}",
            f"{a} / {b} ≈ {ratio:.2f}",
            f"{a} ÷ {b} is about {ratio:.3f}",
            rf"\(\frac{{{a}}}{{{b}}} \approx {ratio:.4f}\)",
            f"{a / 100:.2f} + {b}.50 = {(said - value + a + 100 * b + 50) / 100:.2f}",
        )
    )


def chain(rng: random.Random, true: bool) -> str:
    a, b, c = rng.randint(2, 40), rng.randint(2, 20), rng.randint(2, 50)
    middle, last = a * b, a * b + c
    if not true:
        middle, last = rng.choice(((off(rng, middle), last), (middle, off(rng, last))))
    join = rng.choice((" = ", "\n= ", r" \\ &= "))
    return f"{a} × {b} + {c}{join}{middle} + {c}{join}{last}"


def compare(rng: random.Random, true: bool) -> str:
    a = rng.randint(2, 900)
    b = a + rng.randint(1, 50)
    small, large = (f"{a / 10:.1f}", f"{b / 10:.1f}") if rng.random() < 0.5 else (f"{a} + 3", f"{b + 3}")
    if not true:
        small, large = large, small
    return rng.choice(
        (
            f"{small} < {large}",
            f"{large} is greater than {small}",
            f"{large} > {small}",
            rf"\({small} \leq {large}\)",
            f"{small} is less than {large}",
        )
    )


def divides(rng: random.Random, true: bool) -> str:
    b, q = rng.randint(2, 19), rng.randint(3, 60)
    n, rest = b * q + (0 if true else rng.randint(1, b - 1)), rng.randint(0, b - 1)
    said = rest if true else (rest + 1) % b
    m = b * q + rest
    return rng.choice(
        (
            f"{n} is divisible by {b}",
            f"{n} is a multiple of {b}",
            f"{b} is a factor of {n}",
            f"{m} mod {b} = {said}",
            rf"\({m} \equiv {said} \pmod{{{b}}}\)",
            f"{m} ≡ {said} (mod {b})",
            f"the remainder when {m} is divided by {b} is {said}",
            f"{m} ÷ {b} = {q} remainder {said}",
            f"{m} divided by {b} leaves a remainder of {said}",
        )
    )


def primes(rng: random.Random, true: bool) -> str:
    prime, other = (
        rng.choice((7, 13, 29, 53, 97, 101, 211, 997)),
        rng.choice((9, 15, 51, 57, 87, 91, 119, 221, 1001)),
    )
    return rng.choice(
        (
            f"{prime if true else other} is prime",
            f"{prime if true else other} is a prime number",
            f"{other if true else prime} is not prime",
            f"{other if true else prime} is composite",
        )
    )


def divisors(rng: random.Random, true: bool) -> str:
    g, a, b = rng.randint(2, 20), *rng.choice(((2, 3), (3, 4), (5, 7), (4, 9), (1, 6)))
    value, multiple = g, g * a * b
    if not true:
        value, multiple = value + rng.choice((1, 2)), multiple + g
    x, y = g * a, g * b
    return rng.choice(
        (
            f"gcd({x}, {y}) = {value}",
            f"the GCD of {x} and {y} is {value}",
            f"lcm({x}, {y}) = {multiple}",
            f"the greatest common divisor of {x} and {y} is {value}",
            f"The least common multiple of {x} and {y} is {multiple}",
            rf"\(\gcd({x}, {y}) = {value}\)",
            rf"\text{{LCM}}({x}, {y}) = {multiple}",
        )
    )


def letters(rng: random.Random, true: bool) -> str:
    word = rng.choice(WORDS)
    letter = rng.choice(word)
    count = word.count(letter) + (0 if true else rng.choice((1, -1)) if word.count(letter) > 1 else 1)
    spelled = rng.choice((str(count), ("zero", "one", "two", "three", "four", "five", "six")[count]))
    return rng.choice(
        (
            f"{word} has {spelled} {letter}'s",
            f'the word "{word}" contains {spelled} {letter}\'s',
            f"there are {spelled} {letter}'s in {word}",
            f'the letter "{letter}" appears {count} times in "{word}"',
            f'"{word}" has {spelled} letter {letter}\'s',
        )
    )


def units(rng: random.Random, true: bool) -> str:
    n = rng.randint(2, 40)
    one, factor, other = rng.choice(
        (
            ("hours", 60, "minutes"),
            ("km", 1000, "m"),
            ("feet", 12, "inches"),
            ("weeks", 7, "days"),
            ("kg", 1000, "g"),
            ("meters", 100, "cm"),
            ("minutes", 60, "seconds"),
            ("days", 24, "hours"),
            ("liters", 1000, "ml"),
        )
    )
    value = n * factor if true else n * factor + rng.choice((factor, -factor, 10, 1))
    sign = rng.choice(("=", "is", "equals"))
    return f"{n} {one} {sign} {value} {other}"


def variables(rng: random.Random, true: bool) -> str:
    x, a = rng.randint(2, 30), rng.randint(2, 20)
    return f"Let x = {x}. So x + {a} = {x + a if true else off(rng, x + a)}"


def harmless(rng: random.Random) -> str:
    """Nothing here is claimed to hold, or no error can be told from outside."""
    a, b = rng.randint(3, 60), rng.randint(3, 60)
    c = off(rng, a + b)
    return rng.choice(
        (
            f"Is {a} + {b} = {c}?",
            f"Suppose {a} + {b} = {c}.",
            f"{a} + {b} is not equal to {c}.",
            f"If {a} + {b} = {c}, stop.",
            f"{a} + {b} ≠ {a + b + 1}",
            f"the user wrote {a} + {b} = {c}",
            f"It would be wrong to say {a} + {b} = {c}.",
            f"x + {a} = {c}",
            f"{a}x + {b} = {c}",
            f"C({a}, 2) = {c}",
            f"f({a}) = {b}",
            f"log({a}) = {b}",
            f"sin {a} = {b}",
            f"Step {a} = {b}",
            f"{a} - {b} = {a} more than {c}",
            f"the ratio {a}:{b} = {c}:{a}",
            f"P({a}) + {b} = {c}",
            f"{a} # {b} = {c}",
            f"1 + 2 + … + {a} = {a * (a + 1) // 2}",
            f"In binary, 101 + 11 = 1000. Total {a}",
            f"Check whether {a} × {b} = {c}.",
            f"{a} + {b} = {c}? No, that's not it.",
            f"12:{a} + 2:{b} = 3:{c}",
            f"with {a} on top of 3 × {b} = {3 * b}",
            f"the number of ways to get {a} + {b} is {c}",
            f"n = {a}, m = {b}",
            f"{a} items for {b} = {c} dollars",
            f"y = {a} when x = {b}",
            f"Imagine that {a} × {b} = {c}.",
            f"is {3 * a} prime?",
            f"{a} + {b} = {a + b}",
            f"10/3 ≈ 3.33 and {a} = {a}",
            f"pages {a}-{a + b} = {b + 1} pages",
            f"If {a} is divisible by {b}, we go on.",
            f"N - {a} ≡ {b} (mod {c})",
            f"a_{a} = {b} + {c}",
            f"|{a} - {b + a}| = {b}",
            f"{a}! / {a - 1}! = {a}",
            f"3.14 × {a} = {3.14159265 * a:.2f}",
            f"2 - ({a} - {b} = {c}",
            f"{a} + {b}i = {c}",
            f"Case {a}: {b} = {c}",
            f"(1) {a} + {b} = {a + b}",
            f"- {a} + {b} = {b - a}",
            f"{a} → {b} = {c}",
        )
    )


KINDS: dict[str, Make] = {
    make.__name__: make
    for make in (
        arithmetic,
        latex,
        words,
        percent,
        fractions,
        decimals,
        chain,
        compare,
        divides,
        primes,
        divisors,
        letters,
        units,
        variables,
    )
}


def cases(seed: int, count: int) -> list[Case]:
    """`count` cases: two in five true, two in five false, the rest harmless."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        if rng.random() < 0.2:
            out.append(Case(harmless(rng), None, "harmless"))
            continue
        kind, true = rng.choice(list(KINDS)), rng.random() < 0.5
        body = KINDS[kind](rng, true)
        plain = kind == "variables" or body.startswith(("$$", "*"))
        out.append(Case(body if plain else rng.choice(INTROS) + body + rng.choice(ENDS), true, kind))
    return out
