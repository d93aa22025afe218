"""A real HTTP server that plays other people's servers: their dialects, refusals and accidents."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass
class Reply:
    """`events` make it a stream of server-sent events, which `cut` breaks off before its end."""

    body: Any = None
    status: int = 200
    events: Sequence[Json | str] | None = None
    cut: bool = False


@dataclass
class Standin:
    """What is answered by path, with the request's body as argument, and what was asked."""

    routes: dict[str, Callable[[Json], Reply]]
    url: str = ""
    key: str = ""
    asked: list[tuple[str, Json]] = field(default_factory=list)
    keep_alive: bool = True

    def bodies(self, path: str) -> list[Json]:
        return [body for asked, body in self.asked if asked == path]


def missing(body: Json) -> Reply:
    """There is no such route."""
    return Reply({"error": "no such route"}, 404)


@contextmanager
def standing(standin: Standin) -> Iterator[Standin]:
    """Serve on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Json) -> None:
            standin.asked.append((self.path, body))
            route = standin.routes.get(self.path, missing)
            if standin.key and self.headers.get("Authorization") != f"Bearer {standin.key}":
                reply = Reply({"error": {"message": "bad key"}}, 401)
            else:
                reply = route(body)
            if reply.events is not None:
                self._stream(reply)
            else:
                data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self._head(reply.status, "application/json", ("Content-Length", str(len(data))))
                self.wfile.write(data)
            self.close_connection |= not standin.keep_alive  # without a word: the client has to notice

        def _stream(self, reply: Reply) -> None:
            self._head(reply.status, "text/event-stream", ("Transfer-Encoding", "chunked"))
            for event in reply.events or ():
                line = event if isinstance(event, str) else "data: " + json.dumps(event)
                data = line.encode() + b"\n\n"
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            if reply.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def _head(self, status: int, kind: str, length: tuple[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header(*length)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client may go before it has heard everything."""

    server = Server(("127.0.0.1", 0), Handler)
    standin.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
