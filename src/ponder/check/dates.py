"""Claims about dates (Gregorian): weekdays, leap years, days in a month, so many days after a date."""

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta

from ponder.check.claim import Kind

Answer = tuple[Kind, str, str, bool, str]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_name) if name} | {
    name.lower(): at for at, name in enumerate(calendar.month_abbr) if name
}
_MONTH = r"(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WRITTEN = (
    rf"(?:{_MONTH}\s+[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s+[0-9]{{4}}|"
    rf"[0-9]{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH},?\s+[0-9]{{4}}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?![0-9])"
)
_DAY = r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
_FALLS = r",?\s+(?:is|was|falls\s+on|fell\s+on|will\s+be)\s+(?:on\s+)?(?:an?\s+)?"


def _read(text: str) -> date | None:
    numbers = [int(part) for part in re.findall(r"[0-9]+", text)]
    word = re.search(r"[a-z]{3,}", text.lower())
    try:
        if word is None:
            return date(*numbers)
        return date(numbers[1], _MONTHS[word[0]], numbers[0])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _weekday(match: re.Match[str]) -> Answer | None:
    day = _read(match[1])
    if day is None:
        return None
    name = DAYS[day.weekday()]
    return "date", match[1], match[2], name == match[2].lower(), f"{day.isoformat()} is a {name.title()}"


def _leap(match: re.Match[str]) -> Answer | None:
    year, denied = int(match[1]), bool(match[2])
    leap = calendar.isleap(year) if year else False
    fact = f"{year} is {'' if leap else 'not '}a leap year"
    return "date", match[1], f"{'not ' if denied else ''}a leap year", leap != denied, fact


def _length(match: re.Match[str]) -> Answer | None:
    found = match["m"] or match["m2"], match["y"] or match["y2"], int(match["n"] or match["n2"])
    month, year = _MONTHS.get(found[0].lower().rstrip(".")), int(found[1])
    if month is None or not 1 <= year <= 9999:
        return None
    days = calendar.monthrange(year, month)[1]
    return "date", f"days in {found[0]} {year}", str(found[2]), days == found[2], f"it has {days} days"


def _after(match: re.Match[str]) -> Answer | None:
    start, said, days = _read(match[3]), _read(match[4]), int(match[1])
    if start is None or said is None:
        return None
    try:
        right = start + timedelta(days=days if match[2].lower() in ("after", "from") else -days)
    except OverflowError:
        return None
    return "date", match[0].partition(" is ")[0], match[4], right == said, f"it is {right.isoformat()}"


PATTERNS: tuple[tuple[str, Callable[[re.Match[str]], Answer | None]], ...] = (
    (rf"\b({_WRITTEN}){_FALLS}{_DAY}", _weekday),
    (r"\b([0-9]{4})\s+(?:is|was)\s+(not\s+)?(?:indeed\s+)?a\s+leap\s+year\b", _leap),
    (
        (
            rf"\b(?:there\s+are\s+(?P<n>[0-9]{{2}})\s+days\s+in\s+(?P<m>{_MONTH})\s+(?P<y>[0-9]{{4}})|"
            rf"(?P<m2>{_MONTH})\s+(?P<y2>[0-9]{{4}})\s+has\s+(?P<n2>[0-9]{{2}})\s+days)\b"
        ),
        _length,
    ),
    (rf"\b([0-9]{{1,6}})\s+days\s+(after|before|from)\s+({_WRITTEN})\s+is\s+({_WRITTEN})", _after),
)
"""Patterns and what answers them; to be compiled without regard to case."""
