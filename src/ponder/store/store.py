"""The door of the store: begin or resume a run, load, list, search and delete traces.

Reading and writing use a connection each, so that a long search never delays the journal of a running trace.
"""

import builtins
import dataclasses
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from ponder.core.trace import Trace
from ponder.errors import InputError, StorageError
from ponder.store import ids
from ponder.store.caches import Caches, folder_beside
from ponder.store.database import check, connect, default_path, guarded, prepare, transaction
from ponder.store.journal import Journal, Writer
from ponder.store.reading import lineage, read_bundle, read_family, read_notes, read_summaries
from ponder.store.search import condition, index_trace, unindexed
from ponder.store.values import Bundle, Note, Start, Summary
from ponder.store.writing import delete_trace, insert_bundle, insert_notes, insert_trace, take_over


def open_store(path: Path | None = None) -> "Store":
    """The store in `path`, made if it is missing; by default `traces.db` in $PONDER_HOME or the data folder.

    Raises StorageError with what to do when the file is damaged or cannot be written.
    """
    path = path or default_path()
    prepare(path)
    return Store(path)


class Store:
    """Every trace that is kept in one file; safe to use from several threads and processes.

    A `name` is a trace's id, a unique beginning of one, or `last` for the newest trace. Every method
    raises StorageError when the file cannot be read or written, NotFoundError for a name nothing has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path)
        self._lock = threading.Lock()
        self._writer = Writer(path)

    def begin(self, start: Start) -> Journal:
        """Keep a new run from now on; its id is the journal's `trace_id`.

        `start.parent` may be any name; a fork outside the parent's tokens raises InputError.
        """
        with self._writing() as connection:
            base = None
            if start.parent is not None:
                base, start = _branch(connection, start)
            row = insert_trace(connection, start, base)
        return self._writer.open(row)

    def begin_soon(self, start: Start) -> Journal:
        """As `begin` for a trace without a parent, but without waiting for the disk: see `Journal.begun`."""
        with self._lock, guarded(self.path):
            trace_id = ids.free(self._reader)
        return self._writer.begin(
            trace_id, lambda connection: insert_trace(connection, start, None, trace_id)
        )

    def begin_later(self, start: Start) -> Journal:
        """As `begin_soon`, but the trace is written with its first tokens, at the writer's next tick; if it
        cannot be, the run goes on and the journal's `failure` says so.
        """
        with self._lock, guarded(self.path):
            trace_id = ids.free(self._reader)
        return self._writer.begin_later(
            trace_id, lambda connection: insert_trace(connection, start, None, trace_id)
        )

    def resume(self, name: str) -> Journal:
        """Go on with a trace that was interrupted or has ended: the next token's index is its token count.

        A journal that still writes the trace, here or in another process, stops keeping it.
        """
        with self._writing() as connection:
            row = take_over(connection, ids.find(connection, name)[0])
        return self._writer.open(row)

    def load(self, name: str) -> Trace:
        """The whole trace, as far as it is written; of a run in this process, all of it."""
        return self.bundle(name).trace

    def bundle(self, name: str) -> Bundle:
        """The trace, the environment it ran in and the notes of its run."""
        with self._reading() as connection:
            return read_bundle(connection, ids.find(connection, name)[0])

    def notes(self, name: str) -> tuple[Note, ...]:
        """The notes beside a trace, without the trace."""
        with self._reading() as connection:
            return read_notes(connection, ids.find(connection, name)[0])

    def list(self, query: str | None = None, limit: int | None = None) -> list[Summary]:
        """The kept traces, newest first, at most `limit`; with `query`, those that contain its every word."""
        if query:
            self._index_rest()
        clause, values = condition(query or "")
        with self._reading() as connection:
            where = f"NOT t.deleted AND {clause} ORDER BY t.number DESC LIMIT ?"
            return read_summaries(connection, where, (*values, -1 if limit is None else limit))

    def tree(self, name: str) -> builtins.list[Summary]:
        """The trace's whole family, every branch after its parent and the earliest fork first.

        A deleted trace that still holds tokens of its branches is among them.
        """
        with self._reading() as connection:
            number, _ = ids.find(connection, name)
            return read_family(connection, lineage(connection, number)[0][0])

    def put(self, bundle: Bundle) -> str:
        """Keep a trace that comes from elsewhere and return its id, a new one where that is taken."""
        with self._writing() as connection:
            return insert_bundle(connection, bundle)

    def note(self, name: str, kind: str, data: Mapping[str, object]) -> None:
        """Keep a small JSON object beside a trace that is there already, such as what a check found."""
        with self._writing() as connection:
            insert_notes(connection, ids.find(connection, name)[0], [Note(kind, data)])

    def delete(self, name: str) -> None:
        """Delete a trace for good.

        Its branches stay whole: what they share with it is kept, out of sight, until the last of them goes.
        """
        with self._writing() as connection:
            number, trace_id = ids.find(connection, name)
            delete_trace(connection, number)
        Caches(folder_beside(self.path)).forget([trace_id])

    def check(self) -> int:
        """Examine the whole file and read every trace; returns how many there are.

        Raises StorageError on the first fault. Takes a few seconds for a million tokens.
        """
        with self._reading() as connection:
            check(connection, self.path)
            numbers = [row[0] for row in connection.execute("SELECT number FROM traces WHERE NOT deleted")]
            for number in numbers:
                read_bundle(connection, number)
        return len(numbers)

    def close(self) -> None:
        """Write what open journals hold and let go of the file; the journals keep nothing from now on."""
        self._writer.close()
        with self._lock:
            self._reader.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _index_rest(self) -> None:
        """Make runs searchable that were cut off; where that cannot be written, search what there is."""
        with suppress(StorageError), self._writing() as connection:
            for number in unindexed(connection):
                index_trace(connection, number)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view; what this process's journals hold is written first."""
        self._writer.commit()
        with self._lock, guarded(self.path), transaction(self._reader, "DEFERRED"):
            try:
                yield self._reader
            except ValueError as error:
                raise StorageError(
                    f"The trace store {self.path} holds rows that make no sense ({error}): "
                    "`ponder traces --check` examines it."
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One short write transaction, after what this process's journals hold."""
        self._writer.commit()
        with self._writer.lock, guarded(self.path), transaction(self._writer.connection):
            yield self._writer.connection


def _branch(connection: sqlite3.Connection, start: Start) -> tuple[int, Start]:
    """The row of `start.parent`, and `start` with its full id."""
    assert start.parent is not None
    number, parent = ids.find(connection, start.parent)
    (tokens,) = connection.execute("SELECT tokens FROM traces WHERE number = ?", (number,)).fetchone()
    if not 0 <= start.fork_index <= tokens:
        raise InputError(
            f"Trace {parent} has {tokens} tokens, so it cannot be forked at token {start.fork_index}: "
            f"choose one from 0 to {tokens}."
        )
    return number, dataclasses.replace(start, parent=parent)
