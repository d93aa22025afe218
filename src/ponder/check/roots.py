"""Whether values solve an equation, and whether one equation follows from another."""

import re
from dataclasses import dataclass
from fractions import Fraction

from ponder.check.claim import Verdict
from ponder.check.evaluate import NotEvaluated, number
from ponder.check.polynomial import Polynomial, proportional

_NEAR = Fraction(1, 10**30)


@dataclass(frozen=True, slots=True)
class Roots:
    """Values listed behind an equation or a value, each with whether it is exact, up to the place `stop`."""

    values: tuple[tuple[Fraction, bool], ...]
    stop: int


_NUMBER = r"(-?[0-9]{1,9}(?:\.[0-9]{1,6})?(?:/[0-9]{1,6})?)(?![0-9A-Za-z_(]|[.,/][0-9]| *[-+*/^×÷%=²³√(])"
_MORE = re.compile(rf"\s*(?:,\s*(?:and|or)?|\band\b|\bor\b|或|和|、)\s*{_NUMBER}", re.IGNORECASE)
_FIRST = re.compile(
    r"\s*(?:,\s*)?(?:are|has\s+(?:the\s+)?(?:roots|solutions)|的(?:解|根)是|:|=)\s*(?:[a-z]\s*=\s*)?"
    + _NUMBER,
    re.IGNORECASE,
)


def roots_behind(text: str, start: int, named: bool = True) -> Roots:
    """The numbers that go on a list of roots: after "x = 3" (`named`), or after "The roots of … = 0"."""
    values: list[tuple[Fraction, bool]] = []
    place = start
    match = _MORE.match(text, place) if named else _FIRST.match(text, place)
    while match is not None and len(values) < 8:
        above, _, below = match[1].lstrip("-").partition("/")
        value = number(above)[0] / (number(below)[0] if below and int(below) else 1)
        values.append((-value if match[1].startswith("-") else value, True))
        place = match.end()
        match = _MORE.match(text, place)
    ends = re.match(
        r"\s*(?:[.;:,。)\]}]|\n|$|\band\b|\bso\b|\bas\b|\bwhich\b|\bby\b)", text[place : place + 12]
    )
    return Roots(tuple(values), place) if values and ends else Roots((), start)


def judge_root(equation: Polynomial, name: str, value: Fraction, exact: bool, places: int) -> Verdict:
    """Whether `equation` = 0 holds at a value; a decimal with `places` digits only has to be near a root."""
    try:
        here = _at(equation, name, value)
        if here == 0:
            return "ok"
        if not exact:
            size = equation.size_at({name: value})
            return "ok" if abs(here) <= _NEAR * max(size, Fraction(1)) else "wrong"
        if not places:
            return "wrong"
        reach = Fraction(6, 10 ** (1 + max(places, 0)))
        if _crosses(equation, name, value - reach, value + reach):
            return "ok"
        near = _crosses(equation, name, value - 8 * reach, value + 8 * reach)
    except NotEvaluated:
        return "undecided"
    return "undecided" if near or (equation.degree > 1 and places < 2) else "wrong"


def _at(equation: Polynomial, name: str, value: Fraction) -> Fraction:
    constant = equation.at({name: value}).constant
    if constant is None:
        raise NotEvaluated("other variables")
    return constant


def _crosses(equation: Polynomial, name: str, low: Fraction, high: Fraction) -> bool:
    return _at(equation, name, low) * _at(equation, name, high) <= 0


def follows(given: Polynomial, found: Polynomial) -> Verdict | None:
    """Whether `found` = 0 follows from `given` = 0, both in one and the same variable; None if unclear."""
    if not given.degree or not found.degree:
        return None
    if proportional(given, found):
        return "ok"
    name = next(iter(given.names))
    if found.degree == 1:
        low, high = found.coefficients(name)
        held = _at(given, name, -low / high) == 0
        return "ok" if held else "wrong"
    if given.degree == 1:
        low, high = given.coefficients(name)
        return "ok" if _at(found, name, -low / high) == 0 else None
    return "wrong" if given.degree == found.degree else None
