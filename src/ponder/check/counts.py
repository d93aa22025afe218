"""Claims about written lists and words: how many, their sum, the largest; letters of a word, digits."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from statistics import median

from ponder.check.claim import written
from ponder.check.plain import FILL
from ponder.check.wording import (
    COUNT,
    GETS,
    IS,
    WORD,
    Answer,
    Match,
    counted,
    listed,
    num,
    result,
    said,
    values,
    whole,
)

_THINGS = (
    r"(?:numbers|elements|items|entries|terms|values|members|words|colou?rs|names|things|fruits|letters"
    r"|points)\b"
)
_WORDS = (
    r"(?P<list>[A-Za-z][A-Za-z'-]*(?:\s*,\s*(?:and\s+)?[A-Za-z][A-Za-z'-]*){1,40}(?:\s+and\s+[A-Za-z'-]+)?)"
)
_NUMBERS = r"(?P<list>-?[0-9]+(?:\.[0-9]+)?(?:\s*,\s*(?:and\s+)?-?[0-9]+(?:\.[0-9]+)?){2,60})"
_LETTER = r"(?:the\s+)?(?:letters?\s+)?[\"']?(?P<letter>[A-Za-z])(?![A-Za-z])[\"']?(?:'?s)?[\"']?"
_TAIL = (
    r"(?=\s*(?:[.,;:!)\]\"]|$|\n|and\b|so\b|as\b|since\b|because\b|which\b|but\b|in\s+(?:it|total|all)\b"
    r"|total\b))"
)
_ONLY = r"(?:exactly\s+|only\s+|a\s+total\s+of\s+|just\s+)?"
_TIMES = (
    r"(?P<count>once|twice|thrice|[0-9]{1,2}(?=\s+times?)|(?:one|two|three|four|five|six|seven)(?="
    r"\s+times?))(?:\s+times?)?"
)
_PARTLY = re.compile(r"\b(?:so far|up to now|until now|already)\b", re.IGNORECASE)
_NO_WORDS = frozenset((
    "this", "that", "there", "these", "those", "they", "which", "what", "solution", "equation", "expression",
    "word", "string", "phrase", "name", "list", "number", "sentence", "answer", "the", "total", "each",
))  # fmt: skip


def _count(match: Match, name: str, true: int) -> Answer:
    claimed = {"once": 1, "twice": 2, "thrice": 3}.get(match["count"].lower())
    number = counted(match["count"]) if claimed is None else claimed
    return "count", name, str(number), number == true, f"{name}: {true}"


def _letters(match: Match) -> Answer | None:
    word, letter = match["word"].lower(), match["letter"].lower()
    true = word.count(letter)
    quoted = (
        '"' in match[0]
        or "'" + match["word"] in match[0]
        or "the word" in match[0].lower()
        or "letter" in match[0].lower()
    )
    part = match.string[match.end() : match.end() + 4] == " in "
    near = match.string[max(0, match.start() - 20) : match.end() + 12]
    if part or _PARTLY.search(near) or word in _NO_WORDS or (true == 0 and not quoted):
        return None
    _, _, number, holds, _ = _count(match, "", true)
    return "letters", f"{letter} in {word}", number, holds, f"{word} has {true} {letter}"


def _length(match: Match) -> Answer | None:
    if match["word"].lower() in _NO_WORDS:
        return None
    return _count(match, f"letters of {match['word']}", len(match["word"]))


_CLOSED = r"[\"']?(?=\s*(?:[.,;:!)\]]|$|\n|and\b|so\b|but\b))"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _nth(match: Match) -> Answer | None:
    """The letter at a place of a word, counted from 1, or from the end."""
    word, letter, place = match["word"].lower(), match["letter"].lower(), match["place"].lower()
    spot = len(word) if place == "last" else int(re.sub(r"\D", "", place) or _ORDINALS.index(place) + 1)
    if not 1 <= spot <= len(word) or word in _NO_WORDS:
        return None
    true = word[spot - 1]
    return "letters", f"letter {spot} of {word}", letter, letter == true, f"letter {spot} of {word} is {true}"


def _items(match: Match) -> Answer | None:
    found = re.findall(r"-?[0-9]+(?:\.[0-9]+)?", match["list"])
    if "set" in match[0].lower() and len(set(found)) < len(found):
        return None
    return _count(match, f"items of {match['list']}", len(found))


def _named(match: Match) -> Answer | None:
    found = [part for part in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["list"]) if part]
    return _count(match, f"items of {match['list']}", len(found)) if len(found) > 2 else None


def _phrase(match: Match) -> Answer | None:
    return _count(match, "words of the phrase", len(match["phrase"].split()))


def _bare(match: Match) -> str:
    """The digits of a number without what sets its thousands apart."""
    return match["whole"].replace(",", "").replace(FILL, "")


def _digits(match: Match) -> Answer | None:
    return _count(match, f"digits of {match['whole']}", len(_bare(match)))


def _power_digits(match: Match) -> Answer | None:
    base, exponent = int(match["a"]), int(match["b"])
    if exponent * base.bit_length() > 4000:
        return None
    return _count(match, f"digits of {base}^{exponent}", len(str(base**exponent)))


def _digit_sum(match: Match) -> Answer | None:
    total = Fraction(sum(map(int, _bare(match))))
    return result("count", f"the digit sum of {match['whole']}", total, match)


def _inclusive(match: Match) -> Answer | None:
    low, high = whole(match["a"]), whole(match["b"])
    return (
        result("count", f"the integers from {low} to {high}", Fraction(high - low + 1), match)
        if low < high
        else None
    )


def _sum(found: list[Fraction]) -> Fraction:
    return sum(found, Fraction(0))


def _product(found: list[Fraction]) -> Fraction:
    return math.prod(found, start=Fraction(1))


def _mean(found: list[Fraction]) -> Fraction:
    return _sum(found) / len(found)


def _range(found: list[Fraction]) -> Fraction:
    return max(found) - min(found)


_TOTALS: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "sum": _sum, "total": _sum, "和": _sum, "product": _product, "乘积": _product, "积": _product,
    "average": _mean, "mean": _mean, "平均": _mean, "median": median, "range": _range,
    "largest": max, "greatest": max, "biggest": max, "maximum": max, "highest": max, "最大": max,
    "smallest": min, "least": min, "minimum": min, "lowest": min, "最小": min,
}  # fmt: skip


def _total(match: Match) -> Answer | None:
    found = values(match["list"])
    what = match["what"].lower() if match.groupdict().get("what") else "sum"
    name = f"the {what} of {', '.join(map(written, found))}"
    return result("sum", name, _TOTALS[what](found), match)


def _sorted(match: Match) -> Answer | None:
    before, after = values(match["list"]), values(match["then"])
    if sorted(before) != sorted(after) or re.search(r"\b(?:pass|swap\w*|bubble|merge\w*|step)\b", match[0]):
        return None
    rising = all(a <= b for a, b in pairwise(after))
    falling = all(a >= b for a, b in pairwise(after))
    down = re.search(
        r"descending|large(?:st)?\s+to\s+small|decreasing|high(?:est)?\s+to\s+low|从大到小",
        match[0],
        re.IGNORECASE,
    )
    name = f"{match['list']} in order"
    fact = ", ".join(map(written, sorted(before, reverse=bool(down))))
    return "count", name, match["then"], falling if down else rising, f"in order: {fact}"


_R = num("r")
_SUM_OF = (
    r"(?P<what>sum|total|product|average|mean|median|range)\s+of\s+(?:the\s+(?:numbers|values|data)\s+)?"
)
_MOST = (
    r"(?P<what>largest|greatest|biggest|maximum|highest|smallest|least|minimum|lowest)(?:\s+(?:number"
    r"|value|one|element))?\s+(?:of|among|in|from)\s+"
)
_WHOLE = r"(?<![\w.,^])(?P<whole>[0-9]{1,3}(?:,\x01*[0-9]{3})+|[0-9]{2,40})(?![0-9]|[.,][0-9])"
PATTERNS = (
    said(
        "letters",
        rf"\bword\s+{WORD}\s+(?:has|is|contains)\s+{_ONLY}{COUNT}\s+letters\b(?!\s+[a-z]\b){_TAIL}",
        _length,
    ),
    said("letters", rf"\bword\s+{WORD}\s+(?:has|is|contains)\s+{_ONLY}{COUNT}\s+letters\s+long\b", _length),
    said(
        "has|contains|includes",
        rf"\b{WORD}\s+(?:has|contains|includes)\s+{_ONLY}{COUNT}\s+{_LETTER}{_TAIL}",
        _letters,
    ),
    said(
        "there",
        rf"\bthere(?:\s+are|\s+is|'s|'re)\s+{_ONLY}{COUNT}\s+{_LETTER}\s+in\s+(?:the\s+word"
        rf"\s+)?{WORD}{_TAIL}",
        _letters,
    ),
    said(
        "occurrence",
        rf"\b{COUNT}\s+occurrences?\s+of\s+{_LETTER}\s+in\s+(?:the\s+word\s+)?{WORD}{_TAIL}",
        _letters,
    ),
    said(
        "appears|occurs|shows up",
        rf"\bletter\s+{_LETTER}\s+(?:appears|occurs|shows\s+up)\s+{_ONLY}{_TIMES}\s+in\s+(?:the\s+word"
        rf"\s+)?{WORD}{_TAIL}",
        _letters,
    ),
    said(
        "appears|occurs",
        rf"\bin\s+(?:the\s+word\s+)?{WORD},?\s+the\s+letter\s+{_LETTER}\s+(?:appears|occurs)"
        rf"\s+{_ONLY}{_TIMES}{_TAIL}",
        _letters,
    ),
    said(
        "contains|has",
        rf"\b{WORD}\s+(?:contains|has)\s+the\s+letter\s+{_LETTER}\s+{_ONLY}{_TIMES}{_TAIL}",
        _letters,
    ),
    said(
        "number of", rf"\bnumber\s+of\s+{_LETTER}\s+in\s+(?:the\s+word\s+)?{WORD}{IS}{COUNT}{_TAIL}", _letters
    ),
    said(
        "counting",
        rf"\bcounting\s+(?:the\s+)?{_LETTER}\s+in\s+{WORD},?\s+(?:i|we)\s+(?:find|get|count|see)"
        rf"\s+{COUNT}{_TAIL}",
        _letters,
    ),
    said(
        "里有|中有|中有",
        rf"{WORD}\s*(?:这个)?(?:单词)?(?:里|中)(?:一共|总共)?有\s*{COUNT}\s*个\s*(?:字母)?\s*[\"']?(?P<letter>[A-Za-z])"
        rf"(?![A-Za-z])",
        _letters,
    ),
    said(
        "出现",
        rf"(?:字母)?\s*[\"']?(?P<letter>[A-Za-z])(?![A-Za-z])[\"']?\s*在\s*{WORD}\s*(?:里|中)(?:一共|总共)?出现"
        rf"(?:了)?\s*{COUNT}\s*次",
        _letters,
    ),
    said(
        "list|set|sequence|numbers",
        rf"\b(?:list|set|sequence|numbers)(?:\s+are)?\s*:?\s*[\[({{]?\s*{_NUMBERS}\s*[\])}}]?,?\s+"
        rf"(?:has|contains|have|so\s+there\s+are)\s+{_ONLY}{COUNT}\s+{_THINGS}",
        _items,
    ),
    said(
        "there are",
        rf"\bthere\s+are\s+{_ONLY}{COUNT}\s+{_THINGS}\s+in\s+(?:the\s+)?(?:list|set|sequence)?\s*:?\s*[\["
        rf"({{]?\s*{_NUMBERS}",
        _items,
    ),
    said(
        "has length|length of", rf"\[\s*{_NUMBERS}\s*\]\s+has\s+(?:a\s+)?length\s+(?:of\s+)?{COUNT}", _items
    ),
    said(
        "list",
        rf"\blist\s*:?\s*\[\s*{_WORDS}\s*\]\s+(?:has|contains)\s+{_ONLY}{COUNT}\s+(?:{_THINGS}|[a-z]+)",
        _named,
    ),
    said(
        "so|that is|that's|which",
        rf"\b(?:are|items|list|colou?rs|names)\s*:?\s+{_WORDS}[.,;]\s*(?:so|that\s+is|that's|which\s+is"
        rf"|which\s+makes|that\s+makes)\s+"
        rf"(?:that's\s+|there\s+are\s+|we\s+have\s+)?{_ONLY}{COUNT}\s+{_THINGS}",
        _named,
    ),
    said(
        "words",
        rf"\"(?P<phrase>[A-Za-z][A-Za-z' ]{{2,200}})\"\s+(?:has|contains|consists\s+of)\s+{_ONLY}{COUNT}"
        rf"\s+words",
        _phrase,
    ),
    said(
        "letter",
        rf"(?:\b(?P<place>{'|'.join(_ORDINALS)}|last|[0-9]{{1,2}}(?:st|nd|rd|th))\s+letter\s+(?:of|in)\s+"
        rf"(?:the\s+word\s+)?{WORD}{IS}[\"']?(?P<letter>[A-Za-z])(?![A-Za-z]){_CLOSED})",
        _nth,
    ),
    said(
        "letter",
        rf"\bletter\s+(?:number\s+)?(?P<place>[0-9]{{1,2}})\s+(?:of|in)\s+(?:the\s+word\s+)?{WORD}{IS}"
        rf"[\"']?(?P<letter>[A-Za-z])(?![A-Za-z]){_CLOSED}",
        _nth,
    ),
    said("digits", rf"{_WHOLE}\s+has\s+{_ONLY}{COUNT}\s+digits\b{_TAIL}", _digits),
    said(
        "digits",
        rf"(?<![\w.,^])(?P<a>[0-9]{{1,4}})\s?\^\s?\{{?\s?(?P<b>[0-9]{{1,4}})\s?\}}?\s+has"
        rf"\s+{_ONLY}{COUNT}\s+digits\b",
        _power_digits,
    ),
    said(
        "digits",
        rf"\b(?:sum\s+of\s+the\s+)?digits\s+of\s+{_WHOLE}(?:{IS}|\s+(?:add\s+up|sum)\s+to\s+){_R}",
        _digit_sum,
    ),
    said(
        "inclusive",
        rf"\bfrom\s+{num('a')}\s+to\s+{num('b')},?\s+inclusive,?\s+there\s+are\s+{_R}\s+(?:integers"
        rf"|numbers|whole)",
        _inclusive,
    ),
    said(
        "inclusive",
        rf"\bthere\s+are\s+{_R}\s+(?:integers|numbers|whole\s+numbers)\s+(?:between|from)\s+{num('a')}\s+"
        rf"(?:and|to)\s+{num('b')},?\s*\(?\s*inclusive",
        _inclusive,
    ),
    said(
        "整数", rf"从\s*{num('a')}\s*到\s*{num('b')}\s*(?:一共|总共|共)?有\s*{_R}\s*个(?:整)?数", _inclusive
    ),
    said("of", rf"\b{_SUM_OF}{listed('list')}(?:{IS}|\s+comes\s+to\s+){_R}", _total),
    said("of|among", rf"\b(?:the\s+){_MOST}(?:the\s+numbers\s+)?{listed('list', 2)}{IS}{_R}", _total),
    said(
        "add|sum to|total",
        rf"{listed('list')}\s+(?:(?:all\s+)?adds?\s+up\s+to|sums?\s+(?:up\s+)?to|total)\s+{_R}",
        _total,
    ),
    said(
        "sum|add",
        rf"\b(?:sum(?:ming)?|add(?:ing)?)\s+(?:up\s+)?(?:the\s+numbers\s+)?{listed('list', 3)}{GETS}{_R}",
        _total,
    ),
    said("的", rf"{listed('list')}\s*的\s*(?P<what>和|平均|乘积|积)(?:数|值)?{IS}{_R}", _total),
    said("最", rf"{listed('list')}\s*(?:中)?(?:的)?(?P<what>最大|最小)(?:的)?(?:数|值)?{IS}{_R}", _total),
    said(
        "sort|order|small|ascending",
        rf"\b(?:sort\w*|order\w*|arrang\w*|from\s+small)[^.\n0-9]{{0,50}}{listed('list', 3)}\s*(?:becomes"
        rf"|is|gives|:)\s*"
        rf"{listed('then', 3)}",
        _sorted,
    ),
)
