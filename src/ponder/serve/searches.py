"""Searches for the first wrong step of kept traces, watched and stopped from anywhere.

A search takes a slot of the model for each piece of its work, an ending or a reading, and gives it back after
it: whoever asks something meanwhile waits for one piece and not for all. What was found is kept with the
trace; of a search that was stopped, what was known by then.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ponder.blame.critique import REASONING_TOKENS as CRITIC_TOKENS
from ponder.blame.critique import VOTES, Critique
from ponder.blame.importance import Importance
from ponder.blame.kept import keep
from ponder.blame.rollouts import Ending, Rollouts
from ponder.blame.values import Blame, Estimate, Method, Vote
from ponder.core.events import Event
from ponder.core.spent import Spent
from ponder.errors import PonderError
from ponder.opened import Opened
from ponder.serve.models import ANY, Models
from ponder.serve.refusal import Refusal, refusal_of
from ponder.serve.watchers import Watchers
from ponder.serve.writers import check_same, writer_of
from ponder.store import Bundle, Store

log = logging.getLogger("ponder.serve")

MOST_AT_ONCE = 2
MOST_REMEMBERED = 32
DEAR: tuple[Method, ...] = ("critic", "rollouts", "importance")
"""The methods that cost something, cheap to dear: a search goes through them in this order."""
Value = TypeVar("Value")
Finder = Critique | Rollouts | Importance


@dataclass(frozen=True, slots=True)
class Wish:
    """How to look: `methods` of DEAR, `answer` the right one ("": what most endings agree on), `votes` of the
    critic `critic` ("": the model that wrote the trace), `samples` endings at a step.
    """

    methods: tuple[Method, ...]
    answer: str = ""
    samples: int = 8
    votes: int = VOTES
    critic: str = ""
    budget: int = CRITIC_TOKENS
    seed: int = 0


class _Stopped(Exception):  # noqa: N818 - no error: the person's wish
    """Raised inside a search that shall end."""


class Search(Watchers):
    """One search. `state`: waiting (for a model or a slot), running, stopping, stopped, failed, done.

    What it shows is written by its own thread and read by everybody else; each field is replaced whole.
    """

    def __init__(self, bundle: Bundle, wish: Wish, party: str) -> None:
        super().__init__()
        self.bundle, self.wish, self.party = bundle, wish, party
        self.methods = tuple(method for method in DEAR if method in wish.methods)
        self.state = "waiting"
        self.method: Method = self.methods[0]
        self.estimate: Estimate | None = None
        self.spent = Spent()
        self.pieces: tuple[Vote | Ending, ...] = ()
        self.found: tuple[Blame, ...] = ()
        """What the methods have found so far, that of `method` as it is known now."""
        self.error: Refusal | None = None
        self.version = 0
        """Grows with every change."""
        self._waits: asyncio.Future[Any] | None = None
        self._stopped = False

    @property
    def trace_id(self) -> str:
        """The trace that is searched."""
        return self.bundle.trace.id

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in {"stopped", "failed", "done"}

    @property
    def share(self) -> float:
        """How much of the method's estimate is used, from 0 to 1; most searches end before it."""
        most = self.estimate.sampled_tokens if self.estimate else 0
        return min(1.0, self.spent.sampled_tokens / most) if most else 0.0

    def stop(self) -> None:
        """End it at the next token; what is known is kept."""
        if not self.over:
            self._stopped = True
            self.state = "stopping"
            if self._waits is not None:
                self._waits.cancel()
            self.changed_now()

    def changed_now(self) -> None:
        """Something is new; may be called from any thread."""
        self.version += 1
        self.wake()

    # ------------------------------------------------------------------ the work

    async def run(self, models: Models, store: Store, pool: ThreadPoolExecutor) -> None:
        """All methods, one after the other."""
        try:
            for method in self.methods:
                await self._look(method, models, store, pool)
                if self._stopped:
                    break
            self.state = "stopped" if self._stopped else "done"
        except asyncio.CancelledError:
            self.state = "stopped"
            if not self._stopped:  # the server ends
                raise
        except (PonderError, Refusal) as error:
            self.error, self.state = refusal_of(error), "failed"
        except Exception as error:
            log.exception("a search failed")
            self.error, self.state = refusal_of(error), "failed"
        finally:
            self.changed_now()

    async def _look(self, method: Method, models: Models, store: Store, pool: ThreadPoolExecutor) -> None:
        """One method, with the model that it needs."""
        loop, own = asyncio.get_running_loop(), method != "critic" or not self.wish.critic
        name, shape = await writer_of(models, self.bundle) if own else (self.wish.critic, ANY)
        earlier = self.found
        self.method, self.estimate, self.spent, self.pieces = method, None, Spent(), ()
        self._say("waiting")
        loaded = await self._wait(models.take(name, shape))
        try:
            finder = await loop.run_in_executor(pool, self._finder, method, loaded.opened, own)
            self.estimate, self.spent, finder.watch = finder.estimate(), finder.spent, self._event
            pieces: Iterator[Vote | Ending] = iter(finder)
            more = True
            while more:
                self._say("waiting")
                await self._wait(loaded.turns.take_back(self.party))
                self._say("running")
                try:
                    more = await loop.run_in_executor(pool, self._piece, pieces, finder, earlier)
                finally:
                    loaded.turns.leave()
        finally:
            models.leave(loaded)
            if self.spent.runs:
                await loop.run_in_executor(pool, keep, store, self.trace_id, self.found[-1])

    async def _wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        """The result of `work`, which `stop` breaks off."""
        task = asyncio.ensure_future(work)
        self._waits = task
        if self._stopped:
            task.cancel()
        try:
            return await task
        finally:
            self._waits = None

    def _say(self, state: str) -> None:
        if not self._stopped:
            self.state = state
        self.changed_now()

    # ------------------------------------------------------------------ in a thread of the pool

    def _finder(self, method: Method, opened: Opened, own: bool) -> Finder:
        trace, wish = self.bundle.trace, self.wish
        if own:
            check_same(opened, self.bundle)
        if method == "critic":
            return Critique(opened, trace, votes=wish.votes, budget=wish.budget, seed=wish.seed)
        if method == "rollouts":
            return Rollouts(opened, trace, target=wish.answer, samples=wish.samples, seed=wish.seed)
        return Importance(opened, trace, samples=wish.samples, seed=wish.seed)

    def _piece(self, pieces: Iterator[Vote | Ending], finder: Finder, earlier: tuple[Blame, ...]) -> bool:
        """One vote or ending, and what is known after it; False if there are no more."""
        try:
            piece = next(pieces, None)
        except _Stopped:
            piece = None
        if piece is not None:
            self.pieces = (*self.pieces, piece)
        self.found = (*earlier, finder.result())
        self.changed_now()
        return piece is not None and not self._stopped

    def _event(self, event: Event) -> None:
        """Tokens pass."""
        del event
        if self._stopped:
            raise _Stopped
        self.changed_now()


class Searches:
    """The searches of one server, the last one of each trace. Its methods belong to the event loop."""

    def __init__(self, models: Models, store: Store) -> None:
        self._models, self._store = models, store
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "ponder-search")
        self._last: dict[str, Search] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, bundle: Bundle, wish: Wish, party: str) -> Search:
        """Begin to search a trace; raises Refusal where it is searched already, and for too many at once."""
        name, running = bundle.trace.id, [each for each in self._last.values() if not each.over]
        if any(each.trace_id == name for each in running):
            raise Refusal(409, f"trace {name} is being searched already: wait for it, or stop it.")
        if len(running) >= MOST_AT_ONCE:
            raise Refusal(429, f"{MOST_AT_ONCE} searches run already: wait for one, or stop one.", retry_s=30)
        self._last.pop(name, None)
        over = [key for key, each in self._last.items() if each.over]
        for key in over[: max(0, len(over) - MOST_REMEMBERED)]:
            del self._last[key]
        search = self._last[name] = Search(bundle, wish, party)
        task = asyncio.ensure_future(search.run(self._models, self._store, self._pool))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return search

    def find(self, name: str) -> Search | None:
        """The search of a trace that runs, or the last one that ended."""
        return self._last.get(name)

    async def close(self) -> None:
        """End all of them; what is known is kept."""
        for search in self._last.values():
            search.stop()
        async with asyncio.timeout(5.0):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=False)
