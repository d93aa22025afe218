"""Who is served next: as many at once as there are slots, the others wait in a fair and bounded queue.

Fair means by party, in rotation: someone who sends two hundred requests at once waits for each of them
behind the one request of somebody else. More than `most` waiting are refused with a time to come back.
"""

import asyncio
from collections import OrderedDict, deque

from ponder.serve.refusal import Refusal

GUESS_S = 20.0
"""How long a run takes, until some have been seen."""
MOST_RETRY_S = 600


class Turns:
    """The slots of one model. All calls come from the server's event loop."""

    def __init__(self, slots: int, most: int) -> None:
        self.slots = slots
        self.most = most
        self.running = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._seconds = GUESS_S

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(len(queue) for queue in self._waiting.values())

    async def take(self, party: str) -> None:
        """Return when a slot is the caller's; raises Refusal (429) when too many wait already."""
        if self.running < self.slots and not self._waiting:
            self.running += 1
            return
        if self.waiting >= self.most:
            raise self._refusal()
        await self._wait(party)

    async def take_back(self, party: str) -> None:
        """As `take`, for a run that has begun and is never turned away."""
        if self.running < self.slots and not self._waiting:
            self.running += 1
        else:
            await self._wait(party)

    async def _wait(self, party: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was our turn just now: pass it on
                self._pass_on()
            else:
                self._forget(party, turn)
            raise

    def leave(self, seconds: float | None = None) -> None:
        """Give a slot back; `seconds` is how long the run took, for the time that others are told."""
        if seconds is not None:
            self._seconds += (seconds - self._seconds) / 8
        self._pass_on()

    def _pass_on(self) -> None:
        """The slot goes to the next party in the rotation, or is free."""
        while self._waiting:
            party, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[party] = queue  # at the end of the rotation
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

    def _forget(self, party: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(party)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[party]

    def _refusal(self) -> Refusal:
        wait_s = min(MOST_RETRY_S, max(1, round(self._seconds * (self.waiting + 1) / self.slots)))
        return Refusal(
            429,
            f"{self.running} conversations run and {self.waiting} wait, as many as this server takes: "
            f"come back in about {wait_s} s.",
            retry_s=wait_s,
            code="queue_full",
        )
