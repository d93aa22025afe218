"""Ranking and recommendation: what fits, what is known, and reasons whose numbers are true."""

import re
from functools import cache
from itertools import pairwise

import pytest

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.fit.plan import Wish
from ponder.fit.quality import TASKS
from ponder.fit.rank import rank
from ponder.fit.recommend import (
    MUCH_SLOWER,
    PATIENCE_S,
    Recommendation,
    holds_answers,
    is_sound,
    recommend,
    seconds,
    spelled_s,
    value,
)
from ponder.fit.standing import tolerance
from ponder.fit.subject import everything
from ponder.fit.whatif import Given, with_given

SIZES = {subject.name: subject.parameters for subject in everything()}
LADDERS = {
    "RAM": [Given(ram_gib=size, ram_bandwidth_gbps=80, cores=16) for size in (8, 16, 32, 64, 256)],
    "cards": [
        Given(gpu=gpu, ram_gib=64, ram_bandwidth_gbps=80, cores=16)
        for gpu in ("RTX 3090", "2x RTX 3090", "4x RTX 3090")
    ],
    "RAM beside a card": [
        Given(gpu="RTX 4090", ram_gib=size, ram_bandwidth_gbps=460, cores=64) for size in (64, 384, 1152)
    ],
}
MACHINES = [given for ladder in LADDERS.values() for given in ladder]


def machine(given: Given) -> Hardware:
    return with_given(Hardware(), given)


@cache
def ranked(given: Given, task: str) -> tuple[list[Plan], Recommendation | None]:
    plans = rank(machine(given), Wish(task=task))
    return plans, recommend(plans, task, SIZES)


def candidates(given: Given, task: str) -> list[Plan]:
    """What the rule may choose from."""
    return [
        plan
        for plan in ranked(given, task)[0]
        if is_sound(plan, SIZES[plan.model]) and holds_answers(plan) and seconds(plan) <= PATIENCE_S[task]
    ]


@pytest.mark.parametrize("given", MACHINES, ids=lambda given: f"{given.gpu or 'RAM'}-{given.ram_gib}")
def test_what_is_recommended_fits_and_is_one_of_the_plans(given: Given) -> None:
    for task in TASKS:
        plans, best = ranked(given, task)
        assert all(plan.fits for plan in plans)
        assert best is not None
        assert best.plan in plans
        assert best.plan.answer is not None
        known = [plan for plan in candidates(given, task) if plan.standing]
        if known:
            assert best.plan.standing, "unknown before known"
            near = tolerance(best.plan.standing.benchmark)
            assert value(best.plan) >= max(map(value, known)) - near - 1e-9


@pytest.mark.parametrize("ladder", LADDERS)
def test_more_memory_never_gives_a_worse_recommendation(ladder: str) -> None:
    for task in TASKS:
        steps = [ranked(given, task)[1] for given in LADDERS[ladder]]
        for small, large in pairwise(steps):
            assert small is not None
            assert large is not None
            if seconds(small.plan) > PATIENCE_S[task]:
                continue  # nothing was in time: the rule was another
            near = tolerance(large.plan.standing.benchmark) if large.plan.standing else 0.0
            assert seconds(large.plan) <= PATIENCE_S[task]
            assert value(large.plan) >= value(small.plan) - near - 1e-9


def test_ranking_puts_the_best_first_and_unknown_last() -> None:
    plans, _ = ranked(LADDERS["cards"][0], "analysis")
    values = [value(plan) for plan in plans]
    assert values == sorted(values, reverse=True)
    assert plans[-1].standing is None
    assert len({(plan.model, plan.quantisation, plan.n_ctx) for plan in plans}) == len(plans)


def test_a_reason_names_true_numbers() -> None:
    for given in MACHINES:
        for task in TASKS:
            _, best = ranked(given, task)
            assert best is not None
            assert spelled_s(seconds(best.plan)) in best.reason
            count = re.search(r"of the (\d+) models", best.reason)
            known = {plan.model for plan in candidates(given, task) if plan.standing}
            if count:
                assert int(count[1]) <= len(known)
            if best.plan.standing and known and not best.plan.standing.through:
                assert f"{best.plan.standing.published:g}" in best.reason


def test_impatience_costs_quality_and_patience_never_does() -> None:
    given = LADDERS["RAM beside a card"][1]
    plans, _ = ranked(given, "olympiad")
    best = [recommend(plans, "olympiad", SIZES, patience) for patience in (60.0, 600.0, 7200.0)]
    values = [value(each.plan) for each in best if each]
    assert len(values) == 3
    assert values[0] < values[1] <= values[2] + tolerance("AIME 2025")


def test_nothing_in_time_is_said() -> None:
    plans, _ = ranked(LADDERS["RAM"][0], "olympiad")
    best = recommend(plans, "olympiad", SIZES, 1.0)
    assert best is not None
    assert "nothing sound that fits answers within 1.0 s" in best.reason
    quickest = min(seconds(plan) for plan in plans if is_sound(plan, SIZES[plan.model]) and plan.standing)
    assert seconds(best.plan) <= MUCH_SLOWER * quickest


def test_a_model_without_a_published_file_is_not_recommended_for_llama_cpp() -> None:
    plans = rank(machine(Given(gpu="M3 Ultra 512GB")), Wish(task="olympiad"))
    best = recommend(plans, "olympiad", SIZES, 7200.0)
    assert any(plan.id == "DeepSeek-V3.2-Exp" for plan in plans)
    assert best is not None
    assert best.plan.id != "DeepSeek-V3.2-Exp"


def test_no_plan_no_recommendation() -> None:
    assert recommend([], "maths", SIZES) is None
