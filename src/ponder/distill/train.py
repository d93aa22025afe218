"""Training: a lean loop for one processor that can be killed at any moment and goes on exactly.

A run is a folder: `run.json` (shape and stages, perhaps as `start` a run to go on from), `vocabulary.json`,
`checkpoint.pt` and `log.jsonl`. A stage is a course, a number of steps and a learning rate; what a run has
learned passes to its next stage. Type `python -m ponder.distill.train FOLDER` to begin or to go on.
"""

import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.nn import functional

from ponder.distill.kept import CHECKPOINT, fresh, loaded, planned, use_threads
from ponder.distill.lessons import Course, Lesson, batches
from ponder.distill.muon import Muon
from ponder.distill.student import Student

CLIP = 1.0
LOG_STEPS = 50


@dataclass(frozen=True, slots=True)
class Stage:
    """`tokens` places a step; the rate rises over `warm` steps, is `rate` then, and falls as a cosine to a
    tenth over the last `cool` steps.
    """

    course: Course
    steps: int
    rate: float = 1e-3
    tokens: int = 2048
    warm: int = 100
    cool: int = 0

    def rate_at(self, step: int) -> float:
        """The learning rate at a step of this stage."""
        rate = self.rate * min(1.0, (step + 1) / max(1, self.warm))
        left = self.steps - step
        if left < self.cool:
            rate *= 0.1 + 0.9 * 0.5 * (1 + cos(pi * (1 - left / self.cool)))
        return rate


class Run:
    """A student with its optimizers and the place in its stages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan, self.vocabulary = plan, _ = planned(folder)
        self.stages = [_stage(row) for row in plan["stages"]]
        torch.manual_seed(plan.get("seed", 0))
        self.student = fresh(plan, self.vocabulary)
        named = list(self.student.named_parameters())
        matrices = [p for name, p in named if p.dim() == 2 and not _outer(name)]
        others = [p for name, p in named if p.dim() != 2 or _outer(name)]
        if plan.get("optimizer") == "adamw":
            self.optimizers: list[Any] = [
                torch.optim.AdamW(
                    [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
                    betas=(0.9, 0.98),
                )
            ]
        else:
            self.optimizers = [
                Muon(matrices),
                torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0),
            ]
        self.stopping = False
        self.stage, self.step, self.place, self.seen = 0, 0, (0, 0), 0
        if (folder / CHECKPOINT).exists():
            self._restore()
        elif plan.get("start"):
            self.student.load_state_dict(loaded(Path(plan["start"])).student.state_dict())

    def _restore(self) -> None:
        kept = torch.load(self.folder / CHECKPOINT, weights_only=True)
        self.student.load_state_dict(kept["student"])
        for optimizer, state in zip(self.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.stage, self.step, self.seen = kept["stage"], kept["step"], kept["seen"]
        self.place = tuple(kept["place"])
        log = self.folder / "log.jsonl"  # what was logged after the checkpoint will be done again
        rows = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
        log.write_text("".join(row for row in rows if self._reached(json.loads(row))), encoding="utf-8")

    def _reached(self, row: Mapping[str, float]) -> bool:
        return (row["stage"], row["step"]) <= (self.stage, self.step)

    def save(self, name: str = CHECKPOINT) -> None:
        """Everything that going on takes, in one file that is whole or not there."""
        kept = {
            "student": self.student.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "stage": self.stage, "step": self.step, "seen": self.seen, "place": list(self.place),
        }  # fmt: skip
        part = self.folder / f".{name}.part"
        torch.save(kept, part)
        part.replace(self.folder / name)

    def train(self, save_every_s: float = 180.0) -> None:
        """To the end of the last stage."""
        while self.stage < len(self.stages):
            self._one_stage(self.stages[self.stage], save_every_s)
            self.save(f"stage-{self.stage}.pt")
            self.stage, self.step, self.place = self.stage + 1, 0, (0, 0)
            self.save()

    def _one_stage(self, stage: Stage, save_every_s: float) -> None:
        saved = begun = time.monotonic()
        losses, tokens = [], 0
        stream = batches(self.vocabulary, stage.course, stage.tokens, self.place)
        while self.step < stage.steps:
            self.place, batch = next(stream)
            losses.append(self._learn(batch, stage.rate_at(self.step)))
            length = sum(len(each.ids) for each in batch)
            tokens, self.seen, self.step = tokens + length, self.seen + length, self.step + 1
            if self.step % LOG_STEPS == 0:
                now = time.monotonic()
                self._log(
                    loss=sum(losses) / len(losses), rate=stage.rate_at(self.step), tps=tokens / (now - begun)
                )
                losses, tokens, begun = [], 0, now
            if self.stopping or time.monotonic() - saved > save_every_s:
                self.save()
                saved = time.monotonic()
            if self.stopping:
                raise SystemExit(0)

    def _learn(self, batch: list[Lesson], rate: float) -> float:
        loss = loss_of(self.student, batch)
        self._update(loss, rate)
        return float(loss.detach())

    def _update(self, loss: torch.Tensor, rate: float) -> None:
        """One step of every optimizer down the gradient of `loss`."""
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), CLIP)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def _log(self, **what: float) -> None:
        row = {"stage": self.stage, "step": self.step, "tokens": self.seen, **what}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: round(v, 6) for k, v in row.items()}) + "\n")


def loss_of(student: Student, batch: list[Lesson]) -> torch.Tensor:
    """Mean cross entropy over the tokens that are to be learned."""
    ids, learn, _ = padded(batch)
    hidden, _ = student(ids[:, :-1])
    wanted = learn[:, 1:]
    return functional.cross_entropy(student.logits(hidden[wanted]), ids[:, 1:][wanted])


def padded(batch: Sequence[Lesson]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Lessons side by side: ids, which are to be learned, which are no padding, each (batch, length)."""
    length = max(len(each.ids) for each in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    learn, real = (torch.zeros(len(batch), length, dtype=torch.bool) for _ in range(2))
    for row, each in enumerate(batch):
        ids[row, : len(each.ids)] = torch.tensor(each.ids)
        learn[row, : len(each.ids)] = torch.tensor(each.learn)
        real[row, : len(each.ids)] = True
    return ids, learn, real


def _outer(name: str) -> bool:
    """Whether rows of a matrix stand for tokens."""
    return "embed" in name or "lm_head" in name


def _stage(row: Mapping[str, Any]) -> Stage:
    return Stage(course=Course(**row["course"]), **{k: v for k, v in row.items() if k != "course"})


class Stoppable(Protocol):
    """Something that trains in a folder."""

    stopping: bool

    def __init__(self, folder: Path) -> None: ...

    def train(self) -> None:
        """To the end, or until it is `stopping`."""


def run_main(kind: type[Stoppable]) -> None:
    """Begin or go on with the run in the folder named on the command line."""
    folder = Path(sys.argv[1])
    use_threads()
    run = kind(folder)

    def stop(_signal: int, _frame: object) -> None:
        run.stopping = True  # after the step at hand, with a checkpoint

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    run.train()


if __name__ == "__main__":
    run_main(Run)
