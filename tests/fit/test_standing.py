"""Figures that may be compared: one benchmark, one mode, editions linked through models that took both."""

import math

import pytest

from ponder.catalog.models import all_models
from ponder.fit.equating import link, log_odds, percentage
from ponder.fit.quality import TASKS, all_scores, reasoning_length
from ponder.fit.standing import EDITIONS, benchmark_of, standing, tolerance


def test_a_link_is_the_mean_shift_of_common_models() -> None:
    found = link({"a": 3.0, "b": 5.0, "c": 9.0}, {"a": 1.0, "b": 4.0, "d": 0.0})
    assert found is not None
    assert (found.shift, found.through) == (1.5, ("a", "b"))
    assert found.spread == pytest.approx(math.sqrt(0.5))
    assert link({"a": 1.0}, {"b": 1.0}) is None


def test_log_odds_come_back_and_never_run_away() -> None:
    assert percentage(log_odds(73.3)) == pytest.approx(73.3)
    assert percentage(log_odds(100)) == pytest.approx(99.5)


def test_a_figure_of_the_benchmark_itself_is_taken_as_published() -> None:
    own = standing("DeepSeek-R1", "code")
    assert own is not None
    assert (own.value, own.edition, own.through) == (64.3, "LiveCodeBench v5", ())


def test_another_edition_is_moved_by_what_the_common_model_moved() -> None:
    other = standing("DeepSeek-R1-0528", "code")
    assert other is not None
    assert (other.edition, other.published, other.through) == (
        "LiveCodeBench (2024-08..2025-05)",
        73.3,
        ("DeepSeek-R1",),
    )
    moved = log_odds(73.3) + log_odds(64.3) - log_odds(63.5)  # R1 has 64.3 on v5 and 63.5 on that edition
    assert other.value == pytest.approx(percentage(moved))


def test_what_cannot_be_compared_is_unknown() -> None:
    assert standing("GLM-4.5-Air", "code") is None  # its source does not name the edition
    assert standing("DeepSeek-R1-0528", "maths") is None  # nobody publishes its MATH-500
    assert standing("no such model", "maths") is None
    assert standing("DeepSeek-V3.1", "olympiad") is None  # only without reasoning


def test_every_standing_is_a_row_of_the_data() -> None:
    for model in all_models():
        for task in TASKS:
            found = standing(model.id, task)
            if found is None:
                continue
            editions = (benchmark_of(task), *EDITIONS.get(benchmark_of(task), ()))
            assert found.edition in editions
            rows = [s for s in all_scores()[model.id] if s.benchmark == found.edition]
            assert (found.published, found.source) in {
                (s.value, s.source) for s in rows if s.metric == "pass@1" and s.mode != "non-thinking"
            }
            assert bool(found.through) == (found.edition != found.benchmark)


def test_published_figures_come_before_repeated_ones() -> None:
    repeated = [s for s in all_scores()["DeepSeek-R1-Distill-Qwen-7B"] if s.reproduced]
    found = standing("DeepSeek-R1-Distill-Qwen-7B", "maths")
    assert repeated
    assert found is not None
    assert found.value == 92.8


def test_tolerance_is_how_far_repetitions_ended_from_the_published_figure() -> None:
    assert 0.5 < tolerance("MATH-500") < 2 < tolerance("AIME 2025") < 5
    assert tolerance("AIME 2025") == tolerance("AIME 2024")
    assert tolerance("MMLU-Redux") == 0


def test_a_length_is_of_the_benchmark_that_models_are_compared_on() -> None:
    for task, (lengths, scores) in TASKS.items():
        assert not lengths or lengths[0] == scores[0] or task == "plain"


def test_an_own_length_elsewhere_is_scaled_not_replaced() -> None:
    found = reasoning_length("DeepSeek-R1-0528", "analysis")
    assert found is not None
    assert not found.exact
    assert "23,000 tokens on AIME 2025, scaled to GPQA-Diamond" in found.note
    assert 12_000 < found.mean_tokens < 17_000
    first = reasoning_length("DeepSeek-R1", "analysis")
    assert first is not None
    assert found.mean_tokens / first.mean_tokens == pytest.approx(23 / 12)


def test_reasoning_models_say_nothing_about_others() -> None:
    plain = reasoning_length("Qwen2.5-7B-Instruct", "maths")
    assert plain is not None
    assert plain.model == "Qwen2.5-Math-7B"
