"""A prompt: a problem as a row of a file, from which the problem with its own scorer can be had again."""

import re
from dataclasses import dataclass

from ponder.errors import AbilityError
from ponder.evaluate.problem import Problem, Task, Tests
from ponder.evaluate.tasks import gym, world

_NUMBER = re.compile(r"\d+")
_UNORDERED = {"countdown", "puzzle24"}
"""Generated tasks in which the order of the numbers does not matter."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The fields of a `Problem`, what is added to its question (`asks`), and where it is from.

    `source` is such as world:sums, gym:chain_sum or a file's name. Of a generated problem `key` names the
    instance and `place` where its generator made it: seed, how many, and which.
    """

    id: str
    question: str
    target: str = ""
    level: str = ""
    choices: tuple[str, ...] = ()
    tests: Tests | None = None
    asks: str = ""
    source: str = ""
    key: str = ""
    place: tuple[int, int, int] | None = None

    def problem(self) -> Problem:
        """The problem; raises AbilityError where its generator is not installed."""
        kind, _, name = self.source.partition(":")
        own = None
        if kind == "world":
            own = world.own_of(name, self.target)
        elif kind == "gym" and self.place is not None:
            seed, count, number = self.place
            own = gym.problem_at(name, seed, count, number).own
        return Problem(self.id, self.question, self.target, self.level, self.choices, self.tests, own)

    def asked(self) -> str:
        """What a model is asked."""
        plain = Problem(self.id, self.question, choices=self.choices)
        return Task("", (), self.asks).text_of(plain)


def key_of(source: str, problem: Problem) -> str:
    """The key of a problem that reasoning-gym generated; "" for one from a file."""
    kind, _, name = source.partition(":")
    if kind != "gym":
        return ""
    if name in _UNORDERED:
        return f"{name} {' '.join(sorted(_NUMBER.findall(problem.question)))}"
    return f"{name} {' '.join(problem.question.casefold().split())}"


def require_gym() -> None:
    """Raise AbilityError where reasoning-gym is missing."""
    if not gym.known():
        raise AbilityError("a gym: task needs reasoning-gym: type `pip install reasoning-gym`.")
