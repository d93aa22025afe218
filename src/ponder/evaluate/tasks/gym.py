"""Tasks of reasoning-gym, by name: generated from a seed, and scored by its own scorers.

Some of these scorers run an answer as Python. What they get is only what cannot do harm there: numbers,
signs, quoted words and the names of a few functions. Any other answer to them is unknown, and says so.
"""

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ponder.errors import AbilityError, InputError, NotFoundError
from ponder.evaluate.problem import NotScored, Own, Problem

ASKS = "Give only the final answer between <answer> and </answer>, in the form that is asked for."
_RUNS = re.compile(r"\b(?:eval|exec|parse_expr|sympify|literal_eval)\(")
_QUOTED = re.compile(r"\"[^\"\\\n]{0,200}\"|'[^'\\\n]{0,200}'")
_NAME = re.compile(r"[A-Za-z_]\w*")
_KNOWN = {
    "sin",
    "cos",
    "tan",
    "exp",
    "log",
    "ln",
    "sqrt",
    "pi",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
}
_POWERS = re.compile(r"(?:\*\*|\^)\s*\(?-?\d{3,}|(?:\*\*|\^)\s*[\w.()]+\s*(?:\*\*|\^)")


def known() -> list[str]:
    """The names of its tasks; empty where it is not installed."""
    return sorted(_factory().DATASETS) if find_spec("reasoning_gym") else []


def problems(name: str, count: int, seed: int) -> tuple[Problem, ...]:
    """`count` problems of the task `name`; raises AbilityError without the package, NotFoundError, and
    InputError where the task cannot be generated.
    """
    return tuple(problem_at(name, seed, count, place) for place in range(count))


def problem_at(name: str, seed: int, count: int, place: int) -> Problem:
    """Number `place` of `problems(name, count, seed)`, alone; raises as that does."""
    dataset, runs = _dataset(name, seed, count)
    with _refused(name):
        entry = dataset[place]
    own = _scorer(dataset, entry, runs=runs)
    return Problem(f"{seed}-{place}", str(entry["question"]), str(entry["answer"] or ""), own=own)


@lru_cache(maxsize=8)
def _dataset(name: str, seed: int, count: int) -> tuple[Any, bool]:
    """A data set, and whether its scorer runs answers."""
    if not find_spec("reasoning_gym"):
        raise AbilityError(
            f"the task {name} is one of reasoning-gym, which is not installed: type "
            "`pip install reasoning-gym`."
        )
    factory = _factory()
    if name not in factory.DATASETS:
        near = " or ".join(get_close_matches(name, factory.DATASETS, n=3)) or "basic_arithmetic"
        raise NotFoundError(f"reasoning-gym has no task {name!r}; try {near}.")
    with _refused(name):
        dataset = factory.create_dataset(name, size=count, seed=seed)
    return dataset, _runs_answers(dataset)


@contextmanager
def _refused(name: str) -> Iterator[None]:
    try:
        yield
    except (AssertionError, ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"reasoning-gym cannot make the task {name} ({error}): choose another one."
        ) from error


def harmless(answer: str) -> bool:
    """Whether running an answer as Python can do nothing but compute something small."""
    bare = _QUOTED.sub(" ", answer)
    if "__" in bare or re.search(r"\.\s*[A-Za-z_]|[\\@;:`{}]", bare) or _POWERS.search(bare):
        return False
    return len(answer) <= 2000 and all(len(name) == 1 or name in _KNOWN for name in _NAME.findall(bare))


def _scorer(dataset: Any, entry: Any, *, runs: bool) -> Own:
    def score(answer: str) -> float:
        if runs and not harmless(answer):
            raise NotScored("its scorer runs answers as Python, and this one is more than a formula")
        return float(dataset.score_answer(answer, entry))

    return score


def _runs_answers(dataset: Any) -> bool:
    own = [kind for kind in type(dataset).__mro__ if kind.__module__.startswith("reasoning_gym.")]
    return any(_RUNS.search(inspect.getsource(import_module(kind.__module__))) for kind in own)


def _factory() -> Any:
    import_module("reasoning_gym")
    return import_module("reasoning_gym.factory")
