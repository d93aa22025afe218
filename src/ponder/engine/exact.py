"""Every token's id, although the stream loses some.

llama.cpp's server holds text back while a character is incomplete, and then reports only the last token
of what it releases. The gap shows in its token count. Its bytes are known, and so is what the model could
have chosen at each place: a search over the engine's own candidates finds the likeliest tokens that give
these bytes. Generation goes on after exactly those, so what is recorded is what the model continued.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count as counter

PATIENCE = 64
"""Places to look at before a search gives up: a gap of three tokens usually takes three."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token the model could have chosen: id, exact bytes, natural log-probability.

    `score` is the log-probability with which it was sampled, biases included.
    """

    id: int
    data: bytes
    logprob: float
    score: float


Candidates = Callable[[Sequence[int]], Sequence[Candidate]]
"""Ids generated since the last known token → what could have followed."""


def incomplete(data: bytes) -> bool:
    """Whether llama.cpp would hold `data` back: its end could be the beginning of a longer character."""
    for distance, byte in enumerate(reversed(data[-4:]), 1):
        length = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4 if byte >> 3 == 0b11110 else 1
        if length > distance:
            return True
    return False


def fill(candidates: Candidates, data: bytes, count: int, last_id: int) -> list[Candidate] | None:
    """The likeliest `count` tokens that give `data` and end with `last_id`; None if none are found.

    Of all ways begun, the likeliest is always the next to go on, so the first that arrives is the best.
    """
    number = counter()
    ways: list[tuple[float, int, int, list[Candidate]]] = [(0.0, next(number), 0, [])]
    for _ in range(PATIENCE):
        if not ways:
            break
        cost, _, used, way = heappop(ways)
        if len(way) == count:
            return way
        at_end = len(way) == count - 1
        for choice in candidates([token.id for token in way]):
            end = used + len(choice.data)
            whole = choice.id == last_id and end == len(data) if at_end else incomplete(data[:end])
            if whole and data.startswith(choice.data, used):
                heappush(ways, (cost - choice.score, next(number), end, [*way, choice]))
    return None
