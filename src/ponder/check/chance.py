"""How far a share or a difference can be trusted: intervals, and what chance alone would do."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Z95, Z90 = 1.959964, 1.644854
ROUNDS = 1000
"""Resamples of a bootstrap or a permutation; one of 100 answers takes a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, as in 7 of 8."""

    hits: int = 0
    of: int = 0

    @property
    def value(self) -> float:
        """The share itself, 0.0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    def interval(self, z: float = Z95) -> tuple[float, float]:
        """Wilson's score interval (1927), from 0 to 1; all of it where nothing is known."""
        if not self.of:
            return 0.0, 1.0
        centre = (self.hits + z * z / 2) / (self.of + z * z)
        spread = self.hits * (self.of - self.hits) / self.of + z * z / 4
        half = z / (self.of + z * z) * spread**0.5
        return max(0.0, centre - half), min(1.0, centre + half)

    def __add__(self, other: "Share") -> "Share":
        return Share(self.hits + other.hits, self.of + other.of)


@dataclass(frozen=True, slots=True)
class Change:
    """How different two samples of answers are: the total variation distance, from 0 (alike) to 1 (nothing in
    common), its 90 % bootstrap interval, and the mean that shuffling the two samples gives (`by_chance`).

    `chance` is the share of shuffles at least as different: a permutation test's p-value.
    """

    value: float
    low: float
    high: float
    by_chance: float
    chance: float


def change(before: Sequence[int], after: Sequence[int], seed: int = 0) -> Change:
    """The change from the groups of answers `before` to those `after`; the same seed gives the same numbers.

    Raises ValueError for a sample without answers.
    """
    if not before or not after:
        raise ValueError("a sample is empty")
    dice = random.Random(seed)
    value = distance(before, after)
    again = sorted(
        distance(dice.choices(before, k=len(before)), dice.choices(after, k=len(after)))
        for _ in range(ROUNDS)
    )
    pool, shuffled = [*before, *after], []
    for _ in range(ROUNDS):
        dice.shuffle(pool)
        shuffled.append(distance(pool[: len(before)], pool[len(before) :]))
    reached = sum(each >= value - 1e-9 for each in shuffled)
    low, high = again[ROUNDS // 20], again[-ROUNDS // 20 - 1]
    return Change(
        value, min(low, value), max(high, value), sum(shuffled) / ROUNDS, (reached + 1) / (ROUNDS + 1)
    )


def distance(one: Sequence[int], other: Sequence[int]) -> float:
    """Total variation: half the sum of the differences of the groups' shares."""
    a, b = Counter(one), Counter(other)
    return sum(abs(a[group] / len(one) - b[group] / len(other)) for group in a.keys() | b.keys()) / 2
