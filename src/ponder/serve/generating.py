"""One client's answer out of one or several runs, in the words of its dialect.

A `Shape` knows the dialect's JSON; here it is known how runs are started, followed, counted and ended when
the client has gone.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from ponder.errors import PonderError
from ponder.serve.live import CREW, Live
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Order, Runs
from ponder.serve.texts import Delta, Texts, whole
from ponder.serve.together import Together

log = logging.getLogger("ponder.serve")

SEED_STEP = 7919
"""Between the seeds of several choices of one request."""


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens as a client counts them: what it sent itself belongs to the prompt."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Several choices, of one prompt or of several."""
        return Count(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
            self.reasoning + other.reasoning,
        )


def count_of(live: Live, order: Order | None = None) -> Count:
    """The count of a run, which has ended or been cut off; of several choices, only one counts the prompt."""
    given, tokens = live.run.given, live.tokens
    usage = live.finish.usage if live.finish else None
    reasoning = sum(1 for token in tokens[given:] if token.part == "reasoning")
    prompt = usage.prompt_tokens if usage else len(live.run.prompt.ids)
    completion = (usage.completion_tokens if usage else len(tokens)) - given
    if order is not None and not order.first:
        return Count(0, 0, completion, reasoning)
    lent = order is not None and order.together is not None and order.together.lent
    cached = usage.cached_tokens if usage and not lent else 0  # lent: it was evaluated for this request
    return Count(prompt + given, cached, completion, reasoning)


def texts_of(order: Order) -> Texts:
    """The fold for an order's tokens."""
    return Texts(order.stops, stop_anywhere=order.stop_anywhere, continued=order.request.begun is not None)


class Shape(Protocol):
    """A dialect's stream: bytes for each part of it. `index` counts the choices."""

    def first(self, index: int, live: Live) -> bytes:
        """What comes before a choice's text."""

    def delta(self, index: int, delta: Delta) -> bytes:
        """More of a choice's text."""

    def last(self, index: int, live: Live, texts: Texts) -> bytes:
        """What comes after a choice's text."""

    def idle(self) -> bytes:
        """What keeps the connection alive."""

    def end(self, count: Count) -> bytes:
        """What comes after all."""

    def error(self, refusal: Refusal) -> bytes:
        """What a stream that breaks off ends with."""


async def answers(runs: Runs, orders: Sequence[Order]) -> list[tuple[Live, Delta, Texts]]:
    """The whole answers; all runs end when the caller is cancelled."""
    lives: list[Live] = []

    async def one(order: Order) -> tuple[Live, Delta, Texts]:
        live = await runs.start(order)
        lives.append(live)
        await live.finished()
        if live.error is not None:
            raise live.error
        texts = texts_of(order)
        return live, whole(live.tokens[live.run.given :], texts), texts

    tasks = [asyncio.ensure_future(one(order)) for order in orders]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        for live in lives:
            live.stop()
        _part(orders)


async def stream(runs: Runs, orders: Sequence[Order], shape: Shape) -> AsyncGenerator[bytes, None]:
    """The parts of a stream; all runs end when it is closed."""
    if len(orders) == 1:
        counts = Count()
        async for part in _follow(runs, orders[0], 0, shape):
            if isinstance(part, Count):
                counts = part
            else:
                yield part
        yield shape.end(counts)
        return
    parts: asyncio.Queue[bytes | Count | Exception | None] = asyncio.Queue(maxsize=64)

    async def put(index: int, order: Order) -> None:
        try:
            async with aclosing(_follow(runs, order, index, shape)) as followed:
                async for part in followed:
                    await parts.put(part)
        except (Refusal, PonderError) as refusal:
            await parts.put(refusal)
        except Exception as error:  # whatever it is, the one who waits for the parts shall know
            log.exception("a choice failed")
            await parts.put(error)
        await parts.put(None)

    tasks = [asyncio.ensure_future(put(index, order)) for index, order in enumerate(orders)]
    try:
        total, left = Count(), len(tasks)
        while left:
            came = await parts.get()
            if isinstance(came, Exception):
                raise came
            if came is None:
                left -= 1
            elif isinstance(came, Count):
                total += came
            else:
                yield came
        yield shape.end(total)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _part(orders)


def _part(orders: Sequence[Order]) -> None:
    """The choices have ended, or been stopped: what they shared goes."""
    for together in {order.together for order in orders}:
        if together is not None:
            CREW.run(together.close)


async def _follow(runs: Runs, order: Order, index: int, shape: Shape) -> AsyncGenerator[bytes | Count, None]:
    """One run from its start to its count."""
    live = await runs.start(order)
    texts, begun = texts_of(order), False
    try:
        async with aclosing(live.batches(live.run.given)) as batches:
            async for tokens in batches:
                part = b"" if begun else shape.first(index, live)
                begun = True
                delta = texts.feed(tokens)
                if delta:
                    part += shape.delta(index, delta)
                elif not tokens:
                    part += shape.idle()
                if part:
                    yield part
        if live.error is not None:
            if not begun:
                raise live.error
            yield shape.error(live.error)
            return
        part = b"" if begun else shape.first(index, live)  # it ended without a word
        rest = texts.end()
        if rest:
            part += shape.delta(index, rest)
        yield part + shape.last(index, live, texts)
        yield count_of(live, order)
    finally:
        live.stop()


def choices(order: Order, n: int) -> list[Order]:
    """An order several times, each with a seed of its own; they share the evaluation of the prompt."""
    if n == 1:
        return [order]
    order = replace(order, together=Together())
    seed, found = order.request.sampling.seed, [order]
    for i in range(1, n):
        sampling = order.request.sampling
        if seed is not None:
            sampling = replace(sampling, seed=(seed + SEED_STEP * i) % 2**31)
        found.append(replace(order, request=replace(order.request, sampling=sampling), first=False))
    return found
