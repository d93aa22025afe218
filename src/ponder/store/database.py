"""The SQLite file itself: where it lies, how it is opened, migrated and checked, and what its errors mean.

One file in WAL mode, so that several processes read while one writes; `synchronous=FULL`, so that a commit
survives a power cut; short write transactions only, so that nobody waits long.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from ponder.core.folders import TRACES
from ponder.errors import StorageError
from ponder.store.schema import MIGRATIONS

BUSY_TIMEOUT_S = 5.0
QUICK_CHECK_MAX_BYTES = 4_000_000
"""A file up to this size is checked whole at every start (a few ms); a larger one when migrated or on demand.

Truncation and a damaged header are noticed at any size, because SQLite compares both with the file.
"""

_OLDEST_SQLITE = (3, 34)  # the first with the trigram tokenizer


def default_path() -> Path:
    """`traces.db` in $PONDER_HOME, else in the user's data folder."""
    home = os.environ.get("PONDER_HOME")
    return Path(home or platformdirs.user_data_dir("ponder")).expanduser() / TRACES


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread at a time may use; raises StorageError."""
    with guarded(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def prepare(path: Path) -> None:
    """Make the file and its folder if they are missing, bring the schema up to date, check it.

    Raises StorageError with what to do when the file is damaged, foreign, newer, or cannot be written.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        found = sqlite3.sqlite_version
        raise StorageError(f"SQLite {found} is too old for the trace store: use a Python with 3.34 or newer.")
    with guarded(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = connect(path)
    try:
        with guarded(path):
            migrate(connection, path)
            if path.stat().st_size <= QUICK_CHECK_MAX_BYTES:
                check(connection, path)
    finally:
        connection.close()


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Apply the migrations that the file has not seen, all or none, after a backup beside it."""
    version = _user_version(connection)
    if version == len(migrations):
        return
    if version > len(migrations):
        raise StorageError(
            f"The trace store {path} has the format {version} and this ponder knows {len(migrations)}: "
            "install a newer ponder (`pip install -U ponder`), or set PONDER_HOME to another folder."
        )
    if version:
        check(connection, path)
        _back_up(connection, path.with_name(f"{path.name}.v{version}.backup"))
    with transaction(connection):
        # Another process may have migrated while this one waited for the lock.
        for number in range(_user_version(connection), len(migrations)):
            for statement in migrations[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Read every page once; raises StorageError on the first fault."""
    with guarded(path):
        (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise StorageError(_damaged(path, finding))


@contextmanager
def transaction(connection: sqlite3.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    """All of the block or nothing; `DEFERRED` for a consistent view over several reads."""
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk or an I/O error may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a StorageError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(_sentence(path, error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"The trace store {path} cannot be used ({reason}): set PONDER_HOME to a writable folder."
        ) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL once in a file's life; SQLite does not wait for another process that is doing it too."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _user_version(connection: sqlite3.Connection) -> int:
    """How many migrations the file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """A whole copy of the database, consistent while others write."""
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()


def _damaged(path: Path, finding: str) -> str:
    """The sentence for a broken file."""
    return (
        f"The trace store {path} is damaged ({finding}): `ponder traces --set-aside` renames it, "
        "starts a new one and copies every trace that can still be read."
    )


def _sentence(path: Path, error: sqlite3.Error) -> str:
    """What happened and what to do, by SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return f"The disk that holds {path} is full: free some space, or set PONDER_HOME to another disk."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"The trace store {path} cannot be written ({error}): set PONDER_HOME to a writable folder."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"The trace store {path} was locked by another process for {BUSY_TIMEOUT_S:.0f} s: try again."
    if code == sqlite3.SQLITE_IOERR:
        return f"The disk failed on {path} ({error}): look at its free space and health, then try again."
    return f"The trace store {path} could not be used ({error}): `ponder traces --check` examines it."
