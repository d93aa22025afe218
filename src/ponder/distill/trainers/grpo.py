"""The trainer `grpo`: an earlier training goes on with rewards, as `ponder.distill.grpo` gives them.

weights = { sums = 1.0, letters = 1.0 }        updates = 150        prompts = 24        samples = 16

The dataset gives the vocabulary only: problems are made as they are needed, none of them held out.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ponder.distill.rows import read_json
from ponder.distill.trainers import Job
from ponder.distill.trainers.lean import SLOWER, Lean, take_vocabulary
from ponder.distill.work import Expected, Stopped, Told
from ponder.errors import InputError
from ponder.evaluate.tasks.world import tasks_called
from ponder.store.codec import decode

MEAN_TOKENS = 150
"""So long is an answer in the forecast; nobody knows before."""
TPS = 5_100
"""Tokens a second that a small DeepSeek-V3 writes, 64 answers at once, on two undisturbed cores."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a recipe may say; see `ponder.distill.grpo.Settings` for what each means."""

    weights: Mapping[str, float]
    updates: int = 100
    prompts: int = 24
    samples: int = 16
    rate: float = 3e-5
    temperature: float = 1.0
    most_tokens: int = 400
    levels: tuple[int, ...] = (1, 2, 3)
    rewards: Mapping[str, float] | None = None
    epochs: int = 1
    check_every: int = 25
    check_count: int = 24
    check_also: tuple[str, ...] = ()
    most_fall: float = 0.05


class Grpo:
    """See `ponder.distill.trainers.Trainer`."""

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for settings that make no run."""
        wanted = _read(settings)
        if wanted.samples < 2 or wanted.updates < 1 or wanted.prompts < 1:
            raise InputError("samples must be 2 or more, updates and prompts 1 or more.")
        if not wanted.weights or not 0 < wanted.rate < 1:
            raise InputError("weights must name tasks of the world, and rate lie between 0 and 1.")
        for task in (*wanted.weights, *wanted.check_also):
            tasks_called(task)

    def expect(self, settings: Mapping[str, Any], data: Expected) -> Expected:
        """By the answers that are to be written."""
        del data
        wanted = _read(settings)
        tokens = float(
            wanted.updates * wanted.prompts * wanted.samples * min(MEAN_TOKENS, wanted.most_tokens)
        )
        why = f"at {TPS:,} tokens/s and as long again to learn, on two idle cores"
        return Expected(0, tokens, 2 * tokens / TPS, 2 * tokens / TPS * SLOWER, why)

    def train(self, job: Job) -> Mapping[str, Any]:
        """Write the plan once, then reward; the health report stays in the folder."""
        wanted = _read(job.settings)
        if job.start is None:
            raise InputError("grpo begins from a student that can do something: name its training as start.")
        take_vocabulary(job)
        asked = {name: value for name, value in job.settings.items() if value is not None}
        shape = read_json(job.start / "run.json")["shape"]
        plan = {"shape": shape, "seed": job.seed, "stages": [], "start": str(job.start), "grpo": asked}
        (job.folder / "run.json").write_text(json.dumps(plan, indent=1), encoding="utf-8")
        import_module("ponder.distill.kept").use_threads()
        run: Any = import_module("ponder.distill.grpo").Reinforced(job.folder)

        def told(row: Mapping[str, Any]) -> None:
            run.stopping = job.stopping()
            said = (
                f"reward {row['reward']:.3f}, {row['right']:.0%} right" if "reward" in row else "first check"
            )
            job.tell(Told(run.update, wanted.updates, said))

        run.told = told
        begun, cpu = time.monotonic(), time.process_time()
        try:
            run.train()
        except SystemExit as end:
            raise Stopped from end
        spent = {"seconds": time.monotonic() - begun, "cpu_seconds": time.process_time() - cpu}
        health = read_json(job.folder / "health.json")
        parameters = sum(weight.numel() for weight in run.student.parameters())
        came = {"ended": run.ended, "best": run.best, "health": health["state"], "parameters": parameters}
        return {"steps": run.update, "tokens": run.seen, **came, **spent}

    def export(self, folder: Path, path: Path, kind: str) -> None:
        """Write the best student."""
        Lean().export(folder, path, kind)

    def examine(self, data: Path, file: Path, count: int) -> Mapping[str, Any]:
        """See `ponder.distill.doctor`."""
        return Lean().examine(data, file, count)


def _read(settings: Mapping[str, Any]) -> Settings:
    try:
        return decode(Settings, dict(settings))
    except ValueError as error:
        raise InputError(f"{str(error).replace('Settings', 'the trainer grpo', 1)}.") from error


TRAINER = Grpo()
