"""Word problems of two to five steps: first the plan, then its steps, then everything taken back."""

import itertools
from random import Random

from ponder.world.phrasing import THINGS, dressed, number, people, phrase
from ponder.world.problem import Problem
from ponder.world.sums import Ops, backward, forward
from ponder.world.working import Working, applied

_OPEN = (
    "[{a} has {n} {t}.|{a} starts with {n} {t}.|There are {n} {t} in a [box|bag|basket|shop].|{a} owns {n} {t}.|"
    "{a} collected {n} {t}.|At first {a} has {n} {t}.|In the morning {a} has {n} {t}.]"
)
_EVENTS = {
    "+": "[{a} [buys|gets|finds|receives|collects|is given|picks up] {k} [more|more {t}|new {t}]|{b} gives {a} {k} [more|{t}|more {t}]"
    "|{k} [more |more {t} |]are added|{a}'s [mother|friend|uncle|sister] brings {k} more]",
    "-": "[{a} [gives {k} [of them |{t} |]to {b}|gives {b} {k} {t}|loses {k}[ of them|]|sells {k}[ {t}|]|uses {k}|throws {k} away|"
    "gives away {k}]|{b} takes {k} [of them|{t}|away]|{k} [of them |{t} |]are [lost|sold|taken away|stolen]]",
    "×": "[the number of {t} is multiplied by {k}|{a} then [makes|gets] {k} times as many|the amount grows {k}-fold]",
    "÷": "[they are shared equally among {k} friends, one of them {a}|{a} splits [them|the {t}] equally into {k} bags and keeps one bag"
    "|[the {t}|they] are divided equally among {k} children]",
}
_JOIN = "[Then |Later |After that |Next |Now |In the afternoon |The next day |||]"
_END = (
    "[How many {t} [are there now|does {a} have now|are there in the end|does {a} have in the end|are left]?|"
    "How many {t} is that?|How many [does {a} have|are there] [now|at the end]?]"
)
_END_SHARED = "[How many {t} does each [one|of them|part] get?|How many {t} are in each [share|part]?|How many is that for each?]"
_DISTRACTORS = (
    "[{b} is {k} years old.|It is {k} degrees outside.|The number of the house is {k}.|{b} has {k} brothers.|{b} lives {k} streets away.|"
    "{a} gets up at {k} o'clock.|The bus takes {k} minutes.|{a} is in class {k}.|{a} likes music.|It is a sunny day.|{b} is at home.]"
)


def make(rng: Random, level: int) -> Problem:
    """Two or three, three or four, four or five steps at the levels 1, 2, 3."""
    kind = rng.choice((_chain, _chain, _groups, _together, _shopping, _left, _journey, _line))
    return kind(rng, level)


def _problem(rng: Random, level: int, text: str, value: int, ops: tuple[int, Ops]) -> Problem:
    start, steps = ops
    key = f"stories {start}" + "".join(f"{sign}{operand}" for sign, operand in steps)

    def solve(w: Working) -> str:
        w.step("Plan: " + ", ".join([str(start), *(f"{sign}{operand}" for sign, operand in steps)]))
        return str(forward(w, start, steps))

    return Problem(
        "stories", level, dressed(rng, text), str(value), key, solve,
        lambda w, answer: backward(w, start, steps, int(answer)),
    )  # fmt: skip


def _distracted(rng: Random, sentences: list[str], **who: object) -> str:
    if rng.random() < 0.3:
        extra = phrase(rng, _DISTRACTORS, k=rng.randint(2, 12), **who)
        sentences.insert(rng.randint(0, len(sentences) - 1), extra)
    return " ".join(sentences)


def _event(rng: Random, sign: str, k: int, **who: object) -> str:
    text = phrase(rng, _JOIN) + phrase(rng, _EVENTS[sign], k=number(rng, k), **who) + "."
    return text[0].upper() + text[1:]


def _chain(rng: Random, level: int) -> Problem:
    a, b = people(rng, 2)
    t = rng.choice(THINGS)
    n = rng.randint(3, (20, 60, 200)[level - 1])
    value, ops, shared = n, [], False
    sentences = [phrase(rng, _OPEN, a=a, n=number(rng, n), t=t)]
    for at in range(rng.randint(level + 1, level + 2)):
        sign = rng.choice("+++---×")
        k = rng.randint(2, (15, 40, 120)[level - 1])
        if sign == "×":
            k = rng.randint(2, 5)
            if value > 150:
                sign = "-"
        divisors = [d for d in range(2, 10) if value % d == 0 and value > d]
        if at >= level and divisors and rng.random() < 0.5:
            sign, k, shared = "÷", rng.choice(divisors), True
        if sign == "-" and k >= value:
            sign = "+"
        ops.append((sign, k))
        value = applied(sign, value, k)
        sentences.append(_event(rng, sign, k, a=a, b=b, t=t))
        if shared:
            break
    sentences.append(phrase(rng, _END_SHARED if shared else _END, a=a, t=t))
    return _problem(rng, level, _distracted(rng, sentences, a=a, b=b), value, (n, ops))


def _groups(rng: Random, level: int) -> Problem:
    a, b = people(rng, 2)
    t = rng.choice(THINGS)
    per, boxes = rng.randint(2, (9, 12, 25)[level - 1]), rng.randint(2, 9)
    ops: Ops = [("×", boxes)]
    sentences = [
        phrase(
            rng,
            "[{a} has {n} [boxes|bags|baskets|packs] with {p} {t} [in each|each].|There are {n} [shelves|trays|tables] with {p} {t} on each."
            "|{a} buys {n} [packs|boxes] of {p} {t}.|Each of {n} [children|friends|people] has {p} {t}.|A [box|bag|pack] holds {p} {t}. {a} has {n} of them.]",
            a=a, n=number(rng, boxes), p=number(rng, per), t=t,
        )
    ]  # fmt: skip
    value = per * boxes
    for sign in rng.choice(("+", "-", "+-", "-+", "-", "+"))[: max(1, level)]:
        k = rng.randint(1, max(1, value - 1) if sign == "-" else 40)
        ops.append((sign, k))
        value = applied(sign, value, k)
        sentences.append(_event(rng, sign, k, a=a, b=b, t=t))
    sentences.append(
        phrase(rng, "[How many {t} are there [now|in the end|altogether]?|How many {t} is that?]", t=t)
    )
    return _problem(rng, level, _distracted(rng, sentences, a=a, b=b), value, (per, ops))


def _line(rng: Random, level: int) -> Problem:
    """Ages and comparisons from one person to the next."""
    names = people(rng, level + 2)
    t = rng.choice(("years old", *THINGS[:20]))
    age = t == "years old"
    value = start = rng.randint(4, (20, 40, 60)[level - 1])
    ops: Ops = []
    sentences = [
        f"{names[0]} is {number(rng, start)} years old."
        if age
        else f"{names[0]} has {number(rng, start)} {t}."
    ]
    for before, who in itertools.pairwise(names):
        sign = rng.choice("++--×")
        k = rng.randint(2, 4) if sign == "×" else rng.randint(1, (9, 20, 30)[level - 1])
        if sign == "-" and k >= value:
            sign = "+"
        ops.append((sign, k))
        value = applied(sign, value, k)
        than = {"+": ("older", "more {t}"), "-": ("younger", "fewer {t}")}.get(sign)
        shown = number(rng, k)
        if sign == "×":
            times = {2: "[twice|2 times|two times]"}.get(k, "[{k} times]")
            words = (
                f"{{w}} [is {times} as old as {{v}}]."
                if age
                else f"{{w}} has {times} as many {{t}} as {{v}}."
            )
        elif age:
            words = f"{{w}} is {{k}} years {than[0]} than {{v}}."  # type: ignore[index]
        else:
            words = f"{{w}} has {{k}} {than[1]} than {{v}}."  # type: ignore[index]
        sentences.append(phrase(rng, words, w=who, v=before, k=shown, t=t))
    ask = f"How old is {names[-1]}?" if age else f"How many {t} does {names[-1]} have?"
    return _problem(rng, level, " ".join([*sentences, ask]), value, (start, ops))


def _left(rng: Random, level: int) -> Problem:
    """A total from which so many times so much is gone."""
    a, _ = people(rng, 2)
    rate, times = rng.randint(2, (9, 12, 30)[level - 1]), rng.randint(2, 9)
    total = rate * times + rng.randint(1, 50 * level)
    grammar = (
        "[{a} reads {r} pages [a|every] day. The book has {n} pages. How many pages are left after {d} days?|"
        "A [tank|barrel] holds {n} litres. {a} takes out {r} litres [a|every] day. How many litres are left after {d} days?|"
        "{a} has {n} dollars and buys {d} tickets for {r} dollars each. How [much|many dollars] [is|are] left?|"
        "A shop has {n} [cans|loaves]. It sells {r} an hour. How many are there after {d} hours?|"
        "{a} has to walk {n} km. Every day {a} walks {r} km. How far is it still after {d} days?]"
    )
    text = phrase(rng, grammar, a=a, r=number(rng, rate), d=number(rng, times), n=number(rng, total))

    def solve(w: Working) -> str:
        w.step(f"Plan: {rate}, ×{times}, {total}-")
        return str(w.sub(total, w.mul(rate, times)))

    def check(w: Working, answer: str) -> bool:
        w.expect(total)
        return w.verdict(w.add(w.mul(times, rate), int(answer)) == total)

    key = f"stories {total}-{rate}×{times}"
    return Problem("stories", level, dressed(rng, text), str(total - rate * times), key, solve, check)


def _pairs(level: int, text: str, pairs: tuple[int, int, int, int], paid: int) -> Problem:
    """a × p + b × q, or what is left of `paid`."""
    a, p, b, q = pairs
    total = a * p + b * q

    def solve(w: Working) -> str:
        w.step(f"Plan: {a}×{p}, {b}×{q}, +" + (f", {paid}-" if paid else ""))
        total = w.add(w.mul(a, p), w.mul(b, q))
        return str(w.sub(paid, total) if paid else total)

    def check(w: Working, answer: str) -> bool:
        rest = int(answer)
        w.expect(paid or total)
        if paid:
            rest = w.add(w.add(rest, w.mul(q, b)), w.mul(p, a))
            return w.verdict(rest == paid)
        return w.verdict(w.add(w.mul(q, b), w.mul(p, a)) == rest)

    key = f"stories {a}×{p}+{b}×{q}" + (f" of {paid}" if paid else "")
    return Problem("stories", level, text, str(paid - total if paid else total), key, solve, check)


def _shopping(rng: Random, level: int) -> Problem:
    (who,), (x, y) = people(rng, 1), rng.sample(THINGS, 2)
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    p, q = rng.randint(2, (9, 12, 25)[level - 1]), rng.randint(2, (9, 12, 25)[level - 1])
    total = a * p + b * q
    paid = next(n for n in (50, 100, 200, 500, 1000) if n > total) if level > 1 and rng.random() < 0.5 else 0
    coin = rng.choice(("dollars", "euros", "pounds", "coins"))
    grammar = (
        "[{w} buys {a} {x} for {p} {c} each and {b} {y} for {q} {c} each.|One of the {x} costs {p} {c}, one of the {y} {q} {c}. {w} buys {a} {x} and {b} {y}.|"
        "{w} wants {a} {x} at {p} {c} [each|apiece] and {b} {y} at {q} {c} [each|apiece].] "
    )
    grammar += (
        "[{w} pays with {m} {c}. How [much|many {c}] does {w} get back?|How much [change|money] is left of {m} {c}?]"
        if paid
        else "[How much does {w} pay?|How much is that [in all|altogether]?|What does it cost?|What is the total?]"
    )
    text = phrase(rng, grammar, w=who, a=number(rng, a), b=number(rng, b), x=x, y=y, p=p, q=q, c=coin, m=paid)
    return _pairs(level, dressed(rng, text), (a, p, b, q), paid)


def _journey(rng: Random, level: int) -> Problem:
    v, u = (rng.randint(3, (12, 60, 120)[level - 1]) for _ in range(2))
    s, t = rng.randint(2, 9), rng.randint(2, 9)
    (who,) = people(rng, 1)
    grammar = (
        "[A [train|car|bus|ship] goes {v} km [an hour|per hour] for {s} hours and then {u} km [an hour|per hour] for {t} hours. How [far|many km] [does it go|is that]?|"
        "{w} [runs|cycles|walks] {s} days {v} km a day and {t} days {u} km a day. How many km is that?|"
        "{w} works {s} hours for {v} dollars an hour and {t} hours for {u} dollars an hour. How much does {w} earn?|"
        "A machine makes {v} parts an hour for {s} hours, then {u} parts an hour for {t} hours. How many parts does it make?]"
    )
    text = phrase(rng, grammar, w=who, v=v, u=u, s=number(rng, s), t=number(rng, t))
    return _pairs(level, dressed(rng, text), (s, v, t, u), 0)


def _together(rng: Random, level: int) -> Problem:
    """Two or three people, compared, and what they have together."""
    a, b = people(rng, 2)
    t = rng.choice(THINGS)
    n = rng.randint(3, (15, 40, 90)[level - 1])
    sign = rng.choice("+-×")
    k = rng.randint(2, 5) if sign == "×" else rng.randint(1, n - 1)
    other = applied(sign, n, k)
    words = {
        "+": "{b} has {k} [more|more {t}] than {a}.",
        "-": "{b} has {k} [fewer|fewer {t}] than {a}.",
        "×": "{b} has {k} times as many[ {t}|].",
    }[sign]
    end = "[How many {t} do they have [together|in all|altogether]?|How many {t} do {a} and {b} have [together|in total]?]"
    text = phrase(
        rng, "{a} has {n} {t}. " + words + " " + end, a=a, b=b, t=t, n=number(rng, n), k=number(rng, k)
    )

    def solve(w: Working) -> str:
        w.step(f"Plan: {n}, {sign}{k}, +{n}")
        return str(w.add(forward(w, n, [(sign, k)]), n))

    def check(w: Working, answer: str) -> bool:
        return backward(w, n, [(sign, k), ("+", n)], int(answer))

    key = f"stories {n}{sign}{k}+{n}"
    return Problem("stories", level, dressed(rng, text), str(other + n), key, solve, check)
