"""A run while it lives in this server: a thread takes its events, everybody else reads what is there.

Nobody is sent anything: the tokens so far stand in a list that only grows, and watchers are woken when it
has. So a slow reader holds nothing up, and one who comes back reads on from the number of the last token.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from ponder.core.events import Finish, Paused, Prefill, Step, Token
from ponder.errors import PonderError
from ponder.serve.crew import Crew
from ponder.serve.refusal import Refusal, refusal_of
from ponder.serve.watchers import Watchers
from ponder.session import Answering
from ponder.spine import Run

log = logging.getLogger("ponder.serve")

CREW = Crew("ponder-run")
MOST_PAUSE_S = 3600.0
"""How long a paused run waits for its person; then it ends as cancelled."""


class Live(Watchers):
    """One run. `begin` is called once in the run's own thread and makes its Answering.

    `model` is its public name. `stops` are texts that end the answer, or, with `stop_anywhere`, the
    reasoning as well. Whoever starts it sets `pause_slot` (called in the event loop when it needs no slot
    for a while), `await_slot` (called in the run's thread, returns when it has one again) and `on_end` (in
    the event loop, with the seconds).
    """

    def __init__(
        self,
        begin: Callable[[], Answering],
        stops: Sequence[str] = (),
        *,
        stop_anywhere: bool = False,
        model: str = "",
    ) -> None:
        super().__init__()
        self.model = model
        self.created = time.time()
        self.prefill: Prefill | None = None
        self.paused: Step | None = None
        self.error: Refusal | None = None
        self.done = False
        self.ended_at = 0.0
        self.branch = ""
        """The trace that left here while it ran."""
        self._leaving = False
        self._begin = begin
        self._answering: Answering | None = None
        self._stops = [stop.encode() for stop in stops]
        self._stop_anywhere = stop_anywhere
        self._tail = b""
        self._cancelled = False
        self._go = threading.Event()
        self._readers: set[asyncio.Event] = set()  # of tokens only
        self._patient: set[asyncio.Event] = set()  # for the end only
        self._finished = False
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self.prepare: Callable[[], None] = lambda: None
        """Called in the run's thread before it generates."""
        self.pause_slot: Callable[[], None] = lambda: None
        self.await_slot: Callable[[], None] = lambda: None
        self.on_end: Callable[[float], None] = lambda _: None
        self.has_slot = True

    # ------------------------------------------------------------------ reading

    @property
    def answering(self) -> Answering:
        """The run's Answering; there is one once `ready` has returned."""
        assert self._answering is not None
        return self._answering

    @property
    def run(self) -> Run:
        """The run itself."""
        return self.answering.run

    @property
    def trace_id(self) -> str:
        """Its id in the store; empty if it is not kept."""
        return self.answering.trace_id if self._answering else ""

    @property
    def tokens(self) -> Sequence[Token]:
        """All tokens so far."""
        return self.run.fold.tokens

    @property
    def notes(self) -> list[str]:
        """Sentences for the person so far, with the model's public name."""
        unkept = self.answering.unkept
        notes = [*self.run.notes, *([unkept] if unkept else [])]
        return [note.replace(self.answering.opened.name, self.model) for note in notes]

    @property
    def wanted(self) -> bool:
        """Whether nobody has stopped it."""
        return not self._cancelled

    @property
    def over(self) -> bool:
        """Whether there is nothing more to tell: it has ended, and its branch, if one leaves, has begun."""
        return self.done and not self._leaving

    @property
    def finish(self) -> Finish | None:
        """How it ended, once it has."""
        return self.run.finish

    async def ready(self) -> None:
        """Return when generation is about to begin; raises Refusal if it cannot."""
        await asyncio.shield(self._ready)

    async def batches(self, start: int = 0, idle_s: float = 15.0) -> AsyncGenerator[Sequence[Token], None]:
        """The tokens from index `start` on as they come; an empty batch after `idle_s` without any."""
        reader, loop = asyncio.Event(), self._loop
        self._readers.add(reader)
        since = loop.time()
        timer = loop.call_at(since + idle_s, reader.set)  # one for many batches: most never need it
        try:
            while True:
                reader.clear()
                done, tokens = self.done, self.tokens  # in this order: after the end nothing is added
                stop, now = len(tokens), loop.time()
                if stop > start:
                    yield tokens[start:stop]
                    start, since = stop, now
                elif done:
                    return
                elif now >= since + idle_s:
                    yield ()
                    since = now
                else:
                    if now >= timer.when():
                        timer = loop.call_at(since + idle_s, reader.set)
                    await reader.wait()
        finally:
            timer.cancel()
            self._readers.discard(reader)

    async def finished(self) -> None:
        """Return when the run has ended."""
        patient = asyncio.Event()
        self._patient.add(patient)
        try:
            if not self.done:
                await patient.wait()
        finally:
            self._patient.discard(patient)

    # ------------------------------------------------------------------ steering

    def stop(self) -> None:
        """End it at the next token, or at once while it is paused."""
        self._cancelled = True
        if self._answering is not None:
            self._answering.stop()
        self._go.set()

    @asynccontextmanager
    async def leaving(self) -> AsyncIterator[None]:
        """Stopped in the block, where its branch begins: followers are told of that before the end."""
        self._leaving = True
        try:
            self.stop()
            await self.finished()
            yield
        finally:
            self._leaving = False
            self.wake_all()

    def answer_now(self) -> None:
        """Close the reasoning and ask for the answer."""
        self.answering.answer_now()
        self._go.set()

    def pause(self) -> None:
        """Stop at the end of the step that is being written, and wait."""
        self._go.clear()
        self.answering.pause()

    def go_on(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def think_more(self) -> None:
        """Put off the next end of the reasoning; raises AbilityError."""
        self.answering.think_more()
        self._go.set()

    # ------------------------------------------------------------------ the thread

    def start(self) -> None:
        """Begin, in a thread of its own."""
        CREW.run(self._work)

    def _work(self) -> None:
        since = time.monotonic()
        try:
            self._answering = self._begin()
            self._loop.call_soon_threadsafe(self._told_ready, None)
            self.prepare()
            if self._cancelled:
                self._answering.stop()
            for event in self._answering:
                if isinstance(event, Token):
                    if self._stops:
                        self._look_for_stop(event)
                elif isinstance(event, Prefill):
                    self.prefill = event
                    if not self._watchers:
                        continue
                elif isinstance(event, Paused) and not self._wait(event.step):
                    break
                elif isinstance(event, Finish):  # whoever reads it in the store makes that write it first
                    self._finish(time.monotonic() - since)
                self.wake()
        except PonderError as error:
            self.error = refusal_of(error)
        except Exception as error:
            log.exception("a run failed")
            self.error = refusal_of(error)
        self._finish(time.monotonic() - since)

    def _finish(self, seconds: float) -> None:
        if self._finished:
            return
        self._finished = True
        try:
            self._loop.call_soon_threadsafe(self._told_ready, self.error)
            self._loop.call_soon_threadsafe(self._ended, seconds)
        except RuntimeError:  # the server is gone; the run is kept
            self.done = True

    def _ended(self, seconds: float) -> None:
        self.done = True
        self.ended_at = time.monotonic()
        self.on_end(seconds)
        self.wake_all()
        for patient in self._patient:
            patient.set()

    def _told_ready(self, error: Refusal | None) -> None:
        if not self._ready.done():
            if error is None:
                self._ready.set_result(None)
            else:
                self._ready.set_exception(error)
                self._ready.exception()  # whoever waited may have gone

    def _wait(self, step: Step) -> bool:
        """Wait at the end of a step; False if the run shall end there."""
        self.paused, self.has_slot = step, False
        self._loop.call_soon_threadsafe(self.pause_slot)
        self.wake()
        in_time = self._go.wait(MOST_PAUSE_S)
        self.paused = None
        if self._cancelled or not in_time:
            self.answering.cancel()
            return False
        self.await_slot()
        self.has_slot = True
        return True

    def _look_for_stop(self, token: Token) -> None:
        if token.part == "answer" or (self._stop_anywhere and token.part == "reasoning"):
            longest = max(map(len, self._stops))
            self._tail = self._tail[-longest:] + token.data
            if token.index >= self.run.given and any(stop in self._tail for stop in self._stops):
                self.run.enough()

    def wake(self) -> None:
        """Something is new; where nobody looks, the event loop sleeps on."""
        if self._watchers or self._readers:
            super().wake()

    def wake_all(self) -> None:
        """As Watchers, and those who read."""
        super().wake_all()
        for reader in self._readers:
            reader.set()
