"""Stage `worked`: prompts of the world with the reasoning that the world itself writes out: a cold start.

Some reasonings have a slip that is found and repaired; no loss is taken on the slip itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from ponder.distill.example import Example
from ponder.distill.prompt import Prompt
from ponder.distill.rows import read_rows, write_rows
from ponder.distill.stages.prompts import world_problem
from ponder.distill.work import Counts, Expected, Kind, Told, Work
from ponder.errors import InputError
from ponder.world.problem import Problem
from ponder.world.reasoning import reasoned

EACH_S = 0.001
TOKENS = 150
"""Tokens of an example, about: a digit is one, most others are two to four letters."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`prompts` is a stage; `slip_rate` the share of reasonings with a slip."""

    prompts: str
    slip_rate: float = 0.12
    seed: int = 0


def run(settings: Settings, work: Work) -> Counts:
    """Write `examples.jsonl`; raises InputError for prompts that are not of the world."""
    made = work.made(settings.prompts)
    total, slipped = made.counts["rows"], 0

    def examples() -> Iterator[Example]:
        nonlocal slipped
        for number, prompt in enumerate(read_rows(made.file("prompts.jsonl"), Prompt)):
            if number % 500 == 0:
                work.go_on()
                work.tell(Told(number, total))
            problem = _problem(prompt)
            solution = reasoned(problem, Random(f"worked {settings.seed} {prompt.id}"), settings.slip_rate)
            slipped += solution.slipped
            pieces = tuple((piece.text, piece.learn) for piece in solution.pieces)
            asked = prompt.asked()
            yield Example(prompt.id, asked, pieces, solution.said, prompt.source, prompt.level)

    count = write_rows(work.folder / "examples.jsonl", examples())
    work.tell(Told(1, 1, f"{count} examples"))
    return {"rows": count, "slipped": slipped}


def _problem(prompt: Prompt) -> Problem:
    kind, _, task = prompt.source.partition(":")
    if kind != "world" or prompt.place is None:
        raise InputError(
            f"the prompt {prompt.id} is of {prompt.source}, and only world: problems are worked out."
        )
    seed, level, number = prompt.place
    return world_problem(task, level, seed, number)


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """One example for each prompt."""
    rows = known[settings.prompts].rows
    return Expected(rows, rows * TOKENS, rows * EACH_S, rows * EACH_S * 10, "one for each prompt")


def check(settings: Settings) -> None:
    """Raise InputError for a share that is none."""
    if not 0 <= settings.slip_rate <= 1:
        raise InputError(f"slip_rate = {settings.slip_rate} is no share: write one from 0 to 1.")


KIND = Kind(Settings, run, expect, needs=lambda s: {s.prompts: ("prompts",)}, check=check)
