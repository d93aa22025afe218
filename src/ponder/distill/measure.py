"""Measuring a student while it learns: greedy answers to held-out problems, many at once, per task.

Type `python -m ponder.distill.measure FOLDER [COUNT [TASK …]]` for a run's last checkpoint. The shares are
kept beside it as `measured.json`.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ponder.distill.kept import loaded, use_threads
from ponder.distill.student import Cache, Student
from ponder.distill.vocabulary import END, ENDTHINK, SPECIAL, Vocabulary
from ponder.world.problem import Problem
from ponder.world.reasoning import said
from ponder.world.tasks import TASKS, held_out

MOST_TOKENS = 700
"""A reasoning without a slip has at most about 420 tokens, one with a repair 870; longer is endless."""

SIDE_BY_SIDE = 64
"""So many answers are written at once."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Of `count` problems: shares that were right, and that never came to an end."""

    task: str
    count: int
    right: float
    endless: float
    tokens: float


def marked(
    student: Student,
    vocabulary: Vocabulary,
    problems: Sequence[Problem],
    *,
    direct: bool = False,
    most_tokens: int = MOST_TOKENS,
) -> Marks:
    """Greedy answers compared with what should be said, letter by letter."""
    answers = written(
        student, vocabulary, [each.question for each in problems], direct=direct, most_tokens=most_tokens
    )
    right = endless = tokens = 0
    for one, ids in zip(problems, answers, strict=True):
        text = vocabulary.text(ids)
        right += text.rpartition(SPECIAL[ENDTHINK])[2].strip() == said(one) + SPECIAL[END]
        endless += ids[-1] != END
        tokens += len(ids)
    count = len(problems)
    return Marks(problems[0].task, count, right / count, endless / count, tokens / count)


@torch.inference_mode()
def written(
    student: Student,
    vocabulary: Vocabulary,
    questions: Sequence[str],
    *,
    direct: bool = False,
    most_tokens: int = MOST_TOKENS,
) -> list[list[int]]:
    """What the student writes after each question's prompt, greedily, up to the end token."""
    prompts = [vocabulary.prompt(each) + ([ENDTHINK] if direct else []) for each in questions]
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
    out: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), SIDE_BY_SIDE):
        chosen = order[start : start + SIDE_BY_SIDE]
        for at, ids in zip(
            chosen, continued(student, [prompts[at] for at in chosen], most_tokens), strict=True
        ):
            out[at] = ids
    return out


def greedy(scores: torch.Tensor) -> torch.Tensor:
    """(rows, vocabulary) → the likeliest token of each row."""
    return scores.argmax(-1)


@torch.inference_mode()
def continued(
    student: Student,
    prompts: Sequence[list[int]],
    most_tokens: int,
    choose: Callable[[torch.Tensor], torch.Tensor] = greedy,
    copies: int = 1,
) -> list[list[int]]:
    """Prompts padded on the left, continued until each has ended; each read once and continued `copies`
    times, side by side in the result.
    """
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(each)) + each for each in prompts])
    pad = torch.tensor([longest - len(each) for each in prompts])
    seen = torch.arange(longest) >= pad[:, None]
    positions = (torch.arange(longest) - pad[:, None]).clamp(min=0)
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    mask = (causal & seen[:, None, :])[:, None] | torch.eye(longest, dtype=torch.bool)
    out: list[list[int]] = [[] for _ in range(len(prompts) * copies)]
    rows = list(range(len(out)))
    hidden, cache = student(ids, None, positions, mask)
    if copies > 1:
        hidden, seen, pad = (each.repeat_interleave(copies, 0) for each in (hidden[:, -1:], seen, pad))
        cache = [(k.repeat_interleave(copies, 0), v.repeat_interleave(copies, 0)) for k, v in cache]
    for length in range(most_tokens):
        chosen = choose(student.logits(hidden[:, -1]))
        for row, token in zip(rows, chosen.tolist(), strict=True):
            out[row].append(token)
        going = chosen != END
        if not bool(going.any()):
            break
        if int(going.sum()) < len(rows):
            keep = going.nonzero()[:, 0]
            rows = [rows[at] for at in keep.tolist()]
            cache = [(k[keep], v[keep]) for k, v in cache]
            seen, pad, chosen = seen[keep], pad[keep], chosen[keep]
        seen = torch.cat((seen, torch.ones(len(rows), 1, dtype=torch.bool)), 1)
        hidden, cache = _next(student, chosen, cache, longest + length - pad, seen)
    return out


def _next(
    student: Student, chosen: torch.Tensor, cache: Cache, positions: torch.Tensor, seen: torch.Tensor
) -> tuple[torch.Tensor, Cache]:
    found: tuple[torch.Tensor, Cache] = student(
        chosen[:, None], cache, positions[:, None], seen[:, None, None]
    )
    return found


def main() -> None:
    """Print the marks of the run in the folder named on the command line, task by task."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100
    use_threads()
    run = loaded(folder)
    stages = run.plan["stages"]
    direct = bool(stages and stages[-1]["course"].get("direct"))
    found = []
    for task in sys.argv[3:] or TASKS:
        marks = marked(run.student, run.vocabulary, held_out(task, 1, count), direct=direct)
        found.append(marks)
        ends = f"endless {marks.endless:5.1%} tokens {marks.tokens:6.1f}"
        print(f"{task:10} {marks.right:6.1%} {ends}", flush=True)
    shares = {marks.task: marks.right for marks in found}
    (folder / "measured.json").write_text(json.dumps(shares, indent=1), encoding="utf-8")
    mean = sum(marks.right for marks in found) / len(found)
    print(f"mean {mean:.3f} at stage {run.stage} step {run.step} tokens {run.seen}")


if __name__ == "__main__":
    main()
