"""Claims about times of day and spans of hours and minutes: "45 minutes after 9:30 is 10:15"."""

from fractions import Fraction

from ponder.check.wording import IS, Answer, Match, num, result, said, whole

_CLOCK = (
    r"(?<![\w.,:/])(?P<{h}>[01]?[0-9]|2[0-4]):(?P<{m}>[0-5][0-9])(?![0-9:])(?:\s?(?P<{n}>[ap])\.?m\b\.?)?"
)
_FROM = _CLOCK.format(h="h", m="m", n="n")
_TO = _CLOCK.format(h="h2", m="m2", n="n2")
_SPAN = (
    r"(?:(?P<hours>[0-9]{1,2})\s+hours?(?:\s+and\s+|,?\s+|$)?)?(?:(?P<minutes>[0-9]{1,4})\s*(?:minutes?"
    r"|mins?)\b)?"
)
_HALF_DAY = 720


def _minutes(match: Match, hour: str, minute: str, noon: str) -> int:
    """Minutes since midnight, on the dial of 12 hours where nothing says which half of the day."""
    hours = int(match[hour])
    return (
        (hours % 12 if match[noon] else hours) * 60
        + int(match[minute])
        + _HALF_DAY * ((match[noon] or "").lower() == "p")
    )


def _span(match: Match) -> int | None:
    if not match["hours"] and not match["minutes"]:
        return None
    return 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)


def _answer(match: Match, start: int, span: int) -> Answer:
    end = _minutes(match, "h2", "m2", "n2")
    dial = 2 * _HALF_DAY if match["n"] and match["n2"] else _HALF_DAY
    due = (start + span) % dial
    fact = f"{due // 60 or 12}:{due % 60:02d}"
    return (
        "date",
        f"{match['h']}:{match['m']} + {span} minutes",
        f"{match['h2']}:{match['m2']}",
        (end - due) % dial == 0,
        f"it is {fact}",
    )


def _later(match: Match) -> Answer | None:
    """From the first time, this span on, to the second; in whichever order they are told."""
    span = _span(match)
    return None if span is None else _answer(match, _minutes(match, "h", "m", "n"), span)


def _earlier(match: Match) -> Answer | None:
    span = _span(match)
    return None if span is None else _answer(match, _minutes(match, "h", "m", "n"), -span)


def _in_minutes(match: Match) -> Answer | None:
    total = Fraction(60 * whole(match["a"]) + whole(match["b"]))
    return result("conversion", f"{match['a']} h {match['b']} min", total, match)


def _in_hours(match: Match) -> Answer | None:
    total, hours, minutes = whole(match["r"]), whole(match["a"]), whole(match["b"])
    fact = f"it is {total // 60} h {total % 60} min"
    return "conversion", f"{total} minutes", f"{hours} h {minutes} min", total == 60 * hours + minutes, fact


_IT_IS = (
    r"\s*,?\s*(?:it\s+(?:is|will\s+be|would\s+be|was)|is|was|gives(?:\s+us)?|brings\s+us\s+to|we\s+(?:get"
    r"|reach|arrive\s+at|have)|makes|=|→)\s*"
)
_PARTS = rf"{num('a')}\s+hours?\s*(?:,|and)?\s+{num('b')}\s+min(?:ute)?s?"
PATTERNS = (
    said("later", rf"\b(?:starting\s+(?:at|from)\s+)?{_FROM},?\s+{_SPAN}\s+later{_IT_IS}{_TO}", _later),
    said("after|past|from", rf"{_SPAN}\s+(?:after|past|from)\s+{_FROM}{_IT_IS}{_TO}", _later),
    said("before", rf"{_SPAN}\s+before\s+{_FROM}{_IT_IS}{_TO}", _earlier),
    said("plus|+|add", rf"{_FROM}\s*(?:plus|\+)\s*{_SPAN}{_IT_IS}{_TO}", _later),
    said("add", rf"\badd(?:ing)?\s+{_SPAN}\s+to\s+{_FROM}{_IT_IS}{_TO}", _later),
    said("minus", rf"{_FROM}\s*(?:minus|-)\s*{_SPAN}{_IT_IS}{_TO}", _earlier),
    said(
        "from|between",
        rf"\b(?:from|between)\s+{_FROM}\s+(?:to|until|till|and)\s+{_TO}(?:,?\s+(?:is|are|takes|there"
        rf"\s+are|it\s+is|that\s+is|that's)|\s*=)\s+"
        rf"{_SPAN}",
        _later,
    ),
    said("hour", rf"{_PARTS}{IS}{num('r')}\s+min(?:ute)?s?\b", _in_minutes),
    said("hour", rf"{num('r')}\s+min(?:ute)?s?{IS}{_PARTS}\b", _in_hours),
)
