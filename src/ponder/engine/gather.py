"""A stream read in gulps: what came within a few hundredths of a second is taken at once.

Waking a thread for each token costs more than reading the token, and where the engine computes on all cores
every wake stops it. So a stream may be told to be calm: it then sleeps until the next tick, which is the
same for all streams, so that one waking serves them all. A low-water mark on the socket lets it sleep
through small pieces, while a large one, such as an answer's last event, or the end, still wakes it.
"""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead

CAN_GATHER = hasattr(socket, "SO_RCVLOWAT") and hasattr(select, "poll")
"""Windows has neither: there every piece is read as it comes."""
MARK_BYTES = 1536
"""Several tokens' events; less than the last event of an answer, which tells all settings."""
READ_BYTES = 1 << 16


@dataclass(slots=True)
class Calm:
    """How long a stream may gather what comes, in seconds; 0: not at all. May be changed while it runs."""

    seconds: float = 0.0


def gulps(sock: socket.socket, response: HTTPResponse, calm: Calm) -> Iterator[bytes]:
    """The body of a chunked response, from its first byte; a body that is cut raises IncompleteRead.

    Raises HTTPException for what is no chunk, OSError, TimeoutError after the socket's time without a byte.
    """
    patience_s = sock.gettimeout()
    data: bytes | None = response.fp.read1(READ_BYTES)  # what came behind the headers, or comes first
    poll, rest, ended = select.poll(), b"", False
    poll.register(sock, select.POLLIN)
    sock.setblocking(False)
    while data:
        body, rest, ended = unchunked(rest + data)
        if body:
            yield body
        if ended:
            return
        data = _next(sock, poll, calm, patience_s)
    raise IncompleteRead(rest)


def _next(sock: socket.socket, poll: "select.poll", calm: Calm, patience_s: float | None) -> bytes:
    """What has come by the next tick, or the first that comes after it; empty at the end."""
    wait_ms = None if patience_s is None else 1000 * patience_s
    if calm.seconds:
        _mark(sock, MARK_BYTES)
        poll.poll(1000 * (calm.seconds - time.monotonic() % calm.seconds))
    while True:
        try:
            return sock.recv(READ_BYTES)
        except BlockingIOError:  # nothing came: then the next byte is waited for
            if calm.seconds:
                _mark(sock, 1)
            if not poll.poll(wait_ms):
                raise TimeoutError("timed out") from None


def _mark(sock: socket.socket, size: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def unchunked(data: bytes) -> tuple[bytes, bytes, bool]:
    """What the whole chunks of `data` hold, the rest, and whether the last chunk was among them (RFC 9112,
    section 7.1). Raises HTTPException for what is no chunk.
    """
    parts: list[bytes] = []
    at = 0
    while (line := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(data[at:line].partition(b";")[0], 16)
        except ValueError:
            raise HTTPException(f"{data[at : at + 20]!r} is no size of a chunk") from None
        if size == 0:
            return b"".join(parts), b"", True
        start, stop = line + 2, line + 2 + size
        if len(data) < stop + 2:
            break
        parts.append(data[start:stop])
        at = stop + 2
    return b"".join(parts), data[at:], False
