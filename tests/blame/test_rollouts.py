"""Bisection, agreement and cost through the real engine, on a model whose wrong step is known."""

from dataclasses import replace
from itertools import islice

import pytest

from ponder.blame.importance import Importance
from ponder.blame.rollouts import Rollouts
from ponder.core.events import Event, Prefill
from ponder.core.trace import Trace
from ponder.endings import Endings
from ponder.errors import InputError, NotFoundError
from ponder.opened import Opened
from ponder.store import open_store
from tests.blame.wrong import ASTRAY, STEPS, wander


def test_bisection_finds_the_planted_step(wanderer: Opened, astray: Trace) -> None:
    rollouts = Rollouts(wanderer, astray, target="42", samples=8)
    seen = list(rollouts)
    found = rollouts.result()
    assert (found.verdict, found.step) == ("found", ASTRAY)
    assert found.confidence is not None
    assert found.confidence >= 0.9
    shares = {node.step: (node.right, node.of) for node in found.nodes}
    assert shares[ASTRAY][0] > 0  # the model has not gone astray yet
    assert shares[ASTRAY + 1][0] == 0
    assert min(shares[ASTRAY][1], shares[ASTRAY + 1][1]) >= 8  # both sides are confirmed
    assert sum(of for _, of in shares.values()) == len(seen) == found.spent.runs
    assert "step 5" in found.sentence
    assert found.about["target"] == "42"


def test_what_was_sampled_and_evaluated_is_counted_truly(wanderer: Opened, astray: Trace) -> None:
    index = astray.step(ASTRAY + 2).start
    sampler = Endings(wanderer, astray, seed=3)
    prefills: list[Prefill] = []

    def watch(event: Event) -> None:
        if isinstance(event, Prefill):
            prefills.append(event)

    made = list(sampler.at(index, range(4), watch))
    tokens = sum(len(trace.tokens) - index for trace in made)
    assert sampler.spent.sampled_tokens == tokens
    last = prefills[-1]
    assert last.total - last.cached == 1  # the shared prefix is not evaluated again
    assert last.total == len(astray.prompt_ids) + index
    fresh = sum(prefill.total - prefill.cached for prefill in prefills if prefill.done == prefill.total)
    assert sampler.spent.evaluated_tokens == fresh
    assert sampler.spent.evaluated_tokens + sampler.spent.cached_tokens == 4 * last.total
    assert len({trace.request.sampling.seed for trace in made}) == 4


def test_endings_can_be_repeated(wanderer: Opened, astray: Trace) -> None:
    one = [trace.ids for trace in Endings(wanderer, astray, seed=5).at(0, range(3))]
    again = [trace.ids for trace in Endings(wanderer, astray, seed=5).at(0, [2, 1, 0])]
    assert one == again[::-1]
    assert all(ids[: astray.step(2).start] == astray.ids[: astray.step(2).start] for ids in one)


def test_a_greedy_trace_is_sampled_all_the_same(wanderer: Opened, astray: Trace) -> None:
    greedy = replace(
        astray, request=replace(astray.request, sampling=replace(astray.request.sampling, temperature=0.0))
    )
    (ending,) = Endings(wanderer, greedy).at(0, [0])
    assert ending.request.sampling.temperature == 0.6


def test_without_a_target_agreement_decides(wanderer: Opened, astray: Trace) -> None:
    rollouts = Rollouts(wanderer, astray, samples=8, seed=1)
    list(rollouts)
    found = rollouts.result()
    assert rollouts.target.endswith("42")
    assert (found.verdict, found.step) == ("found", ASTRAY)
    assert found.about["target_from"] == "agreement"
    assert any("agree on" in line for line in found.evidence)


def test_a_checker_decides(wanderer: Opened, astray: Trace) -> None:
    rollouts = Rollouts(wanderer, astray, target=lambda answer: "42" in answer, samples=6)
    list(rollouts)
    assert rollouts.result().step == ASTRAY


def test_a_right_answer_and_an_impossible_target(wanderer: Opened, astray: Trace) -> None:
    right = Rollouts(wanderer, astray, target="43")
    assert list(right) == []
    assert right.result().verdict == "none"
    never = Rollouts(wanderer, astray, target="7", samples=6)
    list(never)
    assert never.result().verdict == "from the start"
    assert never.result().step is None
    assert never.spent.runs <= 20


def test_what_is_known_when_it_is_broken_off(wanderer: Opened, astray: Trace) -> None:
    rollouts = Rollouts(wanderer, astray, target="42", samples=8)
    assert rollouts.result().verdict == "unsure"
    assert len(list(islice(rollouts, 6))) == 6
    found = rollouts.result()
    assert sum(node.of for node in found.nodes) == 6

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    rollouts.watch = interrupt
    with pytest.raises(KeyboardInterrupt):
        list(rollouts)
    assert rollouts.result().nodes == found.nodes
    rollouts.watch = None
    list(rollouts)  # it can be taken up again
    assert rollouts.result().step == ASTRAY


def test_the_estimate_tells_its_arithmetic(wanderer: Opened, astray: Trace) -> None:
    rollouts = Rollouts(wanderer, astray, target="42", samples=4)
    told = rollouts.estimate()
    assert str(rollouts.search.most) in told.arithmetic
    list(rollouts)
    assert rollouts.spent.sampled_tokens <= told.sampled_tokens
    assert "tok/s" in told.sentence()


def test_endings_are_kept_only_if_wanted(wanderer: Opened) -> None:
    with open_store() as store:
        trace = wander(wanderer, store, "43")
        list(Rollouts(wanderer, trace, target="42", samples=2))
        assert len(store.tree(trace.id)) == 1
        kept = Rollouts(wanderer, trace, target="42", samples=2, store=store)
        list(kept)
        assert len(store.tree(trace.id)) == 1 + kept.spent.runs


def test_the_step_that_matters(wanderer: Opened, astray: Trace) -> None:
    importance = Importance(wanderer, astray, steps=[ASTRAY - 1, ASTRAY, ASTRAY + 1], samples=12)
    assert "4 places × 12 endings" in importance.estimate().arithmetic
    list(importance)
    found = importance.result()
    weights = {weight.step: weight for weight in found.weights}
    assert (found.verdict, found.step) == ("found", ASTRAY)
    assert weights[ASTRAY].value > 0.4
    assert weights[ASTRAY].low <= weights[ASTRAY].value <= weights[ASTRAY].high
    assert weights[ASTRAY + 1].value == 0.0
    assert weights[ASTRAY + 1].after.endswith("(12/12)")
    assert importance.spent.runs == 48
    with pytest.raises(NotFoundError):
        Importance(wanderer, astray, steps=[99])


def test_a_trace_without_reasoning_has_no_step_to_blame(wanderer: Opened, astray: Trace) -> None:
    bare = replace(astray, steps=tuple(step for step in astray.steps if step.part == "answer"))
    with pytest.raises(InputError, match="no reasoning steps"):
        Rollouts(wanderer, bare)


def test_the_number_of_steps(astray: Trace) -> None:
    assert len(astray.steps) == STEPS + 1
