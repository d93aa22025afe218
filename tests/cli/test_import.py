"""`ponder import`: reasoning from elsewhere, to show and to check, and our own exports back whole."""

import json
from pathlib import Path

import pytest

from ponder.core.trace import Trace
from ponder.foreign import ENGINE, read_solutions, trace_of
from ponder.store import open_store
from tests.cli.terminal import Said, ponder
from tests.store.samples import start, words, write

Capture = pytest.CaptureFixture[str]
R1 = (
    "<think>\nOkay, so a ticket costs 21 dollars.\n\nSo 3 tickets cost 3 * 21 = 64 dollars.\n</think>\n\n"
    "It is 64."
)
SPLIT = {"role": "assistant", "content": "It is 64."}


def bring(capfd: Capture, file: Path, text: str | bytes, *options: str) -> Said:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return ponder(capfd, "import", str(file), *options)


def one(text: str) -> Trace:
    (solution,) = read_solutions(text)
    return trace_of(solution)


def test_a_text_with_tags_can_be_shown_and_checked(capfd: Capture, tmp_path: Path) -> None:
    said = bring(capfd, tmp_path / "a.txt", R1, "--question", "How much?", "-m", "r1")
    assert said.code == 0
    with open_store() as store:
        trace = store.load("last")
    assert (trace.question, trace.model, trace.engine) == ("How much?", "r1", ENGINE)
    assert trace.answer == "It is 64."
    assert trace.reasoning.startswith("Okay, so a ticket")
    shown = ponder(capfd, "show").out
    assert "words stand for tokens" in shown
    checked = ponder(capfd, "check").out
    assert "3 * 21 = 64" in checked
    for command in (("fork", "--at", "1"), ("resume",), ("replay",), ("check", "--rollouts")):
        refused = ponder(capfd, *command)
        assert refused.code == 2
        assert "imported as text" in refused.err or "come to its end" in refused.err


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Q?", "response": R1},
        {"problem": "Q?", "reasoning": R1[7:-22].strip("\n </think>"), "answer": "It is 64."},
        {"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": R1}]},
        {
            "prompt": "Q?",
            "choices": [{"message": SPLIT | {"reasoning_content": "3 * 21 = 64"}}],
        },
        {"prompt": "Q?", "message": SPLIT | {"thinking": "3 * 21 = 64"}},
    ],
    ids=["output", "fields", "messages", "openai", "ollama"],
)  # fmt: skip
def test_rows_in_many_spellings(row: dict[str, object]) -> None:
    trace = one(json.dumps(row))
    assert trace.question == "Q?"
    assert trace.answer == "It is 64."
    assert "3 * 21 = 64" in trace.reasoning
    assert trace.finish is not None
    assert trace.finish.closed_by == "model"


def test_given_steps_stay_as_they_are() -> None:
    steps = ["First 2 + 2 = 4.\n\nThen more.", "So 4 * 3 = 13.", {"text": "The answer is 13."}]
    trace = one(json.dumps({"problem": "Q?", "steps": steps}))
    assert [trace.step_text(step).strip() for step in trace.steps] == [*steps[:2], "The answer is 13."]


def test_a_text_without_an_opening_tag_and_one_without_any() -> None:
    assert one(R1.removeprefix("<think>\n")).reasoning == one(R1).reasoning
    bare = one("Let me add.\n\n2 + 2 = 4.")
    assert bare.reasoning == "Let me add.\n\n2 + 2 = 4."
    assert bare.finish is not None
    assert "no think tags" in bare.finish.notes[1]


def test_many_rows_are_kept_or_none(capfd: Capture, tmp_path: Path) -> None:
    rows = [
        json.dumps({"question": f"Q{n}", "response": f"<think>U+2028 \u2028 {n}</think>{n}"})
        for n in range(3)
    ]
    file = tmp_path / "rows.jsonl"
    assert "Kept 3 traces" in bring(capfd, file, "\n".join(rows)).out
    assert bring(capfd, file, "\n".join([*rows, '{"foo": 1}'])).code == 2
    with open_store() as store:
        assert [summary.question for summary in store.list()] == ["Q2", "Q1", "Q0"]


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe", b"{}", b"", b'{"a": 1}\n{', b"[" * 100_000, b"[1]", b"[]"]
)
def test_something_else_is_one_sentence(capfd: Capture, content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    said = ponder(capfd, "import", str(file)) if content is None else bring(capfd, file, content)
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_an_exported_trace_goes_to_another_store_and_back(capfd: Capture, tmp_path: Path) -> None:
    with open_store() as store:
        trace_id = write(store.begin(start()), words("2 + 2 is 4 .", "reasoning", 0), [])
        before = store.bundle(trace_id)
    file = tmp_path / "trace.json"
    assert ponder(capfd, "export", trace_id, "-o", str(file)).code == 0
    with open_store() as store:
        store.delete(trace_id)
    assert ponder(capfd, "import", str(file)).out == f"Kept as {trace_id}.\n"
    with open_store() as store:
        assert store.bundle(trace_id) == before
