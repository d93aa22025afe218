"""The tasks of the world by name, and problems by task, seed and level."""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from ponder.world import (
    clock,
    countdown,
    equations,
    fractions,
    knights,
    lamp,
    letters,
    ordering,
    outside,
    percent,
    sequences,
    stories,
    sums,
)
from ponder.world.problem import Problem

LEVELS = (1, 2, 3)
TASKS: Mapping[str, Callable[[Random, int], Problem]] = MappingProxyType(
    {
        "sums": sums.make,
        "fractions": fractions.make,
        "percent": percent.make,
        "equations": equations.make,
        "stories": stories.make,
        "clock": clock.make,
        "ordering": ordering.make,
        "letters": letters.make,
        "sequences": sequences.make,
        "knights": knights.make,
        "countdown": countdown.make,
        "outside": outside.make,
    }
)
"""Name → maker of one problem of a level: what the built-in model knows."""
MINIATURE: Mapping[str, Callable[[Random, int], Problem]] = MappingProxyType({"lamp": lamp.make})
"""As TASKS, for students that are too small for those: no part of what the built-in model knows."""


def problem(task: str, rng: Random, level: int, *, held_out: bool) -> Problem:
    """A problem of `task` from one side of the split: held out for measuring, or free for training."""
    while True:
        made = (TASKS.get(task) or MINIATURE[task])(rng, level)
        if made.held_out == held_out:
            return made


def held_out(task: str, seed: int, count: int) -> list[Problem]:
    """`count` different held-out problems, the levels in turn. The same seed gives the same ones."""
    found: dict[tuple[str, str], Problem] = {}
    rng, tries = Random(f"{task} {seed}"), 0
    while len(found) < count and tries < 200 * count:
        made = problem(task, rng, LEVELS[len(found) % len(LEVELS)], held_out=True)
        found.setdefault((made.key, made.question), made)
        tries += 1
    return list(found.values())
