"""Stage `prompts`: problems from generators and files, without those that a student will be measured on.

Leaves `prompts.jsonl`, and `removed.jsonl` with every row that was taken out and why.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from ponder.distill.contamination import Measured, canaries, caught, stamp
from ponder.distill.likeness import Likeness
from ponder.distill.prompt import Prompt, key_of, require_gym
from ponder.distill.rows import Appended, write_json, write_rows
from ponder.distill.work import Counts, Expected, Kind, Told, Work, rooted
from ponder.errors import AbilityError, InputError, NotFoundError
from ponder.evaluate.problem import Task
from ponder.evaluate.tasks.find import Wanted, find_task, task_of
from ponder.evaluate.tasks.rows import row_of
from ponder.evaluate.tasks.world import tasks_called
from ponder.world.problem import Problem as Made
from ponder.world.tasks import LEVELS, problem

EACH_S = 0.0005
"""Seconds for one prompt, about: generated, hashed and compared."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where prompts are from: `task` is world:NAME, gym:NAME or a file as for `ponder eval --task`; `dataset`
    the name or the file of a data set that the package `datasets` opens, `split` a part of it. `levels` are
    those of the world's problems. `asks` is added to each question (None: what goes with the format).
    """

    task: str = ""
    dataset: str = ""
    split: str = "train"
    count: int | None = None
    levels: tuple[int, ...] = LEVELS
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`against`: the tasks that students will be measured on, of the generated ones the first `measured`
    problems of `measured_seed`. `canaries` copies of theirs are planted and looked for.
    """

    sources: tuple[Source, ...]
    against: tuple[str, ...] = ()
    measured: int = 1000
    measured_seed: int = 0
    near_duplicates: bool = True
    canaries: int = 40
    seed: int = 0


def run(settings: Settings, work: Work) -> Counts:
    """Write the prompts; raises InputError and what a source raises."""
    measured, problems = Measured(), list(_measured(settings, work.base))
    for each in problems:
        measured.add(each)
    total = sum(source.count or 0 for source in settings.sources)
    sieve = _Sieve(measured, Likeness() if settings.near_duplicates else None)
    removed = work.folder / "removed.jsonl"
    removed.unlink(missing_ok=True)
    with Appended(removed) as out:

        def kept() -> Iterator[Prompt]:
            for prompt in _prompts(settings, work.base):
                if sieve.seen % 500 == 0:
                    work.go_on()
                    work.tell(Told(sieve.seen, max(total, sieve.seen + 1)))
                why = sieve.refuses(prompt)
                if why:
                    out.add(
                        {"why": why, "id": prompt.id, "source": prompt.source, "question": prompt.question}
                    )
                else:
                    yield prompt

        count = write_rows(work.folder / "prompts.jsonl", kept())
    if not count:
        raise InputError(f"the stage {work.name} has no prompts left: see {removed} for the reasons.")
    found = caught(measured, canaries(problems, settings.canaries, settings.seed))
    work.tell(Told(1, 1, f"{count} prompts"))
    write_json(work.folder / "canaries.json", found)
    return {
        "rows": count,
        "seen": sieve.seen,
        "removed": dict(sieve.reasons),
        "measured": len(problems),
        "canaries": found,
        "sources": dict(sieve.sources),
    }


class _Sieve:
    """What is taken out: measured problems, and prompts that came before or nearly so."""

    def __init__(self, measured: Measured, likeness: Likeness | None) -> None:
        self.seen = 0
        self.reasons: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self._measured, self._likeness = measured, likeness
        self._keys: set[int] = set()

    def refuses(self, prompt: Prompt) -> str:
        """Why a prompt must go, "" for one that stays."""
        self.seen += 1
        why = self._why(prompt)
        if why:
            self.reasons[why] += 1
        else:
            self.sources[prompt.source] += 1
        return why

    def _why(self, prompt: Prompt) -> str:
        if not prompt.question.strip():
            return "empty"
        same = stamp([prompt.key] if prompt.key else prompt.question.casefold().split())
        if same in self._keys:
            return "duplicate"
        self._keys.add(same)
        found = self._measured.matches(prompt)
        if found:
            return found
        if self._likeness is not None and not prompt.key and self._likeness.seen(prompt.question):
            return "near-duplicate"
        return ""


def _measured(settings: Settings, base: Path) -> Iterator[Prompt]:
    """The problems of the evaluation sets, with keys where they are generated."""
    for name in settings.against:
        wanted = Wanted(settings.measured if ":" in name else None, settings.measured_seed)
        task = find_task(name if ":" in name else str(rooted(name, base)), wanted)
        for each in task.problems:
            key = each.id.split("-", 2)[2] if task.name.startswith("world:") else key_of(task.name, each)
            yield Prompt(each.id, each.question, each.target, source=task.name, key=key)


def _prompts(settings: Settings, base: Path) -> Iterator[Prompt]:
    for number, source in enumerate(settings.sources):
        seed = settings.seed * 1009 + number
        if source.task.startswith("world:"):
            yield from _from_world(source, seed)
        elif source.task.startswith("gym:"):
            yield from _from_gym(source, seed + 1_000_003)  # far from the seeds that people evaluate with
        elif source.dataset:
            yield from _from_dataset(source, base)
        else:
            yield from _from_task(find_task(str(rooted(source.task, base)), _wanted(source, seed)))


def _wanted(source: Source, seed: int) -> Wanted:
    return Wanted(source.count, seed, source.asks)


def _from_world(source: Source, seed: int) -> Iterator[Prompt]:
    """Problems of the side that is for training; any one of them can be made again alone."""
    name = source.task.removeprefix("world:")
    tasks = tasks_called(name)
    for number in range(source.count or 0):
        task = tasks[number % len(tasks)]
        level = source.levels[number // len(tasks) % len(source.levels)]
        made = world_problem(task, level, seed, number)
        yield Prompt(
            f"{task}-{seed}-{number}", made.question, made.answer, f"{task} {level}", asks=source.asks or "",
            source=f"world:{task}", key=made.key, place=(seed, level, number),
        )  # fmt: skip


def world_problem(task: str, level: int, seed: int, number: int) -> Made:
    """The problem of the world that a prompt's `place` names."""
    return problem(task, Random(f"prompts {task} {level} {seed} {number}"), level, held_out=False)


def _from_gym(source: Source, seed: int) -> Iterator[Prompt]:
    require_gym()
    count = source.count or 100
    task = find_task(source.task, Wanted(count, seed, source.asks))
    for number, each in enumerate(task.problems):
        yield Prompt(
            f"{task.name}-{each.id}", each.question, each.target, each.level, asks=task.asks,
            source=task.name, key=key_of(task.name, each), place=(seed, count, number),
        )  # fmt: skip


def _from_task(task: Task) -> Iterator[Prompt]:
    for each in task.problems:
        yield Prompt(
            f"{task.name}-{each.id}", each.question, each.target, each.level, each.choices, each.tests,
            task.asks, task.name,
        )  # fmt: skip


def _from_dataset(source: Source, base: Path) -> Iterator[Prompt]:
    """Rows of a data set, in the spellings that task files may have."""
    if not find_spec("datasets"):
        raise AbilityError(
            f"the data set {source.dataset} is opened by the package datasets: type `pip install datasets`, "
            "or give a JSONL or CSV file as `task`."
        )
    load: Any = import_module("datasets").load_dataset
    path = rooted(source.dataset, base)
    try:
        if path.is_file():
            kind = {".jsonl": "json", ".txt": "text"}.get(path.suffix, path.suffix.lstrip("."))
            rows = load(kind, data_files=str(path), split="train", streaming=True)
        else:
            rows = load(source.dataset, split=source.split, streaming=True)
    except (OSError, ValueError, ConnectionError) as error:
        raise NotFoundError(f"the data set {source.dataset} cannot be opened ({error}).") from error
    chosen = enumerate(islice(rows, source.count), 1)
    found = [row_of(f"{source.dataset} row {number}", number, row) for number, row in chosen]
    yield from _from_task(task_of(path.stem, found, Wanted(None, 0, source.asks)))


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """As many as are asked for; of files as many as they have."""
    del known
    rows = sum(source.count or 1000 for source in settings.sources)
    open_ended = [s.task or s.dataset for s in settings.sources if s.count is None]
    why = (
        f"all rows of {', '.join(open_ended)}: counted as 1,000 each" if open_ended else "as the sources say"
    )
    return Expected(rows, 0, rows * EACH_S, rows * EACH_S * 10, why)


def check(settings: Settings) -> None:
    """Raise InputError for sources that cannot be."""
    if not settings.sources:
        raise InputError('there are no sources: write sources = [{ task = "world:sums", count = 1000 }].')
    for source in settings.sources:
        name = source.task or source.dataset
        if bool(source.task) == bool(source.dataset):
            raise InputError("a source has either a task or a dataset: name one.")
        if source.task.startswith(("world:", "gym:")) and not source.count:
            raise InputError(f"the source {name} has no end: say how many with count.")
        if source.task.startswith("world:"):
            tasks_called(source.task.removeprefix("world:"))
        if not set(source.levels) <= set(LEVELS):
            raise InputError(f"the source {name} has levels {source.levels}; there are {LEVELS}.")


def files(settings: Settings, base: Path) -> Sequence[Path]:
    """The files that sources and evaluation sets name."""
    named = [source.task for source in settings.sources if source.task] + list(settings.against)
    local = [rooted(source.dataset, base) for source in settings.sources if source.dataset]
    return [rooted(n, base) for n in named if ":" not in n] + [p for p in local if p.is_file()]


KIND = Kind(Settings, run, expect, files=files, check=check)
