"""Ways to train, chosen by name in a recipe: `trainer = "lean"` is `ponder.distill.trainers.lean.TRAINER`.

A trainer gets lessons (token ids and which of them to learn) or examples (texts), its own settings out of the
recipe, and a folder; it leaves there what `export` makes GGUF files of. It may be killed at any moment, and
goes on in the same folder. To add one, write a module here and name it in `NAMES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ponder.distill.work import Expected, Told
from ponder.errors import InputError

NAMES = ("lean", "moe", "grpo", "trl")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be trained. `data` is the folder of the dataset stage: `lessons.jsonl` (`ids` and `learn`,
    ranges of the tokens to learn), `examples.jsonl` (`ponder.distill.example.Example`), `vocabulary.json`.

    `start` is the folder of an earlier training to go on from, with another dataset; `settings` are the
    trainer's own, from the recipe; `tell` is called about once a second, `stopping` at every step.
    """

    data: Path
    folder: Path
    start: Path | None
    seed: int
    settings: Mapping[str, Any]
    tell: Callable[[Told], None]
    stopping: Callable[[], bool]


class Trainer(Protocol):
    """One way to train."""

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for settings that make no sense; no weights are read and torch is not loaded."""

    def expect(self, settings: Mapping[str, Any], data: Expected) -> Expected:
        """Tokens to be read and seconds on this machine, for a dataset as it is expected."""

    def train(self, job: Job) -> Mapping[str, Any]:
        """Train to the end, or go on to the end; what came of it (steps, tokens, loss, seconds).

        Raises `ponder.distill.work.Stopped` where it was told to stop; it has kept what it had then. Rows of
        `log.jsonl` in the folder (`step`, `tokens`, `loss`) are drawn as curves in the report.
        """

    def export(self, folder: Path, path: Path, kind: str) -> None:
        """Write a trained folder as a GGUF file of a kind such as F32 or Q8_0; raises InputError."""

    def examine(self, data: Path, file: Path, count: int) -> Mapping[str, Any]:
        """The template doctor: prove that `count` lessons of the dataset have the same token ids in the data,
        in training, in the engine and in a GGUF file; what was compared. Raises InputError where they differ.
        """


def trainer(name: str) -> Trainer:
    """The trainer of that name; raises InputError."""
    if name not in NAMES:
        near = " or ".join(get_close_matches(name, NAMES, n=2)) or ", ".join(NAMES)
        raise InputError(f"there is no trainer {name!r}: try {near}.")
    found: Trainer = import_module(f"ponder.distill.trainers.{name}").TRAINER
    return found
