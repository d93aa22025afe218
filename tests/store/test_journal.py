import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.core.events import Step, StepEnd, Token
from ponder.errors import StorageError
from ponder.store import Note, Store, open_store
from tests.engine.asking import wait_for
from tests.store.child import environment
from tests.store.samples import END, start, words, write


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "traces.db") as store:
        yield store


def test_a_running_trace_can_be_read(store: Store) -> None:
    with store.begin(start()) as journal:
        for token in words("still thinking"):
            journal.add(token)
        trace = store.load(journal.trace_id)
        assert (trace.reasoning, trace.finish) == ("still thinking", None)


def test_the_thread_commits_by_itself(store: Store) -> None:
    with open_store(store.path) as other, store.begin(start()) as journal:
        journal.add(words("a")[0])
        until = threading.Event()
        while not other.load(journal.trace_id).tokens:
            until.wait(0.02)
        assert other.load(journal.trace_id).reasoning == "a"


def test_a_resumed_run_goes_on_where_it_was_cut(store: Store) -> None:
    tokens = words("one two three four five")
    trace_id = write(store.begin(start()), tokens[:3], [Step(0, 0, 2, "reasoning")], end=None)
    journal = store.resume(trace_id)
    assert (journal.trace_id, journal.next_index) == (trace_id, 3)
    journal.note("resumed", {"first": 3})
    write(journal, tokens, [Step(0, 0, 3, "reasoning", "plan"), Step(1, 3, 5, "reasoning")])
    bundle = store.bundle(trace_id)
    assert bundle.trace.tokens == tuple(tokens)
    assert bundle.trace.steps == (Step(0, 0, 3, "reasoning", "plan"), Step(1, 3, 5, "reasoning"))
    assert bundle.trace.finish == END
    assert bundle.notes == (Note("resumed", {"first": 3}),)


def test_resuming_keeps_the_old_end_until_a_token_comes(store: Store) -> None:
    trace_id = write(store.begin(start()), words("one two"))
    journal = store.resume(trace_id)
    assert store.load(trace_id).finish == END
    journal.add(words("three", first=2)[0])
    assert store.load(trace_id).finish is None
    journal.close()


def test_replayed_tokens_are_passed_over_and_gaps_refused(store: Store) -> None:
    one, two, three = words("one two three")
    with store.begin(start()) as journal:
        for token in (one, two, one, two):
            journal.add(token)
        with pytest.raises(ValueError, match="token 3 came where 2 was due"):
            journal.add(Token(3, 1, b"", "answer", "model", None, 0.0))
        with pytest.raises(ValueError, match="impossible id -5"):
            journal.add(Token(2, -5, b"", "answer", "model", None, 0.0))
        journal.add(three)
    assert store.load("last").reasoning == "one two three"


def test_nothing_can_be_added_to_a_closed_journal(store: Store) -> None:
    journal = store.begin(start())
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="is closed"):
        journal.add(END)
    with pytest.raises(ValueError, match="is closed"):
        journal.note("piece", {})


def test_a_note_must_be_json(store: Store) -> None:
    with store.begin(start()) as journal, pytest.raises(TypeError):
        journal.note("piece", {"seed": object()})


def test_the_first_journal_loses_a_trace_that_is_resumed_elsewhere(store: Store) -> None:
    first = store.begin(start())
    tokens = words("one two three")
    first.add(tokens[0])
    with open_store(store.path) as other:
        first.flush()
        second = other.resume(first.trace_id)
        first.add(tokens[1])
        with pytest.raises(StorageError, match="resumed or deleted elsewhere"):
            first.close()
        write(second, [tokens[1], Token(2, 9, b" other", "reasoning", "model", None, 3.0)])
        assert other.load("last").reasoning == "one two other"


def test_a_trace_can_be_deleted_while_it_runs(store: Store) -> None:
    journal = store.begin(start())
    journal.add(words("one")[0])
    store.delete(journal.trace_id)
    journal.add(words("two", first=1)[0])
    with pytest.raises(StorageError, match="deleted"):
        journal.close()
    assert store.list() == []


def test_many_journals_run_side_by_side(store: Store) -> None:
    journals = [store.begin(start()) for _ in range(8)]
    for token in words("all of them"):
        for journal in journals:
            journal.add(token)
    for journal in journals:
        journal.close()
    assert [trace.tokens for trace in store.list()] == [3] * 8


def test_a_journal_needs_no_variable_that_holds_its_store(tmp_path: Path) -> None:
    journal = open_store(tmp_path / "traces.db").begin(start())
    gc.collect()
    write(journal, words("kept"))
    with open_store(tmp_path / "traces.db") as store:
        assert store.load("last").reasoning == "kept"


def test_a_closed_store_says_that_the_rest_is_lost(tmp_path: Path) -> None:
    store = open_store(tmp_path / "traces.db")
    journal = store.begin(start())
    one, two = words("one two")
    journal.add(one)
    store.close()
    journal.add(two)
    with pytest.raises(StorageError, match="the store was closed before it"):
        journal.close()
    with open_store(store.path) as again:
        assert again.load("last").tokens == (one,)


def test_what_a_program_forgot_to_close_is_kept(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from ponder.store import open_store
from tests.store.samples import start, words
journal = open_store(Path({str(tmp_path / "traces.db")!r})).begin(start())
for token in words("never closed"):
    journal.add(token)
"""
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)
    with open_store(tmp_path / "traces.db") as store:
        assert store.load("last").reasoning == "never closed"


def test_a_trace_that_nobody_waits_for_is_written_and_found_soon(store: Store) -> None:
    journal = store.begin_later(start())
    for token in words("written in its own time"):
        journal.add(token)
    journal.begun()
    journal.close()
    with open_store(store.path) as other:
        wait_for(lambda: [each.id for each in other.list("own time")] == [journal.trace_id])
        assert other.load(journal.trace_id).reasoning == "written in its own time"
    empty = store.begin_later(start())
    empty.close()
    assert store.load(empty.trace_id).tokens == ()


def test_a_full_disk_is_said_and_what_came_meanwhile_is_kept(store: Store) -> None:
    """A page limit makes SQLite report a real full disk, and lifting it frees the space again."""
    journal = store.begin(start())
    connection = store._writer.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    tokens = words("word " * 5000)
    for token in tokens[:4000]:
        journal.add(token)
    with pytest.raises(StorageError, match="is full: free some space"):
        journal.flush()
    assert store.load(journal.trace_id).tokens == ()
    assert "is full" in str(journal.failure)
    connection.execute("PRAGMA max_page_count = 1000000")
    write(journal, tokens)
    assert journal.failure is None
    assert store.load(journal.trace_id).tokens == tuple(tokens)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the operating system")
def test_a_disk_that_fails_does_not_stop_the_run(tmp_path: Path) -> None:
    """The operating system refuses to let the file grow, then allows it: nothing is lost."""
    code = f"""
import resource
from pathlib import Path
from ponder.store import open_store
from tests.store.samples import start, words, write
store = open_store(Path({str(tmp_path / "traces.db")!r}))
journal = store.begin(start())
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
tokens = words("word " * 20000)
for token in tokens:
    journal.add(token)
store.load(journal.trace_id)
print(journal.failure)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
write(journal, tokens)
print(store.load("last").tokens == tuple(tokens), journal.failure)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True
    )
    warning, after = done.stdout.splitlines()
    assert "disk" in warning
    assert after == "True None"


def test_steps_a_branch_repeats_are_not_stored_again(store: Store) -> None:
    steps = [Step(0, 0, 2, "reasoning", "plan"), Step(1, 2, 4, "reasoning")]
    parent = write(store.begin(start()), words("a b c d"), steps)
    with store.begin(start(parent, 4)) as journal:
        for step in (*steps, Step(2, 4, 5, "reasoning")):
            journal.add(StepEnd(step))
        journal.add(words("e", first=4)[0])
    assert store.load("last").steps == (*steps, Step(2, 4, 5, "reasoning"))
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM steps").fetchone() == (3,)
    connection.close()
