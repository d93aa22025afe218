"""The claims of a text that can be checked, each with its verdict: `claims_in`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import islice

from ponder.check.chains import chain_claims
from ponder.check.claim import Claim
from ponder.check.derive import derived
from ponder.check.functions import function_claims
from ponder.check.phrases import phrase_claims
from ponder.check.plain import plain

MAX_CLAIMS = 5000
"""At most so many claims of a kind are read in one text."""

MAX_TEXT = 500_000
"""So many characters of a text are read: more than the longest contexts hold. The rest is said not to be."""

MAX_LINE = 20_000
"""A longer line is nothing that a person or a model wrote to be read; it is passed over, and what is known
before it is forgotten."""

__all__ = ["Claim", "claims_in", "claims_with"]


def claims_in(text: str) -> tuple[Claim, ...]:
    """The claims of one text in the order they are made; the same text gives the same claims everywhere."""
    return claims_with(text, {})


def claims_with(text: str, known: Mapping[str, Fraction]) -> tuple[Claim, ...]:
    """As `claims_in`, for a text in which the variables `known` have values."""
    claims: list[Claim] = []
    left = MAX_TEXT
    for start, whole in _readable(text):
        part, left = whole[:left], left - len(whole)
        for claim in _claims(part, known):
            rests_on = tuple(place + start for place in claim.rests_on)
            claims.append(
                replace(claim, start=claim.start + start, stop=claim.stop + start, rests_on=rests_on)
            )
        if left < 0:
            fact = f"more than {MAX_TEXT:,} characters: the rest is not read"
            claims.append(Claim(start + len(part), len(text), "unread", "", "", "not checkable", fact))
            break
    return tuple(claims)


def _readable(text: str) -> Iterator[tuple[int, str]]:
    """The stretches of a text between its lines that are too long, each with the place where it begins."""
    begun = at = 0
    for line in text.split("\n"):
        if len(line) > MAX_LINE:
            yield begun, text[begun:at]
            begun = at + len(line)
        at += len(line) + 1
    yield begun, text[begun:]


def _claims(text: str, known: Mapping[str, Fraction]) -> tuple[Claim, ...]:
    simple = plain(text)
    found, scope = derived(simple, known)
    found += islice(phrase_claims(simple), MAX_CLAIMS)
    found += _apart(function_claims(text, simple), found, len(text))
    found += _apart(islice(chain_claims(simple, scope), MAX_CLAIMS), found, len(text))
    return tuple(sorted(set(found), key=lambda c: (c.start, c.stop, c.kind)))


def _apart(claims: Iterable[Claim], others: Iterable[Claim], length: int) -> list[Claim]:
    """Those claims whose right side is not that of another: it has been judged already."""
    taken = bytearray(length + 1)
    for claim in others:
        taken[claim.start : claim.stop] = b"\1" * (claim.stop - claim.start)
    return [claim for claim in claims if not taken[claim.stop - 1]]
