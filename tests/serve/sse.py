"""A reader of server-sent events over a socket, as a browser reads them."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.serve.running import TOKEN, Running


class Event(NamedTuple):
    name: str
    id: str
    data: Any


@contextmanager
def events(server: Running, trace: str, last: str = "") -> Iterator[Iterator[Event]]:
    """The events of a trace from `last` on; leaving the block drops the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.service.settings.port, timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Last-Event-ID": last} if last else {})
    connection.request("GET", f"/api/ponder/traces/{trace}/events", headers=headers)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    try:
        yield _events(response)
    finally:
        response.close()
        connection.close()


def _events(response: http.client.HTTPResponse) -> Iterator[Event]:
    found: dict[str, str] = {}
    for line in response:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            found[name] = value
        elif "data" in found:
            yield Event(found["event"], found["id"], json.loads(found["data"]))
            found = {}
