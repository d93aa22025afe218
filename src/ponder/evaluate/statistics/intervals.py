"""How far a figure can be trusted: problems are drawn, and sixteen samples of one are not sixteen problems.

Intervals are 95 %. Where each problem is all right or all wrong it is Wilson's; else a bootstrap by problem,
widened for few problems as Student's t is against the normal distribution; for many, the standard error over
problems.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ponder.check.chance import Z95, Share

T = TypeVar("T")
ROUNDS = 1000
MANY = 200
"""Problems beyond which their mean is normal enough to need no bootstrap."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds that hold the true one in 95 % of cases."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two models with one sample for each problem: `gained` only the second has right, `lost` only the first.

    `chance`: how often two equally good models differ as much (exact, two-sided).
    """

    gained: int
    lost: int
    chance: float


def mean_of(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean of one value from 0 to 1 for each problem; raises ValueError for none."""
    if not values:
        raise ValueError("no problems")
    if all(value in (0.0, 1.0) for value in values):
        share = Share(sum(value == 1.0 for value in values), len(values))
        return Interval(share.value, *share.interval())
    found = _interval(values, seed)
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def difference(before: Sequence[float], after: Sequence[float], seed: int = 0) -> Interval:
    """The mean difference `after` - `before`, paired by problem; both from 0 to 1, in the same order."""
    changes = [b - a for a, b in zip(before, after, strict=True)]
    if not changes:
        raise ValueError("no problems")
    if len(set(changes)) == 1:  # nothing varies, but more problems could
        most = Share(0, len(changes)).interval()[1]
        return Interval(changes[0], max(-1.0, changes[0] - most), min(1.0, changes[0] + most))
    found = _interval(changes, seed)
    return Interval(found.value, max(-1.0, found.low), min(1.0, found.high))


def ratio_of(pairs: Sequence[tuple[float, float]], seed: int = 0) -> Interval:
    """The sum of the first numbers over that of the second, such as right answers for each token, with one
    pair for each problem; raises ValueError for none.
    """
    if not pairs:
        raise ValueError("no problems")
    if len(pairs) <= MANY:
        return _bootstrap(list(pairs), _ratio, seed)
    value, size = _ratio(list(pairs)), sum(pair[1] for pair in pairs) / len(pairs) or 1.0
    return _normal(value, [(a - value * b) / size for a, b in pairs])  # the delta method


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> McNemar:
    """McNemar's exact test (1947) of two models on the same problems."""
    gained = sum(b and not a for a, b in zip(before, after, strict=True))
    lost = sum(a and not b for a, b in zip(before, after, strict=True))
    changed = gained + lost
    tail = sum(math.comb(changed, count) for count in range(min(gained, lost) + 1)) / 2**changed
    return McNemar(gained, lost, min(1.0, 2 * tail))


def _interval(values: Sequence[float], seed: int) -> Interval:
    if len(values) <= MANY:
        return _bootstrap(list(values), _mean, seed)
    mean = _mean(list(values))
    return _normal(mean, [value - mean for value in values])


def _bootstrap(values: list[T], figure: Callable[[list[T]], float], seed: int) -> Interval:
    dice, count, value = random.Random(seed), len(values), figure(values)
    again = sorted(figure(dice.choices(values, k=count)) for _ in range(ROUNDS))
    low, high = again[round(ROUNDS * 0.025)], again[round(ROUNDS * 0.975) - 1]
    wider = _wider(count)
    return Interval(value, value - (value - low) * wider, value + (high - value) * wider)


def _normal(value: float, errors: Sequence[float]) -> Interval:
    """The interval of a figure that is a mean with these errors, one for each of many problems."""
    half = Z95 * math.sqrt(sum(error * error for error in errors)) / len(errors)
    return Interval(value, value - half, value + half)


def _wider(count: int) -> float:
    """Student's t over the normal quantile (Cornish and Fisher's expansion), times sqrt(n / (n - 1))."""
    if count < 3:
        return 6.0
    freedom = count - 1
    t = Z95 + (Z95**3 + Z95) / (4 * freedom) + (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / (96 * freedom**2)
    return t / Z95 * math.sqrt(count / freedom)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return sum(pair[0] for pair in pairs) / (sum(pair[1] for pair in pairs) or 1.0)
