"""Every token's id, although the stream loses some.

llama.cpp's server holds text back while a character is incomplete, and then reports only the last token
of what it releases. The gap shows in its token count. Its bytes are known, and so is what the model could
have chosen at each place: a search over the engine's own candidates finds the tokens, nearly always the
only ones that fit. Where several do, the caller generates those few tokens anew, unstreamed, which
returns all ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token the model could have chosen: id, exact bytes, natural log-probability."""

    id: int
    data: bytes
    logprob: float


Candidates = Callable[[Sequence[int]], Sequence[Candidate]]
"""Ids generated since the last known token → everything that could have followed."""


def incomplete(data: bytes) -> bool:
    """Whether llama.cpp would hold `data` back: its end could be the beginning of a longer character."""
    for distance, byte in enumerate(reversed(data[-4:]), 1):
        length = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4 if byte >> 3 == 0b11110 else 1
        if length > distance:
            return True
    return False


def fill(candidates: Candidates, data: bytes, count: int, last_id: int) -> list[Candidate] | None:
    """The `count` tokens that gave `data` and end with `last_id`; None unless exactly one way fits."""
    found: list[list[Candidate]] = []
    ways: list[list[Candidate]] = [[]]
    while ways and len(found) < 2:
        way = ways.pop()
        used = sum(len(token.data) for token in way)
        at_end = len(way) == count - 1
        for choice in candidates([token.id for token in way]):
            end = used + len(choice.data)
            if not data.startswith(choice.data, used) or (choice.id != last_id if at_end else False):
                continue
            if at_end and end == len(data):
                found.append([*way, choice])
            elif not at_end and incomplete(data[:end]):
                ways.append([*way, choice])
    return found[0] if len(found) == 1 else None


def look_up(candidates: Candidates, ids: Sequence[int]) -> list[Candidate]:
    """The bytes and log-probabilities of `ids`, of which every one is among the candidates."""
    return [next(c for c in candidates(ids[:i]) if c.id == token) for i, token in enumerate(ids)]
