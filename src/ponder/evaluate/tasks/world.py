"""The world of the built-in model: its tasks by name, always of the side that training never sees."""

import re

from ponder.check.answers import same_answer, tidy
from ponder.check.evaluate import NotEvaluated, evaluate
from ponder.errors import NotFoundError
from ponder.evaluate.problem import Own, Problem
from ponder.world.problem import Problem as Made
from ponder.world.tasks import MINIATURE, TASKS, held_out

ASKS = ""
_NUMBER = re.compile(r"\d+")


def known() -> list[str]:
    """The names of its tasks."""
    return [*TASKS, *MINIATURE]


def problems(name: str, count: int, seed: int) -> tuple[Problem, ...]:
    """`count` held-out problems of a task, or with the name "all" of every task in turn."""
    chosen = tasks_called(name)
    made: list[Problem] = []
    for place, task in enumerate(chosen):
        size = count // len(chosen) + (place < count % len(chosen))
        made += [_problem(number, each) for number, each in enumerate(held_out(task, seed, size))]
    return tuple(made)


def tasks_called(name: str) -> list[str]:
    """The task of that name, or with "all" every one; raises NotFoundError."""
    if name not in (*known(), "all"):
        raise NotFoundError(f"the world has no task {name!r}; it has {', '.join(known())}, and all.")
    return list(TASKS) if name == "all" else [name]


def own_of(task: str, target: str) -> Own | None:
    """The scorer of a task whose answers the cascade cannot judge by comparing, for a problem's answer."""
    own = {"outside": _declined, "countdown": _counted, "ordering": _ordered}.get(task)
    return own(target) if own else None


def _problem(number: int, made: Made) -> Problem:
    name, level = f"{made.task}-{number}-{made.key}", f"{made.task} {made.level}"
    return Problem(name, made.question, made.answer, level, own=own_of(made.task, made.answer))


def _declined(target: str) -> Own:
    """Outside its world the right answer is to say so, in whatever words the list of tasks goes on."""
    del target
    return lambda answer: float("only know" in answer.casefold())


def _counted(target: str) -> Own:
    """Any expression is right that has the same numbers and comes to the same value."""
    numbers, goal = sorted(_NUMBER.findall(target)), evaluate(target).value

    def score(answer: str) -> float:
        expression = tidy(answer).partition("=")[0]
        try:
            value = evaluate(expression).value
        except NotEvaluated:
            return 0.0
        return float(value == goal and sorted(_NUMBER.findall(expression)) == numbers)

    return score


def _ordered(target: str) -> Own:
    """The order of a sorted list is what was asked for."""
    wanted = [part.strip() for part in target.split(",")]

    def score(answer: str) -> float:
        parts = [part.strip() for part in re.split(r",|\band\b", tidy(answer)) if part.strip()]
        same = [same_answer(part, other) for part, other in zip(parts, wanted, strict=False)]
        return float(len(parts) == len(wanted) and all(same))

    return score
