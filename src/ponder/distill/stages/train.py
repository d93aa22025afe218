"""Stage `train`: a student learns the lessons of a dataset, by a trainer that the recipe names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ponder.distill.trainers import Job, trainer
from ponder.distill.work import Counts, Expected, Kind, Work


@dataclass(frozen=True, slots=True)
class Settings:
    """`settings` are the trainer's own; `start` is an earlier training of the same trainer to go on from."""

    dataset: str
    settings: Mapping[str, object]
    trainer: str = "lean"
    start: str = ""
    seed: int = 0


def run(settings: Settings, work: Work) -> Counts:
    """Train, or go on; raises what the trainer raises."""
    start = work.made(settings.start).folder if settings.start else None
    data = work.made(settings.dataset).folder
    job = Job(data, work.folder, start, settings.seed, settings.settings, work.tell, work.stopping)
    came = trainer(settings.trainer).train(job)
    return {"trainer": settings.trainer, "data": data.name, **came}


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """As the trainer says."""
    return trainer(settings.trainer).expect(_plain(settings), known[settings.dataset])


def _plain(settings: Settings) -> Mapping[str, Any]:
    return settings.settings


def needs(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """The dataset, and where it goes on from."""
    start: dict[str, tuple[str, ...]] = {settings.start: ("train",)} if settings.start else {}
    return {settings.dataset: ("dataset",), **start}


KIND = Kind(Settings, run, expect, needs=needs, check=lambda s: trainer(s.trainer).check(_plain(s)))
