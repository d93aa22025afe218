"""The client of a llama.cpp server: addresses, keys, caches, and servers that answer strangely."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ponder.core.request import Message
from ponder.engine.connect import connect
from ponder.engine.embedded import Embedded
from ponder.engine.llama import LlamaClient
from ponder.engine.openai import OpenAIServer
from ponder.engine.protocol import Ability, EngineDiedError, Prompt
from ponder.errors import ContextError, EngineError, InputError, NetworkError
from tests.conftest import SCRIPT
from tests.engine.asking import GREEDY, TAGS, behind, ids, prefill, prompt_of, run, stop, tokens
from tests.engine.standin import Json, Reply, Standin, standing

PROMPT = Prompt((), (1, 2, 3), 3)


# ---------------------------------------------------------------------- addresses and keys


def test_an_address_of_a_llama_server_is_a_full_engine(speaker: Embedded) -> None:
    server = behind(speaker)
    engine = connect(server.url + "/", server.key)
    with closing(engine):
        assert isinstance(engine, LlamaClient)
        served = engine.serve()
        assert (served.model, served.n_ctx) == ("speaker.gguf", 2048)
        assert Ability.TOKEN_PREFIX in served.abilities
        assert "<think>" in served.template
        emissions = run(engine)
        assert [token.data.decode() for token in tokens(emissions)] == list(SCRIPT)


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_key_there_is_one_sentence(speaker: Embedded, key: str) -> None:
    with (
        closing(connect(behind(speaker).url, key)) as engine,
        pytest.raises(NetworkError, match=r"refused the key .*set PONDER_API_KEY"),
    ):
        engine.serve()


def test_v1_means_the_openai_route(speaker: Embedded) -> None:
    server = behind(speaker)
    with closing(connect(server.url + "/v1", server.key)) as engine:
        assert isinstance(engine, OpenAIServer)
        assert Ability.TOKEN_PREFIX not in engine.serve().abilities


def test_where_nothing_answers_there_is_one_sentence() -> None:
    with standing(Standin({})) as standin:
        url = standin.url
    with (
        closing(connect(url)) as engine,
        pytest.raises(NetworkError, match=f"cannot reach {url}/v1 .*running"),
    ):
        engine.serve()


@pytest.mark.parametrize(
    "url",
    ["localhost:8080", "ftp://x", "http://", "http://x:99999", "http://x:port", "http://x:0", "http://[::1"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is no address: write it like http://127"):
        connect(url)


@pytest.mark.parametrize("key", ["ключ", "two\nlines"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="PONDER_API_KEY"):
        connect("http://127.0.0.1:1", key)


# ---------------------------------------------------------------------- what is remembered


def test_nothing_is_shared_between_conversations(speaker: Embedded) -> None:
    system = "You are a very patient and careful assistant."
    first = prompt_of(speaker, "one", system)
    run(speaker, GREEDY, prompt_of(speaker, "another", system))
    assert prefill(run(speaker, GREEDY, first)).cached == 0
    answered = [*first.messages, Message("assistant", "Fine."), Message("user", "And two?")]
    later = speaker.prompt(answered, think=True, tags=TAGS)
    told = prefill(run(speaker, GREEDY, later))
    assert first.head <= told.cached < told.total == told.done == len(later.ids)
    assert prefill(run(speaker, GREEDY, prompt_of(speaker, "other", system))).cached == 0


def test_a_conversation_without_a_user_is_its_own(speaker: Embedded) -> None:
    def only(text: str) -> Prompt:
        return speaker.prompt([Message("system", text)], think=True, tags=TAGS)

    one, other = only("Answer in one word."), only("Answer in one line.")
    run(speaker, GREEDY, one)
    assert prefill(run(speaker, GREEDY, other)).cached == 0
    assert prefill(run(speaker, GREEDY, other)).cached > 0


def test_a_piece_goes_on_without_evaluating_again(speaker: Embedded) -> None:
    prompt = prompt_of(speaker)
    begun = ids(run(speaker, replace(GREEDY, max_tokens=4), prompt))
    rest = run(speaker, GREEDY, prompt, begun)
    assert prefill(rest).cached >= len(prompt.ids)
    assert [token.data.decode() for token in tokens(rest)] == list(SCRIPT[4:])


def test_a_full_context_is_refused(speaker: Embedded) -> None:
    prompt = Prompt((), tuple([7] * 2048), 2048)
    with pytest.raises(
        ContextError, match="the context of 2048 tokens is full: choose a larger one with --ctx"
    ):
        run(speaker, GREEDY, prompt)


# ---------------------------------------------------------------------- strange servers

PROPS = {"default_generation_settings": {"n_ctx": 64}, "model_path": "C:\\models\\m.gguf", "build_info": "b1"}
MODELS = {"data": [{"meta": {"n_vocab": 300}}]}
EVENT = {"content": "a", "tokens": [5], "stop": False, "tokens_predicted": 1}
LAST = {"content": "", "tokens": [], "stop": True, "stop_type": "limit", "tokens_predicted": 1}


def always(body: Any) -> Callable[[Json], Reply]:
    return lambda _: Reply(body)


@pytest.fixture
def strange() -> Iterator[Standin]:
    """A server that answers as llama.cpp does, as far as a test does not change that."""
    routes = {
        "/props": always(PROPS),
        "/v1/models": always(MODELS),
        "/tokenize": always({"tokens": [{"id": 5, "piece": "a"}]}),
        "/completion": lambda _: Reply(events=[EVENT, LAST]),
    }
    with standing(Standin(routes)) as standin:
        yield standin


def test_tokens_may_come_without_probabilities(strange: Standin) -> None:
    with closing(LlamaClient(strange.url)) as engine:
        assert engine.serve().model == "m.gguf"
        got = tokens(run(engine, GREEDY, PROMPT))
        assert [(token.id, token.data, token.logprob, token.entropy) for token in got] == [
            (5, b"a", None, None)
        ]


@pytest.mark.parametrize("key", ["tokens_predicted", "stop", "content", "tokens"])
def test_an_event_that_lacks_something_is_one_sentence(strange: Standin, key: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != key}
    strange.routes["/completion"] = lambda _: Reply(events=[event, LAST])
    with (
        closing(LlamaClient(strange.url)) as engine,
        pytest.raises(
            EngineError, match=r"^the server does not answer as llama.cpp's does .*/v1 at the end\.$"
        ),
    ):
        run(engine, GREEDY, PROMPT)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/props", {}),
        ("/props", ["?"]),
        ("/props", {"default_generation_settings": None}),
        ("/v1/models", {"data": []}),
        ("/v1/models", {"data": [{"meta": None}]}),
        ("/tokenize", {"tokens": [1, 2]}),
        ("/tokenize", "what?"),
    ],
)
def test_a_server_that_is_another_kind_is_one_sentence(strange: Standin, path: str, body: Any) -> None:
    strange.routes[path] = always(body)
    with closing(LlamaClient(strange.url)) as engine, pytest.raises(EngineError, match=r"llama\.cpp"):
        engine.serve()


def test_a_stream_without_an_end_is_a_death(strange: Standin) -> None:
    strange.routes["/completion"] = lambda _: Reply(events=[EVENT], cut=True)
    with closing(LlamaClient(strange.url)) as engine:
        emissions = engine.stream(PROMPT, (), GREEDY, since=0.0)
        assert tokens([next(emissions)])
        with pytest.raises(EngineDiedError, match="broke off"):
            next(emissions)


def test_what_cannot_be_found_is_generated_anew_with_another_seed(strange: Standin) -> None:
    told = {"id": 5, "bytes": [97], "logprob": -1.0}
    whole = {"tokens": [5, 5], "stop_type": "limit", "completion_probabilities": [{"top_logprobs": [told]}]}
    lost = {"content": "\ufffd", "tokens": [5], "stop": False, "tokens_predicted": 2}

    def complete(body: Json) -> Reply:
        return Reply(events=[lost, EVENT]) if body.get("stream") else Reply(whole)

    strange.routes["/completion"] = complete
    with closing(LlamaClient(strange.url)) as engine:
        got = tokens(run(engine, replace(GREEDY, max_tokens=2, seed=2**32 - 1), PROMPT))
    assert [(token.id, token.data, token.logprob) for token in got] == [(5, b"a", -1.0)] * 2
    first, anew, *looks = strange.bodies("/completion")
    assert (first["seed"], first["cache_prompt"]) == (0, False), "llama.cpp takes the last seed for none"
    assert (anew["seed"], anew["cache_prompt"], anew["n_predict"]) == (1, True, 2)
    assert [body["prompt"] for body in looks] == [[1, 2, 3], [1, 2, 3, 5]]


def test_only_the_samplers_that_were_asked_for_take_part(strange: Standin) -> None:
    with closing(LlamaClient(strange.url)) as engine:
        assert stop(run(engine, GREEDY, PROMPT)).reason == "limit"
    (body,) = strange.bodies("/completion")
    assert body["samplers"] == ["top_k", "top_p", "min_p", "temperature"]


# ---------------------------------------------------------------------- grammars


def test_a_grammar_holds_a_piece_of_text(speaker: Embedded) -> None:
    assert Ability.GRAMMAR in speaker.serve().abilities
    held = replace(GREEDY, max_tokens=8, grammar='root ::= " "? ("12" | "13" | "none")')
    emissions = run(speaker, held)
    assert b"".join(token.data for token in tokens(emissions)).strip() in {b"12", b"13", b"none"}
    ended = stop(emissions)
    assert ended.reason == "eos"
    assert ended.eos is not None
    assert prefill(emissions).total == len(prompt_of(speaker).ids)
    free = ids(run(speaker))
    told = run(speaker, replace(GREEDY, grammar='root ::= " 42" "!"'), output=free[: SCRIPT.index(" 42")])
    assert [token.data.decode() for token in tokens(told)] == [" 42", "!"]
    assert prefill(told).total - prefill(told).cached == 1


def test_a_grammar_that_is_none_is_refused(speaker: Embedded) -> None:
    with pytest.raises(EngineError, match="grammar"):
        run(speaker, replace(GREEDY, grammar="root ::= ("))
