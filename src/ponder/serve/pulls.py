"""Downloads that this server does for its pages: each in a thread, watched and stopped from anywhere.

A download outlives the page that began it. One that was stopped, or that the network broke off, keeps what
has arrived; begun again, it goes on from there. Nothing of a job survives the server but the files.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ponder.catalog.pull import Offer, pull
from ponder.core.model import Weights
from ponder.errors import PonderError
from ponder.serve.refusal import Refusal, refusal_of

log = logging.getLogger("ponder.serve")

MOST_AT_ONCE = 4
MOST_REMEMBERED = 16
SPEED_S = 10.0
"""Over so many last seconds the shown speed is taken."""
_ACTIVE = frozenset({"pulling", "stopping"})


class _Stopped(Exception):  # noqa: N818 - no error: the person's wish
    """Raised inside a download that shall end."""


@dataclass(slots=True)
class Pull:
    """One download. `state`: pulling, stopping, stopped, failed, done; `message` says why it failed."""

    number: int
    name: str
    repo: str
    weights: Weights
    done_bytes: int = 0
    state: str = "pulling"
    message: str = ""
    _seen: list[tuple[float, int]] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether it still works."""
        return self.state in _ACTIVE

    @property
    def share(self) -> float:
        """How much is there, from 0 to 1."""
        return self.done_bytes / self.weights.bytes if self.weights.bytes else 0.0

    @property
    def speed_bps(self) -> float:
        """Bytes per second over the last seconds; 0 where nothing is known."""
        seen = self._seen
        passed = seen[-1][0] - seen[0][0] if len(seen) > 1 else 0.0
        return (seen[-1][1] - seen[0][1]) / passed if passed > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until it is there at this speed."""
        speed = self.speed_bps
        return (self.weights.bytes - self.done_bytes) / speed if speed else None

    def take(self, count: int) -> None:
        """`count` bytes are there now; raises where it shall end."""
        if self.state == "stopping":
            raise _Stopped
        now = time.monotonic()
        if count < self.done_bytes or not self._seen or now - self._seen[-1][0] > 0.25:
            recent = [each for each in self._seen if now - each[0] < SPEED_S]
            self._seen = [*recent[-64:], (now, count)]
        self.done_bytes = count


class Pulls:
    """The downloads of one server. `landed` is called in a download's thread when its weights are there."""

    def __init__(self, landed: Callable[[], None]) -> None:
        self._landed = landed
        self._pulls: dict[int, Pull] = {}
        self._lock = threading.Lock()
        self._count = 0

    @property
    def all(self) -> Sequence[Pull]:
        """The newest first."""
        with self._lock:
            return tuple(reversed(self._pulls.values()))

    def begin(self, name: str, offer: Offer, weights: Weights) -> Pull:
        """Begin to download, or give the same download that runs already; raises Refusal for too many."""
        with self._lock:
            running = [each for each in self._pulls.values() if each.active]
            same = next((each for each in running if each.weights == weights), None)
            if same is not None:
                return same
            if len(running) >= MOST_AT_ONCE:
                raise Refusal(429, f"{MOST_AT_ONCE} downloads run already: wait for one, or stop one.")
            old = [each for each in self._pulls.values() if each.active or each.weights != weights]
            self._pulls = {each.number: each for each in old[-MOST_REMEMBERED:]}
            self._count += 1
            job = self._pulls[self._count] = Pull(self._count, name, offer.repo, weights)
        threading.Thread(target=self._work, args=(job, offer), name="ponder-pull", daemon=True).start()
        return job

    def stop(self, number: int) -> None:
        """End a download at its next bytes; one that has ended is forgotten."""
        with self._lock:
            job = self._pulls.get(number)
            if job is not None and job.active:
                job.state = "stopping"
            elif job is not None:
                del self._pulls[number]

    def close(self) -> None:
        """End all of them; what has arrived is kept."""
        for job in self.all:
            if job.active:
                self.stop(job.number)

    def _work(self, job: Pull, offer: Offer) -> None:
        try:
            pull(offer, job.weights, job.take)
            job.state = "done"
            self._landed()
        except _Stopped:
            job.state = "stopped"
        except PonderError as error:
            job.state, job.message = "failed", str(error)
        except Exception as error:
            log.exception("a download failed")
            job.state, job.message = "failed", refusal_of(error).message
