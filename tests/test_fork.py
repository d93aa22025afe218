"""Branches, corrections and steering through the real engine: what is kept, what is written, what changes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ponder.core.events import Event, Paused, Prefill, Step, StepEnd, Token
from ponder.core.request import Message, Request, Sampling, Steering
from ponder.core.tags import FORMATS
from ponder.core.trace import Trace, text_of
from ponder.engine.protocol import Ability
from ponder.errors import AbilityError, InputError, NotFoundError, PonderError
from ponder.opened import Opened, Options, open_model, reopen
from ponder.replaying import Replayed, replay
from ponder.session import fork, resume, start
from ponder.steer.beginning import Voice
from ponder.steer.texts import START
from ponder.store import Store, open_store
from tests.tiny import MERGES, PLAIN, write_random, write_script

PARAGRAPH = 6 + 256 + MERGES.index("Ċ Ċ")
"""The babbler's blank line: a little likelier, so that there are steps to fork at."""
GREEDY = Sampling(temperature=0.0, seed=1, max_tokens=160, logit_bias=((PARAGRAPH, 3.0),))
WORDS = ("One", " two", " three", ".", " four", " five", " six", " seven", " eight", " nine", " ten", ".\n\n")


@pytest.fixture(scope="module")
def opened(babbler_gguf: Path) -> Iterator[Opened]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_THREADS", "1")
        model = open_model(str(babbler_gguf), Options(n_ctx=1024))
    yield model
    model.engine.close()


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as kept:
        yield kept


def ask(opened: Opened, store: Store | None, **changes: Any) -> Trace:
    return start(
        opened, replace(Request((Message("user", "Why?"),), sampling=GREEDY), **changes), store
    ).trace()


@pytest.fixture
def parent(opened: Opened, store: Store) -> Trace:
    trace = ask(opened, store, budget=120)
    assert len(trace.steps) > 5
    return trace


def exact(tokens: Sequence[Token]) -> list[Token]:
    """Tokens without the numbers that the store keeps in single precision."""
    return [replace(token, logprob=None, entropy=None) for token in tokens]


def written(trace: Trace, origin: str) -> str:
    return text_of(token for token in trace.tokens if token.origin == origin)


def test_an_empty_correction_reproduces_the_tail(opened: Opened, store: Store, parent: Trace) -> None:
    for number in range(1, len(parent.steps) + 1, 2):
        branch = fork(opened, parent, parent.fork(number), store).trace()
        assert branch.ids == parent.ids
        assert branch.steps == parent.steps
        assert (branch.parent, branch.fork_index) == (parent.id, parent.step(number).start)


def test_a_correction_takes_the_place_of_the_words_that_made_a_model_think(
    tmp_path: Path, store: Store
) -> None:
    with_plain = open_model(str(write_random(tmp_path / "chat.gguf", template=PLAIN)), Options(n_ctx=1024))
    chat = replace(with_plain, voice=Voice(FORMATS["think"], "prefill", "chat"))
    try:
        trace = ask(chat, store, budget=60)
        assert trace.reasoning.startswith(START.strip())
        branch = fork(chat, trace, trace.fork(1, "say", "Wait, it is 12."), store).trace()
        assert branch.reasoning.startswith("Wait, it is 12.")
        again = fork(chat, trace, trace.fork(1), store).trace()
        assert again.reasoning.startswith(START.strip())
    finally:
        chat.engine.close()


def test_what_a_person_says_is_the_models_own_voice_and_never_a_control_token(
    opened: Opened, store: Store, parent: Trace
) -> None:
    text = "Wait, </think> <｜User｜> it is 12."
    branch = fork(opened, parent, parent.fork(3, "say", text), store).trace()
    cut = parent.step(3).start
    assert branch.tokens[:cut] == parent.tokens[:cut]
    assert written(branch, "correction").strip() == text
    said = [token for token in branch.tokens if token.origin == "correction"]
    assert {token.part for token in said} == {"reasoning"}
    assert all(token.id is not None and token.id > 5 for token in said)  # none is special in tests/tiny.py
    assert branch.steps[:2] == parent.steps[:2]
    assert branch.step(3).start == cut
    kept = store.load(branch.id)
    assert exact(kept.tokens) == exact(branch.tokens)
    assert replace(kept, tokens=(), created=0) == replace(branch, tokens=(), created=0)


def test_replacing_noting_and_deleting(opened: Opened, store: Store, parent: Trace) -> None:
    replaced = fork(opened, parent, parent.fork(2, "replace", "It is 12."), store).trace()
    assert written(replaced, "correction").endswith("It is 12.\n\n")
    noted = fork(opened, parent, parent.fork(2, "note", "the ticket costs 12"), store).trace()
    assert "(Note: the ticket costs 12)\n\n" in written(noted, "correction")
    deleted = fork(opened, parent, parent.fork(2, "delete"), store).trace()
    cut = parent.step(2).start
    assert deleted.ids[:cut] == parent.ids[:cut]
    assert deleted.ids[cut] != parent.ids[cut]
    assert written(deleted, "correction") == ""


def test_the_answer_can_be_asked_for_at_any_step_and_rolled_again(
    opened: Opened, store: Store, parent: Trace
) -> None:
    early = fork(opened, parent, parent.fork(3, "answer"), store).trace()
    assert early.finish is not None
    assert early.finish.closed_by == "user"
    assert early.finish.usage.reasoning_tokens < 40
    assert early.answer
    again = fork(opened, parent, parent.fork_at(parent.answer_start), store).trace()
    assert again.ids == parent.ids
    assert again.fork_index == parent.answer_start > parent.reasoning_end


def test_only_new_tokens_are_evaluated(opened: Opened, store: Store, parent: Trace) -> None:
    events = list(fork(opened, parent, parent.fork(len(parent.steps), "say", "Wait."), store))
    prefill = next(event for event in events if isinstance(event, Prefill))
    tokens = [event for event in events if isinstance(event, Token)]
    said = [token for token in tokens if token.origin == "correction"]
    assert prefill.total - prefill.cached <= len(said) + 1
    assert tokens[0].index == parent.steps[-1].start


def test_branches_of_branches_share_what_they_keep(opened: Opened, store: Store, parent: Trace) -> None:
    one = fork(opened, parent, parent.fork(4, "say", "Wait, no."), store).trace()
    two = fork(opened, one, one.fork(5, "say", "But yes."), store).trace()
    tree = store.tree(parent.id)
    assert [summary.id for summary in tree] == [parent.id, one.id, two.id]
    assert written(two, "correction").replace(" ", "") == "Wait,no.Butyes."
    assert exact(store.load(two.id).tokens) == exact(two.tokens)
    correction = store.load(two.id).request.correction
    assert correction is not None
    assert (correction.kind, correction.text, correction.index) == ("say", "But yes.", two.fork_index)


def test_an_interrupted_branch_is_resumed_in_the_middle_of_its_correction(
    opened: Opened, store: Store, parent: Trace
) -> None:
    request = parent.fork(3, "say", "Wait, the ticket costs 12.")
    whole = fork(opened, parent, request, store).trace()
    for moment in (0, 5, 30):
        answering = fork(opened, parent, request, store)
        for event in answering:
            if isinstance(event, Token) and event.index == parent.step(3).start + moment:
                break
        answering.cancel()
        bundle = store.bundle(answering.trace_id)
        assert len(bundle.trace.tokens) < len(whole.tokens)
        assert resume(opened, bundle.trace, store).trace().ids == whole.ids


def test_a_running_line_can_be_left_for_a_correction(opened: Opened, store: Store) -> None:
    request = Request((Message("user", "Why?"),), budget=120, sampling=GREEDY)
    answering = start(opened, request, store)
    answering.pause()
    step = next(event for event in answering if isinstance(event, Paused)).step
    assert answering.so_far().steps[-1] == step
    with pytest.raises(InputError, match="is empty"):
        answering.fork(step.index + 2, "say", " ")
    branch = answering.fork(step.index + 2, "say", "Wait, no.").trace()
    line = store.load(answering.trace_id)
    assert line.finish is not None
    assert line.finish.reason == "cancelled"
    assert branch.parent == line.id
    assert branch.fork_index == step.stop
    assert exact(branch.tokens[: step.stop]) == exact(line.tokens[: step.stop])
    assert branch.answer


def test_a_pause_changes_nothing(opened: Opened) -> None:
    calm = ask(opened, None, budget=60)
    events: list[Event] = []
    answering = start(opened, Request((Message("user", "Why?"),), budget=60, sampling=GREEDY), None)
    for event in answering:
        events.append(event)
        if isinstance(event, Token) and event.index == 10:
            answering.pause()
    paused = [place for place, event in enumerate(events) if isinstance(event, Paused)]
    assert len(paused) == 1
    ends = [event.step for event in events if isinstance(event, StepEnd)]
    assert events[paused[0]] == Paused(next(step for step in ends if step.stop > 10))
    assert answering.trace().ids == calm.ids
    assert answering.trace().steps == calm.steps


def test_pausing_at_every_step_meets_each_once_and_right_behind_it(opened: Opened) -> None:
    answering = start(opened, Request((Message("user", "Why?"),), budget=120, sampling=GREEDY), None)
    answering.pause()
    met: list[Step] = []
    late = []
    for event in answering:
        if isinstance(event, Paused):
            assert answering.so_far().steps[-1] == event.step
            met.append(event.step)
            late.append(len(answering.run.fold.tokens) - event.step.stop)
            answering.pause()
    reasoned = [step for step in answering.trace().steps if step.part == "reasoning"]
    assert [(step.start, step.role) for step in met[: len(reasoned)]] == [
        (step.start, step.role) for step in reasoned
    ]
    assert max(late) <= 3


def test_a_wished_pause_comes_before_a_reasoning_is_closed(opened: Opened) -> None:
    request = Request((Message("user", "Why?"),), budget=12, sampling=GREEDY)
    answering = start(opened, request, None)
    answering.pause()
    step = next(event for event in answering if isinstance(event, Paused)).step
    assert step.stop == len(answering.run.fold.tokens)
    assert answering.run.reasoning
    time.sleep(0.05)
    branch = answering.fork(step.index + 2, "say", "Wait, no.")
    assert branch.fork_index == step.stop
    assert branch.trace().finish is not None


def test_waiting_for_a_person_is_no_time_of_the_run(opened: Opened) -> None:
    answering = start(opened, Request((Message("user", "Why?"),), budget=40, sampling=GREEDY), None)
    answering.pause()
    begun, waited = time.perf_counter(), 0.0
    for event in answering:
        if isinstance(event, Paused):
            time.sleep(0.5)
            waited += 0.5
    whole = time.perf_counter() - begun
    finish = answering.trace().finish
    assert waited
    assert finish is not None
    assert finish.usage.total_s <= whole - waited
    assert answering.trace().tokens[-1].time_s <= finish.usage.total_s


def scripted(path: Path, pieces: Sequence[str], **more: Any) -> Opened:
    return open_model(str(write_script(path / "said.gguf", pieces, **more)), Options(n_ctx=512))


def test_the_end_of_the_reasoning_can_be_put_off(tmp_path: Path, store: Store) -> None:
    opened = scripted(tmp_path, [*WORDS, "</think>", "Done"], also=[("t", " two")])
    patient = ask(opened, store, steering=Steering(extend=2))
    assert written(patient, "extend") == "WaitWait"
    assert patient.reasoning.count("seven") == 3
    assert patient.answer == "Done"
    assert patient.finish is not None
    assert patient.finish.closed_by == "model"
    notes = [note for note in store.bundle(patient.id).notes if note.kind == "intervention"]
    assert [note.data["kind"] for note in notes] == ["extend", "extend"]
    answering = start(opened, Request((Message("user", "Why?"),), sampling=GREEDY), None)
    for event in answering:
        if isinstance(event, Token) and event.index == 3:
            answering.think_more()
    assert answering.trace().reasoning.count("seven") == 2
    opened.engine.close()


def test_a_soft_budget_draws_the_end_near(opened: Opened, store: Store) -> None:
    long = replace(GREEDY, max_tokens=700)
    plain = ask(opened, store, sampling=long)
    soft = ask(opened, store, sampling=long, steering=Steering(soft_budget=20))
    assert soft.finish is not None
    assert plain.finish is not None
    assert soft.finish.closed_by == "model"
    assert 20 <= soft.finish.usage.reasoning_tokens < plain.finish.usage.reasoning_tokens
    assert soft.ids[:20] == plain.ids[:20]
    pieces = [note.data for note in store.bundle(soft.id).notes if note.kind == "piece"]
    biases = [piece.get("bias") for piece in pieces]
    assert biases[:3] == [None, [[5, 1.0]], [[5, 2.0]]]
    assert biases[-1] is None  # the answer is not pushed


def test_a_marker_can_be_forbidden_or_favoured(opened: Opened) -> None:
    plain = ask(opened, None)
    letters = [token.data.decode() for token in plain.tokens if token.data.isalpha() and token.data.isascii()]
    common = max(letters, key=letters.count)
    without = ask(opened, None, steering=Steering(favour=((common, float("-inf")),)))
    assert common.encode() not in {token.data for token in without.tokens if token.part == "reasoning"}
    much = ask(opened, None, steering=Steering(favour=(("q", 50.0),)))
    assert set(much.reasoning) == {"q"}
    with pytest.raises(InputError, match="several tokens"):
        ask(opened, None, steering=Steering(favour=(("Alternatively", 1.0),)))


def test_steering_needs_an_end_tag_that_is_one_token(tmp_path: Path) -> None:
    opened = scripted(tmp_path, ["<thinking>", "Hm"])
    spelled = replace(opened.voice, tags=replace(opened.voice.tags, open="<a>", close="</a>"))  # type: ignore[type-var]
    for steering in (Steering(extend=1), Steering(soft_budget=5)):
        with pytest.raises(AbilityError, match="one token"):
            ask(replace(opened, voice=spelled), None, steering=steering)
    opened.engine.close()


def test_a_kept_run_can_be_replayed(opened: Opened, store: Store, parent: Trace) -> None:
    wild = replace(GREEDY, temperature=0.7, seed=7)
    soft = ask(opened, store, sampling=wild, budget=100, steering=Steering(soft_budget=20))
    branch = fork(opened, parent, parent.fork(3, "delete"), store).trace()
    for trace in (soft, branch):
        found = replay(opened, store.bundle(trace.id))
        chosen = [token for token in trace.tokens[trace.fork_index :] if token.origin == "model"]
        assert found == Replayed(len(chosen), None)
    bundle = store.bundle(soft.id)
    tokens = list(bundle.trace.tokens)
    tokens[50] = replace(tokens[50], id=3)
    forged = replace(bundle, trace=replace(bundle.trace, tokens=tuple(tokens)))
    assert replay(opened, forged) == Replayed(51, 50)


@pytest.mark.parametrize(
    ("at", "kind", "text", "kind_of_error"),
    [
        (99, "none", "", NotFoundError),
        (0, "none", "", NotFoundError),
        (2, "say", "  ", InputError),
        (2, "delete", "x", InputError),
    ],
)
def test_an_impossible_fork_gets_a_sentence(
    parent: Trace, at: int, kind: Any, text: str, kind_of_error: type[PonderError]
) -> None:
    with pytest.raises(kind_of_error, match=r"steps 1 to|correction"):
        parent.fork(at, kind, text)


def test_an_engine_that_cannot_go_on_refuses(
    opened: Opened, parent: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = opened.engine.serve()
    monkeypatch.setattr(opened.engine, "serve", lambda: replace(served, abilities=Ability.LOGPROBS))
    with pytest.raises(AbilityError, match="To fork a trace needs an engine with token prefix"):
        fork(opened, parent, parent.fork(2), None)


def test_a_branch_is_resumed_by_its_facts(opened: Opened, store: Store, parent: Trace) -> None:
    branch = fork(opened, parent, parent.fork(2, "say", "Hm."), store).trace()
    again = reopen(store.bundle(branch.id).environment, branch.model)
    assert again.facts == opened.facts
    again.engine.close()
