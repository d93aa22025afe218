"""The connection to somebody else's server: calls and streams of JSON, and what its refusals mean."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from ponder.engine.http import as_json, events_in, message_of
from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError, NetworkError

Json = dict[str, Any]

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Remote:
    """A server at `url`, by default its path `/v1`; `root` is the address above that."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url.rstrip("/"))
        self.url = parts.geturl() if parts.path else parts.geturl() + "/v1"
        self.root = self.url.removesuffix("/v1")
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(600.0, connect=10.0),
            # A server may close an idle connection at the very moment of the next request.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=parts.hostname not in LOOPBACK,  # no proxy leads back to this machine
        )

    def call(self, method: str, path: str, body: Json | None = None, *, root: bool = False) -> Json:
        """One answer, below `root` if so wished; raises NetworkError and EngineError."""
        try:
            content = None if body is None else as_json(body)
            address = (self.root if root else self.url) + path
            response = self._http.request(method, address, content=content)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code != 200:
            self._refuse(response.status_code, response.content)
        answer = parsed(response.content)
        if not isinstance(answer, dict):
            raise NetworkError(f"{self.url} is not an OpenAI-compatible server: {path} gives no JSON object.")
        return answer

    def events(self, path: str, body: Json) -> Iterator[Json]:
        """The events of a streamed answer; raises EngineDiedError where it breaks off."""
        try:
            with self._http.stream("POST", self.url + path, content=as_json(body)) as response:
                if response.status_code != 200:
                    self._refuse(response.status_code, response.read())
                yield from events_in(response.iter_bytes(), self.url)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from error
        except httpx.HTTPError as error:
            raise EngineDiedError(f"no answer from {self.url}: {_reason(error)}") from error

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    def _unreachable(self, error: httpx.HTTPError) -> NetworkError:
        return NetworkError(f"cannot reach {self.url} ({_reason(error)}): is the server running there?")

    def _refuse(self, status: int, data: bytes) -> None:
        said = parsed(data)
        text = message_of(data.decode("utf-8", "replace") if said is None else said)[:300]
        if status in {401, 403}:
            raise NetworkError(f"{self.url} refused the key (status {status}): set PONDER_API_KEY.")
        if status == 404:
            raise NetworkError(f"{self.url} has no such route or model (404: {text}): is the address right?")
        raise EngineError(f"{self.url} refused the request with status {status}: {text}.")


def parsed(data: bytes) -> Any:
    """What `data` says, None if it is no JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def as_dict(value: Any) -> Json:
    """`value` if it is an object; else, null and other surprises, an empty one."""
    return value if isinstance(value, dict) else {}


def first_choice(answer: Json) -> Json:
    """The first choice of an answer; empty in the last chunks of a stream."""
    choices = answer.get("choices")
    return as_dict(choices[0]) if isinstance(choices, list) and choices else {}


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
