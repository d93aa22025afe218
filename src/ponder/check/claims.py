"""The claims of a text that can be checked, each with its verdict: `claims_in`."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import islice

from ponder.check.chains import chain_claims
from ponder.check.claim import Claim
from ponder.check.derive import derived
from ponder.check.phrases import phrase_claims
from ponder.check.plain import plain

MAX_CLAIMS = 5000
"""At most so many claims of a kind are read in one text."""

MAX_LINE = 20_000
"""A longer line is nothing that a person or a model wrote to be read; it is passed over."""

__all__ = ["Claim", "claims_in", "claims_with"]


def claims_in(text: str) -> tuple[Claim, ...]:
    """The claims of one text in the order they are made; the same text gives the same claims everywhere."""
    return claims_with(text, {})


def claims_with(text: str, known: Mapping[str, Fraction]) -> tuple[Claim, ...]:
    """As `claims_in`, for a text in which the variables `known` have values."""
    lines = (line if len(line) <= MAX_LINE else " " * len(line) for line in text.split("\n"))
    simple = plain("\n".join(lines))
    found, scope = derived(simple, known)
    found += islice(phrase_claims(simple), MAX_CLAIMS)
    taken = bytearray(len(text) + 1)
    for claim in found:
        taken[claim.start : claim.stop] = b"\1" * (claim.stop - claim.start)
    found += (
        claim
        for claim in islice(chain_claims(simple, scope), MAX_CLAIMS)
        if not any(taken[claim.start : claim.stop])
    )
    return tuple(sorted(set(found), key=lambda c: (c.start, c.stop, c.kind)))
