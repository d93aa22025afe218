"""Training tokens a second: our own loop against TRL, on the same lessons, shape, precision and threads.

    python -m benchmarks.training [--rounds 3] [--steps 20] [--width 96 --layers 3]

In turn (A B A B): our loop with Muon, our loop with AdamW, TRL's SFTTrainer with AdamW, all in this process
with one thread in fp32 from the same weights. Lessons are those of the world; both sides batch like lengths
together and about as many tokens a step. Only tokens of lessons count, no padding. Rates are per second of
processor time, which other programs disturb least; the first steps of a round warm up and do not count.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTTrainer

from ponder.distill.begin import texts
from ponder.distill.folder import write_folder
from ponder.distill.kept import CHECKPOINT
from ponder.distill.lessons import Course, drawn
from ponder.distill.stages.dataset import ranges
from ponder.distill.student import Shape, Student
from ponder.distill.train import Run
from ponder.distill.tuned import Wanted, labelled, settings_of
from ponder.distill.vocabulary import Vocabulary

LESSONS, TOKENS, WARM = 1024, 1536, 5
COURSE = Course({"sums": 1.0, "letters": 1.0, "sequences": 1.0}, seed=5)


def prepared(folder: Path, sizes: dict[str, Any]) -> float:
    """Vocabulary, lessons, and one student with random weights for all sides; the mean length of a lesson."""
    vocabulary = Vocabulary.learned(texts(200), 512)
    vocabulary.save(folder / "vocabulary.json")
    lessons = [drawn(vocabulary, COURSE, at) for at in range(LESSONS)]
    rows = [{"ids": each.ids, "learn": ranges(each.learn)} for each in lessons]
    (folder / "lessons.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    torch.manual_seed(1)
    student = Student(Shape(vocabulary.size, **sizes))
    write_folder(student, vocabulary, folder / "base")
    torch.save({"student": student.state_dict()}, folder / "student.pt")
    return statistics.fmean(len(each.ids) for each in lessons)


def lean(folder: Path, sizes: dict[str, Any], steps: int, optimizer: str) -> float:
    """Tokens a second of processor time by our own loop."""
    with tempfile.TemporaryDirectory() as temporary:
        where = Path(temporary)
        stage = {"course": {"lessons": str(folder / "lessons.jsonl"), "seed": 1}, "tokens": TOKENS}
        plan = {"shape": sizes, "optimizer": optimizer, "stages": [{**stage, "steps": WARM + steps}]}
        (where / "run.json").write_text(json.dumps(plan), encoding="utf-8")
        (where / "vocabulary.json").write_bytes((folder / "vocabulary.json").read_bytes())
        run = Counted(where)
        run.student.load_state_dict(torch.load(folder / "student.pt", weights_only=True)["student"])
        run.train(save_every_s=1e9)
        assert (where / CHECKPOINT).exists()
        return run.tokens / (run.ended - run.begun)


class Counted(Run):
    """Our loop with a clock that starts after the warm-up."""

    tokens, begun, ended = 0, 0.0, 0.0

    def _learn(self, batch: list[Any], rate: float) -> float:
        if self.step == WARM:
            self.begun = time.process_time()
        loss = super()._learn(batch, rate)
        if self.step >= WARM:
            self.tokens += sum(len(each.ids) for each in batch)
        self.ended = time.process_time()
        return loss


class Clock(TrainerCallback):  # type: ignore[misc]
    """The same clock for TRL. Its own count of tokens is read after the warm-up and at the end."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0
        self.counts: list[int] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the warm-up and at every later step."""
        if state.global_step == WARM:
            self.begun = time.process_time()
        self.ended = time.process_time()
        del args, control


def by_trl(folder: Path, mean: float, steps: int) -> float:
    """Tokens a second of processor time by TRL's SFTTrainer, lessons of like length together."""
    with tempfile.TemporaryDirectory() as temporary:
        batch = max(1, round(TOKENS / mean))
        wanted = Wanted(
            str(folder / "base"),
            str(folder / "lessons.jsonl"),
            2048,
            steps=WARM + steps,
            batch=batch,
            rate=1e-3,
            save_steps=10_000,
        )
        config = settings_of(wanted, Path(temporary))
        config.train_sampling_strategy = "group_by_length"
        clock = Clock()
        trainer = Counting(
            model=AutoModelForCausalLM.from_pretrained(wanted.model, dtype=torch.float32),
            args=config,
            train_dataset=Dataset.from_list(list(labelled(Path(wanted.lessons), wanted.n_ctx))),
            processing_class=AutoTokenizer.from_pretrained(wanted.model),
            callbacks=[clock],
        )
        trainer.train()
        return sum(trainer.tokens[WARM:]) / (clock.ended - clock.begun)


class Counting(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer that counts what it is given, without padding."""

    def training_step(self, model: Any, inputs: Any, *rest: Any) -> Any:
        """As it is."""
        self.tokens: list[int] = [*getattr(self, "tokens", []), int(inputs["attention_mask"].sum())]
        return super().training_step(model, inputs, *rest)


def main() -> None:
    """Print the rates of each round, their medians, and the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("rounds", 3), ("steps", 20), ("width", 96), ("layers", 3), ("heads", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--feed", type=int, default=256)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    sizes = {"width": asked.width, "layers": asked.layers, "heads": asked.heads, "feed": asked.feed}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        mean = prepared(folder, sizes)
        sides: dict[str, Callable[[], float]] = {
            "own loop, Muon": lambda: lean(folder, sizes, asked.steps, "muon"),
            "own loop, AdamW": lambda: lean(folder, sizes, asked.steps, "adamw"),
            "TRL, AdamW": lambda: by_trl(folder, mean, asked.steps),
        }
        found: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(asked.rounds):
            for name, side in sides.items():
                found[name].append(side())
                print(
                    f"round {number + 1}  {name:16} {found[name][-1]:9,.0f} tokens/s of processor time",
                    flush=True,
                )
    base = found["TRL, AdamW"]
    for name, rates in found.items():
        ratios = [one / other for one, other in zip(rates, base, strict=True)]
        said = f"median {statistics.median(rates):9,.0f}   {statistics.median(ratios):.2f} times TRL"
        print(f"{name:16} {said} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
