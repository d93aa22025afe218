"""Whether two mathematical answers mean the same, by math-verify in processes of their own.

math-verify keeps its time with a signal, which only a main thread can take, and SymPy may work on a power
tower for ever. So each comparison runs in a child with a deadline; one that is late is killed, and its
verdict is unknown. Only the LaTeX reader is used: the other one evaluates text as Python.
"""

import json
import queue
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Any

from ponder.errors import AbilityError
from ponder.evaluate.scorers.verdict import Outcome

DEADLINE_S, START_S = 5.0, 60.0
"""For one comparison, and for the start of a child, which imports SymPy."""
MOST_CHARACTERS = 500
MOST_KEPT = 20_000


class Symbolic:
    """`processes` children that compare; safe to use from several threads. Close it, or use it in `with`.

    Raises AbilityError where math-verify is not installed.
    """

    def __init__(self, processes: int = 1, deadline_s: float = DEADLINE_S) -> None:
        if not find_spec("math_verify"):
            raise AbilityError("formulae are compared by math-verify: type `pip install math-verify`.")
        self.late = 0
        """Comparisons that took longer than the deadline."""
        self._deadline_s = deadline_s
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._children = [_Child() for _ in range(max(1, processes))]
        for child in self._children:
            self._idle.put(child)
        self._known: dict[tuple[str, str], tuple[Outcome, str]] = {}

    def compare(self, target: str, given: str) -> tuple[Outcome, str]:
        """Whether `given` is what `target` is, in this order, and a note where that stays unknown."""
        pair = target, given
        if pair not in self._known:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[pair] = self._compared(*pair)
        return self._known[pair]

    def _compared(self, target: str, given: str) -> tuple[Outcome, str]:
        if max(len(target), len(given)) > MOST_CHARACTERS:
            return "unknown", f"longer than {MOST_CHARACTERS} characters"
        child = self._idle.get()
        try:
            answer = child.ask({"target": target, "given": given}, self._deadline_s)
        finally:
            self._idle.put(child)
        if answer is None:
            self.late += 1
            return "unknown", f"no verdict within {self._deadline_s:g} s"
        if not answer["target"] or not answer["given"]:
            return "unknown", f"the {'answer' if answer['target'] else 'target'} could not be read"
        return ("right" if answer["same"] else "wrong"), ""

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.end()

    def __enter__(self) -> "Symbolic":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Child:
    """One process that answers a JSON line with a JSON line; started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, question: dict[str, str], deadline_s: float) -> dict[str, Any] | None:
        """Its answer; None if it was late or died, and is gone."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ponder.evaluate.scorers.compare"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
            if self._line(self._process, "", START_S) is None:
                return None
        line = self._line(self._process, json.dumps(question) + "\n", deadline_s)
        answer: dict[str, Any] | None = None if line is None else json.loads(line)
        return answer

    def _line(self, process: "subprocess.Popen[str]", said: str, deadline_s: float) -> str | None:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(deadline_s, process.kill)
        timer.start()
        try:
            process.stdin.write(said)
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            self.end()
        return line or None

    def end(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
