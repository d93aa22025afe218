"""A few lines over http.client: JSON in, JSON or server-sent events out, with a key.

The standard library's client, because it starts ten times faster than a full-featured one and a stream
from it can be cut by closing the socket.
"""

import http.client
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ponder.engine.gather import CAN_GATHER, Calm, gulps
from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError, InputError

GONE = (http.client.HTTPException, OSError)
"""What a client sees when the other side is not there, or has died."""
CONNECT_S = 10.0
MOST_KEPT = 4
"""Idle connections to keep: each takes one of the server's threads."""


@dataclass(slots=True)
class Loopback:
    """One server. `timeout_s` bounds the wait for any single piece of an answer."""

    url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 600.0
    _kept: list[http.client.HTTPConnection] = field(default_factory=list)

    def call(self, path: str, body: Any = None) -> Any:
        """GET (no body) or POST `path`; the decoded JSON. Raises EngineError with the server's message."""
        kept = self._idle()
        try:
            if kept is not None:
                with suppress(*GONE):  # the server may have closed an idle connection: that is no death
                    return self._ask(kept, path, body)
            return self._ask(self._connect(), path, body)
        except GONE as error:
            raise self._died(error) from error

    def events(self, path: str, body: Any, calm: Calm | None = None) -> Generator[dict[str, Any], None, None]:
        """POST `path` and yield each server-sent event's JSON; closing the iterator cuts the connection.

        With `calm` they are read in gulps, as often as it says at that moment.
        """
        try:
            with closing(self._connect()) as connection, self._send(connection, path, body) as response:
                if response.status != 200:
                    _checked(response.status, response.read(), path)
                yield from events_in(_chunks(connection, response, calm), "the engine")
        except GONE as error:
            raise self._died(error) from error

    def close(self) -> None:
        """Drop the connections that are kept for the next call."""
        while self._kept:
            self._kept.pop().close()

    def _idle(self) -> http.client.HTTPConnection | None:
        try:
            return self._kept.pop()  # in one step: two threads may ask
        except IndexError:
            return None

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=min(CONNECT_S, self.timeout_s))
        connection.connect()
        connection.sock.settimeout(self.timeout_s)
        return connection

    def _ask(self, connection: http.client.HTTPConnection, path: str, body: Any) -> Any:
        try:
            with self._send(connection, path, body) as response:
                data = response.read()
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < MOST_KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        return _checked(response.status, data, path)

    def _send(self, connection: http.client.HTTPConnection, path: str, body: Any) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        prefix = urlsplit(self.url).path.rstrip("/")
        method, data = ("GET", None) if body is None else ("POST", as_json(body))
        connection.request(method, prefix + path, data, headers)
        return connection.getresponse()

    def _died(self, error: Exception) -> EngineDiedError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return EngineDiedError(f"no answer from {self.url}: {reason}")


def as_json(body: Any) -> bytes:
    """`body` as UTF-8 JSON; raises InputError for half a surrogate pair, which is in no text."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        wrong = error.object[error.start : error.start + 1]
        raise InputError(
            f"the text holds {wrong!a}, which is no character: give it as UTF-8, or as a file."
        ) from None


def message_of(answer: Any) -> str:
    """The sentence in an error answer, however deep the server put it."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text).strip().rstrip(".")


def events_in(chunks: Iterable[bytes], who: str) -> Iterator[dict[str, Any]]:
    """The JSON of each event of a stream; raises EngineError for what `who` tells or does wrong.

    Only a line feed ends a line: a model may write U+2028 or U+0085, at which text would be split.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line and (event := _event(line, who)) is not None:
                yield event


def _event(line: bytes, who: str) -> dict[str, Any] | None:
    """What a line of an event stream says; None for those that say nothing."""
    name, _, value = line.partition(b":")
    value = value.strip()
    if name not in {b"data", b"error"} or value in {b"", b"[DONE]"}:
        return None
    try:
        event = json.loads(value)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise EngineError(f"{who} sent an event that is no JSON object: {value[:80]!r}.")
    if name == b"error" or event.get("error"):
        raise EngineError(f"{who} stopped: {message_of(event)}.")
    return event


def _chunks(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, calm: Calm | None
) -> Iterator[bytes]:
    """A body as it comes; half the cost of iterating the response, which every token pays."""
    plain = not isinstance(connection, http.client.HTTPSConnection)
    with suppress(http.client.IncompleteRead):  # a body that is cut just ends
        if calm is not None and CAN_GATHER and plain and response.chunked and connection.sock:
            yield from gulps(connection.sock, response, calm)
            return
        while data := response.read1(1 << 16):
            yield data


def _checked(status: int, data: bytes, path: str) -> Any:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = data.decode("utf-8", "replace")[:200]
    if status != 200:
        raise EngineError(f"the engine refused {path} with status {status}: {message_of(answer)}.")
    return answer
