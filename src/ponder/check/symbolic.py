"""What the own evaluator cannot decide, asked of SymPy in a child process: `ask(questions)`.

The child is started at the first question and kept; it gets trees of our own grammar, no text. It has a
limit of memory, and `DEADLINE_S` for each question: where it is late it is killed, the question stays
undecided, and the next one starts another. After `MOST_KILLS` in one call the rest stays undecided. With the
caps on size questions take milliseconds, so that the deadline decides nothing that a slow machine would see.
"""

import atexit
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ponder.check.expression import Tree
from ponder.check.worker import Worker

DEADLINE_S = 5.0
MOST_KILLS = 2
MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class Question:
    """ "value": the decimal value of one tree without variables; "same": whether two are equal everywhere."""

    ask: Literal["value", "same"]
    trees: tuple[Tree, ...]


_LOCK = threading.Lock()
_RUNNING: list[Worker] = []


def ask(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The answers in order: {"value": "…"}, {"same": …}, or {} where nothing could be decided."""
    answers: list[dict[str, Any]] = []
    kills = 0
    with _LOCK:
        for question in questions:
            if kills >= MOST_KILLS or sum(_size(tree) for tree in question.trees) > MOST_NODES:
                answers.append({})
                continue
            message = {"ask": question.ask, "trees": [_plain(tree) for tree in question.trees]}
            found = _child().ask(message, DEADLINE_S)
            kills += found is None
            answers.append(found or {})
    return answers


def _child() -> Worker:
    if not _RUNNING:
        atexit.register(stop)
        _RUNNING.append(Worker([sys.executable, "-I", str(Path(__file__).with_name("sympy_child.py"))]))
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
