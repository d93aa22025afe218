"""Estimates against brute force, and intervals against what they promise: 95 % of simulated evaluations."""

import random
from collections import Counter
from itertools import combinations
from math import comb
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.check.answers import grouped
from ponder.check.chance import Share
from ponder.evaluate.sample import Sample
from ponder.evaluate.statistics.estimates import avg, consensus, pass_all, pass_any
from ponder.evaluate.statistics.intervals import difference, mcnemar, mean_of, ratio_of
from ponder.evaluate.statistics.lengths import busy_s, lengths_of, quantile
from ponder.evaluate.statistics.summary import against, figures

SAMPLES = st.integers(1, 8).flatmap(
    lambda n: st.tuples(st.lists(st.sampled_from((None, 0, 1, 2)), min_size=n, max_size=n), st.integers(1, n))
)


@given(SAMPLES)
def test_estimates_are_what_all_subsets_say(case: tuple[list[int | None], int]) -> None:
    groups, k = case
    rights = [group == 0 for group in groups]
    subsets = list(combinations(range(len(groups)), k))
    assert avg(sum(rights), len(rights)) == fmean(rights)
    any_right = fmean(any(rights[i] for i in subset) for subset in subsets)
    all_right = fmean(all(rights[i] for i in subset) for subset in subsets)
    assert pass_any(sum(rights), len(rights), k) == pytest.approx(any_right)
    assert pass_all(sum(rights), len(rights), k) == pytest.approx(all_right)

    def won(subset: tuple[int, ...]) -> float:
        counts = Counter(groups[i] for i in subset if groups[i] is not None)
        tied = [g for g, count in counts.items() if count == max(counts.values())]
        return (0 in tied) / len(tied) if tied else 0.0

    assert consensus(groups, frozenset({0}), k) == pytest.approx(fmean(map(won, subsets)))


def test_a_majority_of_many_is_drawn_the_same_way_each_time() -> None:
    groups = [0] * 20 + [1] * 12
    first = consensus(groups, frozenset({0}), 9, "a")
    assert first == consensus(groups, frozenset({0}), 9, "a")
    exact = sum(comb(20, zeros) * comb(12, 9 - zeros) for zeros in range(5, 10)) / comb(32, 9)
    assert first == pytest.approx(exact, abs=0.1)


def test_answers_are_grouped_by_what_they_mean() -> None:
    same = {frozenset({"1/2", "0.5"})}
    groups = grouped(["0.5", "", "1/2", "2", "0.5"], lambda a, b: frozenset({a, b}) in same)
    assert groups == [0, None, 0, 1, 0]


@pytest.mark.parametrize(("problems", "samples", "least"), [(30, 1, 0.9), (30, 16, 0.9), (300, 4, 0.9)])
def test_intervals_hold_the_truth_as_often_as_they_say(problems: int, samples: int, least: float) -> None:
    """Difficulties as reasoning benchmarks have them (U-shaped); pooled samples would claim far too much."""
    dice, runs, pooled, clustered = random.Random(1), 120, 0, 0
    truth = 0.35 / 0.95
    for run in range(runs):
        hits = []
        for _ in range(problems):
            chance = dice.betavariate(0.35, 0.6)
            hits.append(sum(dice.random() < chance for _ in range(samples)))
        low, high = Share(sum(hits), problems * samples).interval()
        pooled += low <= truth <= high
        interval = mean_of([hit / samples for hit in hits], run)
        clustered += interval.low <= truth <= interval.high
    assert least <= clustered / runs <= 1
    if samples > 1:
        assert pooled / runs < 0.85


def test_paired_differences_are_surer_and_hold_the_truth() -> None:
    dice, runs, held, narrower = random.Random(2), 40, 0, 0
    for run in range(runs):
        before, after = [], []
        for _ in range(60):
            chance = dice.betavariate(0.35, 0.6)
            better = chance + 0.2 * (1 - chance)
            before.append(fmean(dice.random() < chance for _ in range(8)))
            after.append(fmean(dice.random() < better for _ in range(8)))
        paired = difference(before, after, run)
        held += paired.low <= 0.2 * 0.6 / 0.95 <= paired.high
        unpaired = mean_of(before, run)
        narrower += paired.high - paired.low < unpaired.high - unpaired.low
    assert held / runs >= 0.9
    assert narrower == runs


def test_nothing_that_varies_is_no_certainty() -> None:
    assert mean_of([0.0] * 20).high == pytest.approx(0.161, abs=0.001)  # Wilson's, of 0 of 20
    same = difference([0.5] * 20, [0.5] * 20)
    assert (same.value, same.low) == (0.0, -same.high)
    assert same.high > 0.1


def test_mcnemar_is_the_binomial_test_of_those_that_changed() -> None:
    test = mcnemar([True] * 9 + [False] * 11, [True] * 8 + [False] + [True] * 7 + [False] * 4)
    assert (test.gained, test.lost) == (7, 1)
    assert test.chance == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar([True], [True]).chance == 1.0


def test_a_ratio_is_of_sums() -> None:
    found = ratio_of([(1.0, 2.0), (3.0, 2.0), (0.0, 4.0)])
    assert found.value == 0.5
    assert found.low <= 0.5 <= found.high


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_holds_its_own_figure(values: list[float]) -> None:
    found = mean_of(values)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert found == mean_of(values)


def sample(problem: str, number: int, right: bool, **more: object) -> Sample:
    values: dict[str, object] = {
        "problem": problem, "number": number, "level": "easy" if problem < "c" else "hard", "seed": 1,
        "outcome": "right" if right else "wrong", "step": "exact", "given": "1" if right else "2",
        "how": "box",
        "note": "", "trace": "", "reason": "stop", "closed_by": "model", "reasoning_tokens": 10,
        "completion_tokens": 20, "sampled_tokens": 20, "seconds": 2.0, "begun": number * 2.0,
        "ended": number * 2.0 + 2.0, "engine": "e",
    }  # fmt: skip
    return Sample(**(values | more))  # type: ignore[arg-type]


def test_figures_of_a_small_evaluation() -> None:
    table = {"a": (1, 1, 1, 0), "b": (0, 0, 0, 0), "c": (1, 0, 0, 1), "d": (1, 1, 1, 1)}
    samples = [sample(p, n, bool(r)) for p, row in table.items() for n, r in enumerate(row)]
    samples[4] = sample("b", 0, False, outcome="unknown", given="", closed_by="budget", completion_tokens=100)
    found = figures(samples, lambda a, b: a == b)
    assert (found.problems, found.samples, found.accuracy.value) == (4, 4, 9 / 16)
    assert [at.k for at in found.at] == [2, 4]
    assert found.at[1].pass_any.value == 0.75
    assert found.at[1].pass_all.value == 0.25
    assert found.at[1].cons is not None
    assert found.at[1].cons.value == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert (found.unknown, found.no_answer, found.all.truncated) == (1, 1, 1)
    assert found.right.mean == 20.0
    assert found.wrong.mean == pytest.approx((100 + 6 * 20) / 7)
    assert found.busy_s == 8.0  # four problems at once
    assert found.per_s == pytest.approx(9 / 8)
    assert found.per_1000.value == pytest.approx(9 / 0.32)
    assert [(level.level, level.problems) for level in found.levels] == [("easy", 2), ("hard", 2)]


def test_cuts_count_a_sample_without_reasoning_as_it_is() -> None:
    samples = [
        sample("a", 0, True), sample("a", 0, False, cut=0.5, reasoning_tokens=5),
        sample("b", 0, True, reasoning_tokens=0),
    ]  # fmt: skip
    half, whole = figures(samples, None).cuts
    assert (half.share, half.accuracy.value, half.tokens) == (0.5, 0.5, 2.5)
    assert (whole.share, whole.accuracy.value) == (1.0, 1.0)


def test_two_models_are_compared_on_what_both_have() -> None:
    one = [sample(p, 0, p in "ab") for p in "abcd"]
    other = [sample(p, 0, p != "b", seconds=3.0) for p in "abcde"]
    found = against(one, other)
    assert found is not None
    assert found.problems == 4
    assert found.accuracy.value == pytest.approx(0.25)
    assert found.seconds == 1.0
    assert found.test is not None
    assert (found.test.gained, found.test.lost) == (2, 1)
    assert against(one, []) is None


def test_quantiles_and_busy_time() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 2.5
    assert quantile([7], 0.99) == 7
    assert lengths_of([]).samples == 0
    assert busy_s([sample("a", 0, True), sample("b", 0, True), sample("c", 5, True)]) == 4.0
