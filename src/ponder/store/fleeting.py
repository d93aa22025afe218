"""A store that nobody finds again: it lies in memory where the system has such a folder, and goes when it is
closed. What is asked privately has a trace there, with branches and all, as long as somebody works on it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ponder.store.store import Store, open_store

MEMORY = Path("/dev/shm")  # noqa: S108 - not a file but a folder of our own is made in it, with a new name
"""Where Linux keeps files in memory."""


@contextmanager
def fleeting_store() -> Iterator[Store]:
    """A new, empty store, readable by its owner only; it is deleted at the end."""
    folder = str(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with (
        TemporaryDirectory(prefix="ponder-", dir=folder, ignore_cleanup_errors=True) as place,
        open_store(Path(place) / "traces.db") as store,
    ):
        yield store
