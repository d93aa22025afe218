"""Keys at a terminal: pause at the end of a step, and step in. A real pseudo-terminal, the real engine."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ponder.core.trace import Trace, text_of
from ponder.store import open_store
from tests.tiny import write_script

ONE = ("One", " two", " three", " four", " five", " six", " seven", " eight", ".\n\n")
TWO = ("Un", " deux", " trois", " quatre", " cinq", " sept", " huit", " neuf", ";\n\n")
MORE = ("Uno", " dos", " tres", " cuatro", " cinco", " seis", " siete", " ocho", "!\n\n")
SAID = "Wait, the ticket costs 12."


@pytest.fixture(scope="module")
def counter_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reasons in three steps, goes on with the third after a correction, and can be hurried."""
    path = tmp_path_factory.mktemp("models") / "counter.gguf"
    also = [(".", "Uno"), ("t", "Uno"), ("\n\n", "Fin")]
    return write_script(path, [*ONE, *TWO, *MORE, "</think>", "Fin"], also=also)


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.shown = b""

    def until(self, text: bytes, times: int = 1) -> None:
        while self.shown.count(text) < times:
            self.shown += os.read(self._end, 4096)

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def rest(self) -> str:
        with suppress(OSError):  # how a closed terminal reads
            while chunk := os.read(self._end, 4096):
                self.shown += chunk
        return self.shown.decode()


@contextmanager
def asking(model: Path) -> Iterator[Terminal]:
    """`ponder ask` of `model`, with the pause key pressed before it begins."""
    parent, child = pty.openpty()
    terminal = Terminal(parent)
    terminal.type("p")
    command = [sys.executable, "-m", "ponder", "ask", "-m", str(model), "--temperature", "0", "Why?"]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child) as run:
        os.close(child)
        try:
            terminal.until(b"\n> ")
            yield terminal
        finally:
            terminal.rest()
            os.close(parent)
    assert run.returncode == 0


def kept() -> list[Trace]:
    with open_store() as store:
        return [store.load(summary.id) for summary in store.list()]


def test_a_pause_lists_the_steps_and_goes_on(counter_gguf: Path) -> None:
    with asking(counter_gguf) as terminal:
        terminal.type("s 1\n")
        terminal.until(b"> ", 2)
        terminal.type("nonsense\n")
        terminal.until(b"> ", 3)
        terminal.type("\n")
        shown = terminal.rest()
    assert "Pausing at the end of this step." in shown
    assert "Paused after step 1." in shown
    assert "m think more" in shown
    assert shown.count("Un\x1b") == 2  # what stands behind the step is shown again where the line goes on
    assert "'nonsense' is none of these" in shown
    (trace,) = kept()
    assert (len(trace.steps), trace.answer) == (4, "Fin")


def test_an_earlier_step_is_corrected_and_the_line_is_kept(counter_gguf: Path) -> None:
    with asking(counter_gguf) as terminal:
        terminal.type("9 no such step\n")
        terminal.until(b"> ", 2)
        terminal.type(f"1 {SAID}\n")
        shown = terminal.rest()
    assert "has the steps 1 to 1, no 9" in shown
    branch, line = kept()
    assert (branch.parent, branch.fork_index) == (line.id, 0)
    assert branch.reasoning.startswith(SAID + "Uno dos")
    assert text_of(token for token in branch.tokens if token.origin == "correction") == SAID
    assert branch.answer == "Fin"
    assert line.finish is not None
    assert line.finish.reason == "cancelled"


def test_a_step_is_added_after_this_one(counter_gguf: Path) -> None:
    with asking(counter_gguf) as terminal:
        terminal.type(f"c {SAID}\n")
        terminal.rest()
    branch, line = kept()
    assert branch.parent == line.id
    assert branch.reasoning.startswith("One two three four five six seven eight.\n\n" + SAID)


@pytest.mark.parametrize(
    ("typed", "closed_by", "reason"),
    [("a", "user", "stop"), ("m", "model", "stop"), ("q", "open", "cancelled")],
)
def test_the_answer_more_reasoning_or_an_end(
    counter_gguf: Path, typed: str, closed_by: str, reason: str
) -> None:
    with asking(counter_gguf) as terminal:
        terminal.type(f"{typed}\n")
        terminal.rest()
    (trace,) = kept()
    assert trace.finish is not None
    assert (trace.finish.closed_by, trace.finish.reason) == (closed_by, reason)
    assert ("Wait" in trace.reasoning) == (typed == "m")
