"""Stage `sample`: teachers answer every prompt several times, and each answer is kept as a whole trace.

The prompts are taken in shards, and only one shard for each engine is in memory. A shard is a folder of an
evaluation, so that after a kill nothing is asked twice and a trace that was begun goes on at its last token.
Several engines with the same model share the shards; one that fails leaves its shard to the others.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ponder.catalog.library import resolve
from ponder.core.request import Request, Sampling, Think
from ponder.distill.prompt import Prompt
from ponder.distill.rows import Lines, read_json, write_json
from ponder.distill.work import Counts, Expected, Kind, Stopped, Told, Work, references
from ponder.errors import EngineError, InputError, NetworkError, PonderError
from ponder.evaluate.folder import Folder
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.running import Evaluation
from ponder.evaluate.sample import Sample
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.verdict import Verdict
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup, checked, fixed, short_name
from ponder.fit.launch import Local, LocalFile, Wanted
from ponder.opened import Opened, Options, open_model
from ponder.store import Store, open_store

SHARD = 256
DONE = "done.json"
TOKENS = 5355
"""Tokens of an answer where nothing is known of the teacher: the mean of R1's own data for its students."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """One engine: `model` as for `ponder ask -m`, or `@STAGE/KIND` for what an export stage made. `server` is
    the address of a running server, `key_from` the environment variable with its key. For the forecast `tps`
    are the tokens a second that it writes in all, and `per_million` is what a million cost.
    """

    model: str
    server: str = ""
    key_from: str = "PONDER_API_KEY"
    n_ctx: int | None = None
    slots: int = 0
    tps: float = 0.0
    per_million: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`samples` answers to each prompt of the stage `prompts`, by every model among the teachers."""

    prompts: str
    teachers: tuple[Teacher, ...]
    samples: int = 1
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    budget: int | None = None
    think: Think = "auto"
    system: str = ""
    seed: int = 0


class Unjudged(Verifier):
    """Sampling judges nothing: that is for the filter, which can be changed without sampling again."""

    def judge(self, problem: Problem, text: str) -> Verdict:
        """Unknown."""
        del problem, text
        return Verdict("unknown", "not judged")


@dataclass(slots=True)
class _Tally:
    """What has been done, over all engines and starts."""

    total: int
    samples: int = 0
    tokens: int = 0
    fresh: int = 0
    finished: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, counts: Mapping[str, Any]) -> None:
        """The counts of some samples."""
        with self.lock:
            self.samples += counts["samples"]
            self.tokens += counts["tokens"]
            for reason, number in counts["finished"].items():
                self.finished[reason] = self.finished.get(reason, 0) + number


def run(settings: Settings, work: Work) -> Counts:
    """Ask what is missing; raises EngineError where no engine is left."""
    made = work.made(settings.prompts)
    models = list(dict.fromkeys(teacher.model for teacher in settings.teachers))
    tally = _Tally(settings.samples * made.counts["rows"] * len(models))
    shards = -(-made.counts["rows"] // SHARD)
    names: dict[str, str] = {}
    with open_store(work.run / "traces.db") as store:
        for number, model in enumerate(models):
            folder = work.folder / f"teacher-{number}"
            folder.mkdir(exist_ok=True)
            engines = [teacher for teacher in settings.teachers if teacher.model == model]
            _Asking(settings, work, store, tally).all(engines, folder, shards)
            names[folder.name] = model
    work.tell(Told(tally.samples, tally.samples, f"{tally.tokens:,} tokens"))
    return {"rows": tally.samples, "tokens": tally.tokens, "finished": tally.finished, "teachers": names,
            "prompts": made.folder.name}  # fmt: skip


class _Asking:
    """One teacher's shards, shared by its engines."""

    def __init__(self, settings: Settings, work: Work, store: Store, tally: _Tally) -> None:
        self._settings, self._work, self._store, self._tally = settings, work, store, tally
        self._prompts = Lines(work.made(settings.prompts).file("prompts.jsonl"))
        self._left: list[int] = []
        self._errors: list[PonderError] = []
        self._lock = threading.Lock()

    def all(self, engines: list[Teacher], folder: Path, shards: int) -> None:
        """Every shard by whichever engine is free."""
        for number in reversed(range(shards)):
            done = folder / f"{number:06}" / DONE
            if done.exists():
                self._tally.add(read_json(done))
            else:
                self._left.append(number)
        if not self._left:
            return
        threads = [threading.Thread(target=self._engine, args=(each, folder)) for each in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._work.go_on()
        if self._left:
            raise EngineError(f"no teacher is left for {len(self._left)} shards: {self._errors[-1]}")

    def _engine(self, teacher: Teacher, folder: Path) -> None:
        try:
            opened = open_model(self._work.model(teacher.model), _options(teacher))
        except PonderError as error:
            self._errors.append(error)
            return
        try:
            while (number := self._next()) is not None:
                try:
                    self._shard(opened, folder / f"{number:06}", number)
                except (EngineError, NetworkError) as error:
                    self._errors.append(error)
                    self._left.append(number)
                    return
        except Stopped:
            return
        except PonderError as error:  # of the question, not of the engine: no other one would do better
            self._errors.append(error)
            self._left.append(-1)
        finally:
            opened.engine.close()

    def _next(self) -> int | None:
        with self._lock:
            if not self._left or self._left[-1] < 0 or self._work.stopping():
                return None
            return self._left.pop()

    def _shard(self, opened: Opened, folder: Path, number: int) -> None:
        settings, prompts = self._settings, self._prompts.read(number * SHARD, SHARD, Prompt)
        task = Task(f"{self._work.name}-{number:06}", tuple(map(problem_asked, prompts)))
        request = Request((), think=settings.think, budget=settings.budget, sampling=_sampling(settings))
        setup = checked(Setup(request, settings.samples, settings.seed, settings.system), opened)
        what = fixed(setup, task, opened)
        what["weights"] = {name: value for name, value in what["weights"].items() if name != "server"}
        judge = Unjudged(Cascade())
        with Folder(folder, what, task.problems) as kept:
            before = len(kept.samples)
            evaluation = Evaluation(opened, task, setup, kept, verifier=judge, store=self._store)
            for done, sample in enumerate(evaluation, before + 1):
                self._say(done, sample, short_name(opened.name))
                self._work.go_on()
            counts = _counts(list(kept.samples.values()))
        write_json(folder / DONE, counts)
        self._tally.add(counts)
        with self._tally.lock:
            self._tally.fresh = 0

    def _say(self, done: int, sample: Sample, name: str) -> None:
        del done
        with self._tally.lock:
            self._tally.fresh += 1
            count = self._tally.samples + self._tally.fresh
        said = f"{name}: {sample.completion_tokens} tokens, {sample.reason}"
        self._work.tell(Told(count, self._tally.total, said))


def problem_asked(prompt: Prompt) -> Problem:
    """A prompt's problem whose question is all that is asked."""
    return replace(prompt.problem(), question=prompt.asked(), choices=())


def _counts(samples: list[Sample]) -> dict[str, Any]:
    finished: dict[str, int] = {}
    for sample in samples:
        finished[sample.reason] = finished.get(sample.reason, 0) + 1
    return {
        "samples": len(samples),
        "tokens": sum(s.completion_tokens for s in samples),
        "finished": finished,
    }


def _options(teacher: Teacher) -> Options:
    key = os.environ.get(teacher.key_from, "") if teacher.server else ""
    return Options(n_ctx=teacher.n_ctx, server=teacher.server, api_key=key, n_parallel=teacher.slots)


def _sampling(settings: Settings) -> Sampling:
    return Sampling(
        temperature=settings.temperature, top_p=settings.top_p, max_tokens=settings.max_tokens, logprobs=False
    )


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """Answers of the longest length that is allowed, at the rates that are given or planned here."""
    models = len({teacher.model for teacher in settings.teachers})
    rows = known[settings.prompts].rows * settings.samples * models
    each = min(settings.max_tokens or TOKENS, TOKENS)
    tokens, cost = rows * each, 0.0
    low: float | None = 0.0
    high: float | None = 0.0
    for model in dict.fromkeys(teacher.model for teacher in settings.teachers):
        engines = [teacher for teacher in settings.teachers if teacher.model == model]
        cost += tokens / models / 1e6 * max(teacher.per_million for teacher in engines)
        rates = [_rate(teacher) for teacher in engines]
        slow, fast = sum(rate[0] for rate in rates), sum(rate[1] for rate in rates)
        low = None if low is None or not fast else low + tokens / models / fast
        high = None if high is None or not slow else high + tokens / models / slow
    why = f"{'at most' if each < TOKENS else 'with'} {each:,} tokens an answer"
    why += "" if low is not None else "; how fast a teacher writes shows after the first answers"
    return Expected(rows, tokens, low, high, why, cost)


def _rate(teacher: Teacher) -> tuple[float, float]:
    """Tokens a second at least and at most: as given, or as planned for a local model; 0 for who knows."""
    if teacher.tps or teacher.server or teacher.model.startswith("@"):
        return teacher.tps, teacher.tps
    try:
        found = resolve(teacher.model)
        local = Local(LocalFile(found.header, found.name, found.model), Wanted(teacher.n_ctx), tuple)
        here = local.here()
    except PonderError:
        return 0.0, 0.0  # it is not here, or does not fit: opening it will say so
    decode = None if here is None else here.plan.decode
    return (0.0, 0.0) if decode is None else (decode.low_tps, decode.high_tps)


def check(settings: Settings) -> None:
    """Raise InputError where nobody would answer, or always the same."""
    if not settings.teachers:
        raise InputError('there are no teachers: write teachers = [{ model = "deepseek-r1:7b" }].')
    if settings.samples < 1:
        raise InputError(f"samples = {settings.samples} asks nothing: take 1 or more.")
    if settings.samples > 1 and settings.temperature == 0:
        raise InputError(
            f"{settings.samples} samples at temperature 0 are all the same: raise it, or take one."
        )


KIND = Kind(
    Settings,
    run,
    expect,
    needs=lambda s: {s.prompts: ("prompts",), **references([t.model for t in s.teachers])},
    check=check,
)
