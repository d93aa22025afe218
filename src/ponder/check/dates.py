"""Claims about dates (Gregorian): weekdays, leap years, days in a month, days before, after, between."""

import calendar
import re
from datetime import date, timedelta

from ponder.check.wording import Answer, Match, said

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE_DAYS = "一二三四五六日天"
_MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_name) if name} | {
    name.lower(): at for at, name in enumerate(calendar.month_abbr) if name
}
_MONTH = r"(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WRITTEN = (
    rf"(?:(?<![0-9A-Za-z])(?:{_MONTH}\s+[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s+[0-9]{{4}}|"
    rf"[0-9]{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s+[0-9]{{4}}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|"
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})(?![0-9])|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日)"
)
_DAY = r"(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b(?!\s+(?:or|and)\b)"
_DAY_2 = _DAY.replace("<day>", "<day2>")
_FALLS = (
    r",?\s+(?:is|was|falls\s+on|fell\s+on|will\s+be|will\s+fall\s+on|lands\s+on|→)\s+(?:also\s+|indeed"
    r"\s+)?(?:on\s+)?(?:an?\s+)?"
)
_IS = (
    r",?\s+(?:is|was|will\s+be|would\s+be|brings\s+us\s+to|gives\s+us|gives|we\s+(?:arrive\s+at|get\s+to"
    r"|get|reach|land\s+on)|takes\s+us\s+to|=|→)\s+"
)
_ON = r"(?:an?\s+|on\s+)?"


def _read(text: str) -> date | None:
    numbers = [int(part) for part in re.findall(r"[0-9]+", text)]
    word = re.search(r"(?<![A-Za-z])(?!of\b|st\b|nd\b|rd\b|th\b)[a-z]{3,}", text.lower())
    try:
        if "/" in text:
            return _american(numbers)
        if word is None:
            return date(*numbers)
        return date(numbers[1], _MONTHS[word[0]], numbers[0])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _american(numbers: list[int]) -> date | None:
    """Month/day/year where no other reading is a date."""
    month, day, year = numbers
    if day <= 12 and day != month:
        return None
    return date(year, month, day)


def _day(word: str) -> int:
    """The place of a named day in its week, Monday's being 0."""
    return min(_CHINESE_DAYS.index(word), 6) if word in _CHINESE_DAYS else DAYS.index(word.lower())


def _weekday(match: Match) -> Answer | None:
    day = _read(match["date"])
    if day is None:
        return None
    fact = f"{day.isoformat()} is a {DAYS[day.weekday()].title()}"
    return "date", match["date"], match["day"], day.weekday() == _day(match["day"]), fact


def _leap(match: Match) -> Answer | None:
    year, denied = int(match["year"]), bool(match["not"])
    leap = calendar.isleap(year) if year else False
    fact = f"{year} is {'' if leap else 'not '}a leap year"
    return "date", match["year"], f"{'not ' if denied else ''}a leap year", leap != denied, fact


def _length(match: Match) -> Answer | None:
    month = _month(match["month"])
    year, days = match.groupdict().get("year"), int(match["n"])
    if month is None or (year and not 1 <= int(year) <= 9999):
        return None
    if year is None and month == 2:
        return (
            None
            if days in (28, 29)
            else ("date", "days in February", str(days), False, "it has 28 or 29 days")
        )
    true = calendar.monthrange(int(year or 2001), month)[1]
    return (
        "date",
        f"days in {match['month']} {year or ''}".strip(),
        str(days),
        true == days,
        f"it has {true} days",
    )


def _month(text: str) -> int | None:
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.get(text.lower().rstrip("."))


def _shifted(match: Match) -> Answer | None:
    start, claimed, days = _read(match["date"]), _read(match["then"]), int(match["n"])
    if start is None or claimed is None:
        return None
    days *= 7 if match.groupdict().get("unit", "d").lower().startswith("week") else 1
    back = re.search(r"\b(?:before|back|subtract\w*|earlier|prior)\b", match[0], re.IGNORECASE)
    try:
        right = start + timedelta(days=-days if back else days)
    except OverflowError:
        return None
    return (
        "date",
        match[0][: match.start("then") - match.start()].strip(),
        match["then"],
        right == claimed,
        f"it is {right}",
    )


def _between(match: Match) -> Answer | None:
    start, end, days = _read(match["date"]), _read(match["then"]), int(match["n"])
    if start is None or end is None:
        return None
    true = abs((end - start).days)
    right = days in (true, true + 1) if "inclusive" in match[0].lower() else days == true
    return "date", f"days from {start} to {end}", str(days), right, f"it is {true} days"


def _cycle(match: Match) -> Answer | None:
    start, claimed = _day(match["day"]), _day(match["day2"])
    back = re.search(r"\b(?:before|ago|earlier)\b", match[0], re.IGNORECASE)
    right = (start - int(match["n"]) if back else start + int(match["n"])) % 7
    return (
        "date",
        f"{match['n']} days {'before' if back else 'after'} {match['day']}",
        match["day2"],
        right == claimed,
        f"it is {DAYS[right].title()}",
    )


_DATE, _THEN = rf"(?P<date>{_WRITTEN})", rf"(?P<then>{_WRITTEN})"
_N = r"(?<![\w.,-])(?P<n>[0-9]{1,6})"
_YEAR = r"(?<![\w.,])(?P<year>[0-9]{4})"
_KEYS = "|".join(DAYS)
PATTERNS = (
    said(_KEYS, rf"{_DATE}{_FALLS}{_DAY}", _weekday),
    said(
        _KEYS,
        rf"\bday\s+of\s+the\s+week\s+(?:for|of|on)\s+{_DATE}\s+(?:is|was)\s+(?:an?\s+)?{_DAY}",
        _weekday,
    ),
    said(_KEYS, rf"{_DATE}\s*\(\s*{_DAY}\s*\)", _weekday),
    said(
        "星期|周|礼拜",
        rf"{_DATE}\s*(?:是|为)?\s*(?:星期|周|礼拜)(?P<day>[{_CHINESE_DAYS}])(?!\s*吗)",
        _weekday,
    ),
    said(
        "leap",
        rf"{_YEAR}\s+(?:is|was|will\s+be)(?P<not>\s+not|n't|)\s+(?:indeed\s+|also\s+|actually\s+)?a"
        rf"\s+leap\s+year\b",
        _leap,
    ),
    said("闰年", rf"{_YEAR}\s*年?\s*(?P<not>不是|并非|)(?:是)?\s*闰年(?!吗)", _leap),
    said(
        "days in",
        rf"\bthere\s+(?:are|were)\s+(?P<n>[0-9]{{2}})\s+days\s+in\s+(?P<month>{_MONTH})(?![a-z])(?:,?\s+"
        rf"(?P<year>[0-9]{{4}}))?",
        _length,
    ),
    said(
        "days",
        rf"\b(?P<month>{_MONTH})(?![a-z])\s+(?:(?P<year>[0-9]{{4}})\s+)?(?:has|had)\s+(?P<n>[0-9]{{2}})"
        rf"\s+days\b",
        _length,
    ),
    said(
        "月",
        r"(?<![0-9])(?P<year>[0-9]{4})\s*年\s*(?P<month>[0-9]{1,2})\s*月(?:份)?\s*(?:一共|共)?有\s*(?P<n>"
        r"[0-9]{2})\s*天",
        _length,
    ),
    said(
        "days|weeks",
        rf"{_N}\s+(?P<unit>days|weeks)\s+(?:after|before|from|prior\s+to)\s+{_DATE}{_IS}{_THEN}",
        _shifted,
    ),
    said(
        "days|weeks",
        rf"\b(?:add(?:ing)?|subtract(?:ing)?)\s+{_N}\s+(?P<unit>days|weeks)\s+(?:to|from)"
        rf"\s+{_DATE}{_IS}{_THEN}",
        _shifted,
    ),
    said("days", rf"\bgoing\s+(?:back|forward)\s+{_N}\s+days\s+from\s+{_DATE},?{_IS}{_THEN}", _shifted),
    said("days", rf"{_DATE}\s*\+\s*{_N}\s+days\s*(?:=|is|→)\s*{_THEN}", _shifted),
    said("天", rf"{_DATE}\s*(?:之后|以后|后|过|再过)?\s*的?第?{_N}\s*天后?\s*是\s*{_THEN}", _shifted),
    said(
        "days",
        rf"\b(?:from|between)\s+{_DATE}\s+(?:to|until|and|through)\s+{_THEN},?\s+(?:there\s+are|is|are"
        rf"|it's|it\s+is|that's|that\s+is)\s+{_N}\s+days(?:,?\s+inclusive)?",
        _between,
    ),
    said(
        "days",
        rf"\bthere\s+are\s+{_N}\s+days\s+(?:from|between)\s+{_DATE}\s+(?:to|until|and)\s+{_THEN}(?:,?"
        rf"\s+inclusive)?",
        _between,
    ),
    said(_KEYS, rf"{_N}\s+days\s+(?:from|after|before)\s+(?:an?\s+)?{_DAY}{_IS}{_ON}{_DAY_2}", _cycle),
    said(
        _KEYS,
        rf"(?:\bif\s+)?\b(?:today|it)\s+is\s+(?:an?\s+)?{_DAY},?\s+(?:then\s+)?(?:in\s+)?{_N}\s+days(?:"
        rf"\s+(?:later|from\s+now|ago))?,?\s+(?:it\s+)?(?:is|will\s+be|was|it's)\s+{_ON}{_DAY_2}",
        _cycle,
    ),
)
