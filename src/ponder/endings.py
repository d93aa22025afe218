"""Endings: how a trace could have gone on from a place in it, sampled several times.

Each ending is a branch with a seed of its own. They share the tokens before the place, and the engine keeps
what it made of them, so that an ending costs what it writes and a token more. `spent` counts what was done.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ponder.core.events import Event, Prefill
from ponder.core.request import Request
from ponder.core.spent import Spent
from ponder.core.trace import Trace
from ponder.opened import Opened
from ponder.session import Answering, fork
from ponder.steer.brake import RESERVE
from ponder.store import Store

PATIENCE, LEAST = 2.0, 256
"""An ending may be so many times as long as the trace's own, and this many tokens longer."""

Watch = Callable[[Event], None]


def finished(answering: Answering, spent: Spent, watch: Watch | None = None) -> Trace:
    """Run `answering` to its end and count it; what breaks in (a KeyboardInterrupt) ends it and is counted
    too.
    """
    reading: Prefill | None = None
    begun = time.perf_counter()
    try:
        for event in answering:
            reading = spent.take(event, reading)
            if watch is not None:
                watch(event)
    except BaseException:
        answering.cancel()
        raise
    finally:
        spent.seconds += time.perf_counter() - begun
    spent.runs += 1
    return answering.trace()


class Endings:
    """Endings of `trace`, sampled by `opened`, the model that wrote it; `spent` grows as they are made.

    Kept as branches in `store`, if that is given. An ending's own seed follows from `seed`, its place and its
    number, so that it can be repeated. Methods raise as `ponder.session.fork` does.
    """

    def __init__(self, opened: Opened, trace: Trace, *, seed: int = 0, store: Store | None = None) -> None:
        self.spent = Spent()
        self._opened, self._trace, self._seed, self._store = opened, trace, seed, store

    def at(self, index: int, numbers: Iterable[int], watch: Watch | None = None) -> Iterator[Trace]:
        """The endings from token `index` on that have these numbers, one after the other."""
        request = ending_of(self._trace, index)
        for number in numbers:
            seed = random.Random(f"{self._seed}:{index}:{number}").randrange(2**31)
            sampling = replace(request.sampling, seed=seed)
            branch = fork(self._opened, self._trace, replace(request, sampling=sampling), self._store)
            yield finished(branch, self.spent, watch)


def ending_of(trace: Trace, index: int) -> Request:
    """The request of an ending from token `index` on; it may wander, but not for ever.

    A greedy trace is sampled as the model's makers advise, for greedy endings are all alike.
    """
    request = trace.fork_at(index)
    sampling = request.sampling
    most = index + int(PATIENCE * (len(trace.tokens) - index)) + LEAST + RESERVE
    most = min(most, sampling.max_tokens or most)
    temperature = sampling.temperature or None
    return replace(request, sampling=replace(sampling, temperature=temperature, max_tokens=most))
