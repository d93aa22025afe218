"""What ponder's own API tells of a trace, living or kept: every token and step, and how it ended."""

import asyncio
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ponder.core.events import Finish, Step, Token
from ponder.serve.following import Place, event
from ponder.serve.live import Live
from ponder.store.codec import encode
from ponder.store.values import Bundle

Json = dict[str, Any]

CHUNK = 2000
"""Tokens in one event, at most."""
_LEAD = 4
"""Tokens before the first one that may hold the beginning of its character."""


class Reader:
    """How far one client has come, and what of the tokens and steps it is sent next."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._led = False

    def next(self, tokens: Sequence[Token], steps: Sequence[Step]) -> Json:
        """The part of an event that holds what is new."""
        at = self.place
        if not self._led:
            self._led = True
            for token in tokens[max(0, at.tokens - _LEAD) : at.tokens]:
                self._decoder.decode(token.data)
        new, ended = tokens[at.tokens : at.tokens + CHUNK], steps[at.steps :]
        self.place = Place(at.tokens + len(new), at.steps + len(ended))
        return {
            "tokens": [token_json(token, self._decoder.decode(token.data)) for token in new],
            "steps": [encode(step) for step in ended],
        }


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


class Told:
    """A living run as the API tells it."""

    def __init__(self, place: Place) -> None:
        self._reader = Reader(place)
        self._told: object = None

    def news(self, live: Live, *, over: bool) -> bytes:
        """An `update`: new tokens and steps, or another state."""
        del over
        tokens, steps, place = live.tokens, live.run.steps, self._reader.place
        state = state_of(live, live.finish)
        prefill = encode(live.prefill) if live.prefill and not live.tokens else None
        fresh = len(tokens) > place.tokens or len(steps) > place.steps
        if not fresh and (state, prefill) == self._told:
            return b""
        self._told = state, prefill
        part = self._reader.next(tokens, steps)
        paused = live.paused.index if live.paused else None
        told = {"state": state, "prefill": prefill, "paused": paused, "notes": live.notes}
        return event(self._reader.place, part | told, "update")

    def end(self, live: Live) -> bytes:
        """The `end`: how it finished, and the branch that was left here while it ran."""
        error = live.error.message if live.error else ""
        told = end_of(live.finish, state_of(live, live.finish), error, live.run.fold.relabelled)
        return event(self._reader.place, told | {"branch": live.branch or None}, "end")


async def recall(bundle: Bundle, at: Place) -> AsyncGenerator[bytes, None]:
    """A kept trace from a place on to where it ends, or was cut off."""
    trace, reader = bundle.trace, Reader(at)
    state = state_of(None, trace.finish)
    rest: Json = {"state": state, "prefill": None, "paused": None, "notes": []}
    while True:
        part = reader.next(trace.tokens, trace.steps)
        yield event(reader.place, part | rest, "update")
        if reader.place.tokens >= len(trace.tokens):
            break
        await asyncio.sleep(0)
    yield event(reader.place, end_of(trace.finish, state) | {"branch": None}, "end")
