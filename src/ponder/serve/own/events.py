"""The stream of a trace as server-sent events, one every FLUSH_S at most; it can be taken up where it broke.

An event's id is `TOKENS.STEPS`: how many of both the client has. The live run and the store give the same
numbers, so a page reconnects to a server that was killed in between and misses nothing.
"""

import asyncio
import json
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ponder.core.events import Finish, Step, Token
from ponder.serve.live import Live
from ponder.serve.refusal import Refusal
from ponder.store.codec import encode
from ponder.store.values import Bundle

Json = dict[str, Any]

FLUSH_S = 0.033
IDLE_S = 15.0
CHUNK = 2000
"""Tokens in one event of a trace that is read from the store."""
_LEAD = 4
"""Tokens before the first one that may hold the beginning of its character."""


def place_of(event_id: str) -> tuple[int, int]:
    """Tokens and steps that a client has, out of its `Last-Event-ID`; raises Refusal for none of ours."""
    if not event_id:
        return 0, 0
    tokens, dot, steps = event_id.partition(".")
    if not (dot and tokens.isascii() and tokens.isdecimal() and steps.isascii() and steps.isdecimal()):
        raise Refusal(400, f"Last-Event-ID {event_id[:40]!a} is no place in a trace: leave it out.")
    return int(tokens[:9]), int(steps[:9])


class Place:
    """How far one client has come, and what it is sent next."""

    def __init__(self, tokens: int, steps: int) -> None:
        self.tokens = tokens
        self.steps = steps
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._led = False

    def next(self, tokens: Sequence[Token], steps: Sequence[Step], most: int) -> Json:
        """The part of an event that holds what is new."""
        if not self._led:
            self._led = True
            for token in tokens[max(0, self.tokens - _LEAD) : self.tokens]:
                self._decoder.decode(token.data)
        new = tokens[self.tokens : self.tokens + most]
        ended = steps[self.steps :]
        part = {
            "tokens": [token_json(token, self._decoder.decode(token.data)) for token in new],
            "steps": [encode(step) for step in ended],
        }
        self.tokens += len(new)
        self.steps += len(ended)
        return part

    def event(self, name: str, data: Json) -> bytes:
        """One event with the id of this place."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {name}\nid: {self.tokens}.{self.steps}\ndata: {text}\n\n".encode("utf-8", "replace")


def token_json(token: Token, text: str) -> Json:
    """A token for a page; a character of several tokens stands at its last one."""
    return {
        "index": token.index,
        "id": token.id,
        "text": text,
        "part": token.part,
        "origin": token.origin,
        "logprob": None if token.logprob is None else round(token.logprob, 4),
        "entropy": None if token.entropy is None else round(token.entropy, 4),
        "time_s": round(token.time_s, 4),
    }


def state_of(live: Live | None, finish: Finish | None) -> str:
    """In one word: prefill, running, paused, done, error, or interrupted."""
    if live is None or live.done:
        failed = live is not None and live.error is not None
        return "error" if failed else "done" if finish is not None else "interrupted"
    if live.paused is not None:
        return "paused"
    return "running" if live.tokens else "prefill"


def end_of(finish: Finish | None, state: str, error: str = "", relabelled: Sequence[Any] = ()) -> Json:
    """What the last event holds; `relabelled` are ranges of tokens that were reasoning after all."""
    return {
        "state": state,
        "finish": encode(finish) if finish else None,
        "error": error or None,
        "relabelled": [list(span) for span in relabelled],
    }


async def follow(live: Live, at: tuple[int, int]) -> AsyncGenerator[bytes, None]:
    """A living run from a place on to its end."""
    place, told = Place(*at), None
    watcher = live.watch()
    try:
        while True:
            watcher.clear()
            done, fold = live.done, live.run.fold
            state = state_of(live, live.finish)
            prefill = encode(live.prefill) if live.prefill and not live.tokens else None
            tokens, steps = len(fold.tokens) - place.tokens, len(fold.steps) - place.steps
            if tokens > 0 or steps > 0 or (state, prefill) != told:
                told = state, prefill
                part = place.next(fold.tokens, fold.steps, CHUNK)
                paused = live.paused.index if live.paused else None
                notes = list(live.run.notes)
                yield place.event(
                    "update", part | {"state": state, "prefill": prefill, "paused": paused, "notes": notes}
                )
            if done and len(fold.tokens) <= place.tokens:
                error = live.error.message if live.error else ""
                yield place.event("end", end_of(live.finish, state, error, fold.relabelled))
                return
            if len(fold.tokens) <= place.tokens:
                if not await live.changed(watcher, IDLE_S):
                    yield b": waiting\n\n"
                await asyncio.sleep(FLUSH_S)
    finally:
        live.unwatch(watcher)


async def recall(bundle: Bundle, at: tuple[int, int]) -> AsyncGenerator[bytes, None]:
    """A kept trace from a place on to where it ends, or was cut off."""
    trace, place = bundle.trace, Place(*at)
    state = state_of(None, trace.finish)
    while True:
        part = place.next(trace.tokens, trace.steps, CHUNK)
        yield place.event("update", part | {"state": state, "prefill": None, "paused": None, "notes": []})
        if place.tokens >= len(trace.tokens):
            break
        await asyncio.sleep(0)
    yield place.event("end", end_of(trace.finish, state))
