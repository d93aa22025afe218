"""The journal of a running trace: `add` costs a list append, a thread commits what has gathered.

Every `TICK_S` the writer packs the new tokens of all running journals into one chunk each and commits them
together, so that a killed process loses at most that tick and the commit under way; what is there is whole,
because a commit is. Nothing leaves the memory before it is on the disk: when the disk is full the run goes
on, `failure` says so, and the next tick tries again.
"""

import atexit
import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ponder.core.events import Event, Paused, Prefill, StepStart, Token
from ponder.errors import StorageError
from ponder.store.codec import dumps, encode
from ponder.store.database import connect, guarded, transaction
from ponder.store.search import index_trace
from ponder.store.values import Note
from ponder.store.writing import Row, append

TICK_S = 0.2


class Journal:
    """The running trace `trace_id`; made by `Store.begin` and `Store.resume`, closed by `close` or `with`.

    `row` is None while the trace itself is still being written; see `begun`.
    """

    def __init__(self, writer: "Writer", trace_id: str, row: Row | None = None) -> None:
        self.trace_id = trace_id
        self._writer = writer
        self._next = row.tokens if row else 0
        self._closed = False
        self.row = row
        self.settled = threading.Event()
        """The trace is written, or will not be."""
        self.pending: list[Event | Note] = []
        self.failure: StorageError | None = None
        """Why the journal cannot be written just now; None when all is well. Later ticks try again."""

    @property
    def next_index(self) -> int:
        """The index that the next token must have."""
        return self._next

    def begun(self) -> None:
        """Return when the trace is on the disk; raises StorageError if it cannot be."""
        self.settled.wait()
        if self.row is None and self.failure is not None:
            raise self.failure

    def add(self, event: Event) -> None:
        """Take one event; costs well under a microsecond and never waits for the disk.

        Tokens that the trace already holds (replayed from a parent or before a resume) are passed over;
        a gap, or an event after `close`, raises ValueError.
        """
        if self._closed:
            raise ValueError(f"the journal of trace {self.trace_id} is closed")
        if isinstance(event, Token):
            if event.index < self._next:
                return
            if event.index > self._next:
                raise ValueError(f"token {event.index} came where {self._next} was due")
            if event.id is not None and not 0 <= event.id < 2**31:
                raise ValueError(f"token {event.index} has the impossible id {event.id}")
            self._next += 1
        elif isinstance(event, Prefill | StepStart | Paused):
            return
        self.pending.append(event)

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        """Keep a small JSON object about the run, such as a piece's seed and first token index."""
        if self._closed:
            raise ValueError(f"the journal of trace {self.trace_id} is closed")
        self.pending.append(Note(kind, json.loads(dumps(encode(data)))))

    def flush(self) -> None:
        """Commit everything added so far; raises StorageError if that fails."""
        self.begun()
        self._writer.commit()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Commit the rest and make the text searchable; raises StorageError if something cannot be kept.

        Closing again does nothing.
        """
        if not self._closed:
            self._closed = True
            self._writer.finish(self)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Writer:
    """The one connection of a store that writes, and the thread that commits while journals are open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._journals: list[Journal] = []
        self._ticking = False
        self._closed = threading.Event()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, opened when first needed; hold `lock` while using it."""
        if self._closed.is_set():
            raise StorageError(f"The trace store {self.path} is closed: open it again.")
        if self._connection is None:
            self._connection = connect(self.path)
        return self._connection

    def open(self, row: Row) -> Journal:
        """A journal that is committed with the others from now on."""
        journal = Journal(self, row.id, row)
        journal.settled.set()
        self._join(journal)
        return journal

    def begin(self, trace_id: str, insert: Callable[[sqlite3.Connection], Row]) -> Journal:
        """As `open`, for a trace that `insert` makes in a thread: a commit takes longer than a prompt."""
        journal = Journal(self, trace_id)

        def work() -> None:
            try:
                with self.lock, guarded(self.path), transaction(self.connection):
                    row = insert(self.connection)
                journal.row = row
            except StorageError as error:
                journal.failure = error
            finally:
                journal.settled.set()

        self._join(journal)
        threading.Thread(target=work, name="ponder-begin", daemon=True).start()
        return journal

    def _join(self, journal: Journal) -> None:
        """From now on it is committed with the others."""
        with self.lock:
            self._journals.append(journal)
            if not self._ticking:
                self._ticking = True
                # A program that ends without `close` still writes what its journals hold.
                atexit.register(self.close)
                threading.Thread(target=self._tick, name="ponder-journal", daemon=True).start()

    def commit(self) -> None:
        """Write what all journals have gathered; failures stay with the journals, their events in memory."""
        for journal in tuple(self._journals):
            journal.settled.wait()  # outside the lock, which its thread needs
        with self.lock:
            open_now = [(each, each.row, each.pending[:]) for each in self._journals if each.pending]
            work = [(journal, row, events) for journal, row, events in open_now if row is not None]
            if not work:
                return
            try:
                with guarded(self.path), transaction(self.connection):
                    rows = [append(self.connection, row, events) for _, row, events in work]
            except StorageError as error:
                for journal, _, _ in work:
                    journal.failure = error
                return
            for (journal, before, events), row in zip(work, rows, strict=True):
                del journal.pending[: len(events)]
                journal.row = row or before
                journal.failure = None if row else _lost(journal.trace_id)

    def finish(self, journal: Journal) -> None:
        """Commit, index and forget `journal`; raises its failure."""
        self.commit()
        with self.lock:
            if journal in self._journals:
                self._journals.remove(journal)
            if journal.failure is not None or journal.row is None:
                raise journal.failure or _lost(journal.trace_id)
            if journal.pending:
                raise StorageError(f"Trace {journal.trace_id} is not whole: the store was closed before it.")
            # The tokens are kept; a search brings the index up to date if this cannot.
            with suppress(StorageError), guarded(self.path), transaction(self.connection):
                index_trace(self.connection, journal.row.number)

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.commit()
        with self.lock:
            self._journals.clear()
            self._closed.set()
            atexit.unregister(self.close)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _tick(self) -> None:
        """The thread: commit every `TICK_S` until the last journal is closed."""
        while not self._closed.wait(TICK_S):
            self.commit()
            with self.lock:
                if not self._journals:
                    self._ticking = False
                    atexit.unregister(self.close)
                    return


def _lost(trace_id: str) -> StorageError:
    """Someone else resumed or deleted the trace while it ran."""
    return StorageError(
        f"Trace {trace_id} was resumed or deleted elsewhere while it ran: what came after that is not kept."
    )
