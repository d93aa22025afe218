"""`ponder traces`, `show` and `export`, as a person sees them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ponder.cli.drawing import bars, ended, when
from ponder.cli.export import command as export
from ponder.cli.show import command as show
from ponder.cli.traces import command as traces
from ponder.core.events import Finish, Step, Token, Usage
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.errors import InputError, NotFoundError, StorageError
from ponder.store import Bundle, open_store
from ponder.store.database import default_path
from tests.store.child import environment
from tests.store.samples import keep, start, words, write

EVIL = "\x1b]0;owned\x07 <script> 草莓 \x9b31m"


@pytest.fixture
def trace_id(ponder_home: Path) -> str:
    """A trace with steps, a correction, a budget, hostile text and broken UTF-8."""
    assert ponder_home
    tokens = [
        *words("3 times 7 is 21."),
        *[replace(t, origin="correction") for t in words("Wait, the ticket costs 12.", first=5)],
        Token(10, None, b"\xe8\x8d", "reasoning", "model", None, 2.5),
        Token(11, 7, b"</think>", "tag", "budget", -0.5, 2.5),
        *words("It costs 36.", "answer", 12),
    ]
    steps = [
        Step(0, 0, 5, "reasoning", "compute", "operators"),
        Step(1, 5, 11, "reasoning", "doubt", "wait"),
        Step(2, 12, 15, "answer", "answer", "part"),
    ]
    end = Finish("stop", "budget", Usage(3, 0, 15, 11, 3, 15, total_s=3.5, decode_s=2.0), (f"Note {EVIL}",))
    request = Request((Message("user", f"What do 3 tickets cost? {EVIL}"),))
    with open_store() as store:
        return write(store.begin(start(request=request)), tokens, steps, end)


def run(command: click.Command, *arguments: str, columns: int = 80, typed: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=typed, env={"COLUMNS": str(columns)})


def lines(command: click.Command, *arguments: str, columns: int = 80, typed: str | None = None) -> list[str]:
    result = run(command, *arguments, columns=columns, typed=typed)
    assert result.exception is None, result.exception
    assert not set(result.output) & {"\x1b", "\x07", "\x9b"}
    return [line.rstrip() for line in result.output.splitlines()]


@pytest.mark.parametrize("columns", [80, 140])
def test_the_list_fits_the_terminal(trace_id: str, columns: int) -> None:
    with open_store() as store:
        child = write(store.begin(start(trace_id, 5)), words("new", first=5), end=None)
    header, *rows = lines(traces, columns=columns)
    assert header.split()[:4] == ["id", "when", "model", "question"]
    assert [row.split()[0] for row in rows] == [child, trace_id]
    assert max(map(len, rows)) <= columns
    assert f"↳ {trace_id}" in rows[0]
    assert rows[0].endswith("unfinished")
    assert rows[1].endswith("budget" if columns == 80 else "answered (budget)")
    assert "What do 3" in rows[1]


def test_the_list_says_when_there_is_more_and_when_there_is_nothing(ponder_home: Path) -> None:
    assert lines(traces) == ['Nothing is kept yet: try `ponder ask "…"`.']
    with open_store() as store:
        for number in range(3):
            keep(store, f"number {number}")
    assert lines(traces, "--limit", "2")[-1] == "The newest 2 are shown; `--limit 8` shows more."
    assert len(lines(traces, "number", "2")) == 2
    assert lines(traces, "no such") == ["No trace contains 'no such'."]
    assert ponder_home.exists()


def test_the_list_as_json_is_complete(trace_id: str) -> None:
    (row,) = map(json.loads, lines(traces, "--json", "ticket"))
    assert (row["id"], row["tokens"], row["closed_by"]) == (trace_id, 15, "budget")
    assert (row["question"], row["answer"]) == (f"What do 3 tickets cost? {EVIL}", "It costs 36.")


def test_deleting_shows_and_asks(trace_id: str) -> None:
    for typed in ("n\n", "\n"):
        assert lines(traces, "--delete", trace_id, typed=typed)[-1] == "Nothing was deleted."
    assert isinstance(run(traces, "--delete", trace_id, typed="").exception, InputError)
    assert isinstance(run(traces, "--delete", trace_id, "zzzz", typed="y\n").exception, NotFoundError)
    assert isinstance(run(traces, "--delete").exception, InputError)
    assert len(lines(traces)) == 2
    shown = lines(traces, "--delete", trace_id[:5], typed="y\n")
    assert shown[0].startswith(f"{trace_id}  What do 3 tickets cost?")
    assert shown[-1].endswith(f"Deleted {trace_id}.")
    assert isinstance(run(traces, "--delete", trace_id, "--yes").exception, NotFoundError)


def test_check_and_set_aside(trace_id: str) -> None:
    assert lines(traces, "--check")[0].endswith("is sound: 1 traces, every token readable.")
    assert "opens without a fault" in str(run(traces, "--set-aside").exception)
    assert isinstance(run(traces, "--check", "--set-aside").exception, InputError)
    path = default_path()
    path.write_bytes(path.read_bytes()[: -2 * 4096])
    assert isinstance(run(traces).exception, StorageError)
    said = " ".join(lines(traces, "--set-aside"))
    assert "traces.db.damaged-" in said
    assert trace_id in said or "Saved into a new one: 1 traces." in said
    assert run(traces).exception is None


@pytest.mark.parametrize("columns", [80, 140])
def test_show_draws_an_outline(trace_id: str, columns: int) -> None:
    shown = lines(show, trace_id, columns=columns)
    assert max(map(len, shown)) <= columns
    text = "\n".join(shown)
    steps = [line.split() for line in shown if "█" in line and line.split()[0].isdigit()]
    assert [(words[0], words[1]) for words in steps] == [("1", "compute"), ("2", "doubt")]
    assert "[correction] Wait, the" in text
    assert "15 tokens · 3.5 s" in text
    assert ["d", "doubt", "1", "6", "55", "%", "1.5", "60", "%"] in [line.split()[:9] for line in shown]
    assert ["◆", "closed:", "budget", "reached"] in [line.split() for line in shown]
    assert shown[-2].strip() == "It costs 36."
    assert "Note" in shown[-1]


def test_show_one_step_and_everything(trace_id: str) -> None:
    step = lines(show, trace_id, "--step", "2", columns=140)
    assert step[0] == "Step 2 · doubt · by wait [correction]"
    assert step[1].startswith("6 tokens · 1.5 s · 4.0 tok/s · mean log-probability -0.50 · mean entropy 0.25")
    assert step[2] == "Wait, the ticket costs 12.�"
    full = "\n".join(lines(show, trace_id, "--full"))
    assert "3 times 7 is 21." in full
    assert "Step 2 · doubt" in full
    assert "It costs 36." in full


def test_show_the_tokens(trace_id: str) -> None:
    header, *rows = lines(show, trace_id, "--tokens")
    assert header.split() == ["index", "id", "part", "origin", "logprob", "entropy", "time", "text"]
    assert len(rows) == 15
    assert rows[10].split() == ["10", "reasoning", "model", "2.500", '"\\xe8\\x8d"']
    assert rows[11].split() == ["11", "7", "tag", "budget", "-0.500", "2.500", '"</think>"']
    assert len(lines(show, trace_id, "--tokens", "--step", "2")) == 1 + 6


def test_show_a_run_that_was_cut_off(ponder_home: Path) -> None:
    with open_store() as store:
        cut = write(store.begin(start()), words("only this"), end=None)
    text = "\n".join(lines(show))
    assert "unfinished" in text
    assert "only this" in text
    assert "(no answer)" in text
    assert ponder_home.exists()
    with pytest.raises(InputError, match=f"{cut} has no steps"):
        raise run(show, cut, "--step", "1").exception or AssertionError


@pytest.mark.parametrize("number", ["0", "3000", "-1"])
def test_show_offers_the_steps_there_are(trace_id: str, number: str) -> None:
    error = run(show, trace_id, "--step", number).exception
    assert str(error) == f"Trace {trace_id} has the steps 1 to 3, no {number}."


def test_export_chooses_the_form_by_the_name(trace_id: str, tmp_path: Path) -> None:
    starts = {"md": b"# What", "html": b"<!doctype html>", "json": b'{"format"', "jsonl": b'{"messages"'}
    for ending, begins in {**starts, "txt": b"# What"}.items():
        file = tmp_path / f"trace.{ending}"
        lines(export, trace_id, "-o", str(file))
        assert file.read_bytes().startswith(begins)
    assert run(export, "--format", "html").output.startswith("<!doctype html>")


def test_export_does_not_overwrite(trace_id: str, tmp_path: Path) -> None:
    file = tmp_path / "trace.md"
    file.write_text("precious")
    error = run(export, trace_id, "-o", str(file)).exception
    assert isinstance(error, InputError)
    assert "add --force" in str(error)
    assert file.read_text() == "precious"
    lines(export, trace_id, "-o", str(file), "--force")
    assert "precious" not in file.read_text()
    assert isinstance(run(export, "-o", str(tmp_path / "none" / "x.md")).exception, StorageError)


def test_export_of_many_makes_a_data_set(trace_id: str, tmp_path: Path) -> None:
    with open_store() as store:
        other = keep(store, "hm", "yes")
    assert len(lines(export, trace_id, other, "--format", "jsonl")) == 2
    assert isinstance(run(export, trace_id, other, "-o", str(tmp_path / "x.md")).exception, InputError)


@pytest.mark.parametrize("name", ["traces", "show", "export"])
def test_as_a_program(trace_id: str, name: str) -> None:
    def call(word: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ponder", name, word]
        return subprocess.run(command, env=environment(), capture_output=True, encoding="utf-8", check=False)

    good = call(trace_id if name != "traces" else "tickets")
    assert (good.returncode, good.stderr) == (0, "")
    assert "What do 3" in good.stdout
    assert "\x1b" not in good.stdout
    if name != "traces":
        bad = call("zzz")
        assert bad.returncode == 2
        assert bad.stderr.startswith("ponder: There is no trace 'zzz'")
        assert len(bad.stderr.splitlines()) == 1


def test_short_words() -> None:
    assert ended("stop", "model") == "answered"
    assert ended("length", "open") == "out of tokens"
    assert ended("stop", "user") == "answered (user)"
    assert ended(None, None) == "unfinished"
    assert when(float("inf")) == when(1e300) == "?"
    assert when(86400.0 * 3) == "1970-01-04"
    assert bars(1.0, 0.5, 4, "red").plain == "██▀▀"
    assert bars(0.0, 0.01, 4, "red").plain == "▄   "
    assert bars(0.25, 1.0, 4, "red").plain == "█▄▄▄"


def test_an_empty_trace_can_be_shown(ponder_home: Path) -> None:
    assert ponder_home
    with open_store() as store:
        store.put(Bundle(Trace("empty00", 1e9, Request(()), "m", "e", (), ())))
    assert "(no answer)" in "\n".join(lines(show, "empty00"))
    assert len(lines(show, "empty00", "--tokens")) == 1
    assert len(lines(traces)) == 2
