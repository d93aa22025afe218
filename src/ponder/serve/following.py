"""One living run, or a search, followed by whoever wants to: the loop is here, a `Teller` says what is told.

Events are made from what stands in the run, never from what passes by. An event's id is a place,
`TOKENS.STEPS`: how many of both the client has. So a connection that was lost goes on where it was, two tabs
show the same, a slow reader costs nothing but its own time, and a server that was killed in between tells
the same from its store.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from ponder.serve.refusal import Refusal

FLUSH_S = 0.033
"""Least time between two events of a stream."""
IDLE_S = 15.0
"""After so long without news, a comment keeps the connection alive."""


class Place(NamedTuple):
    """How far a client has come."""

    tokens: int = 0
    steps: int = 0

    def __str__(self) -> str:
        return f"{self.tokens}.{self.steps}"

    @classmethod
    def read(cls, event_id: str) -> "Place":
        """The place that an event's id names, the beginning if there is none; raises Refusal."""
        if not event_id:
            return cls()
        tokens, dot, steps = event_id.partition(".")
        if not (dot and tokens.isascii() and tokens.isdecimal() and steps.isascii() and steps.isdecimal()):
            raise Refusal(400, f"Last-Event-ID {event_id[:40]!a} is no place in a trace: leave it out.")
        return cls(int(tokens[:9]), int(steps[:9]))


class Followed(Protocol):
    """What goes on and can be looked at."""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to tell."""

    def watch(self) -> asyncio.Event:
        """An event that is set whenever something is new; give it back to `unwatch`."""

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Forget a watcher."""

    async def changed(self, watcher: asyncio.Event, timeout_s: float) -> bool:
        """Wait until something is new, at most `timeout_s`; False if nothing was."""


Thing = TypeVar("Thing", bound=Followed)
Told_contra = TypeVar("Told_contra", bound=Followed, contravariant=True)


class Teller(Protocol[Told_contra]):
    """What one kind of client is told."""

    def news(self, live: Told_contra, *, over: bool) -> bytes:
        """The next event; empty if nothing is new since the last one. `over`: nothing will be added."""

    def end(self, live: Told_contra) -> bytes:
        """What comes last of all; may be empty."""


async def follow(live: Thing, teller: Teller[Thing]) -> AsyncGenerator[bytes, None]:
    """A living run to its end, as `teller` tells it."""
    watcher = live.watch()
    try:
        while True:
            watcher.clear()
            over = live.over  # before the rest: after the end nothing is added
            if news := teller.news(live, over=over):
                yield news
            elif over:
                if end := teller.end(live):
                    yield end
                return
            else:
                if not await live.changed(watcher, IDLE_S):
                    yield b": waiting\n\n"
                await asyncio.sleep(FLUSH_S)
    finally:
        live.unwatch(watcher)


def event(place: Place, data: Mapping[str, Any], name: str = "") -> bytes:
    """One event as it is sent."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"event: {name}\n" if name else ""
    return f"{head}id: {place}\ndata: {text}\n\n".encode("utf-8", "replace")
