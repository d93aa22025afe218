"""What the own evaluator cannot decide, asked of SymPy in a child process: `ask(questions)`.

The child is started at the first question and kept; it gets trees of our own grammar, no text. It has a
limit of memory, and `DEADLINE_S` for each question: where it is late it is killed, the question stays
undecided, and the next one starts another. After `MOST_KILLS` in one call the rest stays undecided. With the
caps on size questions take milliseconds, so that the deadline decides nothing that a slow machine would see.
"""

import atexit
import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ponder.check.expression import Tree

DEADLINE_S = 5.0
START_S = 60.0
MOST_KILLS = 2
MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class Question:
    """ "value": the decimal value of one tree without variables; "same": whether two are equal everywhere."""

    ask: Literal["value", "same"]
    trees: tuple[Tree, ...]


class _Child:
    """A running child and the thread that reads its lines."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("sympy_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.alive = self._next(START_S) is not None
        if not self.alive:
            self.close()

    def _read(self) -> None:
        stream = self._process.stdout
        with contextlib.suppress(ValueError, OSError):
            for line in stream or ():
                self._lines.put(line)
        self._lines.put("")

    def _next(self, seconds: float) -> dict[str, Any] | None:
        try:
            line = self._lines.get(timeout=seconds)
            return dict(json.loads(line)) if line else None
        except (queue.Empty, ValueError):
            return None

    def answer(self, question: Question) -> dict[str, Any] | None:
        """The answer; None where there was none in time, and then the child is gone."""
        if not self.alive or self._process.stdin is None:
            return None
        try:
            message = {"ask": question.ask, "trees": [_plain(tree) for tree in question.trees]}
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError:
            found = None
        else:
            found = self._next(DEADLINE_S)
        if found is None:
            self.close()
        return found

    def close(self) -> None:
        """Ends the process."""
        self.alive = False
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


_LOCK = threading.Lock()
_RUNNING: list[_Child] = []


def ask(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The answers in order: {"value": "…"}, {"same": …}, or {} where nothing could be decided."""
    answers: list[dict[str, Any]] = []
    kills = 0
    with _LOCK:
        for question in questions:
            if kills >= MOST_KILLS or sum(_size(tree) for tree in question.trees) > MOST_NODES:
                answers.append({})
                continue
            found = _child().answer(question)
            kills += found is None
            answers.append(found or {})
    return answers


def _child() -> _Child:
    if not _RUNNING:
        atexit.register(stop)
    if not _RUNNING or not _RUNNING[0].alive:
        _RUNNING[:] = [_Child()]
    return _RUNNING[0]


def stop() -> None:
    """Ends the child, if there is one; the next question starts another."""
    for child in _RUNNING:
        child.close()
    _RUNNING.clear()


def _size(tree: Any) -> int:
    return 1 + sum(map(_size, tree)) if isinstance(tree, tuple) else 1


def _plain(tree: Any) -> Any:
    """A tree as JSON holds it."""
    if tree[0] == "number":
        return ["number", tree[1].numerator, tree[1].denominator]
    return [_plain(part) if isinstance(part, tuple) else part for part in tree]
