from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ponder.core.events import Step, Token
from ponder.errors import InputError, NotFoundError
from ponder.store import Bundle, Store, open_store
from tests.store.samples import keep, start, words, write


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "traces.db") as store:
        yield store


STEPS = [
    Step(0, 0, 2, "reasoning", "plan"),
    Step(1, 2, 4, "reasoning", "compute"),
    Step(2, 4, 6, "reasoning", "check"),
]


def branch(store: Store, parent: str, fork_index: int, text: str, steps: Sequence[Step] = ()) -> str:
    return write(store.begin(start(parent, fork_index)), words(text, first=fork_index), steps)


def rows(store: Store, table: str) -> int:
    return int(store._writer.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def sum_of(store: Store, table: str, column: str) -> int:
    return int(store._writer.connection.execute(f"SELECT sum({column}) FROM {table}").fetchone()[0])


def test_a_branch_reads_whole_and_stores_its_own(store: Store) -> None:
    parent = write(store.begin(start()), words("one two three four five six"), STEPS)
    child = branch(store, parent[:6], 4, "vier fünf", [Step(2, 4, 6, "reasoning", "doubt")])
    trace = store.load(child)
    assert trace.reasoning == "one two three fourvier fünf"
    assert trace.steps == (*STEPS[:2], Step(2, 4, 6, "reasoning", "doubt"))
    assert (trace.parent, trace.fork_index) == (parent, 4)
    assert [(s.tokens, s.own_tokens) for s in store.list()] == [(6, 2), (6, 6)]
    assert rows(store, "steps") == 4


def test_a_branch_inside_a_step_does_not_share_that_step(store: Store) -> None:
    parent = write(store.begin(start()), words("one two three four five six"), STEPS)
    child = branch(store, parent, 3, "drei", [Step(1, 2, 4, "reasoning", "doubt")])
    assert store.load(child).steps == (STEPS[0], Step(1, 2, 4, "reasoning", "doubt"))


def test_a_branch_of_a_branch_may_leave_before_it_did(store: Store) -> None:
    root = keep(store, "a b c d e f")
    middle = branch(store, root, 4, "x y z")
    late, early = branch(store, middle, 6, "late"), branch(store, middle, 2, "early")
    assert store.load(late).reasoning == "a b c dx ylate"
    assert store.load(early).reasoning == "a bearly"


def test_a_branch_can_leave_a_run_that_goes_on(store: Store) -> None:
    with store.begin(start()) as journal:
        for token in words("a b c"):
            journal.add(token)
        child = branch(store, journal.trace_id, 3, "d")
        journal.add(words("e", first=3)[0])
    assert store.load(child).reasoning == "a b cd"
    assert store.load(journal.trace_id).reasoning == "a b ce"


@pytest.mark.parametrize("fork_index", [-1, 4])
def test_a_fork_outside_the_trace_is_refused(store: Store, fork_index: int) -> None:
    parent = keep(store, "a b c")
    with pytest.raises(InputError, match=f"3 tokens, so it cannot be forked at token {fork_index}"):
        store.begin(start(parent, fork_index))
    with pytest.raises(NotFoundError, match="'zzz'"):
        store.begin(start("zzz", 0))


def test_a_tree_lists_the_family_in_order(store: Store) -> None:
    keep(store, "someone else")
    root = keep(store, "a b c d", "yes")
    late, early = branch(store, root, 3, "x"), branch(store, root, 1, "y")
    deep = branch(store, late, 4, "z")
    for name in (root, deep):
        assert [summary.id for summary in store.tree(name)] == [root, early, late, deep]
    assert store.tree(root)[0].answer == "yes"


def test_deleting_a_parent_keeps_its_branches(store: Store) -> None:
    root = write(store.begin(start()), words("a secret b c d e"), STEPS)
    first, second = branch(store, root, 2, "x", [Step(1, 2, 3, "reasoning")]), branch(store, root, 3, "y")
    whole = [store.load(name) for name in (first, second)]
    store.delete(root)
    assert [store.load(name) for name in (first, second)] == whole
    assert [summary.id for summary in store.list()] == [second, first]
    stem = store.tree(first)[0]
    assert (stem.id, stem.deleted, stem.tokens) == (root, True, 3)
    for name in (root, root[:6]):
        with pytest.raises(NotFoundError):
            store.load(name)
    with pytest.raises(NotFoundError, match="was deleted"):
        store.begin(start(root, 1))
    assert [summary.id for summary in store.list("草莓")] == [second, first]
    store.delete(first)
    assert store.load(second) == whole[1]
    store.delete(second)
    assert [rows(store, table) for table in ("traces", "chunks", "steps", "notes", "texts", "prompts")] == [
        0
    ] * 6


def test_what_only_the_deleted_trace_had_is_gone_from_the_file(store: Store) -> None:
    root = keep(store, "shared words then PRIVATE")
    branch(store, root, 2, "kept")
    store.delete(root)
    (data,) = store._writer.connection.execute("SELECT group_concat(hex(data)) FROM chunks").fetchone()
    assert b"PRIVATE".hex().upper() not in data
    assert store.list("PRIVATE") == []


def test_an_imported_branch_shares_with_a_parent_that_is_the_same(store: Store, tmp_path: Path) -> None:
    root = write(store.begin(start()), words("a b c d"), STEPS[:2])
    child = branch(store, root, 3, "x", [Step(1, 2, 4, "reasoning")])
    bundles = [store.bundle(name) for name in (root, child)]
    with open_store(tmp_path / "copy.db") as copy:
        for bundle in bundles:
            assert copy.put(bundle) == bundle.trace.id
            assert copy.bundle(bundle.trace.id) == bundle
        assert copy.tree(root)[1].own_tokens == 1
    with open_store(tmp_path / "orphan.db") as orphans:
        orphans.put(bundles[1])
        assert orphans.bundle(child) == bundles[1]
        changed = replace(bundles[0].trace, tokens=tuple(words("other d e f")))
        orphans.put(Bundle(changed))
        again = orphans.put(replace(bundles[1], notes=()))
        assert orphans.load(again).tokens == bundles[1].trace.tokens


def test_two_hundred_branches_share_one_long_trace(store: Store) -> None:
    tokens = [Token(i, i % 500, b" word", "reasoning", "model", -0.5, i / 20) for i in range(30_000)]
    steps = [Step(i, 100 * i, 100 * i + 100, "reasoning") for i in range(300)]
    root = write(store.begin(start()), tokens, steps)
    store.close()
    alone_bytes = store.path.stat().st_size
    with open_store(store.path) as again:
        for i in range(200):
            branch(again, root, 29_000 + i // 2, "changed here", [Step(290, 29_000, 29_100, "reasoning")])
        family = again.tree(root)
        assert len(family) == 201
        assert {summary.own_tokens for summary in family[1:]} == {2}
        assert len(again.load(family[-1].id).tokens) == 29_101
        assert len(again.load(family[-1].id).steps) == 290 + 1
        assert rows(again, "steps") == 300 + 200
        assert rows(again, "prompts") == 1
        assert sum_of(again, "chunks", "count") == 30_000 + 2 * 200
    assert store.path.stat().st_size - alone_bytes < 1000 * 200


class Forest(RuleBasedStateMachine):
    """Runs, forks, resumes and deletions in any order read back as plain lists of tokens would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = open_store(Path(self.folder.name) / "traces.db")
        self.expected: dict[str, tuple[Token, ...]] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.expected)))

    @rule(text=st.text("ab ", max_size=8))
    def begin(self, text: str) -> None:
        trace_id = keep(self.store, text)
        self.expected[trace_id] = tuple(words(text))

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), text=st.text("cd ", max_size=8))
    def fork(self, data: st.DataObject, text: str) -> None:
        parent = self.pick(data)
        index = data.draw(st.integers(0, len(self.expected[parent])))
        trace_id = branch(self.store, parent, index, text)
        self.expected[trace_id] = (*self.expected[parent][:index], *words(text, first=index))

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        trace_id = self.pick(data)
        before = self.expected[trace_id]
        more = words("resumed", first=len(before))
        write(self.store.resume(trace_id), more)
        self.expected[trace_id] = (*before, *more)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        trace_id = self.pick(data)
        self.store.delete(trace_id)
        del self.expected[trace_id]

    @invariant()
    def everything_reads_back(self) -> None:
        assert {summary.id: summary.tokens for summary in self.store.list()} == {
            name: len(tokens) for name, tokens in self.expected.items()
        }
        for name, tokens in self.expected.items():
            assert self.store.load(name).tokens == tokens
        if not self.expected:
            assert rows(self.store, "traces") == rows(self.store, "prompts") == 0


TestForest = Forest.TestCase
TestForest.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
