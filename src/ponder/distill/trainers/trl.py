"""The trainer `trl`: TRL, transformers and PEFT, on one process or many; see `ponder.distill.tuned`.

base = "Qwen/Qwen2.5-Math-1.5B" (a folder or a name on the Hub), or a shape as `lean` has it
lora = { rank = 16, alpha = 32.0 }        processes = 1        epochs = 2.0        rate = 1e-4
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ponder.catalog.gguf import read_vocabulary
from ponder.distill.example import Example
from ponder.distill.forecast import Tuning, expected
from ponder.distill.rows import count_rows, read_rows, write_json, write_rows
from ponder.distill.stages.dataset import ranges
from ponder.distill.trainers import Job
from ponder.distill.trainers.lean import KINDS, Lean, ShapeOf, take_vocabulary
from ponder.distill.work import Expected, Stopped, Told
from ponder.errors import AbilityError, InputError
from ponder.fit.devices import find_all
from ponder.store.codec import decode

POLL_S = 0.5
NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


@dataclass(frozen=True, slots=True)
class LoraOf:
    """As `ponder.distill.tuned.Lora`."""

    rank: int = 16
    alpha: float = 32.0


@dataclass(frozen=True, slots=True)
class Settings:
    """As `ponder.distill.tuned.Wanted`, with `base` for the model, or a `shape` to begin from nothing.
    `cards`, such as "8x H100 SXM", are for the forecast only.
    """

    base: str = ""
    shape: ShapeOf | None = None
    n_ctx: int = 2048
    steps: int = 0
    epochs: float = 2.0
    rate: float = 1e-4
    warm: int = 10
    batch: int = 8
    accumulate: int = 1
    lora: LoraOf | None = None
    packing: bool = False
    checkpointing: bool = False
    processes: int = 1
    cards: str = ""


class Trl:
    """See `ponder.distill.trainers.Trainer`."""

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for settings that make no run."""
        wanted = _read(settings)
        if bool(wanted.base) == bool(wanted.shape):
            raise InputError("the trainer trl needs a base model or a shape, and not both.")
        if wanted.shape is not None:
            Lean().check({"shape": asdict(wanted.shape), "steps": 1})
        if not 0 < wanted.rate < 1 or min(wanted.batch, wanted.accumulate, wanted.processes) < 1:
            raise InputError("rate must lie between 0 and 1; batch, accumulate, processes be 1 or more.")

    def expect(self, settings: Mapping[str, Any], data: Expected) -> Expected:
        """The tokens; memory and time where `cards` are named, else nothing is guessed."""
        wanted = _read(settings)
        if wanted.cards and wanted.base:
            rank = wanted.lora.rank if wanted.lora else 0
            tuning = Tuning(wanted.base, wanted.n_ctx, wanted.batch, rank, wanted.checkpointing)
            return expected(tuning, data, wanted.epochs, find_all(wanted.cards))
        each = data.tokens / data.rows if data.rows else 0.0
        lessons = wanted.steps * wanted.batch * wanted.accumulate * wanted.processes
        tokens = lessons * each if wanted.steps else wanted.epochs * data.tokens
        return Expected(0, tokens, None, None, "as fast as the model trains there")

    def train(self, job: Job) -> Mapping[str, Any]:
        """Write the plan, and let it be done in processes of its own."""
        wanted = _read(job.settings)
        missing = [name for name in NEEDED if not find_spec(name)]
        if missing:
            raise AbilityError(f"the trainer trl needs {', '.join(missing)}: pip install 'ponder[distill]'.")
        model, lessons = _begun(job, wanted)
        for row in read_rows(lessons, dict):  # before a process takes seconds to say so
            if len(row["ids"]) > wanted.n_ctx:
                what = f"{lessons}: lesson {row['id']} has {len(row['ids'])} tokens of at most {wanted.n_ctx}"
                raise InputError(f"{what}, and none is cut: raise n_ctx.")
        plan = {"model": model, "lessons": str(lessons), "seed": job.seed}
        for name in (
            *("n_ctx", "steps", "epochs", "rate", "warm", "batch", "accumulate"),
            *("packing", "checkpointing"),
        ):
            plan[name] = getattr(wanted, name)
        plan["lora"] = asdict(wanted.lora) if wanted.lora else None
        steps = _steps(wanted, count_rows(lessons))
        plan |= {"log_steps": max(1, steps // 100), "save_steps": max(1, min(200, steps // 5))}
        write_json(job.folder / "tuned.json", plan)
        begun = time.monotonic()
        _run(job, wanted, steps)
        rows = list(read_rows(job.folder / "log.jsonl", dict))
        last = rows[-1] if rows else {"step": 0, "tokens": 0, "loss": None}
        size = sum(path.stat().st_size for path in (job.folder / "model").glob("*.safetensors"))
        came = {"steps": last["step"], "tokens": last["tokens"], "loss": last["loss"], "model_bytes": size}
        return {**came, "processes": wanted.processes, "seconds": time.monotonic() - begun}

    def export(self, folder: Path, path: Path, kind: str) -> None:
        """Write the model, with an adapter merged into it."""
        if kind not in KINDS:
            raise InputError(f"the trainer trl exports {', '.join(KINDS)}, not {kind}.")
        import_module("ponder.distill.export").export_folder(folder / "model", path, kind)

    def examine(self, data: Path, file: Path, count: int) -> Mapping[str, Any]:
        """For a model of ours see `ponder.distill.doctor`. Another has rendered the examples itself, which
        `ponder.distill.templated` proves where it does so.
        """
        ours = (data / "vocabulary.json").exists()
        if not ours or [each.decode() for each in read_vocabulary(file)] != _tokens(data):
            return {"lessons": 0, "apart": 0}
        return Lean().examine(data, file, count)


def _tokens(data: Path) -> list[str]:
    words: Any = import_module("ponder.distill.vocabulary").Vocabulary.load(data / "vocabulary.json")
    return list(words.tokens)


def _begun(job: Job, wanted: Settings) -> tuple[str, Path]:
    """The model to train and the lessons in its own tokens."""
    if wanted.shape is not None:
        take_vocabulary(job)
        model = job.start / "model" if job.start else job.folder / "base"
        if not job.start and not model.exists():
            _write_base(job, wanted.shape, model)
        return str(model), job.data / "lessons.jsonl"
    base = str(job.start / "model") if job.start else wanted.base
    lessons = job.folder / "lessons.jsonl"
    if not lessons.exists():
        renderer: Any = import_module("ponder.distill.templated").Templated(base)
        rows = (
            {"id": each.id, "ids": made.ids, "learn": ranges(made.learn)}
            for each in read_rows(job.data / "examples.jsonl", Example)
            for made in [renderer.lesson(each)]
        )
        write_rows(lessons, rows)
    return base, lessons


def _write_base(job: Job, shape: ShapeOf, folder: Path) -> None:
    """A student that has learned nothing, as a folder of transformers."""
    torch, kept = import_module("torch"), import_module("ponder.distill.kept")
    words: Any = import_module("ponder.distill.vocabulary").Vocabulary.load(job.folder / "vocabulary.json")
    torch.manual_seed(job.seed)
    student = kept.fresh({"shape": asdict(shape)}, words)
    part = folder.with_name(".base.part")
    import_module("ponder.distill.folder").write_folder(student, words, part)
    part.replace(folder)


def _steps(wanted: Settings, lessons: int) -> int:
    each = wanted.batch * wanted.accumulate * wanted.processes
    return wanted.steps or max(1, round(wanted.epochs * -(-lessons // each)))


def _run(job: Job, wanted: Settings, steps: int) -> None:
    """The child, watched; raises Stopped, and InputError with its last words where it fails."""
    command = [sys.executable, "-m"]
    if wanted.processes > 1:
        command += ["torch.distributed.run", "--standalone", f"--nproc-per-node={wanted.processes}", "-m"]
    command += ["ponder.distill.tuned", str(job.folder)]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("PONDER_THREADS", "1")}
    with (job.folder / "tuned.txt").open("w", encoding="utf-8") as said:
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        try:
            while child.poll() is None:
                if job.stopping():
                    raise Stopped
                _tell(job, steps)
                time.sleep(POLL_S)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if child.returncode:
        lines = (job.folder / "tuned.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise InputError(
            f"TRL ended with: {lines[-1] if lines else child.returncode}; see {job.folder}/tuned.txt."
        )


def _tell(job: Job, steps: int) -> None:
    log = job.folder / "log.jsonl"
    rows = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if rows:
        row = json.loads(rows[-1])
        job.tell(Told(row["step"], steps, f"loss {row['loss']:.3f}, {row['tokens']:,} tokens"))


def _read(settings: Mapping[str, Any]) -> Settings:
    try:
        return decode(Settings, dict(settings))
    except ValueError as error:
        raise InputError(f"{str(error).replace('Settings', 'the trainer trl', 1)}.") from error


TRAINER = Trl()
