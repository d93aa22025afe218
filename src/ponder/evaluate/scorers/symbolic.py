"""Whether two mathematical answers mean the same, by math-verify in processes of their own.

math-verify keeps its time with a signal, which only a main thread can take, and SymPy may work on a power
tower for ever. So each comparison runs in a child with a deadline; one that is late is killed, and its
verdict is unknown. Only the LaTeX reader is used: the other one evaluates text as Python.
"""

import queue
import sys
from importlib.util import find_spec

from ponder.check.worker import Worker
from ponder.errors import AbilityError
from ponder.evaluate.scorers.verdict import LATE, Outcome

DEADLINE_S = 5.0
"""For one comparison."""
CHILD = (sys.executable, "-m", "ponder.evaluate.scorers.compare")
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
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._children = [Worker(CHILD) for _ in range(max(1, processes))]
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
            return "unknown", f"{LATE} {self._deadline_s:g} s"
        if not answer["target"] or not answer["given"]:
            return "unknown", f"the {'answer' if answer['target'] else 'target'} could not be read"
        return ("right" if answer["same"] else "wrong"), ""

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.close()

    def __enter__(self) -> "Symbolic":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
