"""A real server on a real port, in a thread of the test."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from ponder.opened import Options
from ponder.serve.listen import bind, build
from ponder.serve.service import Service
from ponder.serve.settings import Settings

TOKEN = "a-token-for-the-tests"


@dataclass
class Answer:
    """What came back: status, headers (lower case), body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A server that runs."""

    service: Service
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return self.service.settings.url

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: str | None = TOKEN,
    ) -> Answer:
        """One request; a body that is no bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.settings.port, timeout=60)
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **rest: Any) -> Answer:
        return self.ask("GET", path, **rest)

    def post(self, path: str, body: Any = None, **rest: Any) -> Answer:
        return self.ask("POST", path, body, **rest)


@contextmanager
def running(**changes: Any) -> Iterator[Running]:
    """A server with some settings changed, until the block ends."""
    settings = Settings(**{"port": 0, "token": TOKEN, "options": Options(n_ctx=1024), **changes})
    listener, settings = bind(settings)
    with listener:
        service = Service(settings)
        server = build(service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.005)
            yield Running(service, server)
        finally:
            server.should_exit = True
            thread.join()
