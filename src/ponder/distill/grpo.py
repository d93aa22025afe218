"""GRPO: a student writes several reasonings to each prompt, and learns what sets the rewarded ones apart.

The advantage of a sample is (reward - mean)/std of its group; a group of equal rewards has none, and is
dropped. The loss is a mean over tokens, without a KL term. One update per rollout is on-policy; more are
clipped. A run is a folder as those of `train` are, its `run.json` with `start` and `grpo` (`Settings`). Type
`python -m ponder.distill.grpo FOLDER` to begin or to go on exactly; `health.txt` tells how it fares.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch

from ponder.distill.health import report, write_health
from ponder.distill.kept import CHECKPOINT, fresh, loaded, planned
from ponder.distill.lessons import Lesson
from ponder.distill.measure import SIDE_BY_SIDE, continued, marked
from ponder.distill.rewards import Written, reward, split
from ponder.distill.rollouts import Group, row_of, samples_of
from ponder.distill.train import CLIP, padded, run_main
from ponder.errors import InputError
from ponder.world.problem import Problem
from ponder.world.tasks import LEVELS, held_out, problem

SAFE_RATE = 5e-5
"""Ten times more made small students collapse within a hundred updates; see docs/distill.md."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`weights` of the world's tasks. Per update `prompts` are answered `samples` times each, of at most
    `most_tokens`. A task's level whose pass rate has left the `band` is drawn a tenth as often. Every
    `check_every` updates `check_count` held-out problems of each task, and of `check_also`, are answered
    greedily; the run ends where their mean falls by `most_fall` below the best, and the best is what stays.
    """

    weights: Mapping[str, float]
    updates: int = 100
    prompts: int = 24
    samples: int = 16
    rate: float = 3e-5
    temperature: float = 1.0
    most_tokens: int = 400
    levels: tuple[int, ...] = LEVELS
    rewards: Mapping[str, float] = field(default_factory=lambda: {"answer": 1.0, "format": 0.1})
    epochs: int = 1
    clip: tuple[float, float] = (0.2, 0.28)
    tokens: int = 8192
    band: tuple[float, float] = (0.1, 0.9)
    check_every: int = 25
    check_count: int = 24
    check_also: tuple[str, ...] = ()
    most_fall: float = 0.05

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise InputError(f"samples is {self.samples}; an advantage needs 2 or more answers to a prompt.")
        if not 0 < self.rate < 1 or self.temperature <= 0 or self.updates < 1 or not self.weights:
            raise InputError("rate must lie between 0 and 1, temperature above 0, updates be 1 or more.")


class Reinforced:
    """A student that is being rewarded, with everything that going on exactly takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan, self.vocabulary = planned(folder)
        self.settings = settings_of(self.plan)
        self.seed = self.plan.get("seed", 0)
        self.student = fresh(self.plan, self.vocabulary)
        self.optimizer = torch.optim.AdamW(self.student.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
        self.dice = torch.Generator().manual_seed(self.seed)
        self.update, self.seen, self.stopping = 0, 0, False
        self.rates: dict[str, float] = {}
        self.best, self.ended = -1.0, ""
        self.told: Callable[[Mapping[str, Any]], None] = lambda _: None
        if (folder / CHECKPOINT).exists():
            self._restore()
        else:
            self.student.load_state_dict(loaded(Path(self.plan["start"])).student.state_dict())
            for name in ("log.jsonl", "samples.jsonl"):
                (folder / name).write_text("", encoding="utf-8")

    def _restore(self) -> None:
        kept = torch.load(self.folder / CHECKPOINT, weights_only=True)
        self.student.load_state_dict(kept["student"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.dice.set_state(kept["dice"])
        self.update, self.seen, self.rates = kept["step"], kept["seen"], kept["rates"]
        self.best, self.ended = kept["best"], kept["ended"]
        for name in ("log.jsonl", "samples.jsonl"):  # what came after the checkpoint will be done again
            path = self.folder / name
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(row for row in lines if _step(row) <= self.update), encoding="utf-8")

    def save(self, name: str = CHECKPOINT) -> None:
        """In one file that is whole or not there."""
        kept = {
            "student": self.student.state_dict(), "optimizer": self.optimizer.state_dict(),
            "dice": self.dice.get_state(), "stage": 0, "step": self.update, "seen": self.seen,
            "rates": self.rates, "best": self.best, "ended": self.ended,
        }  # fmt: skip
        part = self.folder / f".{name}.part"
        torch.save(kept, part)
        part.replace(self.folder / name)

    def train(self, save_every_s: float = 60.0) -> None:
        """To the last update, or to where the held-out problems say that it gets worse."""
        saved = time.monotonic()
        if self.update == 0 and not self.ended:
            self._check({"step": 0})
        while self.update < self.settings.updates and not self.ended:
            self._one()
            if self.stopping or time.monotonic() - saved > save_every_s:
                self.save()
                self.tell_health()
                saved = time.monotonic()
            if self.stopping:
                raise SystemExit(0)
        if not self.ended:
            self.ended = f"all {self.settings.updates} updates"
        best = self.folder / "best.pt"
        if best.exists():
            self.student.load_state_dict(torch.load(best, weights_only=True)["student"])
        self.save()
        self.tell_health()

    def tell_health(self) -> dict[str, Any]:
        """Write `health.json` and `health.txt`; the report."""
        rows, samples = (_rows(self.folder / name) for name in ("log.jsonl", "samples.jsonl"))
        found = report(rows, samples, rate=self.settings.rate, safe=SAFE_RATE, ended=self.ended)
        write_health(self.folder, found)
        return found

    # ------------------------------------------------------------------ one update

    def _one(self) -> None:
        begun, rng = time.monotonic(), Random(f"{self.seed} update {self.update}")
        problems = [self._drawn(rng) for _ in range(self.settings.prompts)]
        groups = [
            Group(one, tuple(written), tuple(reward(self.settings.rewards, one, each) for each in written))
            for one, written in zip(problems, self._rolled_out(problems), strict=True)
        ]
        self._note(groups)
        figures = self._learn([group for group in groups if not group.dead])
        self.update += 1
        self.seen += sum(len(each.ids) for group in groups for each in group.written)
        row = {"step": self.update, "tokens": self.seen, **row_of(groups, rng), **figures}
        row["seconds"] = time.monotonic() - begun
        if self.update % self.settings.check_every == 0 or self.update == self.settings.updates:
            self._check(row)
        else:
            self._log(row)
        _append(self.folder / "samples.jsonl", samples_of(groups, self.update, rng))

    def _drawn(self, rng: Random) -> Problem:
        """A problem of the training side; what is always or never solved is drawn a tenth as often."""
        cells = [(task, level) for task in self.settings.weights for level in self.settings.levels]
        low, high = self.settings.band
        weights = [
            self.settings.weights[task]
            * (1.0 if low <= self.rates.get(_cell(task, level), 0.5) <= high else 0.1)
            for task, level in cells
        ]
        task, level = rng.choices(cells, weights)[0]
        return problem(task, rng, level, held_out=False)

    def _note(self, groups: Sequence[Group]) -> None:
        for group in groups:
            cell = _cell(group.problem.task, group.problem.level)
            self.rates[cell] = 0.8 * self.rates.get(cell, group.right) + 0.2 * group.right

    def _rolled_out(self, problems: Sequence[Problem]) -> list[list[Written]]:
        """The answers to each problem, sampled."""
        settings = self.settings

        def choose(scores: torch.Tensor) -> torch.Tensor:
            shares = (scores / settings.temperature).softmax(-1)
            return torch.multinomial(shares, 1, generator=self.dice)[:, 0]

        prompts = [self.vocabulary.prompt(one.question) for one in problems]
        order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
        out: list[list[Written]] = [[] for _ in prompts]
        at_once = max(1, 2 * SIDE_BY_SIDE // settings.samples)
        for start in range(0, len(order), at_once):
            chosen = [prompts[at] for at in order[start : start + at_once]]
            ids = continued(self.student, chosen, settings.most_tokens, choose, settings.samples)
            for place, answer in enumerate(ids):
                out[order[start + place // settings.samples]].append(split(self.vocabulary, answer))
        return out

    def _learn(self, groups: Sequence[Group]) -> dict[str, float]:
        """Updates by the live groups; entropy, gradient norm and share of clipped tokens."""
        samples = [
            (_lesson(self.vocabulary.prompt(group.problem.question), each.ids), advantage)
            for group in groups
            for each, advantage in zip(group.written, group.advantages, strict=True)
        ]
        if not samples:
            return {"entropy": float("nan"), "gradient": 0.0, "clipped": 0.0}
        passes = _packed(samples, self.settings.tokens)
        total = sum(sum(lesson.learn) for lesson, _ in samples)
        before: list[torch.Tensor] = []
        entropy = clipped = norm = 0.0
        for epoch in range(self.settings.epochs):
            for at, batch in enumerate(passes):
                chances, spread = self._chances([lesson for lesson, _ in batch])
                if epoch == 0:
                    before.append(chances.detach())
                    entropy += float(spread.sum()) / total
                counts = torch.tensor([sum(lesson.learn) for lesson, _ in batch])
                advantage = torch.tensor([value for _, value in batch]).repeat_interleave(counts)
                loss, outside = self._loss(chances, before[at], advantage)
                clipped += outside / total / self.settings.epochs
                (loss / total).backward()  # type: ignore[no-untyped-call]
            norm = float(torch.nn.utils.clip_grad_norm_(self.student.parameters(), CLIP))
            for group in self.optimizer.param_groups:
                group["lr"] = self.settings.rate
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return {"entropy": entropy, "gradient": norm, "clipped": clipped}

    def _chances(self, lessons: Sequence[Lesson]) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of the written tokens at the temperature they were drawn at, and the entropies
        where they were drawn, both (tokens).
        """
        ids, learn, _ = padded(lessons)
        hidden, _ = self.student(ids[:, :-1])
        wanted = learn[:, 1:]
        scores = (self.student.logits(hidden[wanted]) / self.settings.temperature).log_softmax(-1)
        with torch.no_grad():
            spread = -(scores.exp() * scores).sum(-1)
        return scores.gather(-1, ids[:, 1:][wanted][:, None])[:, 0], spread

    def _loss(
        self, now: torch.Tensor, before: torch.Tensor, advantage: torch.Tensor
    ) -> tuple[torch.Tensor, float]:
        low, high = self.settings.clip
        ratio = (now - before).exp()
        kept = ratio.clamp(1 - low, 1 + high)
        loss = -torch.minimum(ratio * advantage, kept * advantage).sum()
        return loss, float((ratio.detach() * advantage > kept.detach() * advantage).sum())

    # ------------------------------------------------------------------ watching

    def _check(self, row: dict[str, Any]) -> None:
        """Held-out problems, greedily; keeps the best student and ends the run where it gets worse."""
        settings = self.settings
        found = {
            task: marked(
                self.student,
                self.vocabulary,
                held_out(task, 1, settings.check_count),
                most_tokens=settings.most_tokens,
            ).right
            for task in dict.fromkeys((*settings.weights, *settings.check_also))
        }
        mean = sum(found[task] for task in settings.weights) / len(settings.weights)
        self._log({**row, "held_out": found, "mean": mean})
        if mean > self.best:
            self.best = mean
            self.save("best.pt")
        elif mean < self.best - settings.most_fall:
            self.ended = f"update {self.update}: held-out mean {mean:.1%}, and {self.best:.1%} at best"

    def _log(self, row: Mapping[str, Any]) -> None:
        self.told(row)
        _append(self.folder / "log.jsonl", [row])


def settings_of(plan: Mapping[str, Any]) -> Settings:
    """The settings of a plan. Raises InputError for a name that is none."""
    row = dict(plan.get("grpo", {}))
    unknown = set(row) - set(Settings.__slots__)
    if unknown or "start" not in plan:
        what = (
            f"no setting {min(unknown)!r}; it has {', '.join(Settings.__slots__)}" if unknown else "no start"
        )
        raise InputError(f"grpo has {what}.")
    for name in ("levels", "clip", "band", "check_also"):
        if name in row:
            row[name] = tuple(row[name])
    return Settings(**row)


def _cell(task: str, level: int) -> str:
    return f"{task} {level}"


def _lesson(prompt: Sequence[int], ids: Sequence[int]) -> Lesson:
    return Lesson([*prompt, *ids], [False] * len(prompt) + [True] * len(ids))


def _packed(samples: list[tuple[Lesson, float]], tokens: int) -> list[list[tuple[Lesson, float]]]:
    out: list[list[tuple[Lesson, float]]] = [[]]
    for one in sorted(samples, key=lambda each: len(each[0].ids)):
        if out[-1] and (len(out[-1]) + 1) * len(one[0].ids) > tokens:
            out.append([])
        out[-1].append(one)
    return out


def _step(line: str) -> int:
    return int(json.loads(line)["step"])


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(_plain(row), ensure_ascii=False) + "\n" for row in rows)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN, and nobody needs the tenth decimal."""
    return {
        name: (None if value != value else round(value, 8)) if isinstance(value, float) else value  # noqa: PLR0124
        for name, value in row.items()
    }


if __name__ == "__main__":
    run_main(Reinforced)
