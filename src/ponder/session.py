"""A question asked and kept: the run's events go to the store as they pass, and can be gone on with later."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ponder.core.events import Event, Finish, Token
from ponder.core.request import Correction, CorrectionKind, Request
from ponder.core.trace import Trace
from ponder.engine.protocol import Ability, require
from ponder.errors import InputError, StorageError
from ponder.opened import Opened, complete
from ponder.spine import Run
from ponder.steer.beginning import wants_reasoning
from ponder.store import Journal, Start, Store
from ponder.warm import recall, remember

if TYPE_CHECKING:
    from ponder.core.plan import Compared


class Answering:
    """A question being answered: iterate it for the events, or call `trace` for the whole.

    `answer_now` and `stop` may be called while it runs, from another thread or a signal handler.
    """

    def __init__(
        self, run: Run, opened: Opened, store: Store | None, journal: Journal | None, origin: "_Origin"
    ) -> None:
        self.run = run
        self.opened = opened
        self.trace_id = journal.trace_id if journal else ""
        self.warnings: list[str] = []
        self.compared: tuple[Compared, ...] = ()
        self._store = store
        self._journal = self._kept = journal
        self.fork_index = origin.fork_index
        self._origin = origin
        self._events = iter(run)
        self._since: tuple[float, float] | None = None
        self._alone = opened.n_parallel == 1  # beside others, its rate says nothing about the plan

    def __iter__(self) -> Iterator[Event]:
        """The events; those already taken are not given again, so a loop that was left can be taken up."""
        try:
            for event in self._events:
                self._keep(event)
                yield event
                if self._alone and self._since is None and isinstance(event, Token):
                    self._since = time.perf_counter(), self.opened.busy_s()
        except GeneratorExit:  # the loop was left: another one may follow, or `cancel`
            raise
        except BaseException:
            self._close()
            raise
        self._compare()
        self._close()

    def __del__(self) -> None:
        self._close()

    @property
    def unkept(self) -> str:
        """Why the store could not keep this run just now, as a sentence; empty when all is well."""
        failure = self._kept.failure if self._kept is not None else None
        return f"This run is not kept: {failure}" if failure is not None else ""

    def answer_now(self) -> None:
        """End the reasoning at the next token and ask for the answer."""
        self.run.answer_now()

    def stop(self) -> None:
        """End the run at the next token; what there is so far is kept."""
        self.run.stop()

    def pause(self) -> None:
        """Give out a Paused event at the end of the step that is being written; the next event goes on."""
        self.run.pause()

    def think_more(self) -> None:
        """Let the reasoning go on where the model would end it next; raises AbilityError."""
        self.run.think_more()

    def fork(self, at: int, kind: CorrectionKind = "say", text: str = "") -> "Answering":
        """Leave this line before step `at`, as `Trace.fork` does; one that still runs ends as cancelled.

        Both are kept side by side. Raises as `Trace.fork` and `fork` do.
        """
        request = self.so_far().fork(at, kind, text)  # what cannot be is refused before the line is left
        self.cancel()
        return fork(self.opened, self.so_far(), request, self._store)

    def cancel(self) -> list[Event]:
        """The last events after the iteration was broken off; the trace ends as cancelled."""
        self._events.close()  # the engine is free again
        events = self.run.cancel()
        for event in events:
            self._keep(event)
        self._close()
        return events

    def trace(self) -> Trace:
        """The whole trace; runs to the end first if need be."""
        for _ in self:
            pass
        return self.so_far()

    def so_far(self) -> Trace:
        """The trace as it is now: whole steps, and perhaps the beginning of another."""
        run, fold = self.run, self.run.fold
        return Trace(
            id=self.trace_id,
            created=self._origin.created,
            request=run.request,
            model=self.opened.name,
            engine=run.served.engine,
            prompt_ids=run.prompt.ids,
            tokens=tuple(fold.tokens),
            steps=tuple(run.steps),
            finish=run.finish,
            n_ctx=run.served.n_ctx,
            parent=self._origin.parent,
            fork_index=self._origin.fork_index,
            prompt_text=run.prompt.text,
        )

    def _keep(self, event: Event) -> None:
        if self._journal is not None:
            if not isinstance(event, Token) or event.origin == "model":  # the engine is at work by now
                self._journal.begun()
            self._journal.add(event)
            if isinstance(event, Finish) and self._store is not None:
                remember(self.opened, self._store, self.trace_id, self.run.prompt, self.run.fold.ids)

    def _compare(self) -> None:
        """See what became of the plan's predictions, once the answer is complete."""
        finish = self.run.finish
        if self.compared or self._since is None or finish is None or finish.reason in {"cancelled", "error"}:
            return
        wall_s, busy_s = time.perf_counter() - self._since[0], self.opened.busy_s() - self._since[1]
        self.compared = self.opened.compared(finish.usage, busy_s / wall_s)
        if self._journal is not None and self.compared:
            self._journal.note("predicted", {each.what: asdict(each) for each in self.compared})

    def _close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            try:
                journal.close()
            except StorageError as error:
                self.warnings.append(f"this run could not be kept: {error}")


def start(opened: Opened, request: Request, store: Store | None, *, later: bool = False) -> Answering:
    """Begin to answer `request`; with a store the run is kept from its first token on.

    Raises ContextError, AbilityError and EngineError before anything is generated. While the engine reads
    the prompt, the store makes room for the trace: StorageError comes in place of the first token. With
    `later` nobody waits for the store: it writes what has gathered in its own time.
    """
    think = wants_reasoning(opened.voice, request.think, request.budget)
    request = replace(request, model=opened.name, sampling=complete(request.sampling, opened, think=think))
    pieces = _Pieces()
    run = Run(opened.engine, request, opened.voice, note=pieces.note)
    origin = _Origin(time.time())
    if store is not None:
        begin = store.begin_later if later else store.begin_soon
        pieces.journal = begin(_start(run, opened, origin))
    return Answering(run, opened, store, pieces.journal, origin)


def fork(opened: Opened, trace: Trace, request: Request, store: Store | None) -> Answering:
    """Answer `request`, made by `trace.fork`, as a branch of `trace`: what comes before its correction stays.

    Raises InputError where the prompt is rendered otherwise today, AbilityError for an engine that cannot go
    on from given tokens, and as `start` does.
    """
    correction = request.correction or Correction(len(trace.tokens) - trace.ended)
    require(opened.engine.serve(), Ability.prefix(), "To fork a trace", "ask its question again")
    think = wants_reasoning(opened.voice, request.think, request.budget)
    sampling = complete(request.sampling, opened, think=think)
    request = replace(request, sampling=sampling, correction=correction)
    pieces, index = _Pieces(), correction.index
    run = Run(opened.engine, request, opened.voice, past=trace.tokens[:index], note=pieces.note)
    _check_prompt(run, opened, trace)
    recall(opened, run.prompt, run.fold.ids)
    origin = _Origin(time.time(), trace.id or None, index)
    store = store if trace.id else None  # a branch is kept where its beginning is
    if store is not None:
        pieces.journal = store.begin(_start(run, opened, origin))
    return Answering(run, opened, store, pieces.journal, origin)


def resume(opened: Opened, trace: Trace, store: Store) -> Answering:
    """Go on with an interrupted trace exactly where it stopped, and keep what follows in the same trace.

    Raises InputError for a trace that has ended, or whose prompt the model renders otherwise today.
    """
    if trace.finish is not None and trace.finish.reason not in {"cancelled", "error"}:
        raise InputError(f"trace {trace.id} has come to its end; ask its question again with `ponder ask`.")
    require(opened.engine.serve(), Ability.prefix(), "To resume a trace", "ask its question again")
    pieces = _Pieces()
    run = Run(opened.engine, trace.request, opened.voice, past=trace.tokens, note=pieces.note)
    _check_prompt(run, opened, trace)
    recall(opened, run.prompt, run.fold.ids)
    pieces.journal = store.resume(trace.id)
    origin = _Origin(trace.created, trace.parent, trace.fork_index)
    return Answering(run, opened, store, pieces.journal, origin)


def _start(run: Run, opened: Opened, origin: "_Origin") -> Start:
    served, prompt_ids = run.served, run.prompt.ids
    branch = origin.parent, origin.fork_index
    return Start(
        run.request, opened.name, served.engine, prompt_ids, served.n_ctx, *branch, opened.facts,
        run.prompt.text,
    )  # fmt: skip


def _check_prompt(run: Run, opened: Opened, trace: Trace) -> None:
    """Tokens mean what they meant only behind the same prompt."""
    same = run.prompt.ids == trace.prompt_ids and (run.prompt.ids or run.prompt.text == trace.prompt_text)
    if not same:
        raise InputError(
            f"trace {trace.id} cannot go on: {opened.name} renders its question otherwise than before; "
            "is it the same file? Ask again with `ponder ask`."
        )


@dataclass(frozen=True, slots=True)
class _Origin:
    """When a run began, and what it branched from; see `Trace`."""

    created: float
    parent: str | None = None
    fork_index: int = 0


class _Pieces:
    """Passes a run's notes on to its journal, which exists a little later than the run."""

    def __init__(self) -> None:
        self.journal: Journal | None = None

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        if self.journal is not None:
            self.journal.note(kind, data)
