"""A new run: the vocabulary is learned from the world, the plan of the built-in model written beside it.

Type `python -m ponder.distill.begin FOLDER`, change `run.json` if you like, then train.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from ponder.distill.vocabulary import Vocabulary
from ponder.errors import InputError
from ponder.world.reasoning import reasoned
from ponder.world.tasks import LEVELS, TASKS, problem

VOCABULARY_SIZE = 1024
SHAPE = {"width": 192, "layers": 6, "heads": 6, "feed": 512}
"""2.9M parameters."""

_FIRST = {"sums": 3.0, "equations": 1.5, "stories": 1.5, "outside": 0.5}
_LATER = {
    "sums": 2.0,
    "equations": 1.2,
    "stories": 1.5,
    "outside": 0.5,
    "clock": 1.8,
    "letters": 1.5,
    "knights": 2.0,
}


def texts(count: int) -> Iterator[str]:
    """Questions and reasonings of `count` problems a task, none of them held out."""
    for task in TASKS:
        rng = Random(f"vocabulary {task}")
        for at in range(count):
            one = problem(task, rng, LEVELS[at % len(LEVELS)], held_out=False)
            solution = reasoned(one, rng, 0.12)
            yield from (one.question, solution.reasoning, solution.said)


def plan() -> dict[str, Any]:
    """The stages: sums first, then the tasks that lag and more slips; at the end the rate falls."""
    weights = [{task: chosen.get(task, 1.0) for task in TASKS} for chosen in (_FIRST, _LATER)]
    size = {"rate": 0.003, "tokens": 1536}
    return {
        "shape": SHAPE,
        "seed": 1,
        "stages": [
            {"course": {"weights": weights[0], "seed": 11, "slip_rate": 0.06}, "steps": 3600, **size},
            {
                "course": {"weights": weights[1], "seed": 12, "slip_rate": 0.15},
                "steps": 60_000,
                "warm": 1,
                "cool": 8000,
                **size,
            },
        ],
    }


def begin(folder: Path, problems: int = 2500) -> None:
    """Write `vocabulary.json` and `run.json` into `folder`. Raises InputError where a run is already."""
    if (folder / "run.json").exists():
        raise InputError(f"{folder} has a run already; train goes on with it, or name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    Vocabulary.learned(texts(problems), VOCABULARY_SIZE).save(folder / "vocabulary.json")
    (folder / "run.json").write_text(json.dumps(plan(), indent=1), encoding="utf-8")


if __name__ == "__main__":
    begin(Path(sys.argv[1]))
