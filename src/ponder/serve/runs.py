"""Starting runs and keeping hold of them: a model, a slot, a thread, and afterwards all of it given back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ponder.core.request import Request
from ponder.opened import Opened
from ponder.serve.live import Live
from ponder.serve.models import ANY, Loaded, Models, Shape
from ponder.serve.refusal import Refusal
from ponder.serve.together import Together
from ponder.session import Answering, start
from ponder.store import Store

MOST_LIVE = 512
"""Runs that may live at once, paused ones included."""
LINGER_S = 30.0
"""How long a run that has ended is still known here; the store has it anyway."""

Begin = Callable[[Opened], Answering]


@dataclass(frozen=True, slots=True)
class Order:
    """What a client wants: which model, the request, whether it is kept, and what ends the answer.

    `party` is who waits in the queue; see Turns. `shape` is how the model shall be loaded. `first`: of
    several choices that answer the same, the one with which the prompt is counted; `together` is what they
    share.
    """

    model: str
    request: Request
    keep: bool = True
    stops: tuple[str, ...] = ()
    stop_anywhere: bool = False
    party: str = ""
    shape: Shape = ANY
    first: bool = True
    together: Together | None = None


class Runs:
    """The living runs of a server, by trace id."""

    def __init__(self, models: Models, store: Store, *, logprobs: bool = False) -> None:
        self._models = models
        self._store = store
        self._logprobs = logprobs
        self._living: set[Live] = set()
        self._named: dict[str, Live] = {}

    async def start(self, order: Order) -> Live:
        """Wait for the model and a slot, and begin; raises Refusal and PonderError kinds."""

        asked = order.request
        if self._logprobs:
            asked = replace(asked, sampling=replace(asked.sampling, logprobs=True))

        def begin(opened: Opened) -> Answering:
            return start(opened, asked, self._store if order.keep else None, later=True)

        return await self.begin(begin, order)

    async def begin(self, begin: Begin, order: Order) -> Live:
        """As `start`, with another beginning: a branch, say."""
        if len(self._living) >= MOST_LIVE:
            raise Refusal(429, f"{MOST_LIVE} runs live on this server: end some.", retry_s=10)
        loaded = await self._models.take(order.model, order.shape)
        try:
            await loaded.turns.take(order.party)
        except BaseException:
            self._models.leave(loaded)
            raise
        live = Live(
            lambda: begin(loaded.opened), order.stops, stop_anywhere=order.stop_anywhere, model=loaded.name
        )
        self._attach(live, loaded, order.party)
        together = order.together
        if together is not None:
            engine = loaded.opened.engine
            live.prepare = lambda: together.share(engine, live.run.prompt, lambda: live.wanted)
        self._living.add(live)
        live.start()
        try:
            await live.ready()
        except BaseException:
            live.stop()
            raise
        if live.trace_id:
            self._named[live.trace_id] = live
        return live

    def _attach(self, live: Live, loaded: Loaded, party: str) -> None:
        """A pause gives the slot back, going on waits for one, the end gives all back."""
        loop = asyncio.get_running_loop()

        def on_end(seconds: float) -> None:
            if live.has_slot:
                loaded.turns.leave(seconds)
            self._models.leave(loaded)
            self._living.discard(live)
            self._forget_old()

        def await_slot() -> None:
            asyncio.run_coroutine_threadsafe(loaded.turns.take_back(party), loop).result()

        live.pause_slot = loaded.turns.leave
        live.await_slot = await_slot
        live.on_end = on_end

    def find(self, trace_id: str) -> Live | None:
        """The living run of a trace, or one that has just ended."""
        self._forget_old()
        return self._named.get(trace_id)

    @property
    def living(self) -> frozenset[Live]:
        """Those that have not ended."""
        return frozenset(self._living)

    async def close(self) -> None:
        """End all of them."""
        for live in self._living:
            live.stop()
        async with asyncio.timeout(5.0):
            for live in list(self._living):
                await live.finished()

    def _forget_old(self) -> None:
        now = time.monotonic()
        old = [name for name, live in self._named.items() if live.done and now - live.ended_at > LINGER_S]
        for name in old:
            del self._named[name]
