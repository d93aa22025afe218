"""Asking a task's problems, several at once, each sample kept with its trace, judged, never asked twice."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ponder.core.events import Token
from ponder.core.trace import Trace
from ponder.errors import AbilityError, InputError, NotFoundError, PonderError
from ponder.evaluate.folder import Folder
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.sample import WHOLE, Place, Sample, sample_of
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup
from ponder.opened import Opened
from ponder.session import Answering, fork, resume, start
from ponder.store import Store

LOOK_S = 0.2
"""How often the one who waits for samples can be interrupted."""


@dataclass(slots=True)
class Pace:
    """What has been written in this start so far, by all that run at once."""

    tokens: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self) -> None:
        """One more."""
        with self.lock:
            self.tokens += 1


class Evaluation:
    """One model on one task. Iterate it for samples as they get their verdicts; leaving the loop stops those
    that run, and a later evaluation with the same folder goes on.

    Raises what `session.start` raises for the first sample that cannot be asked.
    """

    def __init__(
        self, opened: Opened, task: Task, setup: Setup, folder: Folder, *, verifier: Verifier, store: Store
    ) -> None:
        self.pace = Pace()
        self._opened, self._task, self._setup = opened, task, setup
        self._folder, self._verifier, self._store = folder, verifier, store
        self._problems = {problem.id: problem for problem in task.problems}
        self._running: set[Answering] = set()
        self._lock = threading.Lock()
        self._stopping = False

    @property
    def todo(self) -> list[Place]:
        """The samples that are missing: whole ones, then the cuts of those that are there."""
        return self._whole() + self._cuts()

    @property
    def total(self) -> int:
        """All samples that there may be: those without reasoning to cut will have no cuts."""
        whole = self._setup.samples * len(self._task.problems)
        return whole * (1 + len(self._setup.cuts))

    def __iter__(self) -> Iterator[Sample]:
        """Ask what is missing."""
        yield from self._all(self._whole())
        yield from self._all(self._cuts())

    def _whole(self) -> list[Place]:
        return [place for place in self._setup.places(self._task) if place not in self._folder.samples]

    def _cuts(self) -> list[Place]:
        """The cuts of whole samples that have a reasoning to cut."""
        found = []
        for place in self._setup.places(self._task):
            whole = self._folder.samples.get(place)
            if whole is not None and whole.reasoning_tokens and whole.trace:
                found += [replace(place, cut=cut) for cut in self._setup.cuts]
        return [place for place in found if place not in self._folder.samples]

    def _all(self, places: list[Place]) -> Iterator[Sample]:
        self._stopping = False
        waiting: queue.SimpleQueue[Place] = queue.SimpleQueue()
        for place in places:
            waiting.put(place)
        done: queue.SimpleQueue[Sample | BaseException | None] = queue.SimpleQueue()
        count = max(1, min(self._opened.n_parallel, len(places)))
        threads = [threading.Thread(target=self._work, args=(waiting, done)) for _ in range(count)]
        for thread in threads:
            thread.start()
        left = count
        try:
            while left:
                try:
                    came = done.get(timeout=LOOK_S)
                except queue.Empty:
                    continue
                if isinstance(came, BaseException):
                    raise came
                if came is None:
                    left -= 1
                else:
                    yield came
        finally:
            self._stop()
            for thread in threads:
                thread.join()

    def _stop(self) -> None:
        with self._lock:
            self._stopping = True
            for answering in self._running:
                answering.stop()

    def _work(
        self,
        waiting: "queue.SimpleQueue[Place]",
        done: "queue.SimpleQueue[Sample | BaseException | None]",
    ) -> None:
        try:
            while not self._stopping:
                sample = self._sample(waiting.get_nowait())
                if sample is not None:
                    self._folder.add(sample)
                    done.put(sample)
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            done.put(error)
        done.put(None)

    # ------------------------------------------------------------------ one sample

    def _sample(self, place: Place) -> Sample | None:
        """Ask for one sample and judge it; None if it was stopped."""
        problem, begun = self._problems[place.problem], time.time()
        trace, resumed = self._past(place), False
        if trace is None or not _complete(trace):
            answering, resumed = self._answering(place, problem, trace)
            trace = self._finished(answering)
        if not _complete(trace):
            return None
        verdict = self._verifier.judge(problem, trace.answer)
        clock = begun, time.time()
        return sample_of(trace, verdict, place, problem.level, clock, resumed=resumed)

    def _past(self, place: Place) -> Trace | None:
        """What an earlier start has kept of a whole sample that it did not end."""
        trace_id = self._folder.begun.get(place) if place.cut == WHOLE else None
        if trace_id is not None:
            with suppress(NotFoundError):
                return self._store.load(trace_id)
        return None

    def _answering(self, place: Place, problem: Problem, past: Trace | None) -> tuple[Answering, bool]:
        if place.cut != WHOLE:
            return self._cut(place), False
        if past is not None and past.tokens:
            with suppress(InputError, AbilityError):  # another engine than then: it is asked anew
                return resume(self._opened, past, self._store), True
        request = self._setup.asked(self._task, problem, place.number)
        answering = start(self._opened, request, self._store)
        self._folder.begin(place, answering.trace_id)
        return answering, False

    def _cut(self, place: Place) -> Answering:
        """A branch of a whole sample that must answer after a share of its reasoning."""
        trace = self._store.load(self._folder.samples[replace(place, cut=WHOLE)].trace)
        reasoning = [token.index for token in trace.tokens if token.part == "reasoning"]
        index = reasoning[min(int(place.cut * len(reasoning)), len(reasoning) - 1)]
        request = trace.fork_at(index, "answer")
        sampling = replace(request.sampling, seed=trace.request.sampling.seed)
        return fork(self._opened, trace, replace(request, sampling=sampling, budget=None), self._store)

    def _finished(self, answering: Answering) -> Trace:
        with self._lock:
            self._running.add(answering)
            if self._stopping:
                answering.stop()
        try:
            for event in answering:
                if isinstance(event, Token):
                    self.pace.token()
            return answering.trace()
        except PonderError:
            answering.cancel()
            raise
        finally:
            with self._lock:
                self._running.discard(answering)


def _complete(trace: Trace) -> bool:
    return trace.finish is not None and trace.finish.reason not in {"cancelled", "error"}
