"""The small HTTP client: kept connections, refusals, streams that go wrong."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from ponder.engine.http import Loopback
from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError
from tests.engine.standin import Reply, Standin, standing


@contextmanager
def serving(reply: Reply, *, keep_alive: bool = True) -> Iterator[tuple[Standin, Loopback]]:
    """A server that answers everything with `reply`, and a client of it."""
    standin = Standin({"/x": lambda _: reply}, keep_alive=keep_alive)
    with standing(standin), closing(Loopback(standin.url)) as client:
        yield standin, client


def test_one_connection_serves_many_calls() -> None:
    with serving(Reply([1, "zwei"])) as (standin, client):
        assert client.call("/x") == [1, "zwei"]
        kept = client._kept[:]
        assert client.call("/x", {"a": "ü"}) == [1, "zwei"]
        assert client._kept == kept
        assert standin.asked == [("/x", {}), ("/x", {"a": "ü"})]


def test_a_connection_that_was_closed_meanwhile_is_no_death() -> None:
    with serving(Reply("yes"), keep_alive=False) as (standin, client):
        assert [client.call("/x") for _ in range(3)] == ["yes"] * 3
        assert len(standin.asked) == 3


def test_nobody_there_is_a_death() -> None:
    with serving(Reply("yes")) as (_, client):
        client.call("/x")
        url = client.url
    with closing(Loopback(url)) as late:
        for ask in (lambda: late.call("/x"), lambda: list(late.events("/x", {}))):
            with pytest.raises(EngineDiedError, match=f"^no answer from {url}: Connection refused$"):
                ask()
    with pytest.raises(EngineDiedError, match="no answer from"):
        Loopback("http://[::1]:1").call("/x")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 400, "message": "too long."}},
        {"error": "too long"},
        {"message": "too long"},
        b"too long",
    ],
)
def test_a_refusal_is_one_sentence(body: object) -> None:
    with serving(Reply(body, 400)) as (_, client):
        for ask in (lambda: client.call("/x"), lambda: list(client.events("/x", {}))):
            with pytest.raises(EngineError, match=r"^the engine refused /x with status 400: .*too long.*\.$"):
                ask()


def test_a_body_that_is_no_json_is_text() -> None:
    with serving(Reply(b"<html>")) as (_, client):
        assert client.call("/x") == "<html>"


def test_events_are_read_in_every_spelling() -> None:
    events = ['data:{"n": 1}', ": ping", "event: x\nid: 1", "data: [DONE]", "data: ", "retry: 5"]
    with serving(Reply(events=[{"n": 0}, *events])) as (_, client):
        assert list(client.events("/x", {})) == [{"n": 0}, {"n": 1}]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"error": {"message": "boom"}}, "the engine stopped: boom."),
        ('error: {"message": "boom"}', "the engine stopped: boom."),
        ("data: [1]", "no JSON object: b'\\[1\\]'"),
        ("data: {half", "no JSON object: b'{half'"),
    ],
)
def test_an_error_inside_a_stream_is_told(event: str, words: str) -> None:
    with serving(Reply(events=[{"n": 1}, event])) as (_, client):
        events = client.events("/x", {})
        assert next(events) == {"n": 1}
        with pytest.raises(EngineError, match=words.replace("{", r"\{")):
            next(events)


def test_a_stream_that_is_cut_just_ends() -> None:
    """http.client does not tell: whoever reads events has to know which is the last."""
    with serving(Reply(events=[{"n": 1}], cut=True)) as (_, client):
        assert list(client.events("/x", {})) == [{"n": 1}]
