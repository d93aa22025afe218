"""The claims of a text that can be checked, each with its verdict: `claims_in`."""

import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import islice

from ponder.check.chains import chain_claims
from ponder.check.claim import Claim
from ponder.check.phrases import phrase_claims
from ponder.check.plain import plain

MAX_CLAIMS = 5000
"""At most so many claims of a kind are read in one text."""

__all__ = ["Claim", "claims_in", "claims_with"]


def claims_in(text: str) -> tuple[Claim, ...]:
    """The claims of one text in the order they are made; the same text gives the same claims everywhere."""
    return claims_with(text, {})


def claims_with(text: str, known: Mapping[str, Fraction]) -> tuple[Claim, ...]:
    """As `claims_in`, for a text in which the variables `known` have values."""
    simple = plain(text)
    phrases = list(islice(phrase_claims(simple), MAX_CLAIMS))
    taken = {place for claim in phrases for place in range(claim.start, claim.stop)}
    chains = [
        claim
        for claim in islice(chain_claims(simple, known), MAX_CLAIMS)
        if taken.isdisjoint(range(claim.start, claim.stop))
    ]
    return tuple(sorted({*phrases, *chains}, key=lambda c: (c.start, c.stop, c.kind)))


_ASSIGNED = re.compile(
    r"\b(?:let|set|given|with|where)\s+([A-Za-z])\s*=\s*(-?[0-9]{1,12})(?=\s*(?:[.,;\n)]|and\b|$))",
    re.IGNORECASE,
)
_NEW_CASE = re.compile(
    r"\b(?:cases?|suppose|alternatively|instead|another|try|option|if|for|assume|equation)\b", re.IGNORECASE
)


def assigned(text: str, known: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The variables that have a clear value after `text`; a new case or a second value forgets."""
    simple = plain(text)
    if _NEW_CASE.search(simple):
        return {}
    values = dict(known)
    for match in _ASSIGNED.finditer(simple):
        values[match[1]] = Fraction(match[2])
    for name, value in list(values.items()):
        for again in re.finditer(rf"(?<![\w+*/^(-]){name}\s*=\s*(-?[0-9]+)?", simple):
            if again[1] is None or Fraction(again[1]) != value:
                values.pop(name, None)
    return values
