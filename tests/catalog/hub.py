"""A stand-in for the Hugging Face Hub on loopback: model info, and files with redirects and ranges.

It answers as the hub does, but for the faults that a test switches on.
"""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the hub holds (repository → file → bytes), how it misbehaves, and what it was asked.

    `cut_after` closes the connection after so many bytes, once for each item; `wrong_checksum` lies about
    every file; `status` answers file requests with it; `ranges` False ignores Range; `extra` appends
    bytes; `git` holds files stored without LFS; `info_status` answers the question what there is;
    `storage` is the address of another server that holds the files.
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    wrong_checksum: bool = False
    status: list[int] = field(default_factory=list)
    ranges: bool = True
    extra: bytes = b""
    git: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    nonsense: bytes = b""
    info_status: int = 200
    storage: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)
    endpoint: str = ""

    def info(self, repo: str) -> dict[str, Any]:
        """What `/api/models/REPO?blobs=true` answers."""
        siblings = []
        for name, data in self.repos[repo].items():
            oid = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            sibling: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": oid}
            if name not in self.git:
                sha = hashlib.sha256(data + (b"!" if self.wrong_checksum else b"")).hexdigest()
                sibling["lfs"] = {"sha256": sha, "size": len(data), "pointerSize": 135}
            siblings.append(sibling)
        return {"id": repo, "modelId": repo, "sha": COMMIT, "private": False, "siblings": siblings}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path)
        self.hub.tokens.add(self.headers.get("Authorization"))
        if path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/"))
        elif f"/resolve/{COMMIT}/" in path:
            self.send_response(302)  # the hub sends the client to its storage
            self.send_header("Location", self.hub.storage + self.path.replace("/resolve/", "/storage/"))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            repo, name = path.strip("/").split(f"/storage/{COMMIT}/")
            self._file(name, self.hub.repos[repo][name])

    def _info(self, repo: str) -> None:
        if self.hub.info_status != 200:
            self._answer(self.hub.info_status, b"")
        elif self.hub.nonsense:
            self._answer(200, self.hub.nonsense)
        elif repo in self.hub.gated:
            self._answer(403, b"{}", **{"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif repo not in self.hub.repos:
            self._answer(401, b"{}", **{"X-Error-Code": "RepoNotFound", "X-Error-Message": "not found"})
        else:
            self._answer(200, json.dumps(self.hub.info(repo)).encode())

    def _file(self, name: str, data: bytes) -> None:
        if self.hub.status:
            self._answer(self.hub.status.pop(0), b"")
            return
        start, stop = 0, len(data)
        asked = self.headers.get("Range")
        if asked and self.hub.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(len(data), int(last) + 1)
        body = data[start:stop] + self.hub.extra
        self.send_response(206 if asked and self.hub.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("ETag", hashlib.sha256(data).hexdigest())
        self.end_headers()
        if self.hub.cut_after:
            body = body[: self.hub.cut_after.pop(0)]
            self.close_connection = True
        self.hub.sent[name] += len(body)
        with suppress(ConnectionError):  # a client that was killed
            self.wfile.write(body)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, content in headers.items():
            self.send_header(key, content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Run `hub` on a free port; `hub.endpoint` is its address."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
