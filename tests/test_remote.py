"""A whole run on an OpenAI-compatible server that nobody knows: what it reasons, what it answers."""

from collections.abc import Iterator

import pytest

from ponder.core.request import Message, Request
from ponder.errors import AbilityError, EngineError
from ponder.opened import Opened, Options, open_model
from ponder.session import Answering, start
from tests.engine.standin import Json, Reply, Standin, standing
from tests.engine.test_openai import ANSWER, CHAT, DIALECTS, END, LAST, REASONING, delta, says

TAGGED = {
    "tags": [delta(content=f"<think>\n{REASONING}</th"), delta(content=f"ink>\n\n{ANSWER}")],
    "only the end tag": [delta(content=REASONING), delta(content=f"\n</think>\n\n{ANSWER}")],
}


@pytest.fixture
def server() -> Iterator[Standin]:
    with standing(Standin({"/v1/models": lambda _: Reply({"data": [{"id": "unheard-of"}]})})) as standin:
        says(standin, delta(content=ANSWER), END)
        yield standin


@pytest.fixture
def opened(server: Standin) -> Iterator[Opened]:
    opened = open_model("", Options(server=server.url))
    yield opened
    opened.engine.close()


def ask(opened: Opened, **changes: object) -> Answering:
    return start(opened, Request((Message("user", "why?"),), **changes), None)  # type: ignore[arg-type]


def asked(server: Standin) -> Json:
    return server.bodies(CHAT)[-1]


@pytest.mark.parametrize("events", [*DIALECTS.values(), *TAGGED.values()], ids=[*DIALECTS, *TAGGED])
def test_reasoning_and_answer_are_told_apart(server: Standin, opened: Opened, events: list[Json]) -> None:
    says(server, *events, END, LAST)
    trace = ask(opened).trace()
    assert (trace.reasoning, trace.answer) == (REASONING, ANSWER)
    assert trace.finish is not None
    assert (trace.finish.reason, trace.finish.closed_by, trace.finish.notes) == ("stop", "model", ())
    assert trace.finish.usage.prompt_tokens == 7


def test_an_answer_without_reasoning_is_an_answer(opened: Opened) -> None:
    trace = ask(opened).trace()
    assert (trace.reasoning, trace.answer) == ("", ANSWER)
    assert trace.finish is not None
    assert (trace.finish.closed_by, trace.finish.notes) == ("none", ())


def test_nothing_is_switched_that_nobody_asked_for(server: Standin, opened: Opened) -> None:
    ask(opened).trace()
    assert {"chat_template_kwargs", "max_tokens", "top_k", "min_p"} & set(asked(server)) == set()
    says(server, *DIALECTS["all in one delta"], END)
    trace = ask(opened, think="off").trace()
    assert asked(server)["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}
    assert trace.finish is not None
    assert any("asked not to" in note for note in trace.finish.notes)


def test_what_the_server_cannot_do_is_refused(opened: Opened) -> None:
    with pytest.raises(AbilityError, match="budget needs an engine with token prefix"):
        ask(opened, budget=5)


def test_a_server_that_dies_is_told_and_what_came_is_kept(server: Standin, opened: Opened) -> None:
    says(server, delta(content="It is"), cut=True)
    answering = ask(opened)
    with pytest.raises(EngineError, match=r"the engine died \(no answer from .*they are kept, ask again\.$"):
        list(answering)
    trace = answering.trace()
    assert trace.answer == "It is"
    assert trace.finish is not None
    assert trace.finish.reason == "error"
