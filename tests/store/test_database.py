import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ponder.errors import StorageError
from ponder.store import Store, open_store, rescue
from ponder.store.database import BUSY_TIMEOUT_S, connect, default_path, migrate
from ponder.store.schema import MIGRATIONS
from tests.store.child import environment
from tests.store.samples import keep, start, words


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with thirty traces, closed."""
    path = tmp_path / "traces.db"
    with open_store(path) as store:
        for number in range(30):
            keep(store, f"trace {number} " + "word " * 300, "answer")
    return path


def test_the_store_lies_in_ponder_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "deep" / "home"))
    with open_store() as store:
        assert store.path == default_path() == tmp_path / "deep" / "home" / "traces.db"
    assert store.path.exists()
    monkeypatch.delenv("PONDER_HOME")
    assert default_path().name == "traces.db"
    assert "ponder" in str(default_path())


def test_the_file_is_set_up_for_crashes_and_company(path: Path) -> None:
    with closing(connect(path)) as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version")
        pragmas = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    assert pragmas == ["wal", 2, 1, BUSY_TIMEOUT_S * 1000, len(MIGRATIONS)]


def test_a_truncated_store_is_said_to_be_damaged_and_not_touched(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match=r"is damaged .*ponder traces --set-aside"):
        open_store(path)
    assert path.read_bytes() == whole[: len(whole) // 2]


def test_a_foreign_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    path.write_bytes(b"not a database, but long enough to look at " * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        open_store(path)


def test_a_page_of_garbage_is_noticed_at_the_start(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[8192:12288] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="is damaged"):
        open_store(path)


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE traces (theirs)")
    with pytest.raises(StorageError, match="could not be used"):
        open_store(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("traces",)]


def test_a_newer_store_asks_for_a_newer_ponder(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match=r"has the format 99 .*newer ponder"):
        open_store(path)


def test_a_migration_backs_up_first(path: Path) -> None:
    later = (*MIGRATIONS, ("ALTER TABLE traces ADD COLUMN stars INTEGER NOT NULL DEFAULT 0",))
    with closing(connect(path)) as connection:
        migrate(connection, path, later)
        migrate(connection, path, later)
        assert connection.execute("SELECT sum(stars) FROM traces").fetchone() == (0,)
    backup = path.with_name(f"traces.db.v{len(MIGRATIONS)}.backup")
    with open_store(backup) as store:
        assert store.check() == 30


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    broken = (
        *MIGRATIONS,
        ("ALTER TABLE traces ADD COLUMN stars INTEGER", "ALTER TABLE missing ADD COLUMN x"),
    )
    with closing(connect(path)) as connection, pytest.raises(sqlite3.OperationalError, match="no such table"):
        migrate(connection, path, broken)
    with open_store(path) as store:
        assert store.check() == 30


def test_many_processes_make_one_store_at_once(tmp_path: Path) -> None:
    code = "from pathlib import Path; import sys; from ponder.store import open_store; "
    code += "from tests.store.samples import keep; keep(open_store(Path(sys.argv[1])), 'hello')"
    command = [sys.executable, "-c", code, str(tmp_path / "traces.db")]
    children = [subprocess.Popen(command, env=environment()) for _ in range(6)]
    assert [child.wait() for child in children] == [0] * 6
    with open_store(tmp_path / "traces.db") as store:
        assert store.check() == 6


def test_a_locked_store_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ponder.store.database.BUSY_TIMEOUT_S", 0.05)
    with open_store(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked by another process"):
            store.begin(start())
        other.execute("ROLLBACK")
        store.begin(start()).close()


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder that this process may read and not write, also when the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    try:
        with open_store(folder / "traces.db") as store:
            keep(store, "old")
        folder.chmod(0o555)
        (folder / "traces.db").chmod(0o444)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield folder
        if root:
            os.seteuid(0)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_read_only_folder_is_one_sentence(nobody: Path) -> None:
    for path in (nobody / "traces.db", nobody / "new" / "traces.db"):
        with pytest.raises(StorageError, match="set PONDER_HOME to a writable folder"):
            open_store(path)


def test_a_home_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match="set PONDER_HOME to a writable folder"):
        open_store(tmp_path / "home" / "traces.db")


def test_a_rescue_keeps_what_a_truncated_store_still_holds(path: Path) -> None:
    with open_store(path) as store:
        traces = {summary.id: store.load(summary.id) for summary in store.list()}
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    rescued = rescue(path)
    assert rescued.aside.read_bytes() == whole[: len(whole) * 3 // 4]
    assert rescued.kept
    assert not set(rescued.kept) & set(rescued.lost)
    with open_store(path) as store:
        assert store.check() == len(rescued.kept)
        for name in rescued.kept:
            assert store.load(name) == traces[name]


def test_a_rescue_of_a_foreign_file_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with pytest.raises(StorageError, match="no trace store at"):
        rescue(path)
    path.write_bytes(b"text " * 1000)
    rescued = rescue(path)
    assert (rescued.kept, rescued.lost) == ((), ())
    assert rescued.aside.read_bytes() == b"text " * 1000
    with open_store(path) as store:
        assert store.list() == []


def test_a_rescue_keeps_branches_of_a_deleted_trace(tmp_path: Path) -> None:
    with open_store(tmp_path / "traces.db") as store:
        root = keep(store, "a b c d")
        with store.begin(start(root, 2)) as journal:
            journal.add(words("x", first=2)[0])
        store.delete(root)
        trace = store.load("last")
    assert rescue(store.path).kept == (trace.id,)
    with open_store(store.path) as store:
        assert store.load("last") == trace


def test_threads_may_share_a_store(path: Path) -> None:
    def work(store: Store) -> str:
        for _ in range(5):
            name = keep(store, "in a thread")
            assert store.list("thread")
        return store.load(name).reasoning

    with open_store(path) as store, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [store] * 4)) == ["in a thread"] * 4
        assert store.check() == 30 + 20
