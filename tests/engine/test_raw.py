"""The raw route of OpenAI-compatible servers: llama.cpp's own for real, and the dialects of others."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ponder.core.events import Token
from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.engine.embedded import Embedded
from ponder.engine.openai import OpenAIServer
from ponder.engine.protocol import Ability, EngineDiedError, ids_of
from ponder.engine.vocabulary import spelled
from ponder.errors import AbilityError, ContextError, InputError
from ponder.opened import Opened, Options, open_model
from ponder.session import fork, resume, start
from ponder.store import open_store
from tests.conftest import SCRIPT
from tests.engine.asking import GREEDY, KEEPING, behind, prompt_of, run, settings, stop, tokens
from tests.engine.standin import Json, Reply, Standin, standing
from tests.engine.vllm import CHINESE, EOS, FakeVllm, without
from tests.tiny import write_script

ASKED = Request((Message("user", "why?"),), sampling=Sampling(temperature=0.0, seed=1))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A llama.cpp server whose template shows reasoning and opens it."""
    path = write_script(tmp_path_factory.mktemp("raw") / "m.gguf", SCRIPT, template=KEEPING)
    engine = Embedded(settings(path))
    yield engine
    engine.close()


@pytest.fixture
def by_text(own: Embedded, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """The same server, opened through its OpenAI route."""
    server = behind(own)
    opened = open_model("", Options(server=server.url + "/v1", api_key=server.key))
    yield opened
    opened.engine.close()


def remote(server: Standin) -> Opened:
    return open_model("", Options(server=server.url))


def pieces(trace: Trace) -> list[str]:
    return [token.data.decode() for token in trace.tokens]


def stored(token: Token) -> tuple[object, ...]:
    return token.id, token.data, token.part, token.origin


# ---------------------------------------------------------------------- llama.cpp, for real


def test_llama_cpps_openai_route_takes_text_prefixes(by_text: Opened) -> None:
    served = by_text.engine.serve()
    assert served.engine.endswith("/v1 (text prefixes)")
    assert Ability.TEXT_PREFIX | Ability.LOGPROBS in served.abilities
    assert not served.abilities & (Ability.TOKEN_PREFIX | Ability.TOKEN_IDS | Ability.LOGIT_BIAS)
    assert (served.n_ctx, bool(served.template)) == (2048, True)
    trace = start(by_text, ASKED, None).trace()
    assert pieces(trace) == list(SCRIPT)
    assert (trace.reasoning, trace.answer) == ("Okay, let me think.", "It is 42!")
    assert {token.id for token in trace.tokens} == {None}
    assert {token.logprob for token in trace.tokens} == {0.0}
    assert trace.prompt_ids == ()
    assert trace.prompt_text == "<｜User｜>why?<｜Assistant｜><think>\n"
    assert trace.finish is not None
    assert (trace.finish.reason, trace.finish.closed_by) == ("stop", "model")
    assert trace.finish.usage.prompt_tokens > 5


def test_a_fork_with_nothing_changed_writes_the_same_tail(by_text: Opened, ponder_home: Path) -> None:
    """From where the text before is cut into the same tokens again: this vocabulary has no merges."""
    assert ponder_home
    with open_store() as store:
        first = start(by_text, ASKED, store).trace()
        branch = fork(by_text, first, first.fork_at(8), store).trace()
        kept = store.load(branch.id)
    assert list(map(stored, branch.tokens)) == list(map(stored, first.tokens))
    assert (kept.parent, kept.fork_index, kept.prompt_text) == (first.id, 8, first.prompt_text)
    assert kept.engine.endswith("(text prefixes)")
    assert any("takes text, not token ids" in note for note in kept.finish.notes) if kept.finish else False


def test_corrections_budgets_and_answers_work_by_text(by_text: Opened) -> None:
    first = start(by_text, ASKED, None).trace()
    said = fork(by_text, first, first.fork_at(3, "say", "Hm, okay."), None).trace()
    assert pieces(said)[:4] == [*SCRIPT[:3], " Hm, okay."]
    assert [token.origin for token in said.tokens][3] == "correction"
    assert said.answer
    short = start(by_text, replace(ASKED, budget=3), None).trace()
    assert short.finish is not None
    assert short.finish.closed_by == "budget"
    assert "".join(pieces(short)).startswith("Okay, let\n</think>\n\n")
    now = fork(by_text, first, first.fork_at(2, "answer"), None).trace()
    assert now.reasoning == "Okay,"
    assert now.finish is not None
    assert now.finish.closed_by == "user"


def test_an_interrupted_run_goes_on_by_text(by_text: Opened, ponder_home: Path) -> None:
    assert ponder_home
    with open_store() as store:
        answering = start(by_text, ASKED, store)
        for event in answering:
            if isinstance(event, Token) and event.index == 7:
                break
        answering.cancel()
        cut = store.load(answering.trace_id)
        assert pieces(cut) == list(SCRIPT[:8])
        whole = resume(by_text, cut, store).trace()
        assert pieces(whole) == list(SCRIPT) == pieces(store.load(cut.id))


def test_what_text_cannot_do_is_refused(by_text: Opened) -> None:
    first = start(by_text, ASKED, None).trace()
    with pytest.raises(AbilityError, match=r"needs an engine with token prefix, and .* has .*text prefix"):
        start(by_text, replace(ASKED, steering=replace(ASKED.steering, extend=1)), None)
    with pytest.raises(InputError, match="renders its question otherwise"):
        fork(by_text, replace(first, prompt_text="other"), first.fork_at(3), None)
    for text in ("a <|im_end|> b", "</think>", "<｜User｜>"):
        with pytest.raises(InputError, match="would read as a control token"):
            start(by_text, replace(ASKED, messages=(Message("user", text),)), None)
    long = replace(prompt_of(by_text.engine), text="word " * 3000)
    with pytest.raises(ContextError, match="the context of 2048 tokens is full"):
        run(by_text.engine, GREEDY, long)


# ---------------------------------------------------------------------- vLLM's dialect


@pytest.mark.parametrize("script", [SCRIPT, CHINESE], ids=["ascii", "characters of several tokens"])
def test_a_server_that_returns_ids_is_token_exact(script: tuple[str, ...], ponder_home: Path) -> None:
    assert ponder_home
    fake = FakeVllm(script)
    with standing(fake.standin()) as server, open_store() as store, closing(remote(server).engine) as engine:
        assert Ability.TOKEN_IDS | Ability.TOKEN_PREFIX | Ability.LOGPROBS in engine.serve().abilities
        opened = remote(server)
        first = start(opened, ASKED, store).trace()
        assert list(first.ids) == fake.output
        assert first.prompt_ids == tuple(fake.encode("<|user|>why?<|bot|><think>\n"))
        assert (first.tokens[-1].id, first.tokens[-1].part, first.ended) == (EOS, "tag", True)
        text = "".join(script)
        assert first.reasoning + "</think>" + first.answer == text.replace("\n\n", "")
        branch = fork(opened, first, first.fork_at(3), store).trace()
        assert list(map(stored, branch.tokens)) == list(map(stored, first.tokens))
        assert store.load(branch.id).ids == first.ids
        body = server.bodies("/v1/completions")[-1]
        assert body["prompt"] == [*first.prompt_ids, *first.ids[:3]]
        opened.engine.close()


def test_a_persons_text_never_becomes_a_control_token_there() -> None:
    fake = FakeVllm()
    with standing(fake.standin()) as server, closing(OpenAIServer(server.url)) as engine:
        prompt = engine.prompt(
            [Message("user", "x</think><|end|>y")], think=True, tags=("<think>", "</think>")
        )
        assert prompt.text == "<|user|>x</think><|end|>y<|bot|><think>\n"
        assert prompt.opened
        assert [token for token in prompt.ids if token >= 256] == [256, 257, 258]
        assert ids_of(engine.tokenize("\n</think>", control=True)) == [10, 259]


def test_without_returned_ids_the_same_server_goes_by_text() -> None:
    fake = FakeVllm(ids=False)
    with standing(fake.standin()) as server:
        opened = remote(server)
        assert Ability.TEXT_PREFIX in opened.engine.serve().abilities
        first = start(opened, ASKED, None).trace()
        assert (first.reasoning, first.answer) == ("Okay, let me think.", "It is 42!")
        branch = fork(opened, first, first.fork_at(4), None).trace()
        assert branch.answer == first.answer
        body = server.bodies("/v1/completions")[-1]
        assert body["prompt"] == "<|user|>why?<|bot|><think>\nOkay"
        assert body["add_special_tokens"] is False
        opened.engine.close()


def test_a_limit_reached_without_a_word_ends_the_run() -> None:
    """A server that counts the tokens of a character that is never whole: asking again would never end."""
    fake = FakeVllm(ids=False)

    def held_back(body: Json) -> Reply:
        if not body.get("stream"):
            return fake.complete(body)
        asked = len([each for each in server.bodies("/v1/completions") if each.get("stream")])
        assert asked < 10
        text = "so</think>yes" if asked == 1 else ""
        return Reply(events=[{"choices": [{"text": text, "finish_reason": "length"}]}])

    with standing(without(fake)) as server:
        server.routes["/v1/completions"] = held_back
        opened = remote(server)
        trace = start(opened, ASKED, None).trace()
        opened.engine.close()
    assert (trace.reasoning, trace.answer) == ("so", "yes")
    assert trace.finish is not None
    assert trace.finish.reason == "length"


@pytest.mark.parametrize(
    "server",
    [
        FakeVllm(raw=False).standin(),
        without(FakeVllm(), "/v1/completions"),
        without(FakeVllm(), "/tokenize"),
        without(FakeVllm(), "/detokenize"),
    ],
    ids=["a template around every prompt", "no raw route", "no tokenizer", "no detokenizer"],
)
def test_where_something_is_missing_only_conversations_are_taken(server: Standin) -> None:
    with standing(server), closing(OpenAIServer(server.url)) as engine:
        assert not engine.serve().abilities & Ability.prefix()


def test_a_chat_only_server_refuses_forks_with_a_sentence(ponder_home: Path) -> None:
    assert ponder_home

    def chat(body: Json) -> Reply:
        said: list[Json | str] = [
            {"choices": [{"delta": {"content": "It is 42."}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        ]
        return Reply(events=said) if body.get("stream") else Reply({"choices": [{"message": {}}]})

    routes = {"/v1/models": lambda _: Reply({"data": [{"id": "m"}]}), "/v1/chat/completions": chat}
    with standing(Standin(routes)) as server, open_store() as store:
        opened = remote(server)
        trace = start(opened, ASKED, store).trace()
        sentence = (
            r"To fork a trace needs an engine with token prefix or text prefix, and .* ask its question again"
        )
        with pytest.raises(AbilityError, match=sentence):
            fork(opened, trace, trace.fork_at(1), store)
        opened.engine.close()


def test_a_stream_that_breaks_off_is_no_end() -> None:
    fake = FakeVllm()
    with standing(fake.standin()) as server, closing(OpenAIServer(server.url)) as engine:
        prompt = prompt_of(engine)
        whole = fake.complete({"prompt": list(prompt.ids), "max_tokens": 50, "stream": True}).events or []
        server.routes["/v1/completions"] = lambda _: Reply(events=whole[:3], cut=True)
        with pytest.raises(EngineDiedError):
            run(engine, GREEDY, prompt)
        server.routes["/v1/completions"] = lambda _: Reply(events=whole[:3])
        with pytest.raises(EngineDiedError, match="broke off"):
            run(engine, GREEDY, prompt)
        server.routes["/v1/completions"] = lambda body: fake.complete(body | {"max_tokens": 3})
        emissions = run(engine, GREEDY, prompt)
        assert (stop(emissions).reason, len(tokens(emissions))) == ("limit", 3)


# ---------------------------------------------------------------------- vocabularies


@pytest.mark.parametrize(
    ("strings", "whole", "expected"),
    [
        (["Ġhi", "Ċ"], b" hi\n", [b" hi", b"\n"]),
        (["▁hi", "<0x0A>"], b" hi\n", [b" hi", b"\n"]),
        (["åĳ", "Ģ"], "呀".encode(), [b"\xe5\x91", b"\x80"]),
        (["<｜User｜>", "Ġa"], "<｜User｜> a".encode(), ["<｜User｜>".encode(), b" a"]),
        (["what", "ever"], b"other", [b"", b"other"]),
        (["one"], b"two words", [b"two words"]),
        ([], b"ab", [b"", b"ab"]),
        ([], b"", []),
    ],
)
def test_spellings_are_believed_only_if_they_fit(
    strings: list[str], whole: bytes, expected: list[bytes]
) -> None:
    assert spelled(strings, whole, len(expected)) == expected
