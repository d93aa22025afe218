"""Whatever happens, there is an answer, and the trace says why: with the real engine on tiny models."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ponder.core.events import Event, Finish, Prefill, StepEnd, StepStart, Token
from ponder.core.request import Message, Request, Sampling
from ponder.core.tags import FORMATS
from ponder.engine.embedded import Embedded
from ponder.engine.owned import Settings
from ponder.errors import ContextError
from ponder.spine import Run
from ponder.steer.beginning import Voice
from tests.tiny import EOS, PLAIN, write_random, write_script

THINK = FORMATS["think"]
REASONER = Voice(THINK, "always", "tiny")
GREEDY = Sampling(temperature=0.0, top_p=1.0, top_k=40, min_p=0.0, seed=1)


@pytest.fixture(scope="module")
def babbler(babbler_gguf: Path) -> Iterator[Embedded]:
    engine = Embedded(Settings(str(babbler_gguf), 1024, threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def speaker(speaker_gguf: Path) -> Iterator[Embedded]:
    engine = Embedded(Settings(str(speaker_gguf), 512, threads=1))
    yield engine
    engine.close()


def scripted(path: Path, *pieces: str, n_ctx: int = 512, **more: Any) -> Embedded:
    return Embedded(Settings(str(write_script(path / "said.gguf", pieces, **more)), n_ctx, threads=1))


def request(text: str = "Why?", **changes: object) -> Request:
    sampling = replace(GREEDY, **changes.pop("sampling", {}))  # type: ignore[arg-type]
    return replace(Request((Message("user", text),), sampling=sampling), **changes)  # type: ignore[arg-type]


def parts(run: Run) -> tuple[str, str]:
    text = {"reasoning": b"", "answer": b"", "tag": b""}
    for token in run.fold.tokens:
        text[token.part] += token.data
    return text["reasoning"].decode("utf-8", "replace"), text["answer"].decode("utf-8", "replace")


def finished(run: Run) -> tuple[list[Event], Finish]:
    events = list(run)
    assert isinstance(events[-1], Finish)
    return events, events[-1]


def check_whole(run: Run, events: Sequence[Event]) -> None:
    """What must hold of every run."""
    tokens = [event for event in events if isinstance(event, Token)]
    assert [token.index for token in tokens] == list(range(len(tokens)))
    assert all(a.time_s <= b.time_s for a, b in pairwise(tokens))
    assert all((token.logprob is not None) == (token.origin == "model") for token in tokens)
    steps = [event.step for event in events if isinstance(event, StepEnd)]
    begun = [event for event in events if isinstance(event, StepStart)]
    assert [(s.index, s.start, s.part) for s in steps] == [(b.index, b.start, b.part) for b in begun]
    inside = {i for step in steps for i in range(step.start, step.stop)}
    assert inside == {token.index for token in tokens if token.part != "tag"}
    assert run.finish is not None
    use = run.finish.usage
    assert use.completion_tokens == len(tokens)
    assert use.reasoning_tokens + use.answer_tokens <= len(tokens)
    assert use.prompt_tokens == len(run.prompt.ids)


def test_a_reasoning_model_reasons_then_answers(speaker: Embedded) -> None:
    run = Run(speaker, request(), REASONER)
    events, finish = finished(run)
    assert parts(run) == ("Okay, let me think.\n\n", "It is 42!")
    assert (finish.reason, finish.closed_by, finish.notes) == ("stop", "model", ())
    assert isinstance(events[0], Prefill)
    assert run.fold.tokens[-1].part == "tag"  # the end of the sequence
    check_whole(run, events)


def test_a_template_that_leaves_it_to_the_model_gets_the_tag_prefilled(tmp_path: Path) -> None:
    engine = scripted(tmp_path, "<think>", "Hmm", "</think>", "Yes", template=PLAIN)
    run = Run(engine, request(), REASONER)
    events, finish = finished(run)
    assert [t.origin for t in run.fold.tokens][:2] == ["template", "template"]
    assert parts(run) == ("\nHmm", "Yes")
    assert finish.closed_by == "model"
    check_whole(run, events)
    engine.close()


@pytest.mark.parametrize("budget", [1, 2, 5])
def test_a_budget_ends_the_reasoning_and_there_is_an_answer(babbler: Embedded, budget: int) -> None:
    run = Run(babbler, request(budget=budget, sampling={"max_tokens": 60}), REASONER)
    events, finish = finished(run)
    sampled = [t for t in run.fold.tokens if t.part == "reasoning" and t.origin == "model"]
    assert len(sampled) <= budget
    assert finish.closed_by in {"budget", "model"}
    assert finish.usage.answer_tokens > 0
    assert f"budget of {budget} tokens" in " ".join(finish.notes)
    check_whole(run, events)


def test_max_tokens_leaves_room_for_the_answer(babbler: Embedded) -> None:
    run = Run(babbler, request(sampling={"max_tokens": 100}), REASONER)
    events, finish = finished(run)
    assert finish.reason == "length"
    assert finish.closed_by == "budget"
    assert finish.usage.answer_tokens >= 20
    assert finish.usage.completion_tokens == 100
    check_whole(run, events)


def test_a_context_nearly_full_ends_the_reasoning(tmp_path: Path) -> None:
    engine = Embedded(Settings(str(write_random(tmp_path / "b.gguf", seed=3)), 256, threads=1))
    run = Run(engine, request(), REASONER)
    events, finish = finished(run)
    assert finish.closed_by == "context"
    assert finish.usage.answer_tokens >= 20
    assert finish.usage.prompt_tokens + finish.usage.completion_tokens <= 256
    check_whole(run, events)
    engine.close()


def test_reasoning_in_circles_is_closed(tmp_path: Path) -> None:
    circle = [(" about", "round"), ("\n\n", " so")]
    engine = scripted(tmp_path, "round", " and", " about", " so", n_ctx=4096, also=circle)
    run = Run(engine, request(), REASONER)
    events, finish = finished(run)
    assert finish.closed_by == "loop"
    assert len([t for t in run.fold.tokens if t.part == "reasoning"]) < 1000
    assert parts(run)[1].strip() == "so"
    assert finish.reason == "stop"
    check_whole(run, events)
    engine.close()


def test_a_model_that_stops_inside_its_reasoning_is_asked_for_the_answer(tmp_path: Path) -> None:
    engine = scripted(tmp_path, "Hmm", " well", also=[("\n\n", EOS), (" ", EOS)])
    run = Run(engine, request(), REASONER)
    events, finish = finished(run)
    assert finish.closed_by == "eos"
    assert "**Answer:**" in parts(run)[1]  # it had nothing to say after the tag either
    assert finish.reason == "stop"
    check_whole(run, events)
    engine.close()


def test_no_think_closes_what_the_template_has_opened(babbler: Embedded) -> None:
    run = Run(babbler, request(think="off", sampling={"max_tokens": 40}), REASONER)
    events, finish = finished(run)
    assert finish.closed_by == "no_think"
    written = [t for t in run.fold.tokens if t.origin == "no_think"]
    assert b"</think>" in b"".join(t.data for t in written)
    assert any("no switch" in note for note in finish.notes)
    assert all(t.part == "answer" for t in run.fold.tokens if t.origin == "model" and t.data)
    check_whole(run, events)


def test_a_budget_of_nothing_is_no_reasoning(babbler: Embedded) -> None:
    run = Run(babbler, request(budget=0, sampling={"max_tokens": 20}), REASONER)
    assert finished(run)[1].closed_by == "no_think"


def test_a_chat_model_can_be_made_to_think_and_says_so(tmp_path: Path) -> None:
    engine = scripted(tmp_path, "Hmm", "</think>", "Yes")
    run = Run(engine, request(think="on"), Voice(None, "never", "chatty"))
    _, finish = finished(run)
    assert finish.usage.reasoning_tokens > 0
    run = Run(engine, request(), Voice(None, "never", "chatty"))
    assert finished(run)[1].closed_by == "none"
    engine.close()


def test_the_person_can_have_the_answer_now(babbler: Embedded) -> None:
    run = Run(babbler, request(sampling={"max_tokens": 300}), REASONER)
    events: list[Event] = []
    for event in run:
        events.append(event)
        if isinstance(event, Token) and event.index == 10:
            assert run.reasoning
            run.answer_now()
    assert run.finish is not None
    assert run.finish.closed_by == "user"
    assert run.finish.usage.reasoning_tokens < 20
    assert run.finish.usage.answer_tokens > 0
    check_whole(run, events)


def test_stopping_keeps_what_there_is(babbler: Embedded) -> None:
    run = Run(babbler, request(), REASONER)
    for event in run:
        if isinstance(event, Token) and event.index == 10:
            run.stop()
    assert run.finish is not None
    assert run.finish.reason == "cancelled"
    assert 11 <= len(run.fold.tokens) <= 13


def test_a_broken_off_iteration_can_be_ended(babbler: Embedded) -> None:
    run = Run(babbler, request(), REASONER)
    for event in run:
        if isinstance(event, Token) and event.index == 5:
            break
    last = run.cancel()[-1]
    assert isinstance(last, Finish)
    assert last.reason == "cancelled"
    assert run.cancel() == []


def test_a_question_too_long_for_the_context_is_refused_with_both_numbers(babbler: Embedded) -> None:
    with pytest.raises(ContextError, match=r"takes \d+ of the 1024 tokens"):
        Run(babbler, request("x" * 1200), REASONER)


def test_going_on_from_any_token_reproduces_the_tail(babbler: Embedded) -> None:
    whole = Run(babbler, request(budget=40, sampling={"max_tokens": 90}), REASONER)
    finished(whole)
    tokens = whole.fold.tokens
    for cut in range(0, len(tokens), 7):
        again = Run(babbler, whole.request, REASONER, past=tokens[:cut])
        events, finish = finished(again)
        assert again.fold.ids == whole.fold.ids
        assert [t.part for t in again.fold.tokens] == [t.part for t in tokens]
        assert [e.index for e in events if isinstance(e, Token)][:1] in ([cut], [])
        assert finish.closed_by == whole.fold.closed_by


def test_the_engine_may_die_at_any_moment(babbler: Embedded) -> None:
    asked = request(budget=40, sampling={"max_tokens": 90})
    calm = Run(babbler, asked, REASONER)
    finished(calm)
    for moment in (0, 1, 20, 41, 60):
        run = Run(babbler, asked, REASONER)
        events: list[Event] = []
        starts = babbler.starts
        for event in run:
            events.append(event)
            if isinstance(event, Token) and event.index == moment and babbler.pid:
                os.kill(babbler.pid, signal.SIGKILL)
        assert run.fold.ids == calm.fold.ids
        assert babbler.starts == starts + 1
        check_whole(run, events)


def test_each_piece_has_a_seed_that_is_noted(babbler: Embedded) -> None:
    noted: list[tuple[str, object]] = []
    run = Run(
        babbler,
        request(budget=10, sampling={"max_tokens": 40, "temperature": 1.0, "seed": 5}),
        REASONER,
        note=lambda kind, data: noted.append((kind, data)),
    )
    finished(run)
    pieces = [data for kind, data in noted if kind == "piece"]
    assert len(pieces) >= 2
    again = Run(babbler, run.request, REASONER)
    finished(again)
    assert again.fold.ids == run.fold.ids  # the same seed, the same tokens
