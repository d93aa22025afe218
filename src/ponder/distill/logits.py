"""Logit distillation: a student learns what its teacher thought of every token, not only which one came.

The teacher reads the lessons once, beforehand, and its likeliest tokens are kept with their
log-probabilities, so that it needs no memory while the student learns. What is left of its probability is one
more outcome. Both must have the same vocabulary. To read, type `python -m ponder.distill.logits TEACHER
LESSONS FILE [TOP]`; name FILE as `"teacher"` in the `run.json` of a run on these lessons, and type `python -m
ponder.distill.logits RUN`.
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional

from ponder.distill.kept import loaded, use_threads
from ponder.distill.lessons import Lesson, from_file
from ponder.distill.rows import count_rows
from ponder.distill.student import Student
from ponder.distill.train import Run, padded, run_main
from ponder.distill.vocabulary import Vocabulary
from ponder.errors import InputError

TOP = 8
_TOGETHER = 16


def read_by(teacher: Path, lessons: Path, path: Path, top: int = TOP) -> int:
    """Let the run `teacher` read all lessons; how many learned tokens there were.

    The file has per lesson, by the hash of its ids, (tokens, top) of ids and of log-probabilities.
    """
    run = loaded(teacher)
    tensors: dict[str, torch.Tensor] = {}
    count = 0
    for batch in _batches(lessons):
        for lesson, (ids, chances) in zip(batch, _likeliest(run.student, batch, top), strict=True):
            tensors[f"{_key(lesson)}.ids"], tensors[f"{_key(lesson)}.chances"] = ids, chances
            count += len(ids)
    part = path.with_name(f".{path.name}.part")
    save_file(tensors, part, metadata={"vocabulary": _words(run.vocabulary), "top": str(top)})
    part.replace(path)
    return count


def _batches(lessons: Path) -> Iterator[list[Lesson]]:
    """Lessons of like length together; the order does not matter."""
    every = [from_file(str(lessons), 0, at) for at in range(count_rows(lessons))]
    every.sort(key=lambda each: len(each.ids))
    for start in range(0, len(every), _TOGETHER):
        yield every[start : start + _TOGETHER]


@torch.inference_mode()
def _likeliest(
    student: Student, batch: Sequence[Lesson], top: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    ids, learn, _ = padded(batch)
    wanted = learn[:, 1:]
    hidden, _ = student(ids[:, :-1])
    found = student.logits(hidden[wanted]).log_softmax(-1).topk(top)
    sizes = wanted.sum(-1).tolist()
    names = [each.int().clone() for each in found.indices.split(sizes)]
    return list(zip(names, [each.clone() for each in found.values.split(sizes)], strict=True))


def divergence(scores: torch.Tensor, ids: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
    """Mean Kullback-Leibler divergence of the student from the teacher over (tokens): of the teacher's `top`
    outcomes and of "any other", which makes it a lower bound of the whole one.
    """
    own = scores.log_softmax(-1).gather(-1, ids.long())
    own, theirs = (torch.cat((each, _rest(each)), -1) for each in (own, chances))
    return (theirs.exp() * (theirs - own)).sum(-1).mean()


def _rest(chances: torch.Tensor) -> torch.Tensor:
    """(tokens, top) log-probabilities → (tokens, 1) of what is left."""
    return torch.log1p(-chances.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))


class Distilled(Run):
    """A run whose loss is in part the divergence from a teacher: `teacher_share` of it, 0.5 if not said."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        path = Path(self.plan.get("teacher", ""))
        if not path.is_file():
            raise InputError(f"{folder}/run.json names no file of logits as teacher: {path}.")
        opened: Any = safe_open
        self._file = opened(path, "pt")
        if self._file.metadata()["vocabulary"] != _words(self.vocabulary):
            raise InputError(
                f"the teacher of {path} has another vocabulary than {folder}; they must be equal."
            )
        self.share = float(self.plan.get("teacher_share", 0.5))

    def _learn(self, batch: list[Lesson], rate: float) -> float:
        ids, learn, _ = padded(batch)
        wanted = learn[:, 1:]
        scores = self.student.logits(self.student(ids[:, :-1])[0][wanted])
        said = functional.cross_entropy(scores, ids[:, 1:][wanted])
        kept = [[self._kept(each, what) for each in batch] for what in ("ids", "chances")]
        away = divergence(scores, *(torch.cat(parts) for parts in kept))
        self._update((1 - self.share) * said + self.share * away, rate)
        return float(said.detach())

    def _kept(self, lesson: Lesson, what: str) -> torch.Tensor:
        try:
            found: torch.Tensor = self._file.get_tensor(f"{_key(lesson)}.{what}")
        except Exception as error:
            raise InputError("the teacher has not read this lesson: let it read the same file.") from error
        return found


def _key(lesson: Lesson) -> str:
    return sha256(array("I", lesson.ids).tobytes()).hexdigest()[:24]


def _words(vocabulary: Vocabulary) -> str:
    return sha256("\n".join(vocabulary.tokens).encode()).hexdigest()


def main() -> None:
    """Read, or train, by the number of arguments."""
    if len(sys.argv) == 2:
        run_main(Distilled)
        return
    use_threads()
    teacher, lessons, path = (Path(each) for each in sys.argv[1:4])
    count = read_by(teacher, lessons, path, *map(int, sys.argv[4:5]))
    sys.stdout.write(f"{count:,} tokens read, {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
