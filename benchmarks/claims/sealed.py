"""A third voice, written before the code it measures: a model's monologue, a tutor's Markdown, Chinese.

Kinds that the other sets hold thinly: amounts in words, per cents that grow and shrink, sums of lists, words
letter by letter, divisors, decimals side by side, units, clock times, other functions. It always runs with
the frozen seed and never shows what it missed; the author of that code wrote it and saw its totals per kind.
"""

import calendar
import datetime
import math
import random
from collections.abc import Callable

from benchmarks.claims.generate import Case, off
from benchmarks.claims.unseen import CHINESE_DAYS
from benchmarks.claims.worked import DAYS, Make
from benchmarks.claims.worked import cases as cases_of


def _said(rng: random.Random, true: bool) -> Callable[[int], int]:
    """What is claimed of a value: itself, or a slip of it."""
    return lambda value: value if true else off(rng, value)


def amounts(rng: random.Random, true: bool) -> str:
    a, b, c = rng.randint(12, 400), rng.randint(3, 30), rng.randint(2, 9)
    said = _said(rng, true)
    return rng.choice(
        (
            f"Okay, if we multiply {a} by {b}, we get {said(a * b)}.",
            f"Dividing {a * b} by {b} gives us {said(a)}, right.",
            f"So we add {a} and {b} together to get {said(a + b)}.",
            f"When I subtract {b} from {a + b}, I'm left with {said(a)}.",
            f"Taking {b} away from {a + b} leaves {said(a)}.",
            f"Now {a} added to {b} makes {said(a + b)}.",
            f"The difference between {a + b} and {a} is {said(b)}.",
            f"The product of {b} and {c} comes out to {said(b * c)}.",
            f"Multiplying both: {b} times {c} comes to {said(b * c)}.",
            f"Let me compute {a} * {b}. That's {said(a * b)}.",
            f"What's {a} plus {b}? It's {said(a + b)}.",
            f"{b} squared is {said(b * b)}, and I'll use that later.",
            f"The square of {b} equals {said(b * b)}.",
            f"{c} cubed is {said(c**3)}.",
            f"If I double {a}, that is {said(2 * a)}.",
            f"Half of {2 * a} would give {said(a)}.",
            f"{a} items at ${c} each cost ${said(a * c)} in total.",
            f"She buys {b} boxes with {c} pens each, so that's {b} × {c} = {said(b * c)} pens.",
        )
    )


def grown(rng: random.Random, true: bool) -> str:
    base, p = 20 * rng.randint(2, 60), rng.choice((5, 10, 15, 20, 25, 40, 50))
    up, down = base + base * p // 100, base - base * p // 100
    said = _said(rng, true)
    return rng.choice(
        (
            f"{base} increased by {p}% is {said(up)}.",
            f"The price drops from {base} by {p}% to {said(down)}.",
            f"Increasing {base} by {p}% gives {said(up)}.",
            f"If ${base} is reduced by {p} percent, the new price is ${said(down)}.",
            f"A {p}% discount on ${base} brings it to ${said(down)}.",
            f"Going from {base} to {up} is an increase of {said(p)}%.",
            f"{base * p // 100} is {said(p)}% of {base}.",
            f"{p}% of {base} equals {said(base * p // 100)}, so that is the tax.",
            f"After a {p}% raise, {base} becomes {said(up)}.",
            f"{base} 的 {p}% 是 {said(base * p // 100)}。",
            f"{base} decreased by {p} per cent equals {said(down)}.",
        )
    )


def listed(rng: random.Random, true: bool) -> str:
    n = rng.sample(range(2, 80), rng.randint(3, 6))
    row, total = ", ".join(map(str, n)), sum(n)
    said = _said(rng, true)
    low = sorted(n)
    low = low if len(low) % 2 else low[:-1]
    whole, rest = divmod(len(n) * 100, len(n) + 1)
    mean = f"{len(n) * 100 / (len(n) + 1):.2f}" if rest else str(whole)
    return rng.choice(
        (
            f"Adding them up: {' + '.join(map(str, n))} gives a total of {said(total)}.",
            f"The numbers {row} add up to {said(total)}.",
            f"The sum of {row} comes to {said(total)}.",
            f"If I sum {row}, I get {said(total)}.",
            f"The largest of {row} is {max(n) if true else min(n)}.",
            f"The smallest number among {row} is {min(n) if true else max(n)}.",
            f"The median of {', '.join(map(str, low))} is {low[len(low) // 2] if true else low[0]}.",
            f"The mean of {row} and {len(n) * 100 - total} is {mean}."
            if true
            else f"The mean of {n[0]} and {n[0] + 2} is {said(n[0] + 1)}.",
            f"{row} 的和是 {said(total)}。",
            f"In total there are {' + '.join(map(str, n))} = {said(total)} of them.",
            f"Sorted from small to large, {row} becomes "
            f"{', '.join(map(str, sorted(n) if true else sorted(n)[::-1]))}.",
        )
    )


def spelled(rng: random.Random, true: bool) -> str:
    word = rng.choice(("strawberry", "raspberry", "bubble", "giraffe", "successful", "accommodate", "cheese"))
    letter = rng.choice(word)
    many = word.count(letter)
    bad = 0 if true else rng.choice((1, 2, -1)) if many > 1 else rng.choice((1, 2))
    said = many + bad
    names = ("zero", "one", "two", "three", "four", "five", "six")
    once = {1: "once", 2: "twice"}.get(said, f"{said} times")
    return rng.choice(
        (
            f"The letter '{letter}' appears {once} in \"{word}\".",
            f"Let me spell it: {'-'.join(word)}. So the letter {letter} appears {said} times in {word}.",
            f"{' '.join(word.upper())}. Counting the {letter.upper()}'s in {word.upper()}, I find {said}.",
            f"So there are {names[said]} {letter}'s in {word}.",
            f"There's a total of {said} {letter}'s in the word \"{word}\".",
            f"The word {word} has {len(word) + bad} letters.",
            f'The number of {letter}\'s in "{word}" is {said}.',
            f"**{word}** contains the letter **{letter}** {once}.",
            f'"{word}" 这个单词里有 {said} 个字母 {letter}。',
            f"字母 {letter} 在 {word} 中出现了 {said} 次。",
        )
    )


def divisors(rng: random.Random, true: bool) -> str:
    a, b, g = rng.randint(2, 30), rng.randint(2, 30), rng.randint(2, 12)
    x, y = a * g, b * g
    gcd, lcm = math.gcd(x, y), math.lcm(x, y)
    said = _said(rng, true)
    n = rng.choice((91, 97, 101, 111, 113, 119, 127, 133, 143, 149, 151, 187, 211, 221))
    prime = all(n % d for d in range(2, n))
    q, r = divmod(a * 37 + b, g + 3)
    return rng.choice(
        (
            f"The greatest common divisor of {x} and {y} is {said(gcd)}.",
            f"So gcd({x}, {y}) works out to {said(gcd)}.",
            f"the LCM of {x} and {y} turns out to be {said(lcm)}.",
            rf"$\gcd({x}, {y}) = {said(gcd)}$ and we go on.",
            rf"\text{{lcm}}({x}, {y}) = {said(lcm)}",
            f"{n} is {'' if prime == true else 'not '}a prime number.",
            f"{n} {'is' if prime == true else 'isn' + chr(39) + 't'} prime.",
            f"{x} is divisible by {g if true else x + 1}.",
            f"{g if true else x + 1} divides {x} evenly.",
            f"{x} divided by {g} leaves {'no' if true else 'a'} remainder{'' if true else ' of ' + str(1)}.",
            f"{a * 37 + b} divided by {g + 3} is {q} with a remainder of {said(r)}.",
            f"When {a * 37 + b} is divided by {g + 3}, the remainder is {said(r)}.",
            f"{a * 37 + b} mod {g + 3} = {said(r)}",
            f"{x} 和 {y} 的最大公约数是 {said(gcd)}。",
            f"{x} 和 {y} 的最小公倍数为 {said(lcm)}。",
            f"{n} {'是' if prime == true else '不是'}质数。",
            f"The prime factorization of {2 * 3 * 5 * g} is 2 × 3 × 5 × {said(g)}.",
            f"{x} is {'an even' if (x % 2 == 0) == true else 'an odd'} number.",
        )
    )


def decimals(rng: random.Random, true: bool) -> str:
    whole = rng.randint(1, 20)
    one, two = rng.choice((("9", "11"), ("8", "75"), ("5", "49"), ("3", "21"), ("7", "699"), ("2", "15")))
    big, small = f"{whole}.{one}", f"{whole}.{two}"
    if not true:
        big, small = small, big
    return rng.choice(
        (
            f"{big} is bigger than {small}.",
            f"So {small} is smaller than {big}.",
            f"{big} > {small}",
            f"Therefore {small} < {big}, obviously.",
            f"Comparing the two, {big} is the larger number, and {big} is greater than {small}.",
            f"Of {big} and {small}, {big} is larger.",
            f"Between {small} and {big}, the larger is {big}.",
            f"{big} 大于 {small}。",
            f"{small} 小于 {big}。",
            f"{big} 比 {small} 大。",
            f"{big} comes after {small} on the number line, since {big} - {small} > 0.",
        )
    )


def measures(rng: random.Random, true: bool) -> str:
    n = rng.randint(2, 40)
    said = _said(rng, true)
    return rng.choice(
        (
            f"{n} km is equal to {said(n * 1000)} meters.",
            f"Since 1 hour = 60 minutes, {n} hours = {said(n * 60)} minutes.",
            f"There are {said(n * 60)} seconds in {n} minutes.",
            f"{n} kilograms equals {said(n * 1000)} grams.",
            f"Converting {n} feet to inches gives {said(n * 12)} inches.",
            f"{n} weeks is the same as {said(n * 7)} days.",
            f"{n * 100} centimeters is {said(n)} meters.",
            f"{n} dozen eggs are {said(n * 12)} eggs.",
            f"{n} meters is {said(n * 100)} cm.",
            f"{n} 公里等于 {said(n * 1000)} 米。",
            f"{n} 小时是 {said(n * 60)} 分钟。",
            f"{n * 36} km/h = {said(n * 10)} m/s",
            f"{n * 60} minutes equals {said(n)} hours.",
        )
    )


def calendar_days(rng: random.Random, true: bool) -> str:
    day = datetime.date(rng.randint(1950, 2060), rng.randint(1, 12), rng.randint(1, 28))
    shift = 0 if true else rng.randint(1, 6)
    name, n = DAYS[(day.weekday() + shift) % 7], rng.randint(2, 60)
    then = day + datetime.timedelta(days=n + bool(shift))
    length = calendar.monthrange(day.year, day.month)[1]
    leap = calendar.isleap(day.year) == true
    start = rng.randrange(7)
    return rng.choice(
        (
            f"{day:%B} {day.day}, {day.year} falls on a {name}.",
            f"{day:%B} {day.day}, {day.year} was a {name}, I'm fairly sure.",
            f"The day of the week for {day.isoformat()} is {name}.",
            f"{n} days after {day:%B} {day.day}, {day.year} is {then:%B} {then.day}, {then.year}.",
            f"Adding {n} days to {day:%d} {day:%B} {day.year} brings us to {then.day} {then:%B} {then.year}.",
            f"There are {length + bool(shift)} days in {day:%B} {day.year}.",
            f"{day.year} {'is' if leap else 'is not'} a leap year.",
            f"{day.year} {'was' if leap else 'was not'} a leap year because of the rule.",
            f"From {day:%B} {day.day}, {day.year} to {then:%B} {then.day}, {then.year} there are {n} days.",
            f"{n} days from {DAYS[start]} is {DAYS[(start + n + shift) % 7]}.",
            f"If today is {DAYS[start]}, then in {n} days it will be {DAYS[(start + n + shift) % 7]}.",
            f"{day.year}年{day.month}月有 {length + bool(shift)} 天。",
            f"{day.year}年{'是' if leap else '不是'}闰年。",
            f"{day.year}年{day.month}月{day.day}日是周{CHINESE_DAYS[(day.weekday() + shift) % 7]}。",
            f"{day:%b} {day.day} {day.year} → {name}: {day:%B} {day.day}, {day.year} is a {name}.",
        )
    )


def clock(rng: random.Random, true: bool) -> str:
    h, m, n = rng.randint(1, 9), rng.randint(5, 50), rng.randint(15, 110)
    total = h * 60 + m + n + (0 if true else rng.choice((10, 60, 5)))
    later = f"{total // 60}:{total % 60:02d}"
    gap = n + (0 if true else rng.choice((10, 5, -5)))
    end = h * 60 + m + n
    return rng.choice(
        (
            f"Starting at {h}:{m:02d}, {n} minutes later it is {later}.",
            f"{n} minutes after {h}:{m:02d} is {later}.",
            f"{h}:{m:02d} plus {n} minutes is {later}.",
            f"From {h}:{m:02d} to {end // 60}:{end % 60:02d} is {gap} minutes.",
            f"{h} hours and {m} minutes is {h * 60 + m + (0 if true else 10)} minutes.",
            f"{h * 60 + m} minutes is {h if true else h + 1} hours and {m} minutes.",
        )
    )


def members(rng: random.Random, true: bool) -> str:
    things = rng.sample(
        ("red", "blue", "green", "pink", "white", "black", "brown", "gray"), rng.randint(3, 7)
    )
    bad = 0 if true else rng.choice((1, -1))
    many, low, high = len(things), rng.randint(2, 20), rng.randint(30, 90)
    spread = high - low + 1
    return rng.choice(
        (
            f"The colors are {', '.join(things[:-1])} and {things[-1]}, so {many + bad} colors.",
            f"The list [{', '.join(things)}] contains {many + bad} items.",
            f"[{', '.join(map(str, range(low, low + many)))}] has length {many + bad}.",
            f"From {low} to {high} inclusive there are {spread + bad} integers.",
            f"There are {spread + bad} integers between {low} and {high}, inclusive.",
            f"The number {high * 997} has {len(str(high * 997)) + bad} digits.",
            f"The digits of {high * 97} add up to {sum(map(int, str(high * 97))) + bad}.",
            f"The sum of the digits of {high * 97} is {sum(map(int, str(high * 97))) + bad}.",
            f"The sequence {', '.join(map(str, range(low, low + 4 * many, 4)))} has {many + bad} terms.",
            f"从 {low} 到 {high} 一共有 {spread + bad} 个整数。",
            f'The phrase "{" ".join(things)}" has {many + bad} words.',
        )
    )


def beyond(rng: random.Random, true: bool) -> str:
    a, b, k = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 6)
    said = _said(rng, true)
    n = rng.randint(5, 9)
    return rng.choice(
        (
            rf"$\log_{{{a}}}({a**k}) = {said(k)}$",
            f"log_{a}({a**k}) = {said(k)}",
            rf"\[ \sin\left(\frac{{\pi}}{{6}}\right) = \frac{{1}}{{{2 if true else rng.choice((3, 4))}}} \]",
            rf"cos(60°) = {'0.5' if true else '0.866'}",
            rf"$\frac{{d}}{{dx}} {a}x^{k} = {a * k if true else off(rng, a * k)}x^{{{k - 1}}}$",
            f"The derivative of {a}x^{k} is {said(a * k)}x^{k - 1}.",
            rf"$\int {a * k}x^{{{k - 1}}} dx = {said(a)}x^{{{k}}} + C$",
            rf"\[ \int_0^{{{b}}} 2x \, dx = {said(b * b)} \]",
            f"{n}! = {said(math.factorial(n))}",
            rf"\binom{{{n}}}{{{k - 1}}} = {said(math.comb(n, k - 1))}",
            f"C({n}, 2) = {said(math.comb(n, 2))}",
            rf"$\sqrt{{{b * b * 3}}} = {said(b)}\sqrt{{3}}$",
            rf"$\sqrt{{{a}}} \cdot \sqrt{{{a * b * b}}} = {said(a * b)}$",
            rf"$\ln(e^{{{k}}}) = {said(k)}$",
            rf"$e^{{2}} \approx {'7.389' if true else '7.839'}$",
            rf"|{-a - b}| = {said(a + b)}",
            rf"$\sum_{{i=1}}^{{{n}}} i = {said(n * (n + 1) // 2)}$",
            rf"tan(45°) = {'1' if true else '0.5'}",
            rf"\sqrt[3]{{{k**3}}} = {said(k)}",
            rf"\left(\frac{{{a}}}{{{b}}}\right)^2 = \frac{{{said(a * a)}}}{{{b * b}}}",
        )
    )


def chinese(rng: random.Random, true: bool) -> str:
    a, b, c = rng.randint(12, 300), rng.randint(3, 30), rng.randint(2, 9)
    said = _said(rng, true)
    return rng.choice(
        (
            f"首先计算 {a} 加 {b} 等于 {said(a + b)}。",
            f"{a} 乘以 {b} 等于 {said(a * b)}。",
            f"{a * b} 除以 {b} 得 {said(a)}。",
            f"{a + b} 减去 {b} 等于 {said(a)}，所以剩下这么多。",
            f"所以总共是 {a} × {c} = {said(a * c)} 元。",
            f"{b} 的平方是 {said(b * b)}。",
            f"{b * b} 的平方根是 {said(b)}。",
            f"{2 * a} 的一半是 {said(a)}。",
            f"他买了{c}个苹果，每个{b}元，共{c}×{b}={said(b * c)}元。",
            f"{a * c} 能被 {c if true else a * c + 1} 整除。",
            f"因此 {a}+{b}-{c}={said(a + b - c)}，答案如下。",
        )
    )


def harmless(rng: random.Random, true: bool) -> str:  # noqa: ARG001 - one signature for all
    a, b, c = rng.randint(2, 9), rng.randint(11, 40), rng.randint(41, 99)
    return rng.choice(
        (
            f"Is {a} * {b} = {c}? Let me see.",
            f"Maybe {a} * {b} = {c}... no, that isn't right.",
            f"Suppose, for the sake of argument, that {a} + {a} = {c}.",
            f"If {a} + {b} = {c}, then everything would fall apart.",
            f"Someone might say {b} divided by {a} is {c}, but that would be a mistake.",
            f"The ratio is {a}:{b} = {c}:x, so I need x.",
            f"The score was {b}-{c} at half time, and {c}-{b} = the other way around.",
            f"See section {a}.{b} = the one about {c}.",
            f"Version {a}.{b}.{c} is newer than version {a}.{b}.1.",
            f"In Python, x = x + {a} means that x grows by {a}.",
            "In base 5, 3 + 4 = 12.",
            f"On a clock, 10 + {a} = {(10 + a) % 12 or 12}.",
            f"17 = 2 (mod 5), and {b} = {b % 7} (mod 7).",
            f"f({a}) = {b}, f({b}) = {c}, g(x) = f(x) + {a}",
            f"P(A) = 0.{b}, P(B) = 0.{c}; so P(A and B) = 0.{a}",
            "2H2 + O2 = 2H2O and C6H12O6 = glucose.",
            f"Point A = ({a}, {b}), B = ({b}, {c}), so AB is the segment.",
            f"The range {b}-{c} = ages of the group; {a}-{b} = children.",
            f"1. {a} apples\n2. {b} pears\n3. {c} plums\n= everything",
            f"Step {a}: {b}\nStep {b}: {c}\nx = {a}",
            f"With the usual rules {a} ⊕ {b} = {c}, where ⊕ is defined above.",
            f"pH = -log[H+] = {a}, roughly, at 25°C = 298 K.",
            f"I get {c}. Wait, {a} × {b} is not {c}.",
            f"My first try was {a} × {b} = {a * b + 1}, which is wrong.",
            f'The user\'s claim "{a} + {b} = {c + 50}" needs checking.',
            f"Let's define a * b = a + 2b. Then {a} * {b} = {a + 2 * b}.",
            f"M = [[1, {a}], [{b}, 4]], det M = 4 - {a * b} = d",
            f"Room {a}{b}, floor {a}, 3/{b} = March {b}, at {a}:{b} = late",
            f"The year {1900 + c} - {1900 + b} = era of change.",
            f"Perhaps {b} of the {c} children = {a} groups remain?",
            f"如果 {a} + {b} = {c}，那么结论成立。",
            f"{a} × {b} 等于 {c} 吗？",
            f"有人说 {a} + {b} = {c + 60}，这是错误的。",
            f"We need {a}k + {b} = {c} for some integer k.",
            f"var1 = {a}; var2 = {b}; var1 + var2 = total; total == {c}",
            f"Option A: {b}\nOption B: {c}\nOption C: {a} + {b} = unknown",
            f"1/{a} of the cake + 1/{a} of the pie = two different things",
            f"{b}°C = {b * 9 / 5 + 32:.1f}°F, {a} in × {b} in = a small card.",
            f"The 5 digits {a}, {a}, {a}, {a}, {a} in a row = a pattern; {a}{a} is not {a} + {a} = {2 * a}.",
            f"Roughly {b} million / {a} million ≈ {b // a} or so.",
            f"It was {a} pm. {b} minutes later the film = over.",
            f"If x = {a} then x + 1 = {a + 1}; if x = {b} then x + 1 = {b + 1}.",
            f"It can't be that {b} is divisible by {c}.",
            f"Is {c} prime? {c} is prime only if no smaller number divides it.",
            f"If {DAYS[a % 7]} were the first, {b} days later would be {DAYS[(a + 1) % 7]}, assuming so.",
        )
    )


KINDS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(amounts, grown, listed, spelled, divisors, decimals, measures, calendar_days, clock, members),
        *(beyond, chinese, harmless, harmless),
    )
}


def cases(seed: int, count: int) -> list[Case]:
    """`count` cases in the third voice."""
    return cases_of(seed, count, KINDS)
