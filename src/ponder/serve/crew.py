"""Threads that stay for the next piece of work, since to start one takes longer than to wake one.

While an engine computes on all cores, a new thread may wait for its first turn longer than an answer's first
word should take. All are daemons: what they wait for must not keep a server from ending.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

STAY_S, MOST_FREE = 30.0, 4
"""How long a thread without work stays, and how many do."""

Work = Callable[[], None]


class Crew:
    """As many threads as there is work at once; `run` never waits."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._free = 0
        self._lock = threading.Lock()

    def run(self, work: Work) -> None:
        """Let a thread do it; what it raises ends that thread and is shown."""
        with self._lock:
            taken = self._free > 0
            self._free -= taken
        if taken:
            self._queue.put(work)
        else:
            threading.Thread(target=self._stay, args=(work,), name=self._name, daemon=True).start()

    def _stay(self, work: Work) -> None:
        while True:
            work()
            del work  # and all that it holds on to
            with self._lock:
                if self._free >= MOST_FREE:
                    return
                self._free += 1
            found = self._next()
            if found is None:
                return
            work = found
            del found

    def _next(self) -> Work | None:
        while True:
            try:
                return self._queue.get(timeout=STAY_S)
            except Empty:
                with self._lock:
                    if self._free > 0:  # else this one, or another, was counted on just now
                        self._free -= 1
                        return None
