"""A few lines over http.client: JSON in, JSON or server-sent events out, on loopback, with a key.

The standard library's client, because it starts ten times faster than a full-featured one and a stream
from it can be cut by closing the socket.
"""

import http.client
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError

GONE = (ConnectionError, http.client.HTTPException, TimeoutError, OSError)
"""What a client sees when the other side has died."""


@dataclass(slots=True)
class Loopback:
    """One server. `timeout_s` bounds the wait for any single piece of an answer."""

    url: str
    key: str = ""
    timeout_s: float = 600.0
    _kept: http.client.HTTPConnection | None = None

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "127.0.0.1", parts.port, timeout=self.timeout_s)

    def _send(self, connection: http.client.HTTPConnection, path: str, body: Any) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        prefix = urlsplit(self.url).path.rstrip("/")
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        connection.request(method, prefix + path, data, headers)
        return connection.getresponse()

    def call(self, path: str, body: Any = None) -> Any:
        """GET (no body) or POST `path`; the decoded JSON. Raises EngineError with the server's message."""
        fresh = self._kept is None
        connection = self._kept or self._connect()
        self._kept = None
        try:
            response = self._send(connection, path, body)
            data = response.read()
        except GONE as error:
            connection.close()
            if not fresh:  # the server may have closed an idle connection: that is no death
                return self.call(path, body)
            raise EngineDiedError(str(error)) from error
        self._kept = connection
        return _checked(response.status, data, path)

    def events(self, path: str, body: Any) -> Generator[Any, None, None]:
        """POST `path` and yield each server-sent event's JSON; closing the iterator cuts the connection."""
        connection = self._connect()
        try:
            response = self._send(connection, path, body)
            if response.status != 200:
                _checked(response.status, response.read(), path)
            for line in response:
                if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                    event = json.loads(line[6:])
                    if "error" in event:
                        raise EngineError(f"the engine stopped: {_message(event)}.")
                    yield event
                elif line.startswith(b"error: "):
                    raise EngineError(f"the engine stopped: {_message(json.loads(line[7:]))}.")
        except GONE as error:
            raise EngineDiedError(str(error)) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Drop the connection that is kept for the next call."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _message(answer: Any) -> str:
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text).rstrip(".")


def _checked(status: int, data: bytes, path: str) -> Any:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = data.decode("utf-8", "replace")[:200]
    if status != 200:
        raise EngineError(f"the engine refused {path} with status {status}: {_message(answer)}.")
    return answer
