"""The values of an evaluation's questions: a problem, and a task, which is many of one kind."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."
"""What DeepSeek advises to add to a mathematical question (README of DeepSeek-R1)."""


class NotScored(Exception):  # noqa: N818 - a verdict, not a failure
    """A task's own scorer will not judge this answer, and says why."""


Own = Callable[[str], float]
"""A task's own scorer: the answer that was given → from 0 to 1, where only 1 is right."""


@dataclass(frozen=True, slots=True)
class Tests:
    """How a program is tested: Python `code` that fails unless the function `entry` is right, and is put
    behind `before` and the program, `head` and all where that is only the function's body; or `pairs` of
    standard input and output.
    """

    code: str = ""
    entry: str = ""
    before: str = ""
    head: str = ""
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One question. `id` is unique in its task; `level` is a difficulty or subject, for tables.

    What is right is told by `own`, else by `tests`, else by `target`, which with `choices` is a letter.
    """

    id: str
    question: str
    target: str = ""
    level: str = ""
    choices: tuple[str, ...] = ()
    tests: Tests | None = None
    own: Own | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """Problems of one kind. `asks` is added to each question, behind an empty line."""

    name: str
    problems: tuple[Problem, ...]
    asks: str = ""

    @property
    def sha256(self) -> str:
        """The hash of everything that decides what is asked and what is right."""
        digest = hashlib.sha256(self.asks.encode())
        for problem in self.problems:
            tests = problem.tests and (problem.tests.code, problem.tests.pairs)
            row = (problem.id, problem.question, problem.target, problem.choices, tests)
            digest.update(json.dumps(row).encode())
        return digest.hexdigest()

    def text_of(self, problem: Problem) -> str:
        """What the model is asked."""
        listed = "\n".join(f"({letter}) {choice}" for letter, choice in lettered(problem.choices))
        return "\n\n".join(part for part in (problem.question.strip(), listed, self.asks) if part)


def lettered(choices: tuple[str, ...]) -> list[tuple[str, str]]:
    """The choices with their letters, from A."""
    return [(chr(ord("A") + place), choice) for place, choice in enumerate(choices)]
