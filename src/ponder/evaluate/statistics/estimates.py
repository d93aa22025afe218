"""Estimates for one problem from N samples of which c are right: avg@N, pass@k, pass^k and cons@k.

Figures of a task are means over its problems. pass@k is the unbiased estimator of Chen et al. (2021).
"""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import comb

SUBSETS = 200
"""Subsets of k samples over which cons@k is averaged; all of them where there are no more."""


def avg(right: int, samples: int) -> float:
    """avg@N: the share of samples that are right, which DeepSeek's tables call pass@1."""
    return right / samples


def pass_any(right: int, samples: int, k: int) -> float:
    """pass@k: the chance that at least one of k samples is right; raises ValueError for k > samples."""
    _check(samples, k)
    return 1 - comb(samples - right, k) / comb(samples, k)


def pass_all(right: int, samples: int, k: int) -> float:
    """pass^k: the chance that all of k samples are right; raises ValueError for k > samples."""
    _check(samples, k)
    return comb(right, k) / comb(samples, k)


def consensus(groups: Sequence[int | None], right: frozenset[int], k: int, seed: str = "") -> float:
    """cons@k: the chance that the commonest answer of k samples is right.

    `groups` are the samples' answers, equal ones with the same number, None for no answer; `right` are the
    numbers of the right ones. Groups of the same size share the win. Without any answer it is 0.
    """
    _check(len(groups), k)
    if comb(len(groups), k) <= SUBSETS:
        chosen: Sequence[Sequence[int | None]] = list(combinations(groups, k))
    else:
        dice = random.Random(f"consensus {seed}")
        chosen = [dice.sample(list(groups), k) for _ in range(SUBSETS)]
    return sum(_won(each, right) for each in chosen) / len(chosen)


def _won(groups: Sequence[int | None], right: frozenset[int]) -> float:
    counts = Counter(group for group in groups if group is not None)
    if not counts:
        return 0.0
    most = max(counts.values())
    tied = [group for group, count in counts.items() if count == most]
    return sum(group in right for group in tied) / len(tied)


def _check(samples: int, k: int) -> None:
    if not 1 <= k <= samples:
        raise ValueError(f"k = {k} of {samples} samples")
