"""The arms of an evaluation: which models are asked, and how; each is run, one model in memory at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ponder.cli.eval_progress import forecast, progress
from ponder.core.request import Think
from ponder.evaluate.folder import Folder
from ponder.evaluate.problem import Task
from ponder.evaluate.result import Result, result_of
from ponder.evaluate.running import Evaluation
from ponder.evaluate.sample import Sample
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup, checked, fixed, name_of, short_name
from ponder.opened import Opened, Options, open_model
from ponder.steer.beginning import wants_reasoning
from ponder.store import Store


@dataclass(frozen=True, slots=True)
class Arm:
    """One model asked in one way."""

    model: str
    think: Think
    label: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all arms share: options of the engine, how tasks are asked, where samples and traces go."""

    options: Options
    setup: Setup
    verifier: Verifier
    store: Store
    base: Path


def arms_of(model: str, others: Sequence[str], think: Think, *, both_ways: bool) -> list[Arm]:
    """The arms in the order of the tables: the model, without reasoning if asked for, and the others."""
    ways: tuple[Think, ...] = ("on", "off") if both_ways else (think,)
    return [Arm(name, way) for name in (model, *others) for way in ways]


def run_all(arms: Sequence[Arm], tasks: Sequence[Task], bench: Bench) -> dict[str, list[Result]]:
    """The results by task; a KeyboardInterrupt ends the asking, and what there is so far is given."""
    found: dict[str, list[Result]] = {task.name: [] for task in tasks}
    firsts: dict[str, list[Sample]] = {}
    try:
        for model in dict.fromkeys(arm.model for arm in arms):
            opened = open_model(model, bench.options)
            try:
                for arm, task in ((arm, task) for arm in arms if arm.model == model for task in tasks):
                    with _Running(opened, arm, task, bench) as running:
                        try:
                            running.ask()
                        finally:
                            result = running.result(firsts.get(task.name))
                            found[task.name] += [result] if result is not None else []
                            firsts.setdefault(task.name, running.samples)
            finally:
                opened.engine.close()
    except KeyboardInterrupt:
        click.echo("Stopped: the same command goes on from here.", err=True)
    return found


class _Running:
    """One arm on one task, with its folder open."""

    def __init__(self, opened: Opened, arm: Arm, task: Task, bench: Bench) -> None:
        request = replace(bench.setup.request, think=arm.think)
        self._opened, self._setup = opened, checked(replace(bench.setup, request=request), opened)
        ways = {"auto": "", "on": ", thinking", "off": ", no thinking"}
        self._label = short_name(opened.name) + ways[arm.think]
        self._task, self._cascade = task, bench.verifier.cascade
        what = fixed(self._setup, task, opened)
        self._folder = Folder(bench.base / name_of(what), what, task.problems)
        self._evaluation = Evaluation(
            opened, task, self._setup, self._folder, verifier=bench.verifier, store=bench.store
        )

    def __enter__(self) -> "_Running":
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.close()

    @property
    def samples(self) -> list[Sample]:
        """Those that there are."""
        return list(self._folder.samples.values())

    def ask(self) -> None:
        """Ask what is missing, after a word on how long that will take."""
        todo, known, request = len(self._evaluation.todo), self.samples, self._setup.request
        if not todo:
            return
        served = self._opened.engine.serve()
        most = request.sampling.max_tokens or served.n_ctx
        thinks = wants_reasoning(self._opened.voice, request.think, request.budget)
        said = forecast(self._opened, todo, known, most, thinks=thinks)
        label = f"{self._task.name} · {self._label}"
        kept = f" ({len(known)} are there already)" if known else ""
        click.echo(f"{label}: {todo} samples{kept}: {said}", err=True)
        with progress(self._evaluation, label, self._evaluation.total - len(known)) as take:
            for sample in self._evaluation:
                take(sample)

    def result(self, first: list[Sample] | None) -> Result | None:
        """What there is now."""
        programs = any(problem.tests for problem in self._task.problems)
        asked = self._evaluation.total, len(self._evaluation.todo), self._opened.n_parallel
        same = None if programs else self._cascade.same
        return result_of(self._label, self._folder, asked, same, first)
