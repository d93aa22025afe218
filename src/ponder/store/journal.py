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

TICK_S = 0.4
IDLE_TICKS = 50
"""So long the thread waits for another journal: to start one takes longer than to let it be."""
Insert = Callable[[sqlite3.Connection], Row]
"""Writes the row of a new trace."""


class Journal:
    """The running trace `trace_id`; made by `Store.begin` and `Store.resume`, closed by `close` or `with`.

    `row` is None while the trace itself is still being written; see `begun`. With `insert` that is done by
    the writer's next commit, and so is everything else: nobody waits, and `failure` is all that tells.
    """

    def __init__(
        self, writer: "Writer", trace_id: str, row: Row | None = None, insert: Insert | None = None
    ) -> None:
        self.trace_id = trace_id
        self._writer = writer
        self._next = row.tokens if row else 0
        self._closed = False
        self._waits = insert is None
        self.row = row
        self.insert = insert
        self.settled = threading.Event()
        """The trace is written, or will not be, or nobody waits for it."""
        self.pending: list[Event | Note] = []
        self.failure: StorageError | None = None
        """Why the journal cannot be written just now; None when all is well. Later ticks try again."""

    @property
    def next_index(self) -> int:
        """The index that the next token must have."""
        return self._next

    def begun(self) -> None:
        """Return when the trace is on the disk; raises StorageError if it cannot be."""
        if self.row is None:  # every token comes through here
            self.settled.wait()
            if self.row is None and self.insert is None and self.failure is not None:
                raise self.failure

    @property
    def closed(self) -> bool:
        """Whether nothing more will be added."""
        return self._closed

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

        Closing again does nothing. Where nobody waits, the writer's thread does it at once.
        """
        if not self._closed:
            self._closed = True
            if self._waits:
                self._writer.finish(self)
            else:
                self._writer.hurry()

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
        self._joining = threading.Lock()  # held for an instant only, never while the disk works
        self._connection: sqlite3.Connection | None = None
        self._journals: list[Journal] = []
        self._ticking = False
        self._closed = threading.Event()
        self._hurry = threading.Event()

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

    def begin_later(self, trace_id: str, insert: Insert) -> Journal:
        """As `open`, for a trace that `insert` makes when its journal is first committed."""
        journal = Journal(self, trace_id, insert=insert)
        journal.settled.set()
        self._join(journal)
        return journal

    def begin(self, trace_id: str, insert: Insert) -> Journal:
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
        with self._joining:
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
            work = [
                (journal, journal.pending[:])
                for journal in tuple(self._journals)
                if (journal.pending and journal.row) or journal.insert
            ]
            if not work:
                return
            try:
                with guarded(self.path), transaction(self.connection):
                    rows = [self._append(journal, events) for journal, events in work]
            except StorageError as error:
                for journal, _ in work:
                    journal.failure = error
                return
            for (journal, events), row in zip(work, rows, strict=True):
                del journal.pending[: len(events)]
                journal.row = row or journal.row
                journal.insert = None
                journal.failure = None if row else _lost(journal.trace_id)

    def _append(self, journal: Journal, events: list[Event | Note]) -> Row | None:
        row = journal.row
        if row is None:
            assert journal.insert is not None
            row = journal.insert(self.connection)
        return append(self.connection, row, events)

    def finish(self, journal: Journal) -> None:
        """Commit, index and forget `journal`; raises its failure."""
        self.commit()
        with self.lock:
            self._part(journal)
            if journal.failure is not None or journal.row is None:
                raise journal.failure or _lost(journal.trace_id)
            if journal.pending:
                raise StorageError(f"Trace {journal.trace_id} is not whole: the store was closed before it.")
            self._index(journal.row)

    def _part(self, journal: Journal) -> None:
        with self._joining:
            if journal in self._journals:
                self._journals.remove(journal)

    def _index(self, *rows: Row) -> None:
        """The tokens are kept; a search brings the index up to date if this cannot."""
        with suppress(StorageError), guarded(self.path), transaction(self.connection):
            for row in rows:
                index_trace(self.connection, row.number)

    def _finish_rest(self) -> None:
        """Forget the journals that nobody waits for and that are closed, and make them searchable."""
        with self.lock:
            over = [
                j for j in tuple(self._journals) if j.closed and (j.failure or not (j.pending or j.insert))
            ]
            for journal in over:
                self._part(journal)
            rows = [journal.row for journal in over if journal.row is not None and journal.failure is None]
            if rows:
                self._index(*rows)

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.commit()
        with self.lock:
            with self._joining:
                self._journals.clear()
            self._closed.set()
            self._hurry.set()
            atexit.unregister(self.close)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def hurry(self) -> None:
        """Let the thread commit now, and wait for nothing."""
        self._hurry.set()

    def _tick(self) -> None:
        """The thread: commit every `TICK_S` until the last journal has been closed for some time."""
        idle = 0
        while True:
            self._hurry.wait(TICK_S)
            self._hurry.clear()
            if self._closed.is_set():
                return
            self.commit()
            self._finish_rest()
            with self._joining:
                idle = 0 if self._journals else idle + 1
                if idle == IDLE_TICKS:
                    self._ticking = False
                    atexit.unregister(self.close)
                    return


def _lost(trace_id: str) -> StorageError:
    """Someone else resumed or deleted the trace while it ran."""
    return StorageError(
        f"Trace {trace_id} was resumed or deleted elsewhere while it ran: what came after that is not kept."
    )
