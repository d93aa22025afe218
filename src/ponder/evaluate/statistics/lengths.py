"""How long the outputs are and how they end: of the right ones, of the wrong ones, and of all."""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.evaluate.sample import Sample


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of some samples: tokens of reasoning and answer, and how many were cut off by a limit, went in circles,
    or did not reason although they were to.
    """

    samples: int = 0
    mean: float = 0.0
    median: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    truncated: int = 0
    looped: int = 0
    empty: int = 0


def lengths_of(samples: Sequence[Sample]) -> Lengths:
    """The lengths of `samples`, all 0 for none."""
    if not samples:
        return Lengths()
    tokens = sorted(sample.completion_tokens for sample in samples)
    return Lengths(
        len(samples),
        sum(tokens) / len(tokens),
        quantile(tokens, 0.5),
        quantile(tokens, 0.9),
        quantile(tokens, 0.99),
        sum(sample.truncated for sample in samples),
        sum(sample.looped for sample in samples),
        sum(sample.empty for sample in samples),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the ordered values lie, between two neighbours in proportion."""
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def busy_s(samples: Sequence[Sample]) -> float:
    """Seconds in which at least one of the samples ran: several at once count once."""
    total, until = 0.0, 0.0
    for begun, ended in sorted((sample.begun, sample.ended) for sample in samples):
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total
