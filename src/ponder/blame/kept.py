"""What was found, kept with its trace as notes, so that nobody has to pay for it twice."""

from collections.abc import Iterable
from typing import Any, cast

from ponder.blame.values import Blame
from ponder.store import Note, Store
from ponder.store.codec import decode, encode

KIND = "blame"
"""The kind of such a note; its data are a `Blame`."""


def keep(store: Store, name: str, found: Blame) -> None:
    """Keep a finding with the trace called `name`; raises as the store does."""
    store.note(name, KIND, cast("dict[str, Any]", encode(found)))


def kept(notes: Iterable[Note]) -> tuple[Blame, ...]:
    """The findings among a trace's notes, the newest of each method, in the order they were made.

    What cannot be read (another version wrote it) is passed over.
    """
    found: dict[str, Blame] = {}
    for note in notes:
        if note.kind != KIND:
            continue
        try:
            blame = decode(Blame, dict(note.data))
        except ValueError:
            continue
        found.pop(blame.method, None)
        found[blame.method] = blame
    return tuple(found.values())
