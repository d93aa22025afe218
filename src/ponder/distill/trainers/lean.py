"""The trainer `lean`: our own loop for one processor, with a small student of Qwen2's or Llama's shape.

shape = { width = 64, layers = 2, heads = 4, feed = 160 }
steps = 1200        tokens = 1536 (places a step)        rate = 0.003
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

from ponder.distill.trainers import Job
from ponder.distill.work import Expected
from ponder.errors import InputError
from ponder.store.codec import decode

SAVE_S = 30.0
KINDS = ("F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "MXFP4")


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """The sizes of a student, as `ponder.distill.student.Shape` has them."""

    width: int
    layers: int
    heads: int
    feed: int
    n_ctx: int = 2048
    family: Literal["qwen2", "llama"] = "qwen2"
    kv_heads: int = 0

    @property
    def parameters(self) -> int:
        """Without the vocabulary: attention and gated feed-forward."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.feed)


@dataclass(frozen=True, slots=True)
class Settings:
    """As a stage of `ponder.distill.train`: the rate rises over `warm` steps, falls over the last `cool`."""

    shape: ShapeOf
    steps: int
    rate: float = 0.003
    tokens: int = 1536
    warm: int = 50
    cool: int | None = None
    optimizer: str = "muon"


RATES = (
    (0.10e6, 62_500), (0.34e6, 31_300), (0.79e6, 17_400), (1.8e6, 7_700), (3.1e6, 6_900), (10.7e6, 2_400),
    (25e6, 1_000),
)  # fmt: skip
"""Parameters → training tokens per second: plain torch in fp32 on two undisturbed cores with AVX-512."""
SLOWER = 10.0
"""By so much another program that keeps the cores busy has slowed training down, at worst."""


class Lean:
    """See `ponder.distill.trainers.Trainer`."""

    name: ClassVar[str] = "lean"
    settings: ClassVar[type[Any]] = Settings

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for sizes that make no model."""
        wanted = self._read(settings)
        shape = wanted.shape
        if shape.width % shape.heads or shape.width // shape.heads % 2:
            raise InputError(
                f"width = {shape.width} cannot be shared by {shape.heads} heads of an even width."
            )
        if shape.kv_heads and shape.heads % shape.kv_heads:
            raise InputError(f"{shape.heads} heads cannot share kv_heads = {shape.kv_heads} evenly.")
        if shape.feed % 32 or shape.width % 32:
            raise InputError(
                f"width = {shape.width} and feed = {shape.feed} must be multiples of 32, for Q8_0."
            )
        if wanted.steps < 1 or wanted.tokens < 1 or not 0 < wanted.rate < 1:
            raise InputError("steps and tokens must be 1 or more, and rate between 0 and 1.")
        if wanted.optimizer not in ("muon", "adamw"):
            raise InputError(f"optimizer = {wanted.optimizer!r} is neither muon nor adamw.")

    def expect(self, settings: Mapping[str, Any], data: Expected) -> Expected:
        """By the steps, at a rate between those of its neighbours in RATES."""
        del data
        wanted = self._read(settings)
        tokens = float(wanted.steps * wanted.tokens)
        tps = _rate(wanted.shape.parameters)
        why = f"at {tps:,.0f} tokens/s on two idle cores, {SLOWER:.0f} times slower on busy ones"
        return Expected(0, tokens, tokens / tps, tokens / tps * SLOWER, why)

    def train(self, job: Job) -> Mapping[str, Any]:
        """Write the plan once, then train; see `ponder.distill.train`."""
        wanted = self._read(job.settings)
        _write_plan(job, wanted)
        watched: Any = import_module("ponder.distill.trainers.watched")
        begun, cpu = time.monotonic(), time.process_time()
        run = watched.trained(job, SAVE_S, watched.KINDS[self.name])
        spent = {"seconds": time.monotonic() - begun, "cpu_seconds": time.process_time() - cpu}
        parameters = sum(weight.numel() for weight in run.student.parameters())
        return {"steps": wanted.steps, "tokens": run.seen, "parameters": parameters, **run.last, **spent}

    def export(self, folder: Path, path: Path, kind: str) -> None:
        """Write the last checkpoint."""
        if kind not in KINDS:
            raise InputError(f"the trainer {self.name} exports {', '.join(KINDS)}, not {kind}.")
        run: Any = import_module("ponder.distill.kept").loaded(folder)
        import_module("ponder.distill.export").export(run.student, run.vocabulary, path, kind, path.stem)

    def examine(self, data: Path, file: Path, count: int) -> Mapping[str, Any]:
        """See `ponder.distill.doctor`."""
        proof: Mapping[str, Any] = import_module("ponder.distill.doctor").examined(data, file, count)
        return proof

    def _read(self, settings: Mapping[str, Any]) -> Any:
        try:
            return decode(self.settings, dict(settings))
        except ValueError as error:
            raise InputError(f"{str(error).replace('Settings', f'the trainer {self.name}', 1)}.") from error


def _rate(parameters: int) -> float:
    """Between two neighbours of RATES in proportion to the logarithm, beyond them as 1/parameters."""
    if parameters <= RATES[0][0]:
        return RATES[0][1]
    for (small, fast), (large, slow) in pairwise(RATES):
        if parameters <= large:
            share = (parameters - small) / (large - small)
            return float(fast ** (1 - share) * slow**share)
    return RATES[-1][1] * RATES[-1][0] / parameters


def take_vocabulary(job: Job) -> None:
    """The dataset's vocabulary is the student's."""
    vocabulary = job.folder / "vocabulary.json"
    if not vocabulary.exists():
        vocabulary.write_bytes((job.data / "vocabulary.json").read_bytes())


def _write_plan(job: Job, wanted: Any) -> None:
    take_vocabulary(job)
    cool = wanted.steps // 3 if wanted.cool is None else wanted.cool
    course = {"lessons": str(job.data / "lessons.jsonl"), "seed": job.seed}
    stage = {"course": course, "steps": wanted.steps, "rate": wanted.rate, "tokens": wanted.tokens}
    plan = {
        "shape": asdict(wanted.shape),
        "seed": job.seed,
        "optimizer": wanted.optimizer,
        "start": str(job.start or ""),
        "stages": [stage | {"warm": wanted.warm, "cool": cool}],
        "moe": getattr(wanted, "moe", {}),
    }
    (job.folder / "run.json").write_text(json.dumps(plan, indent=1), encoding="utf-8")


TRAINER = Lean()
