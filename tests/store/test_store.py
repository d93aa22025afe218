from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from ponder.core.events import Finish, Prefill, Step, StepStart, Token, Usage
from ponder.core.request import Message, Request
from ponder.errors import InputError, NotFoundError, StorageError
from ponder.store import Bundle, Note, Store, open_store
from ponder.store.ids import ALPHABET
from tests.store.samples import END, QUESTION, keep, start, words, write
from tests.store.strategies import bundles


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "traces.db") as store:
        yield store


def test_a_run_is_kept_whole(store: Store) -> None:
    tokens = [
        *words("The word has three"),
        Token(4, None, b"\xe8\x8d", "reasoning", "budget", None, 1.5),
        Token(5, 7, b"</think>", "tag", "budget", float("-inf"), 1.5),
        *words("Three.", "answer", 6),
    ]
    steps = [Step(0, 0, 4, "reasoning", "restate", "first"), Step(1, 6, 7, "answer", "answer", "tag")]
    with store.begin(start()) as journal:
        journal.add(Prefill(3, 3, 0, 0.1))
        journal.add(StepStart(0, 0, "reasoning"))
        journal.note("piece", {"seed": 100, "first": 0})
        write(journal, tokens, steps)
    bundle = store.bundle("last")
    trace = bundle.trace
    assert (trace.tokens, trace.steps, trace.finish) == (tuple(tokens), tuple(steps), END)
    assert (trace.request, trace.model, trace.engine) == (QUESTION, "tiny", "test")
    assert (trace.prompt_ids, trace.n_ctx, trace.parent, trace.fork_index) == ((1, 2, 3), 4096, None, 0)
    assert bundle.environment == {"build": "b1", "threads": 2}
    assert bundle.notes == (Note("piece", {"seed": 100, "first": 0}),)
    assert trace.id == journal.trace_id


@settings(max_examples=30, deadline=None)
@given(bundles)
def test_any_trace_comes_back_equal(bundle: Bundle) -> None:
    with TemporaryDirectory() as folder, open_store(Path(folder) / "traces.db") as store:
        trace_id = store.put(bundle)
        assert store.bundle(trace_id) == replace(bundle, trace=replace(bundle.trace, id=trace_id))
        assert store.put(store.bundle(trace_id)) == trace_id
        store.delete(trace_id)
        assert store.list() == []


def test_what_was_asked_is_stored_once(store: Store) -> None:
    long_question = Request((Message("user", "x" * 100_000),))
    for _ in range(20):
        keep(store, "short", request=long_question)
    store.close()
    assert store.path.stat().st_size < 700_000  # text and index


def test_a_trace_is_found_by_its_beginning_and_by_last(store: Store) -> None:
    first, second = keep(store, "one"), keep(store, "two")
    assert store.load("last").id == second
    assert store.load(first).id == store.load(f" {first.upper()} ").id == first
    assert store.load(first[:6]).reasoning == "one"
    assert set(first + second) <= set(ALPHABET)


def test_look_alikes_in_a_name_are_read_as_they_are_meant(store: Store) -> None:
    trace = store.load(keep(store, "one"))
    store.put(Bundle(replace(trace, id="0a1b1cd")))
    assert store.load("OAIBLCD").id == "0a1b1cd"


def test_an_unknown_name_offers_near_ones(store: Store) -> None:
    with pytest.raises(NotFoundError, match="No trace is kept yet"):
        store.load("last")
    trace_id = keep(store, "one")
    with pytest.raises(NotFoundError, match=f"did you mean {trace_id}"):
        store.load(trace_id[:5] + ("zz" if trace_id[5:] != "zz" else "yy"))
    with pytest.raises(NotFoundError, match="`ponder traces` lists"):
        store.load("?%_'\udcff\0")


def test_an_ambiguous_beginning_lists_the_candidates(store: Store) -> None:
    trace = store.load(keep(store, "one"))
    for name in ("abcdef0", "abcdef1"):
        store.put(Bundle(replace(trace, id=name)))
    with pytest.raises(InputError, match="abcdef1, abcdef0"):
        store.load("abc")


def test_a_list_is_newest_first_with_counts(store: Store) -> None:
    older, newer = keep(store, "one two", "three"), keep(store, "four")
    assert [summary.id for summary in store.list()] == [newer, older]
    assert [summary.id for summary in store.list(limit=1)] == [newer]
    (_, summary) = store.list()
    assert (summary.tokens, summary.own_tokens, summary.reasoning_tokens, summary.seconds) == (3, 3, 6, 4.5)
    assert (summary.question, summary.answer) == ("How many r are in 草莓 strawberry?", "three")
    assert (summary.reason, summary.closed_by, summary.deleted) == ("stop", "model", False)


def test_a_run_without_an_end_is_listed_by_its_last_token(store: Store) -> None:
    write(store.begin(start()), words("a b c d e"), end=None)
    (summary,) = store.list()
    assert (summary.reason, summary.reasoning_tokens, summary.seconds) == (None, None, 1.0)


def test_an_imported_name_that_is_taken_gets_a_new_one(store: Store) -> None:
    bundle = store.bundle(keep(store, "one"))
    other = replace(bundle, trace=replace(bundle.trace, finish=None))
    new = store.put(other)
    assert new != bundle.trace.id
    assert store.load(bundle.trace.id) == bundle.trace
    assert store.load(new).finish is None


@pytest.mark.parametrize("name", ["last", "", "UPPER", "../../x", "a" * 41, "草"])
def test_a_name_that_could_not_be_typed_is_replaced(store: Store, name: str) -> None:
    trace = store.load(keep(store, "one"))
    new = store.put(Bundle(replace(trace, id=name)))
    assert store.load(new) == replace(trace, id=new)
    assert set(new) <= set(ALPHABET)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StorageError, match="is closed"):
        store.begin(start())
    with pytest.raises(StorageError, match="closed"):
        store.list()
    store.close()


def test_check_reads_every_trace(store: Store) -> None:
    keep(store, "one")
    keep(store, "two")
    assert store.check() == 2


def test_a_row_that_makes_no_sense_is_a_storage_error(store: Store) -> None:
    keep(store, "one")
    connection = store._writer.connection
    connection.execute('UPDATE traces SET finish = \'{"reason": "boredom"}\'')
    with pytest.raises(StorageError, match="make no sense"):
        store.check()


def test_a_finish_with_usage_survives(store: Store) -> None:
    end = Finish(
        "length", "budget", Usage(1, 2, 3, 4, 5, prefill_s=6.5, total_s=8.5), ("The budget was reached.",)
    )
    assert store.load(write(store.begin(start()), words("a"), end=end)).finish == end
