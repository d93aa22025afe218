"""What is done with a damaged file, on a person's word only: set it aside, keep what can still be read."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ponder.errors import StorageError
from ponder.store.database import guarded
from ponder.store.reading import read_bundle
from ponder.store.store import open_store


@dataclass(frozen=True, slots=True)
class Rescue:
    """Where the damaged file lies now, and the ids of the traces that were copied and that were not."""

    aside: Path
    kept: tuple[str, ...]
    lost: tuple[str, ...]


def rescue(path: Path) -> Rescue:
    """Rename the store at `path`, begin a new one there and copy every trace that can be read whole.

    The damaged file stays beside the new one. Raises StorageError if nothing is at `path` or the folder
    cannot be written.
    """
    if not path.exists():
        raise StorageError(f"There is no trace store at {path}, so nothing is damaged: ask something first.")
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    with guarded(path):
        for suffix in ("", "-wal", "-shm"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                source.rename(aside.with_name(aside.name + suffix))
    kept, lost = [], []
    with open_store(path) as store, closing(sqlite3.connect(aside)) as damaged:
        # Without this SQLite refuses a truncated file as a whole.
        damaged.execute("PRAGMA writable_schema = ON")
        for number, trace_id in _readable(damaged):
            try:
                store.put(read_bundle(damaged, number))
                kept.append(trace_id)
            except (sqlite3.Error, ValueError, TypeError):
                lost.append(trace_id)
    return Rescue(aside, tuple(kept), tuple(lost))


def _readable(damaged: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Rows and ids of the traces as far as their table can be read, parents before their branches."""
    try:
        yield from damaged.execute("SELECT number, id FROM traces WHERE NOT deleted ORDER BY number")
    except sqlite3.Error:
        return
