"""Streams read in gulps: nothing is lost or late, however they are cut."""

import socket
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead

import pytest

from ponder.engine.gather import CAN_GATHER, MARK_BYTES, Calm, gulps, unchunked

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
NEVER_S = 3600.0

pytestmark = pytest.mark.skipif(not CAN_GATHER, reason="this system cannot gather")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: the server's, the client's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        client.settimeout(30)
        yield server, client


def begun(client: socket.socket) -> HTTPResponse:
    response = HTTPResponse(client)
    response.begin()
    return response


def test_a_calm_stream_sleeps_through_small_pieces_and_wakes_for_a_large_one(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, client = ends
    calm, last = Calm(), b"z" * MARK_BYTES
    server.sendall(HEAD + chunk(b"first"))
    found = gulps(client, begun(client), calm)
    assert next(found) == b"first"
    calm.seconds = NEVER_S  # its next tick is too far away for this test
    for piece in (b"a", b"b", b"c"):
        server.sendall(chunk(piece))
    server.sendall(chunk(last) + b"0\r\n\r\n")
    assert b"".join(found) == b"abc" + last


def test_the_end_of_a_connection_wakes_a_calm_stream(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends
    server.sendall(HEAD + chunk(b"first") + b"5\r\nab")
    found = gulps(client, begun(client), Calm(NEVER_S))
    assert next(found) == b"first"
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(IncompleteRead):
        next(found)


def test_a_tick_without_anything_waits_for_the_next_byte(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends
    client.settimeout(0.05)
    server.sendall(HEAD + chunk(b"first"))
    found = gulps(client, begun(client), Calm(0.001))
    assert next(found) == b"first"
    with pytest.raises(TimeoutError):
        next(found)


def test_chunks_are_put_together_wherever_they_are_cut() -> None:
    whole = chunk(b"one\r\n") + b"3;name=value\r\ntwo\r\n" + b"0\r\n\r\n"
    for at in range(len(whole)):
        first, rest, ended = unchunked(whole[:at])
        assert not ended or at >= len(whole) - 2
        second, _, ended = unchunked(rest + whole[at:]) if not ended else (b"", b"", True)
        assert first + second == b"one\r\ntwo"
        assert ended
    with pytest.raises(HTTPException):
        unchunked(b"hello\r\n")
