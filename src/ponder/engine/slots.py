"""Which conversation lies in which slot of a server, so that none profits from another's cache.

A slot is one place of the server's batch with a key-value cache of its own. A conversation goes back to the
slot that holds the longest beginning of it; a new one takes the slot that was left alone for the longest
time, and the server is told to forget what that holds.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from ponder.core.trace import shared_ids
from ponder.engine.protocol import Prompt


@dataclass(slots=True)
class Slot:
    """One slot: its number, the ids it was last given, whether it is taken, when it was left."""

    number: int
    ids: Sequence[int] = ()
    taken: bool = False
    left: int = 0
    same: bool = field(default=False)
    """Whether the conversation that has it now had it before: only then its cache may be used."""


class Slots:
    """The slots of one server; `count` 0: they are not ours to choose, and only the last request is known."""

    def __init__(self, count: int) -> None:
        self.chosen = count > 1
        self._shared = count < 1
        self._slots = [Slot(number) for number in range(max(1, count))]
        self._lock = threading.Lock()
        self._clock = 0

    def take(self, prompt: Prompt, known: Sequence[int]) -> Slot:
        """The best free slot for the conversation that `prompt` begins and `known` continues.

        The caller has made sure that one is free.
        """
        with self._lock:
            slot = self._best(prompt, known)
            same = slot is not None
            slot = slot or min(self._free(), key=lambda slot: slot.left)
            slot.taken, slot.same, slot.ids = True, same, known
            return slot

    def own(self, prompt: Prompt, known: Sequence[int]) -> Slot | None:
        """The free slot that holds the most of a conversation, taken as it is; None where none holds any."""
        with self._lock:
            slot = self._best(prompt, known)
            if slot is not None:
                slot.taken, slot.same = True, True
            return slot

    def leave(self, slot: Slot, ids: Sequence[int] = ()) -> None:
        """The slot is free again and holds `ids`, if they are told; its conversation may come back."""
        with self._lock:
            slot.ids = ids or slot.ids
            self._clock += 1
            slot.taken, slot.left = False, self._clock

    def _free(self) -> list[Slot]:
        return [slot for slot in self._slots if self._shared or not slot.taken]

    def _best(self, prompt: Prompt, known: Sequence[int]) -> Slot | None:
        head = prompt.head or len(prompt.ids)
        own = [slot for slot in self._free() if tuple(slot.ids[:head]) == prompt.ids[:head]]
        return max(own, key=lambda slot: shared_ids(slot.ids, known), default=None)
