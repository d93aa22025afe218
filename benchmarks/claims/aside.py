"""Solutions of other problems in another voice than `solutions.py`: totals only, its misses never printed.

Written before the rules that it measures, by the same author: another phrasing, but no stranger's.
"""

from fractions import Fraction

from benchmarks.claims.generate import Case
from benchmarks.claims.solutions import Pen, solutions


def journey(pen: Pen) -> None:
    r = pen.rng
    v, t, w, u = r.randint(30, 80), r.randint(2, 6), r.randint(20, 60), r.randint(2, 5)
    a = pen(v * t)
    pen.step(
        f"Distance = speed * time. During the first part the car covers {v} mph * {t} hours = {a} miles.",
        f"In the first {t} hours she drives {t} hours × {v} miles/hour = {a} miles.",
        f"* First leg: {v} × {t} = {a} miles",
        f"At {v} miles per hour for {t} hours, the distance is {v}*{t}={a} miles.",
    )
    b = pen(w * u)
    pen.step(
        f"During the second part it covers {w} mph * {u} hours = {b} miles.",
        f"* Second leg: {w} × {u} = {b} miles",
        f"Similarly, the second distance equals {w} · {u} = {b}.",
    )
    total = pen(a + b)
    pen.step(f"Altogether that is {a} + {b} = {total} miles.", f"Sum: {a}+{b}={total}.")
    pen.step(f"#### {total}", f"The car travels {total} miles in total.")


def discount(pen: Pen) -> None:
    r = pen.rng
    price, off_, n = 20 * r.randint(2, 12), r.choice((10, 15, 25, 30)), r.randint(2, 6)
    cut = pen(price * off_ // 100) if price * off_ % 100 == 0 else price * off_ / 100
    pen.step(
        f"The discount is {off_}% of ${price} = ${cut}.",
        f"{price} * {off_ / 100} = {cut}, so she saves ${cut}.",
        f"The discount amount: \\(\\frac{{{off_}}}{{100}} \\times {price} = {cut}\\).",
    )
    now = pen(int(price - cut)) if cut == int(cut) else price - cut
    pen.step(
        f"The sale price is then {price} - {cut} = {now}.",
        f"After the discount, the price is ${price} − ${cut} = ${now}.",
    )
    many = pen(int(n * now)) if now == int(now) else n * now
    pen.step(
        f"For {n} of them we pay {n} × ${now} = ${many}.", f"{n} items cost {n}({now}) = {many} dollars."
    )


def sequence(pen: Pen) -> None:
    r = pen.rng
    a, d, n = r.randint(1, 12), r.randint(2, 9), r.randint(8, 25)
    pen.step(
        f"The first term is $a_1 = {a}$ and the common difference is $d = {d}$.",
        f"Here a = {a}, d = {d} and n = {n}.",
    )
    last = pen(a + (n - 1) * d)
    pen.step(
        f"The {n}th term is ${a} + ({n} - 1) \\cdot {d} = {last}$.",
        f"The last term equals a + (n - 1)d = {a} + {n - 1} * {d} = {last}.",
    )
    total = n * (a + last)
    half = pen(total // 2)
    if total % 2 == 0:
        pen.step(
            f"Therefore, the sum is $\\frac{{{n}({a} + {last})}}{{2}} = {half}$.",
            f"S = n/2 * (first + last) = {n}/2 * ({a} + {last}) = {half}",
        )


def factoring(pen: Pen) -> None:
    r = pen.rng
    p, q = r.sample(range(1, 10), 2)
    v = r.choice("xyn")
    s, t = pen(p + q), p * q
    pen.step(
        f"Since (${v} + {p})({v} + {q}) = {v}^2 + {s}{v} + {t}$, we look at the factors.",
        f"We see that ({v} + {p})({v} + {q}) equals {v}^2 + {s}{v} + {t}, by expanding.",
        f"Multiplying gives \\(({v}+{p})({v}+{q}) = {v}^2 + {p}{v} + {q}{v} + {t} = {v}^2 + {s}{v} + {t}\\).",
    )
    root = pen(p)
    pen.step(
        f"Setting the first factor to zero, {v} + {p} = 0, we get {v} = -{root}.",
        f"From ${v} + {p} = 0$ it follows that ${v} = -{root}$.",
    )
    found = pen(t)
    pen.step(
        f"The product of the roots is ({-p})({-q}) = {found}.",
        f"The roots multiply to $(-{p}) \\cdot (-{q}) = {found}$.",
    )


def linear(pen: Pen) -> None:
    r = pen.rng
    x, a, b, c = r.randint(2, 15), r.randint(5, 9), r.randint(2, 30), r.randint(2, 4)
    right = a * x + b - c * x
    v = r.choice("xtm")
    lead = pen(a - c)
    pen.step(
        f"The equation to solve is {a}{v} + {b} = {c}{v} + {right}. Moving {c}{v} to the left side: "
        f"{lead}{v} + {b} = {right}.",
        f"$${a}{v} + {b} = {c}{v} + {right}$$ Subtract ${c}{v}$ from both sides: "
        f"$${lead}{v} + {b} = {right}$$",
        f"{a}{v} + {b} = {c}{v} + {right}\n=> {lead}{v} + {b} = {right}",
    )
    rest = pen(right - b)
    pen.step(
        f"Now, {lead}{v} = {right} - {b} = {rest}.",
        f"Isolating the term with {v}, we have {lead}{v} = {rest}.",
        f"=> {lead}{v} = {rest}",
    )
    if rest % lead == 0:
        found = pen(rest // lead)
        pen.step(
            f"Finally, {v} = {rest} / {lead} = {found}.",
            f"Hence ${v} = \\dfrac{{{rest}}}{{{lead}}} = {found}$.",
            f"=> {v} = {found}",
        )


def substitution(pen: Pen) -> None:
    r = pen.rng
    w, k, e = r.randint(3, 12), r.randint(2, 4), r.randint(1, 9)
    pen.step(
        f"Let the width be w = {w}. The length is l = {k}w + {e}.",
        f"Suppose we call the width $w$; we know $w = {w}$. Also the length is $l = {k}w + {e}$.",
        f"Width: w = {w}\nLength: l = {k}w + {e}",
    )
    length = pen(k * w + e)
    pen.step(
        f"Plugging in w = {w}, we find l = {length}.",
        f"So l = {k}({w}) + {e} = {length}.",
        f"With w = {w} this becomes $l = {k} \\cdot {w} + {e} = {length}$.",
    )
    area = pen(length * w)
    pen.step(
        f"The area is l * w = {length} * {w} = {area}.",
        f"Area: $l \\times w = {area}$",
        f"So the area lw is {length} × {w} = {area}.",
    )
    around = pen(2 * (length + w))
    pen.step(
        f"The perimeter is 2(l + w) = {around}.",
        f"Its perimeter equals $2({length} + {w}) = {around}$.",
    )


def chance(pen: Pen) -> None:
    r = pen.rng
    red, blue = r.randint(2, 9), r.randint(3, 9)
    total = pen(red + blue)
    pen.step(f"There are {red} + {blue} = {total} marbles in the bag.")
    share = Fraction(red, total) if total else Fraction(0)
    if share.denominator > 1:
        top = pen(share.numerator)
        pen.step(
            f"The probability of red is {red}/{total} = {top}/{share.denominator}.",
            f"P(red) = $\\frac{{{red}}}{{{total}}} = \\frac{{{top}}}{{{share.denominator}}}$.",
        ) if share.denominator != total else pen.step(f"So the probability is {top}/{total}.")
    rest = pen(total - red)
    pen.step(f"The number of marbles that are not red is {total} - {red} = {rest}.")


def averages(pen: Pen) -> None:
    r = pen.rng
    scores = [r.randint(50, 99) for _ in range(4)]
    scores[3] += -sum(scores) % 4
    a, b, c, d = scores
    total = pen(sum(scores))
    pen.step(
        f"The sum of the scores is {a} + {b} + {c} + {d} = {total}.",
        f"First add up all scores: {a} + {b} + {c} + {d} = {total}",
        f"Sum = {a}+{b}+{c}+{d} = {total}",
    )
    if total % 4 == 0:
        mean = pen(total // 4)
        pen.step(
            f"Dividing by the number of tests gives {total} / 4 = {mean}.",
            f"The average is \\( \\frac{{{total}}}{{4}} = {mean} \\).",
            f"Average = {total} ÷ 4 = {mean}",
        )
        pen.step(f"The highest score is {max(scores) - mean} above the average.")


def mapping(pen: Pen) -> None:
    r = pen.rng
    a, b, s = r.randint(2, 6), r.randint(1, 9), r.randint(2, 8)
    pen.step(f"Define $g(n) = {a}n - {b}$.", f"The function is g(n) = {a}n - {b}.")
    one = pen(a * s - b)
    pen.step(f"We compute $g({s}) = {a}({s}) - {b} = {one}$.", f"g({s}) = {one}.", f"Now g({s}) is {one}.")
    two = pen(a * one - b)
    pen.step(f"Then $g(g({s})) = g({one}) = {a} \\cdot {one} - {b} = {two}$.", f"Next, g({one}) = {two}.")


def letters(pen: Pen) -> None:
    r = pen.rng
    word = r.choice(("notebook", "triangle", "parallel", "engineer", "balloon"))
    found = pen(len(word))
    pen.step(f'The word "{word}" has {found} letters.', f"{word} has {found} letters in total.")
    a, b, k = r.randint(2, 9), r.randint(2, 9), r.randint(2, 6)
    found = pen(a)
    pen.step(
        f"The ratio {a * k}:{b * k} can be simplified to {found}:{b}.",
        f"Simplifying the ratio, {a * k} : {b * k} = {found} : {b}.",
    )
    base, power = r.randint(2, 6), r.randint(2, 5)
    found = pen(base**power)
    pen.step(
        f"Also {base}^{power} = {found}.",
        f"We know that ${base}^{power} = {found}$.",
        f"{base} to the power of {power} is {found}.",
    )


MAKERS = (
    journey, discount, sequence, factoring, linear, substitution, chance, averages, mapping, letters,
)  # fmt: skip


def cases(seed: int, count: int) -> list[Case]:
    """`count` solutions as texts."""
    found = solutions(seed, count, MAKERS)
    return [Case("\n\n".join(one.steps), one.wrong is None, one.kind) for one in found]
