"""The search by itself: endings drawn with known chances, no engine."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.check.bisection import Bisection


def searched(chances: list[float], samples: int, seed: int) -> Bisection:
    dice = random.Random(seed)
    search = Bisection(len(chances) - 1, samples)
    while (wish := search.wish()) is not None:
        node, count = wish
        assert 0 <= node <= search.steps
        assert count >= 1
        search.tell(node, [dice.random() < chances[node] for _ in range(count)])
    return search


def fall(steps: int, at: int, good: float, bad: float) -> list[float]:
    """Chances of a right ending at each node when the step with this index goes wrong."""
    return [good if node <= at else bad for node in range(steps + 1)]


def test_a_clear_fall_is_found_nearly_always() -> None:
    hits = confidence = within = 0.0
    for seed in range(100):
        at = seed % 30
        bracket = searched(fall(30, at, 0.9, 0.05), 8, seed).bracket()
        hits += bracket.step == at
        within += bracket.first <= at <= bracket.last
        confidence += bracket.confidence
    assert hits >= 93
    assert within >= 95
    assert abs(confidence - hits) < 10  # what it believes is what is true


def test_both_sides_are_sampled_and_few_others() -> None:
    search = searched(fall(60, 20, 1.0, 0.0), 8, 1)
    bracket = search.bracket()
    assert (bracket.verdict, bracket.step) == ("found", 20)
    assert bracket.good.of >= 8
    assert bracket.bad.of >= 8
    assert (bracket.good.value, bracket.bad.value) == (1.0, 0.0)
    assert search.sampled < 45
    assert not bracket.contradicted
    assert not bracket.recoverable


def test_no_step_is_blamed_for_a_hopeless_or_a_flawless_task() -> None:
    assert searched([0.0] * 20, 8, 1).bracket().verdict == "from the start"
    assert searched([1.0] * 20, 8, 1).bracket().verdict == "not at all"
    assert searched([1.0] * 20, 8, 1).bracket().step is None


def test_a_slip_that_is_often_repaired_is_marked() -> None:
    bracket = searched(fall(10, 4, 1.0, 0.4), 40, 2).bracket()
    assert bracket.step == 4
    assert bracket.recoverable


def test_a_rise_after_the_fall_is_told() -> None:
    search = Bisection(10, 8)
    for node, right in ((0, 8), (3, 8), (4, 0), (10, 0), (8, 7)):
        search.tell(node, [True] * right + [False] * (8 - right))
    assert search.bracket().contradicted


def test_one_step_is_a_search_too() -> None:
    assert searched([1.0, 0.0], 4, 1).bracket().step == 0
    with pytest.raises(ValueError, match="a step"):
        Bisection(0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.integers(1, 12), st.integers(0, 1000))
def test_any_search_ends_within_what_it_said(chances: list[float], samples: int, seed: int) -> None:
    search = searched(chances, samples, seed)
    assert search.sampled <= search.most
    assert sum(search.beliefs()) == pytest.approx(1)
    bracket = search.bracket()
    assert 0 <= bracket.first <= bracket.last < search.steps
    assert bracket.step is None or bracket.first <= bracket.step <= bracket.last
