"""Between a client and a handler: its body in, a stream out, and noticing that it has gone."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ponder.serve.refusal import Refusal
from ponder.serve.schema import hints_of, parse, read

Value = TypeVar("Value")

EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
PATIENCE_S = 10.0
"""How long a stream's headers wait for its first part, so that an error can still have its status."""


async def body_of(request: Request, kind: type[Value]) -> Value:
    """The request's JSON as a value of `kind`; raises Refusal."""
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content not in {"application/json", ""} and not content.endswith("+json"):
        raise Refusal(415, f"the body must be application/json, not {content[:60]!a}.")
    return read(kind, parse(await request.body()))


def query_of(request: Request, kind: type[Value]) -> Value:
    """The request's query as a value of `kind`; numbers and booleans are read from their text."""
    data: dict[str, object] = {}
    for name, text in request.query_params.multi_items():
        plain = {"true": True, "false": False}.get(text)
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
        hint = hints_of(cast("type", kind)).get(name)
        wants_text = hint is None or "str" in str(hint) or "Literal" in str(hint)
        data[name] = (
            text if wants_text else plain if plain is not None else number if number is not None else text
        )
    return read(kind, data)


def party_of(request: Request, name: str = "") -> str:
    """Who asks, for the fairness of the queue: an address, and the name that a client gives its user."""
    return f"{request.client.host if request.client else ''} {name}"


async def while_there(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """The result of `work`, which is cancelled when the client goes; raises ClientDisconnect then.

    The body must have been read.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(Response):
    """Parts as they come, to one client; the iterator is closed as soon as it has gone.

    A client that reads slowly only makes its own iterator wait.
    """

    def __init__(
        self, parts: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]
        self.headers["X-Accel-Buffering"] = "no"  # proxies that buffer would hold the events back
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = sending.done()
            for each in (sending, gone):
                each.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)
        if ended:
            sending.result()

    async def _send(self, send: Send) -> None:
        async with aclosing(self._parts) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def begun(request: Request, parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`parts`, whose first one has come already, so that what it raises is no broken stream yet."""
    first = asyncio.ensure_future(anext(parts))
    gone = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({first, gone}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            raise ClientDisconnect
        if first.done():
            first.result()
    except BaseException:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await parts.aclose()
        raise
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    return _after(first, parts)


async def _after(
    first: "asyncio.Future[bytes]", parts: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    try:
        yield await first
        async for part in parts:
            yield part
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await parts.aclose()
