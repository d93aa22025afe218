"""From what a person types to a task: a file, `gym:NAME`, `world:NAME`, or a name that one of them has."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ponder.core.paths import typed_path
from ponder.errors import FileFormatError, NotFoundError
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.tasks import answers, choices, gym, programs, world
from ponder.evaluate.tasks.rows import Row, read_rows

GENERATED = 100
"""Problems of a generated task where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many problems (None: all of a file), which ones, and what is added to each question (None: what
    goes with the format).
    """

    limit: int | None = None
    seed: int = 0
    asks: str | None = None


def find_task(name: str, wanted: Wanted) -> Task:
    """The task called `name`; raises NotFoundError with the nearest ones, and what its format raises."""
    kind, colon, rest = name.partition(":")
    if colon and kind in ("gym", "world"):
        return _generated(kind, rest, wanted)
    path = typed_path(name)
    if path.is_file():
        return _from_file(path, wanted)
    if path.suffix or len(path.parts) > 1:
        raise NotFoundError(f"there is no task file {name}: is the path right?")
    for kind in ("world", "gym"):
        if name in _SOURCES[kind][0]():
            return _generated(kind, name, wanted)
    there = [*world.known(), *gym.known()]
    near = " or ".join(f"`{each}`" for each in get_close_matches(name, there, n=3))
    raise NotFoundError(
        f"there is no task file or task {name!r}: give a JSONL file with `question` and `answer`"
        + (f", or {near}." if near else ", or the name of a generated task, such as gym:basic_arithmetic.")
    )


_SOURCES: dict[str, tuple[Callable[[], list[str]], Callable[[str, int, int], tuple[Problem, ...]], str]] = {
    "gym": (gym.known, gym.problems, gym.ASKS),
    "world": (world.known, world.problems, world.ASKS),
}


def _generated(kind: str, name: str, wanted: Wanted) -> Task:
    _, make, asks = _SOURCES[kind]
    made = make(name, wanted.limit or GENERATED, wanted.seed)
    return Task(f"{kind}:{name}", made, asks if wanted.asks is None else wanted.asks)


def _from_file(path: Path, wanted: Wanted) -> Task:
    return task_of(path.stem, read_rows(path), wanted)


def task_of(name: str, rows: Sequence[Row], wanted: Wanted) -> Task:
    """The task that rows are; raises FileFormatError, which names the row."""
    made = tuple(_problem(row) for row in rows)
    seen: dict[str, Row] = {}
    for row, problem in zip(rows, made, strict=True):
        if problem.id in seen:
            raise FileFormatError(
                f"{row.where} has the id {problem.id!r} of {seen[problem.id].where}: mend one."
            )
        seen[problem.id] = row
    if wanted.limit is not None and wanted.limit < len(made):
        chosen = set(random.Random(f"problems {wanted.seed}").sample(range(len(made)), wanted.limit))
        made = tuple(problem for place, problem in enumerate(made) if place in chosen)
    return Task(name, made, _asks(made) if wanted.asks is None else wanted.asks)


def _problem(row: Row) -> Problem:
    if programs.is_program(row):
        return programs.problem_of(row)
    return choices.problem_of(row) if choices.has_choices(row) else answers.problem_of(row)


def _asks(problems: tuple[Problem, ...]) -> str:
    if any(problem.tests for problem in problems):
        return programs.ASKS
    return choices.ASKS if any(problem.choices for problem in problems) else answers.ASKS
