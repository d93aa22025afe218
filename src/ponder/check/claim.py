"""The value that checking gives: a claim, where it stands, and what is true of it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Verdict = Literal["ok", "wrong", "undecided", "not checkable", "wrong-then-fixed"]
Kind = Literal[
    "equality",
    "approximation",
    "comparison",
    "congruence",
    "conversion",
    "divisibility",
    "prime",
    "divisor",
    "remainder",
    "letters",
    "sum",
    "identity",
    "derivation",
    "solution",
    "date",
    "count",
    "code",
    "unread",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: the half-open character range [start, stop) of its step's text, both sides normalised.

    `evidence` says what should stand there, in a few words; "" where nothing is known. `rests_on` are the
    places of the text where that was set which the claim is checked against: an equation, a variable's value.
    """

    start: int
    stop: int
    kind: Kind
    left: str
    right: str
    verdict: Verdict
    evidence: str = ""
    rests_on: tuple[int, ...] = ()


def written(value: Fraction, exact: bool = True) -> str:
    """A number as people write it: whole, a short decimal, or a fraction with its decimal."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next((n for n in range(1, 9) if (value * 10**n).denominator == 1), 0)
    if places and exact:
        sign, units = "-" if value < 0 else "", abs(value) * 10**places
        whole, rest = divmod(int(units), 10**places)
        return f"{sign}{whole}.{rest:0{places}d}"
    if not -(10**15) < value < 10**15:
        return "a number beyond 10^15"
    decimal = f"{float(value):.6g}"
    short = exact and value.denominator < 10**6
    return f"{value.numerator}/{value.denominator} ≈ {decimal}" if short else f"≈ {decimal}"
