from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.core.request import Message, Request
from ponder.store import Store, open_store
from tests.store.samples import keep, start, words, write


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("search") / "traces.db") as store:
        for name, question, reasoning, answer in TRACES:
            NAMES[keep(store, reasoning, answer, Request((Message("user", question),)))] = name
        yield store


NAMES: dict[str, str] = {}
TRACES = [
    ("train", "When does the train arrive?", "Two tickets cost 21.", "At 12:40."),
    ("chinese", "草莓这个词里有几个字母r？", "让我数一数。等等，好像不对。", "三个"),
    ("odd", 'Say "NEAR(a b)" AND 100% of it_', "col:umn* ^x", "C:\\dir"),
]


def found(store: Store, query: str) -> list[str]:
    return [NAMES[summary.id] for summary in store.list(query)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("train", ["train"]),
        ("RRIV", ["train"]),
        ("tickets 12:40 when", ["train"]),
        ("tickets umn", []),
        ("21", ["train"]),
        ("这个词", ["chinese"]),
        ("草莓", ["chinese"]),
        ("数 个", ["chinese"]),
        ("等等，好像", ["chinese"]),
        ("等等 train", []),
        ('"NEAR(a', ["odd"]),
        ("col:umn*", ["odd"]),
        ("AND", ["odd"]),
        ("0%", ["odd"]),
        ("t_", ["odd"]),
        ("%", ["odd"]),
        ("_", ["odd"]),
        ("\\", ["odd"]),
        ("C:\\dir", ["odd"]),
        ("^x", ["odd"]),
        ("", ["odd", "chinese", "train"]),
        ("  ", ["odd", "chinese", "train"]),
    ],
)
def test_a_query_finds_every_trace_with_all_its_words(store: Store, query: str, names: list[str]) -> None:
    assert found(store, query) == names


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12) | st.text("\"'*():^-+{}\\%_ ANDORNTE", max_size=12))
def test_no_query_is_search_syntax(store: Store, query: str) -> None:
    names = found(store, query)
    if query.isascii():  # beyond ASCII, SQLite and Python fold case differently
        asked = query.replace("\0", " ").lower().split()
        texts = {name: "\0".join(parts).lower() for name, *parts in TRACES}
        assert set(names) == {name for name, text in texts.items() if all(word in text for word in asked)}


def test_a_run_that_was_cut_off_is_found(tmp_path: Path) -> None:
    with open_store(tmp_path / "traces.db") as store:
        journal = store.begin(start())
        for token in words("unfinished business"):
            journal.add(token)
        assert [summary.id for summary in store.list("business")] == [journal.trace_id]
        journal.add(words("afterwards", first=2)[0])
        assert [summary.id for summary in store.list("afterwards")] == [journal.trace_id]
        assert store.list("nothing") == []
        journal.close()


def test_a_branch_is_found_by_its_own_words_only(tmp_path: Path) -> None:
    with open_store(tmp_path / "traces.db") as store:
        root = keep(store, "the ticket costs 21", "forty two")
        child = write(store.begin(start(root, 3)), words("twelve", first=3))
        answer = write(store.begin(start(root, 5)), words("three", "answer", 5))
        assert [summary.id for summary in store.list("twelve")] == [child]
        assert [summary.id for summary in store.list("ticket")] == [root]
        assert [summary.id for summary in store.list("strawberry")] == [root]
        assert [summary.id for summary in store.list("fortythree")] == [answer]
        assert store.list("fortytwelve") == []
        assert store.list()[0].answer == "fortythree"
