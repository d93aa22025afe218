"""Claims about how many there are: items of a written list, letters of a word, digits of a number."""

import re
from collections.abc import Callable

from ponder.check.claim import Kind

Answer = tuple[Kind, str, str, bool, str]
_LIST = r"[\[{(]?\s*(?P<list>-?[0-9]+(?:\s*,\s*(?:and\s+)?-?[0-9]+){2,60})\s*[\]})]?"
_THINGS = r"(?:numbers|elements|items|entries|terms|values|members)\b"


def _items(match: re.Match[str]) -> Answer | None:
    found = re.findall(r"-?[0-9]+", match["list"])
    many, said = len(found), int(match["n"])
    if "set" in match[0].lower() and len(set(found)) < many:
        return None
    return "count", f"items of {match['list']}", str(said), many == said, f"the list has {many}"


def _letters(match: re.Match[str]) -> Answer | None:
    many, said = len(match["word"]), int(match["n"])
    return (
        "count",
        f"letters of {match['word']}",
        str(said),
        many == said,
        f"{match['word']} has {many} letters",
    )


def _digits(match: re.Match[str]) -> Answer | None:
    many, said = len(match["whole"]), int(match["n"])
    return "count", f"digits of {match['whole']}", str(said), many == said, f"it has {many} digits"


def _digit_sum(match: re.Match[str]) -> Answer | None:
    total, said = sum(map(int, match["whole"])), int(match["n"])
    return "count", f"digit sum of {match['whole']}", str(said), total == said, f"the digits sum to {total}"


PATTERNS: tuple[tuple[str, Callable[[re.Match[str]], Answer | None]], ...] = (
    (
        (
            rf"\b(?:list|set|sequence|numbers(?:\s+are)?)\s*:?\s*{_LIST},?\s+(?:has|contains|have|so\s+there\s+are)"
            rf"\s+(?:exactly\s+)?(?P<n>[0-9]{{1,2}})\s+{_THINGS}"
        ),
        _items,
    ),
    (rf"\bthere\s+are\s+(?P<n>[0-9]{{1,2}})\s+{_THINGS}\s+in\s+the\s+(?:list|set)\s*:?\s*{_LIST}", _items),
    (r'\bword\s+"(?P<word>[A-Za-z]{2,40})"\s+has\s+(?P<n>[0-9]{1,2})\s+letters\b', _letters),
    (r"(?<![\w.,^])(?P<whole>[0-9]{2,40})\s+has\s+(?P<n>[0-9]{1,2})\s+digits\b", _digits),
    (
        r"\bsum\s+of\s+the\s+digits\s+of\s+(?P<whole>[0-9]{2,40})\s+is\s+(?P<n>[0-9]{1,3})(?![0-9]|[.,][0-9])",
        _digit_sum,
    ),
)
"""Patterns and what answers them; to be compiled without regard to case."""
