"""Stage `evaluate`: teachers, students and quantised students on the same problems, compared in pairs.

Each model's answers to a task are an evaluation like those of `ponder eval`, with its folder and its traces.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ponder.core.request import Request, Sampling, Think
from ponder.distill.rows import write_json
from ponder.distill.work import Counts, Expected, Kind, Told, Work, references, rooted
from ponder.errors import InputError
from ponder.evaluate.folder import Folder
from ponder.evaluate.problem import Task
from ponder.evaluate.result import Result, result_of
from ponder.evaluate.running import Evaluation
from ponder.evaluate.sample import Sample
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup, checked, fixed
from ponder.evaluate.statistics.summary import Against, against
from ponder.evaluate.tasks.find import Wanted, find_task
from ponder.opened import Opened, Options, open_model
from ponder.store import Store, open_store
from ponder.store.codec import encode


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table: `label`, and a `model` as for a teacher of the stage `sample`."""

    label: str
    model: str
    server: str = ""
    think: Think = "auto"
    n_ctx: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`tasks` as for `ponder eval --task`, of each `limit` problems and `samples` of each. `pairs` of labels
    are compared, the second against the first.
    """

    models: tuple[Model, ...]
    tasks: tuple[str, ...]
    limit: int | None = 200
    samples: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    budget: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    slots: int = 0
    seed: int = 0
    cuts: tuple[float, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Compared:
    """`second` against `first` on one task."""

    task: str
    first: str
    second: str
    against: Against


def run(settings: Settings, work: Work) -> Counts:
    """Ask every model, then compare."""
    wanted = Wanted(settings.limit, settings.seed)
    tasks = [find_task(n if ":" in n else str(rooted(n, work.base)), wanted) for n in settings.tasks]
    results: dict[tuple[str, str], Result] = {}
    samples: dict[tuple[str, str], list[Sample]] = {}
    each = settings.samples * (1 + len(settings.cuts))
    total, before = each * len(settings.models) * sum(len(t.problems) for t in tasks), 0
    with Symbolic(1) as symbolic, open_store(work.run / "traces.db") as store:
        verifier = Verifier(Cascade(symbolic))
        for model in settings.models:
            options = Options(n_ctx=model.n_ctx, server=model.server, n_parallel=settings.slots)
            opened = open_model(work.model(model.model), options)
            try:
                for task in tasks:
                    asking = _Asking(settings, model, task, work.folder)
                    place = model.label, task.name
                    results[place], samples[place] = asking.all(
                        opened, verifier, store, work, (before, total)
                    )
                    before += each * len(task.problems)
            finally:
                opened.engine.close()
    compared = [
        Compared(task.name, first, second, found)
        for first, second in settings.pairs
        for task in tasks
        if (found := against(samples[first, task.name], samples[second, task.name], settings.seed))
        is not None
    ]
    rows = [{"label": label, "task": task, "result": encode(r)} for (label, task), r in results.items()]
    write_json(work.folder / "results.json", rows)
    write_json(work.folder / "compared.json", compared)
    work.tell(Told(1, 1, f"{total} answers"))
    accuracies = {f"{label} · {task}": r.figures.accuracy.value for (label, task), r in results.items()}
    pairs = {f"{c.second} - {c.first} · {c.task}": encode(c.against.accuracy) for c in compared}
    return {"rows": total, "accuracy": accuracies, "pairs": pairs}


@dataclass(frozen=True, slots=True)
class _Asking:
    """One model on one task."""

    settings: Settings
    model: Model
    task: Task
    folder: Path

    def all(
        self, opened: Opened, verifier: Verifier, store: Store, work: Work, counted: tuple[int, int]
    ) -> tuple[Result, list[Sample]]:
        """What there is after all missing samples were asked."""
        s = self.settings
        sampling = Sampling(temperature=s.temperature, max_tokens=s.max_tokens, logprobs=False)
        request = Request((), think=self.model.think, budget=s.budget, sampling=sampling)
        setup = checked(Setup(request, s.samples, s.seed, cuts=s.cuts), opened)
        name = "".join(sign if sign.isalnum() else "-" for sign in f"{self.model.label}-{self.task.name}")
        with Folder(self.folder / name, fixed(setup, self.task, opened), self.task.problems) as kept:
            evaluation = Evaluation(opened, self.task, setup, kept, verifier=verifier, store=store)
            right = sum(sample.right for sample in kept.samples.values())
            for sample in evaluation:
                right += sample.right
                done = len(kept.samples)
                said = f"{self.model.label}: {right} of {done} right"
                work.tell(Told(counted[0] + done, counted[1], said))
                work.go_on()
            asked = evaluation.total, len(evaluation.todo), opened.n_parallel
            result = result_of(self.model.label, kept, asked, verifier.cascade.same, None)
            assert result is not None
            return result, list(kept.samples.values())


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """Answers as long as they may be."""
    del known
    rows = settings.samples * len(settings.models) * len(settings.tasks) * (settings.limit or 1000)
    most = settings.max_tokens or 4000
    return Expected(rows, rows * most, None, None, f"at most {most:,} tokens an answer")


def check(settings: Settings) -> None:
    """Raise InputError for labels that are not there, or twice."""
    labels = [model.label for model in settings.models]
    if len(set(labels)) < len(labels) or not labels or not settings.tasks:
        raise InputError("models and tasks must be named, each label once.")
    for label in (each for pair in settings.pairs for each in pair):
        if label not in labels:
            raise InputError(f"pairs has {label!r}, which is none of the labels {', '.join(labels)}.")


def files(settings: Settings, base: Path) -> list[Path]:
    """The task files."""
    return [rooted(name, base) for name in settings.tasks if ":" not in name]


KIND = Kind(
    Settings, run, expect, needs=lambda s: references([m.model for m in s.models]), files=files, check=check
)
