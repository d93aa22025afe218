"""A run's folder, read: its plan, its vocabulary, and the student of its last checkpoint."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ponder.distill.deepseek import Deepseek
from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.student import Shape, Student
from ponder.distill.vocabulary import Vocabulary

CHECKPOINT = "checkpoint.pt"


class Kept(NamedTuple):
    """What a run has come to: at `step` of `stage`, after `seen` tokens."""

    student: Student
    vocabulary: Vocabulary
    plan: dict[str, Any]
    stage: int
    step: int
    seen: int


def planned(folder: Path) -> tuple[dict[str, Any], Vocabulary]:
    """The plan of a run and its vocabulary."""
    plan: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return plan, Vocabulary.load(folder / "vocabulary.json")


def fresh(plan: dict[str, Any], vocabulary: Vocabulary) -> Student:
    """A student of the planned shape that has learned nothing."""
    if plan["shape"].get("family") == "deepseek3":
        return Deepseek(DeepseekShape(vocabulary.size, **plan["shape"]))
    return Student(Shape(vocabulary.size, **plan["shape"]))


def loaded(folder: Path) -> Kept:
    """A run as its last checkpoint has it."""
    plan, vocabulary = planned(folder)
    student = fresh(plan, vocabulary)
    found = torch.load(folder / CHECKPOINT, weights_only=True)
    student.load_state_dict(found["student"])
    return Kept(student, vocabulary, plan, found["stage"], found["step"], found["seen"])


def use_threads() -> None:
    """As many threads as $PONDER_THREADS says, else one."""
    torch.set_num_threads(int(os.environ.get("PONDER_THREADS", "1")))
