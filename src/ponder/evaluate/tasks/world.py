"""The world of the built-in model: its tasks by name, always of the side that training never sees."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ponder.errors import NotFoundError
from ponder.evaluate.problem import Problem

ASKS = ""
MODULE = "ponder.world.tasks"


def known() -> list[str]:
    """The names of its tasks; empty where there is no world."""
    return list(_world().TASKS) if find_spec("ponder.world") else []


def problems(name: str, count: int, seed: int) -> tuple[Problem, ...]:
    """`count` held-out problems of a task, or with the name "all" of every task in turn."""
    names = known()
    if name not in (*names, "all"):
        raise NotFoundError(f"the world has no task {name!r}; it has {', '.join(names) or 'none'}.")
    chosen = names if name == "all" else [name]
    made: list[Problem] = []
    for place, task in enumerate(chosen):
        size = count // len(chosen) + (place < count % len(chosen))
        made += [
            _problem(task, number, each) for number, each in enumerate(_world().held_out(task, seed, size))
        ]
    return tuple(made)


def _problem(task: str, number: int, made: Any) -> Problem:
    return Problem(f"{task}-{number}-{made.key}", made.question, made.answer, f"{task} {made.level}")


def _world() -> Any:
    return import_module(MODULE)
