"""Claims in words: every way to say something that the pattern modules know, where it is meant.

A text is read paragraph by paragraph; a pattern is only tried where one of its keys stands, so that work
grows with the text and not with the number of patterns.
"""

import re
from collections.abc import Iterator

from ponder.check import amounts, counts, dates, divisors, measures, times
from ponder.check.claim import Claim, Verdict
from ponder.check.context import stance
from ponder.check.doubts import BEFORE, SAFE
from ponder.check.evaluate import NotEvaluated
from ponder.check.wording import Said

_PATTERNS: tuple[Said, ...] = (
    *divisors.PATTERNS,
    *counts.PATTERNS,
    *amounts.PATTERNS,
    *dates.PATTERNS,
    *times.PATTERNS,
    *measures.PATTERNS,
)
_OF_A_NUMBER = ("comparison", "prime", "divisibility")
"""What is said of a number may be said of more than it: "the digit behind the 3 is less than 5"."""
_LONGEST = 4000
_PARAGRAPH = re.compile(r"\n\s*\n")
_OR = re.compile(r"\s*or\b", re.IGNORECASE)
_OPERATOR_BEFORE = re.compile(r"[\w)\]}]\s*[-+*/^×÷]\s*$|[加减乘除以上去]\s*$")
_OPERATOR_AFTER = re.compile(
    r" *(?:[+*/^×÷!²³√]|- *[0-9A-Za-z(])|[A-Za-z0-9_]|[.:,][0-9]"
    r"| *(?:times|plus|minus|squared|cubed|factorial|percent|%)(?![a-z])"
)


def phrase_claims(text: str) -> Iterator[Claim]:
    """The claims in words of a plain text; of two about the same words the longer one."""
    for start, stop in _paragraphs(text):
        low = text[start:stop].lower()
        found = [
            claim
            for one in _PATTERNS
            if any(key in low for key in one.keys)
            for claim in _claims_of(one, text, start, stop)
        ]
        found.sort(key=lambda claim: (claim.start - claim.stop, claim.start))
        taken = bytearray(stop - start)
        for claim in found:
            if not any(taken[claim.start - start : claim.stop - start]):
                taken[claim.start - start : claim.stop - start] = b"\1" * (claim.stop - claim.start)
                yield claim


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The half-open ranges of the paragraphs, long ones in pieces."""
    start = 0
    for stop in [*(match.start() for match in _PARAGRAPH.finditer(text)), len(text)]:
        while stop - start > _LONGEST:
            cut = max(text.rfind(sign, start, start + _LONGEST) for sign in ("\n", ". ", " "))
            cut = cut + 1 if cut > start else start + _LONGEST
            yield start, cut
            start = cut
        yield start, stop
        start = stop


def _claims_of(one: Said, text: str, start: int, stop: int) -> Iterator[Claim]:
    for match in one.pattern.finditer(text, start, stop):
        try:
            found = None if _inside(text, match.start(), match.end()) else one.answer(match)
        except (NotEvaluated, ValueError, OverflowError):
            continue
        if found is None:
            continue
        meant = stance(text, match.start(), match.end())
        if meant == "not claimed":
            continue
        kind, left, right, true, evidence = found
        sure = meant == "claimed" and not _part_of_more(text, match.start(), match.end())
        if kind in _OF_A_NUMBER and match[0][:1].isdigit():
            sure = sure and SAFE.search(text[max(0, match.start() - 40) : match.start()]) is not None
        verdict: Verdict = "ok" if true else "wrong" if sure else "undecided"
        yield Claim(match.start(), match.end(), kind, left, right, verdict, "" if true else evidence)


def _part_of_more(text: str, start: int, stop: int) -> bool:
    """Whether the first or last number may belong to something longer."""
    return BEFORE.search(_before(text, start)) is not None or _OR.match(text, stop) is not None


def _inside(text: str, start: int, stop: int) -> bool:
    """Whether an operator stands beside it: it is a piece of an expression that others read whole."""
    return bool(_OPERATOR_BEFORE.search(_before(text, start)) or _OPERATOR_AFTER.match(text, stop))


def _before(text: str, start: int) -> str:
    before = text[max(0, start - 40) : start]
    return before[:-4] if before.lower().endswith("the ") else before
