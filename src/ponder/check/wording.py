"""Building blocks of claims in words: numbers, lists, "and so we get", and how an answer is given.

A module of patterns has a tuple `PATTERNS` of `Said`. A pattern is only tried on a paragraph that holds one
of its `keys`; its `answer` gives None where the words are there and the claim is not.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from ponder.check.claim import Kind, written
from ponder.check.evaluate import NotEvaluated, number
from ponder.check.pieces import SPELLED
from ponder.check.units import unit

Answer = tuple[Kind, str, str, bool, str]
"""Kind, left, right, whether it holds, and what should stand there."""
Match = re.Match[str]

_END = r"(?![0-9]|[.,:/][0-9]|(?:st|nd|rd|th)\b)"
_SPELLED = "|".join(sorted(SPELLED, key=len, reverse=True))
COUNT = rf"(?P<count>[0-9]{{1,4}}(?![0-9]|[.,][0-9])|(?:{_SPELLED})\b)"
WORD = r"[\"']?(?P<word>[A-Za-z]{3,40})[\"']?"
IS = (
    r"(?:\s*(?:=|:)|,?\s+(?:is|are|was|will\s+be|would\s+be|equals?|gives|makes|comes\s+(?:out\s+)?to"
    r"|works\s+out\s+to|"
    r"turns\s+out\s+to\s+be|is\s+equal\s+to|must\s+be|amounts\s+to)(?![a-z])|\s*(?:是|为|等于|得))\s*"
)
IF = r"(?:\b(?:if|when)\s+(?:we|you|i|one|they)\s+(?:simply\s+|just\s+|now\s+)?)?"
"""What may open a claim that says its own condition: "if we add 3 and 4, we get 7"."""
GETS = (
    r"(?:\s+together)?(?:\s*=|,?\s*(?:and\s+|then\s+|so\s+|that\s+|which\s+|this\s+)?(?:(?:we|you|i|it"
    r"|one|he|she|they)(?:'ll|'m|'re|\s+am|"
    r"\s+are|\s+is)?\s+|the\s+(?:result|answer|total|product|sum|new\s+\w+|\w+)\s+)?(?:will\s+|would\s+"
    r"|should\s+|can\s+)?"
    r"(?:to\s+)?(?:get|gets|got|have|has|find|finds|obtain|obtains|giv(?:es?|ing)|yield(?:s|ing)?|make?s?"
    r"|making|"
    r"result(?:s|ing)?\s+in|leav(?:es?|ing)|left\s+with|be\s+left\s+with|equals?|is|are|be|becom(?:es?"
    r"|ing)|comes?\s+(?:out\s+)?to|"
    r"bring(?:s|ing)?(?:\s+\w+)?\s+(?:down\s+|up\s+)?to|works?\s+out\s+to|turns?\s+out\s+to\s+be)(?![a-z]))"
    r"\s*(?:us\s+|me\s+|exactly\s+|a\s+(?:total|sum|result|product|quotient|value|price)\s+of\s+)*"
)
"""What stands before a result; every alternative ends before the number."""


class Said(NamedTuple):
    """A way to say something: `keys` in small letters (one must be there), a pattern, and its answer."""

    keys: tuple[str, ...]
    pattern: re.Pattern[str]
    answer: Callable[[Match], Answer | None]


def said(keys: str, pattern: str, answer: Callable[[Match], Answer | None]) -> Said:
    """A way to say something; `keys` are separated by "|"."""
    return Said(tuple(keys.split("|")), re.compile(pattern, re.IGNORECASE), answer)


def num(name: str) -> str:
    """A pattern for a number that starts a token, with group `name`."""
    return rf"(?<![\w.,:/^])(?P<{name}>-?[0-9][0-9,]{{0,14}}(?:\.[0-9]{{1,10}})?){_END}"


def amount(name: str) -> str:
    """A number with up to two words of what it counts, in group `name` and `name`_unit."""
    return (
        rf"{num(name)}(?P<{name}_unit>(?:\s+(?!(?:by|and|to|from|is|are|with|per\w*|squared|cubed"
        rf"|factorial|times|plus|minus|more|less|than|of|then)\b)"
        rf"[a-z]{{2,14}}){{0,2}}?)"
    )


def percent(name: str) -> str:
    """A percentage in group `name`."""
    return rf"{num(name)}\s?(?:%|per\s?cent\b)"


def listed(name: str, least: int = 2) -> str:
    """Numbers with commas, an "and" or a bracket, in group `name`."""
    one = r"-?[0-9][0-9.]{0,12}(?<!\.)"
    more = rf"(?:\s*(?:,\s*and\b|,|\band\b|和|\+)\s*{one}){{{least - 1},60}}"
    return (
        rf"(?:[\[({{]\s*)?(?<![\w.,^*/+-])(?P<{name}>{one}{more})(?![0-9]|[.,][0-9]|\s*[-+*/^×÷])\s*[\])}}]?"
    )


def value(text: str) -> Fraction:
    """A written number; raises NotEvaluated."""
    return _signed(text)[0]


def _signed(text: str) -> tuple[Fraction, int]:
    """A written number, which may have a minus, and its decimals."""
    found, places = number(text.lstrip("-").rstrip(",."))
    return (-found if text.startswith("-") else found), places


def values(text: str) -> list[Fraction]:
    """The numbers of a list; raises NotEvaluated."""
    return [value(part) for part in re.findall(r"-?[0-9]+(?:\.[0-9]+)?", text)]


def whole(text: str) -> int:
    """A written integer; raises NotEvaluated."""
    found = value(text)
    if found.denominator != 1:
        raise NotEvaluated("not whole")
    return int(found)


def counted(text: str) -> int:
    """A count in digits or as a word."""
    return int(text) if text.isdigit() else SPELLED[text.lower()]


def agrees(true: Fraction, text: str) -> bool | None:
    """Whether a written number is `true`, rounded or cut where it has to be; None where that is not clear."""
    found, places = _signed(text)
    if true == found:
        return True
    gap = abs(true - found)
    if (true * 10**places).denominator == 1:
        return False
    return True if gap < Fraction(1, 10**places) else None if gap <= abs(true) / 50 else False


def result(kind: Kind, name: str, true: Fraction, match: Match, group: str = "r") -> Answer | None:
    """The answer for a number that is said to be the result of something."""
    holds = agrees(true, match[group])
    return None if holds is None else (kind, name, match[group], holds, f"{name} is {written(true)}")


def mixed_units(*words: str | None) -> bool:
    """Whether these words hold two units of one kind: hours and minutes."""
    found: dict[str, Fraction] = {}
    for word in " ".join(word or "" for word in words).split():
        if (one := unit(word)) is not None and found.setdefault(one[0], one[1]) != one[1]:
            return True
    return False
