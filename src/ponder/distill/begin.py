"""A new run: the vocabulary is learned from the world, the plan of the built-in model written beside it.

Type `python -m ponder.distill.begin FOLDER`, change `run.json` if you like, then train.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from ponder.distill.vocabulary import Vocabulary
from ponder.errors import InputError
from ponder.world.reasoning import reasoned
from ponder.world.tasks import LEVELS, TASKS, problem

VOCABULARY_SIZE = 1024
PLAN = Path(__file__).parent / "recipes" / "builtin.json"
"""The run that the built-in model comes from: 2.9M parameters, weights of the tasks by what lagged."""


def texts(count: int) -> Iterator[str]:
    """Questions and reasonings of `count` problems a task, none of them held out."""
    for task in TASKS:
        rng = Random(f"vocabulary {task}")
        for at in range(count):
            one = problem(task, rng, LEVELS[at % len(LEVELS)], held_out=False)
            solution = reasoned(one, rng, 0.12)
            yield from (one.question, solution.reasoning, solution.said)


def begin(folder: Path, problems: int = 2500) -> None:
    """Write `vocabulary.json` and `run.json` into `folder`. Raises InputError where a run is already."""
    if (folder / "run.json").exists():
        raise InputError(f"{folder} has a run already; train goes on with it, or name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    Vocabulary.learned(texts(problems), VOCABULARY_SIZE).save(folder / "vocabulary.json")
    (folder / "run.json").write_text(PLAN.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    begin(Path(sys.argv[1]))
