"""Claims about units told in words, and which of two decimals is larger."""

import re
from fractions import Fraction

from ponder.check.claim import written
from ponder.check.units import unit
from ponder.check.wording import GETS, IS, Answer, Match, num, result, said, value


def _converted(match: Match) -> Answer | None:
    """One unit in another, where an exact result is a short decimal."""
    if _AND.search(match.string, max(0, match.start() - 30), match.start()):
        return None
    one, two = _unit(match["u"]), _unit(match["v"])
    if one is None or two is None or one[0] != two[0]:
        return None
    true = value(match["a"]) * one[1] / two[1]
    if (true * 1000).denominator != 1:
        return None
    return result("conversion", f"{match['a']} {match['u']} in {match['v']}", true, match)


_AND = re.compile(r"[0-9] ?[a-z]+,? (?:and )?$", re.IGNORECASE)
"""1 hour and 30 minutes is …"""
_CHINESE = {
    "公里": "km", "千米": "km", "米": "m", "厘米": "cm", "毫米": "mm", "公斤": "kg", "千克": "kg", "克": "g",
    "小时": "hour", "分钟": "minute", "秒": "second", "天": "day", "周": "week", "升": "l", "毫升": "ml",
}  # fmt: skip


def _unit(word: str) -> tuple[str, Fraction] | None:
    return unit(_CHINESE.get(word, word))


def _speed(match: Match) -> Answer | None:
    to_metres = match["u"].lower().startswith("k")
    true = value(match["a"]) * (Fraction(1000, 3600) if to_metres else Fraction(18, 5))
    return result("conversion", f"{match['a']} {match['u']}", true, match)


def _larger(match: Match) -> Answer | None:
    """Which of two is larger, `c` said to be it."""
    a, b, c = value(match["a"]), value(match["b"]), value(match["c"])
    small = match["how"].lower() in ("smaller", "less", "lesser", "小", "较小")
    if c not in (a, b) or a == b:
        return None
    right = min(a, b) if small else max(a, b)
    name = f"the {'smaller' if small else 'larger'} of {written(a)} and {written(b)}"
    return "comparison", name, written(c), c == right, f"{name} is {written(right)}"


def _compared(match: Match) -> Answer | None:
    a, b = value(match["a"]), value(match["b"])
    small = match["how"].lower() in ("less", "smaller", "lower", "小", "小于")
    true = a < b if small else a > b
    fact = f"{written(a)} is {'less' if a < b else 'greater' if a > b else 'no other'} than {written(b)}"
    return "comparison", written(a), f"{match['how']} than {written(b)}", true, fact


_W = r"(?P<{}>[A-Za-z]{{1,11}})\b"
_U, _V = _W.format("u"), _W.format("v")
_IN = r"(?:公里|千米|厘米|毫米|米|公斤|千克|克|小时|分钟|秒|天|周|毫升|升)"
_LARGER = r"(?P<how>larger|bigger|greater|smaller|lesser)(?:\s+(?:number|one|value))?"
PATTERNS = (
    said(
        "there are|there's",
        rf"\bthere\s+are\s+(?:exactly\s+)?{num('r')}\s+{_V}\s+in\s+{num('a')}\s+{_U}",
        _converted,
    ),
    said(
        "convert",
        rf"\bconvert(?:ing)?\s+{num('a')}\s+{_U}\s+(?:in)?to\s+{_V.replace('v>', 'w>')}{GETS}{num('r')}"
        rf"\s+{_V}",
        _converted,
    ),
    said(
        "same as|equal",
        rf"{num('a')}\s+{_U}\s+(?:is|are)\s+(?:the\s+same\s+as|equivalent\s+to|equal\s+to)\s+{num('r')}"
        rf"\s+{_V}",
        _converted,
    ),
    said(
        "is|are|equal",
        rf"{num('a')}\s+{_U}\s+(?:is|are|equals?|makes?|has|have)\s+(?:exactly\s+)?{num('r')}\s+{_V}(?!"
        rf"\s+(?:than|more|less|per|longer|shorter|later))",
        _converted,
    ),
    said(
        "km/h",
        rf"{num('a')}\s*(?P<u>km/h|kmh|kph|kilometers\s+per\s+hour){IS}{num('r')}\s*(?:m/s|meters\s+per"
        rf"\s+second)",
        _speed,
    ),
    said(
        "m/s",
        rf"{num('a')}\s*(?P<u>m/s|meters\s+per\s+second){IS}{num('r')}\s*(?:km/h|kilometers\s+per\s+hour)",
        _speed,
    ),
    said(
        "公里|千米|米|公斤|千克|克|小时|分钟|天|周|升|秒",
        rf"{num('a')}\s*(?P<u>{_IN})\s*(?:等于|是|为|=|有|合)\s*{num('r')}\s*(?P<v>{_IN})",
        _converted,
    ),
    said(
        "larger|bigger|greater|smaller",
        rf"\b(?:of|between)\s+{num('a')}\s+and\s+{num('b')},?\s+(?:the\s+number\s+)?{num('c')}\s+is\s+"
        rf"(?:the\s+)?{_LARGER}(?!\s+than)",
        _larger,
    ),
    said(
        "larger|bigger|greater|smaller",
        rf"\b(?:of|between)\s+{num('a')}\s+and\s+{num('b')},?\s+the\s+{_LARGER}\s+(?:one\s+|number\s+)?is"
        rf"\s+{num('c')}",
        _larger,
    ),
    said("大于|小于", rf"{num('a')}\s*(?P<how>大于|小于)\s*{num('b')}(?!\s*(?:还是|吗))", _compared),
    said(
        "比", rf"{num('a')}\s*比\s*{num('b')}\s*(?:要|更)?(?P<how>大|小)(?!\s*(?:还是|吗|多少|\d))", _compared
    ),
    said(
        "than",
        rf"{num('a')}\s+is\s+(?:actually\s+|indeed\s+|clearly\s+|definitely\s+)?(?P<how>larger|bigger"
        rf"|greater|more|smaller|less|lower|higher)\s+than\s+{num('b')}"
        r"(?!\s+(?:by|in|times|percent|[a-z]+s\b))",
        _compared,
    ),
)
