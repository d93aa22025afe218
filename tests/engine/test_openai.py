"""Any OpenAI-compatible server: llama.cpp's own route, and the dialects and accidents of the others."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ponder.core.request import Message, Sampling
from ponder.engine.embedded import Embedded
from ponder.engine.openai import OpenAIServer
from ponder.engine.protocol import Ability, EngineDiedError, Stopped
from ponder.errors import AbilityError, EngineError, InputError, NetworkError, NotFoundError
from tests.conftest import SCRIPT
from tests.engine.asking import HELLO, KEEPING, behind, prompt_of, run, settings, stop, tokens
from tests.engine.standin import Json, Reply, Standin, standing
from tests.tiny import write_script

PLAIN = Sampling(temperature=0.6, top_p=0.95, seed=1, max_tokens=50)
CHAT = "/v1/chat/completions"
REASONING, ANSWER = "Let me think.", "It is 42."
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
LAST = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}


def delta(**fields: Any) -> Json:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def two(field: str) -> list[Json]:
    """A reasoning in `field` in two pieces, then an answer in two."""
    texts = [REASONING[:5], REASONING[5:]]
    return [delta(**{field: text, "content": None}) for text in texts] + [
        delta(content=ANSWER[:3]),
        delta(content=ANSWER[3:]),
    ]


DIALECTS: dict[str, list[Json]] = {
    "llama.cpp, SGLang, DeepSeek, LM Studio": two("reasoning_content"),
    "vLLM, Ollama, gpt-oss in LM Studio": two("reasoning"),
    "Ollama's own": two("thinking"),
    "Mistral": [
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": REASONING}]}]),
        delta(content=[{"type": "text", "text": ANSWER}]),
    ],
    "blocks as Anthropic writes them": [
        delta(content=[{"type": "thinking", "thinking": REASONING}, {"type": "text", "text": ANSWER}])
    ],
    "all in one delta": [delta(role="assistant", reasoning_content=REASONING, content=ANSWER)],
    "the same in two fields": [
        delta(reasoning_content=REASONING, reasoning=REASONING, thinking_blocks=[{"thinking": REASONING}]),
        delta(content=ANSWER, reasoning_content="", reasoning=None),
    ],
    "strange extras": [
        {"choices": None},
        {},
        delta(content="", reasoning_content=None, tool_calls=None),
        delta(reasoning=REASONING, content=[None, 3, {"type": "image"}, {"thinking": [None]}]),
        delta(content=ANSWER),
    ],
}


@pytest.fixture
def server() -> Iterator[Standin]:
    """One model, which answers ANSWER."""
    routes: dict[str, Callable[[Json], Reply]] = {
        "/v1/models": lambda _: Reply({"data": [{"id": "m", "max_model_len": 4096}]}),
        CHAT: lambda body: answer(body, [delta(content=ANSWER)]),
    }
    with standing(Standin(routes)) as standin:
        yield standin


def answer(body: Json, events: list[Json]) -> Reply:
    """As a server without log-probabilities answers."""
    if body.get("stream"):
        return Reply(events=[*events, END, LAST, "data: [DONE]"])
    return Reply({"choices": [{"message": {"content": "H"}, "finish_reason": "length"}]})


def says(server: Standin, *events: Json | str, cut: bool = False) -> None:
    """What the server streams from now on."""
    server.routes[CHAT] = lambda body: (
        Reply(events=events, cut=cut) if body.get("stream") else answer(body, [])
    )


# ---------------------------------------------------------------------- llama.cpp's own route


def test_llama_cpps_own_route_separates_the_reasoning(tmp_path: Path) -> None:
    """Its template detection needs one that shows reasoning."""
    own = Embedded(settings(write_script(tmp_path / "m.gguf", SCRIPT, template=KEEPING)))
    server = behind(own)
    try:
        with closing(OpenAIServer(server.url, server.key, raw=False)) as engine:
            served = engine.serve()
            assert (served.n_ctx, served.abilities) == (2048, Ability.LOGPROBS)
            emissions = run(engine, replace(PLAIN, temperature=0.0))
    finally:
        own.close()
    got = tokens(emissions)
    # The newline that the template wrote comes with the first piece.
    assert [(t.data.decode(), t.part) for t in got] == [
        ("\nOkay", "reasoning"),
        *((text, "reasoning") for text in SCRIPT[1:7]),
        *((text, "answer") for text in SCRIPT[8:]),
    ]
    assert [token.logprob for token in got] == [None] + [0.0] * 9
    assert all(token.entropy == pytest.approx(0.0, abs=1e-6) for token in got[1:])
    assert stop(emissions) == Stopped("eos", None, 10, 12)


def test_llama_cpps_own_route_may_leave_tags_in_the_text(speaker: Embedded) -> None:
    server = behind(speaker)
    with closing(OpenAIServer(server.url, server.key, raw=False)) as engine:
        got = tokens(run(engine, PLAIN))
    assert [(token.data.decode(), token.part) for token in got] == [(text, None) for text in SCRIPT]


def test_invalid_bytes_arrive_exactly(babbler: Embedded) -> None:
    server = behind(babbler)
    with closing(OpenAIServer(server.url, server.key, raw=False)) as engine:
        emissions = run(engine, replace(PLAIN, temperature=1.0))
    told = b"".join(token.data for token in tokens(emissions))
    assert "\ufffd" in told.decode("utf-8", "replace")
    assert "\ufffd".encode() not in told
    assert stop(emissions) == Stopped("limit", None, 10, 50)


# ---------------------------------------------------------------------- dialects


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_understood(server: Standin, name: str) -> None:
    says(server, *DIALECTS[name], END, LAST, "data: [DONE]")
    with closing(OpenAIServer(server.url)) as engine:
        emissions = run(engine, PLAIN)
    got = tokens(emissions)
    assert b"".join(t.data for t in got if t.part == "reasoning").decode() == REASONING
    assert b"".join(t.data for t in got if t.part == "answer").decode() == ANSWER
    assert [t.part for t in got] == sorted((str(t.part) for t in got), reverse=True)
    assert {(t.id, t.logprob, t.entropy) for t in got} == {(None, None, None)}
    assert stop(emissions) == Stopped("eos", None, 7, 9)


def test_tags_in_the_content_are_left_to_the_splitter(server: Standin) -> None:
    says(server, delta(content=f"<think>{REASONING}</th"), delta(content=f"ink>{ANSWER}"), END)
    with closing(OpenAIServer(server.url)) as engine:
        got = tokens(run(engine, PLAIN))
    assert [(t.data.decode(), t.part) for t in got] == [
        (f"<think>{REASONING}</th", None),
        (f"ink>{ANSWER}", None),
    ]


def test_separators_of_unicode_end_no_line(server: Standin) -> None:
    text = "a\u2028b\x85c\u2029d\r\x0b\x1ce"
    line = "data: " + json.dumps(delta(content=text), ensure_ascii=False)
    says(server, line, END)
    with closing(OpenAIServer(server.url)) as engine:
        assert [token.data.decode() for token in tokens(run(engine, PLAIN))] == [text]


@pytest.mark.parametrize(
    ("n_ctx", "asked", "sent"), [(4096, 4095, 4095), (4096, 4096, None), (None, 2**31, None)]
)
def test_a_limit_that_is_none_is_not_sent(
    server: Standin, n_ctx: int | None, asked: int, sent: int | None
) -> None:
    server.routes["/v1/models"] = lambda _: Reply({"data": [{"id": "m", "max_model_len": n_ctx}]})
    with closing(OpenAIServer(server.url)) as engine:
        run(engine, replace(PLAIN, max_tokens=asked))
    assert server.bodies(CHAT)[-1].get("max_tokens") == sent


def test_log_probabilities_go_to_their_tokens(server: Standin) -> None:
    def logprob(token: str, value: float, **more: Any) -> Json:
        return {"token": token, "logprob": value, **more}

    both = {"content": [logprob("It", -0.5, bytes=[73, 116]), logprob(" is", -0.25, top_logprobs=[])]}
    event = {"choices": [{"delta": {"content": "It is"}, "logprobs": both}]}
    other = {"choices": [{"delta": {"content": " 42."}, "logprobs": {"content": [logprob("?", -1.0)]}}]}
    third = {"choices": [{"delta": {"content": "!"}, "logprobs": {"content": None}}]}
    one = {"choices": [{"logprobs": both}]}
    server.routes[CHAT] = lambda body: (
        Reply(events=[event, other, third, END]) if "stream" in body else Reply(one)
    )
    with closing(OpenAIServer(server.url)) as engine:
        got = tokens(run(engine, PLAIN))
        assert engine.serve().abilities == Ability.LOGPROBS
    assert [(t.data, t.logprob) for t in got] == [
        (b"It", -0.5),
        (b" is", -0.25),
        (b" 42.", None),
        (b"!", None),
    ]
    assert server.bodies(CHAT)[-1]["top_logprobs"] == 5


# ---------------------------------------------------------------------- what is asked


def test_a_server_that_refuses_log_probabilities_is_asked_without(server: Standin) -> None:
    def refusing(body: Json) -> Reply:
        if "logprobs" in body:
            return Reply({"error": {"message": "logprobs are not supported"}}, 400)
        return answer(body, [delta(content=ANSWER)])

    server.routes[CHAT] = refusing
    with closing(OpenAIServer(server.url)) as engine:
        assert (engine.serve().abilities, engine.serve().n_ctx) == (Ability.NONE, 4096)
        assert b"".join(t.data for t in tokens(run(engine, PLAIN))).decode() == ANSWER
    assert "logprobs" not in server.bodies(CHAT)[-1]


def test_a_request_holds_what_was_chosen_and_nothing_else(server: Standin) -> None:
    sampling = replace(PLAIN, top_k=5, logit_bias=((7, -100.0),), max_tokens=None)
    messages = [Message("system", "s"), Message("user", "<think>"), Message("assistant", "a", "r"), *HELLO]
    with closing(OpenAIServer(server.url)) as engine:
        prompt = engine.prompt(messages, think=False, tags=None)
        run(engine, sampling, prompt)
        assert (prompt.ids, prompt.opened, prompt.switched) == ((), False, False)
    assert server.bodies(CHAT)[-1] == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "<think>"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "hello"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "seed": 1,
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 5,
        "logit_bias": {"7": -100.0},
        "chat_template_kwargs": {"enable_thinking": False, "thinking": False},
    }


def test_what_it_cannot_do_is_refused(server: Standin) -> None:
    with closing(OpenAIServer(server.url)) as engine:
        with pytest.raises(AbilityError, match="gives no token ids"):
            engine.tokenize("a", control=True)
        with pytest.raises(AbilityError, match="cannot go on from given tokens"):
            run(engine, PLAIN, output=[1])


def test_reaching_the_limit_is_told(server: Standin) -> None:
    says(server, delta(content="It"), {"choices": [{"delta": {}, "finish_reason": "length"}]})
    with closing(OpenAIServer(server.url)) as engine:
        assert stop(run(engine, PLAIN)) == Stopped("limit")


# ---------------------------------------------------------------------- addresses, keys, models


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_path_may_be_left_out(server: Standin, path: str) -> None:
    with closing(OpenAIServer(server.url + path)) as engine:
        assert engine.serve().engine == f"OpenAI API at {server.url}/v1"


def test_another_path_is_kept(server: Standin) -> None:
    for name in ("/models", "/chat/completions"):
        server.routes["/openai" + name] = server.routes["/v1" + name]
    with closing(OpenAIServer(server.url + "/openai")) as engine:
        assert engine.serve().model == "m"


def test_no_proxy_stands_before_this_machine(server: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with closing(OpenAIServer(server.url)) as engine:
        assert engine.serve().model == "m"


def test_the_key_is_sent_and_a_wrong_one_told(server: Standin) -> None:
    server.key = "right"
    with closing(OpenAIServer(server.url, "right")) as engine:
        assert engine.serve().model == "m"
    with closing(OpenAIServer(server.url, "wrong")) as engine:
        sentence = f"{server.url}/v1 refused the key (status 401): set PONDER_API_KEY."
        with pytest.raises(NetworkError, match=f"^{re.escape(sentence)}$"):
            engine.serve()


def test_one_of_several_models_is_chosen(server: Standin) -> None:
    server.routes["/v1/models"] = lambda _: Reply(
        {"data": [{"id": "a"}, {"id": "b", "meta": {"n_ctx_train": 8}}]}
    )
    with closing(OpenAIServer(server.url, model="b")) as engine:
        assert (engine.serve().model, engine.serve().n_ctx) == ("b", 8)
    for model, words in (("", "has several models"), ("c", "has no model 'c'")):
        with (
            closing(OpenAIServer(server.url, model=model)) as engine,
            pytest.raises(NotFoundError, match=f"{words}; choose with --model one of: a, b"),
        ):
            engine.serve()


def test_a_server_that_lists_nothing_takes_any_name(server: Standin) -> None:
    server.routes["/v1/models"] = lambda _: Reply({"object": "list", "data": None})
    with closing(OpenAIServer(server.url, model="mine")) as engine:
        assert (engine.serve().model, engine.serve().n_ctx) == ("mine", 0)
    with (
        closing(OpenAIServer(server.url)) as engine,
        pytest.raises(NotFoundError, match="lists no model: name"),
    ):
        engine.serve()


# ---------------------------------------------------------------------- accidents


def test_no_server_is_told() -> None:
    with standing(Standin({})) as standin:
        url = standin.url
    with (
        closing(OpenAIServer(url)) as engine,
        pytest.raises(NetworkError, match=rf"cannot reach {url}/v1 \(.*refused.*\): is the server running"),
    ):
        engine.serve()


@pytest.mark.parametrize("body", [b"<html>", [1], "text"])
def test_another_kind_of_server_is_told(server: Standin, body: Any) -> None:
    server.routes["/v1/models"] = lambda _: Reply(body)
    with (
        closing(OpenAIServer(server.url)) as engine,
        pytest.raises(NetworkError, match="not an OpenAI-compatible"),
    ):
        engine.serve()
    del server.routes["/v1/models"]
    with closing(OpenAIServer(server.url)) as engine, pytest.raises(NetworkError, match="404: no such route"):
        engine.serve()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "Too many tokens."}}, "refused the request with status 400: Too many tokens."),
        ({"detail": "no"}, "refused the request with status 400: {'detail': 'no'}."),
        (b"<html>gateway", "refused the request with status 400: <html>gateway."),
    ],
)
def test_a_refusal_is_one_sentence(server: Standin, body: Any, words: str) -> None:
    server.routes[CHAT] = lambda _: Reply(body, 400)
    with (
        closing(OpenAIServer(server.url)) as engine,
        pytest.raises(EngineError, match=f"^{re.escape(server.url)}/v1 {re.escape(words)}$"),
    ):
        run(engine, PLAIN)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"error": {"message": "out of memory"}}, "stopped: out of memory."),
        ({"error": "out of memory"}, "stopped: out of memory."),
        ("data: {half", "sent an event that is no JSON object: b'{half'."),
        ("data: [1]", "sent an event that is no JSON object: b'[1]'."),
    ],
)
def test_an_error_inside_a_stream_is_told(server: Standin, event: Json | str, words: str) -> None:
    says(server, delta(content="It"), event)
    with closing(OpenAIServer(server.url)) as engine:
        stream = engine.stream(prompt_of(engine), (), PLAIN, since=0.0)
        assert tokens([next(stream)])[0].data == b"It"
        with pytest.raises(EngineError, match=re.escape(words)):
            next(stream)


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_breaks_off_is_no_end(server: Standin, cut: bool) -> None:
    says(server, delta(content="It"), cut=cut)
    with closing(OpenAIServer(server.url)) as engine:
        stream = engine.stream(prompt_of(engine), (), PLAIN, since=0.0)
        assert tokens([next(stream)])[0].data == b"It"
        with pytest.raises(EngineDiedError, match=f"no answer from {server.url}/v1"):
            next(stream)


def test_half_a_character_is_no_text(server: Standin) -> None:
    with closing(OpenAIServer(server.url)) as engine, pytest.raises(InputError, match="is no character"):
        run(engine, PLAIN, engine.prompt([Message("user", "\ud83d")], think=True, tags=None))
