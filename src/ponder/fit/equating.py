"""Figures of two benchmarks set against each other, through the models that took both.

An easier benchmark shifts every model's figure by about the same amount, where figures add up: logarithms
of tokens, log-odds of percentages. The mean shift over common models turns one benchmark's figures into the
other's; how far the models disagree about it says whether that may be done at all (mean equating with common
persons, as educational testing does between editions of an examination).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """What to add to figures of one benchmark to get another's: `shift`, known from the models `through`,
    which scatter by `spread` (standard deviation; 0 for a single one).
    """

    shift: float
    spread: float
    through: tuple[str, ...]


def link(wanted: Mapping[str, float], given: Mapping[str, float]) -> Link | None:
    """The link from `given` to `wanted`, both by model on an additive scale; None without a common model."""
    through = tuple(sorted(wanted.keys() & given.keys()))
    if not through:
        return None
    shifts = [wanted[model] - given[model] for model in through]
    mean = sum(shifts) / len(shifts)
    spread = math.sqrt(sum((shift - mean) ** 2 for shift in shifts) / max(1, len(shifts) - 1))
    return Link(mean, spread, through)


def log_odds(percent: float) -> float:
    """ln(p / (1 - p)) of a percentage, which is kept half a point off its ends."""
    share = min(99.5, max(0.5, percent)) / 100
    return math.log(share / (1 - share))


def percentage(odds: float) -> float:
    """The percentage of a `log_odds`."""
    return 100 / (1 + math.exp(-odds))
