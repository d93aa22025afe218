"""A question asked and kept: the run's events go to the store as they pass, and can be gone on with later."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ponder.core.events import Event
from ponder.core.request import Request
from ponder.core.trace import Trace
from ponder.engine.protocol import Ability, require
from ponder.errors import InputError, StorageError
from ponder.opened import Opened, complete
from ponder.spine import Run
from ponder.steer.beginning import wants_reasoning
from ponder.store import Journal, Start, Store


class Answering:
    """A question being answered: iterate it for the events, or call `trace` for the whole.

    `answer_now` and `stop` may be called while it runs, from another thread or a signal handler.
    """

    def __init__(self, run: Run, opened: Opened, journal: Journal | None, created: float) -> None:
        self.run = run
        self.opened = opened
        self.trace_id = journal.trace_id if journal else ""
        self.warnings: list[str] = []
        self._journal = journal
        self._created = created
        self._events = iter(run)

    def __iter__(self) -> Iterator[Event]:
        """The events; those already taken are not given again."""
        try:
            for event in self._events:
                self._keep(event)
                yield event
        finally:
            self._close()

    def answer_now(self) -> None:
        """End the reasoning at the next token and ask for the answer."""
        self.run.answer_now()

    def stop(self) -> None:
        """End the run at the next token; what there is so far is kept."""
        self.run.stop()

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
        run, fold = self.run, self.run.fold
        return Trace(
            id=self.trace_id,
            created=self._created,
            request=run.request,
            model=self.opened.name,
            engine=run.served.engine,
            prompt_ids=run.prompt.ids,
            tokens=tuple(fold.tokens),
            steps=tuple(fold.steps),
            finish=run.finish,
            n_ctx=run.served.n_ctx,
        )

    def _keep(self, event: Event) -> None:
        if self._journal is not None:
            self._journal.add(event)

    def _close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            try:
                journal.close()
            except StorageError as error:
                self.warnings.append(f"this run could not be kept: {error}")


def start(opened: Opened, request: Request, store: Store | None) -> Answering:
    """Begin to answer `request`; with a store the run is kept from its first token on.

    Raises ContextError, AbilityError, EngineError and StorageError before anything is generated.
    """
    think = wants_reasoning(opened.voice, request.think, request.budget)
    request = replace(request, model=opened.name, sampling=complete(request.sampling, opened, think=think))
    pieces = _Pieces()
    run = Run(opened.engine, request, opened.voice, note=pieces.note)
    if store is not None:
        served, prompt_ids = run.served, run.prompt.ids
        pieces.journal = store.begin(
            Start(request, opened.name, served.engine, prompt_ids, served.n_ctx, environment=opened.facts)
        )
    return Answering(run, opened, pieces.journal, time.time())


def resume(opened: Opened, trace: Trace, store: Store) -> Answering:
    """Go on with an interrupted trace exactly where it stopped, and keep what follows in the same trace.

    Raises InputError for a trace that has ended, or whose prompt the model renders otherwise today.
    """
    if trace.finish is not None and trace.finish.reason not in {"cancelled", "error"}:
        raise InputError(f"trace {trace.id} has come to its end; ask its question again with `ponder ask`.")
    require(opened.engine.serve(), Ability.TOKEN_PREFIX, "To resume a trace", "ask its question again")
    pieces = _Pieces()
    run = Run(opened.engine, trace.request, opened.voice, past=trace.tokens, note=pieces.note)
    if run.prompt.ids != trace.prompt_ids:
        raise InputError(
            f"trace {trace.id} cannot go on: {opened.name} renders its question otherwise than before; "
            "is it the same file? Ask again with `ponder ask`."
        )
    pieces.journal = store.resume(trace.id)
    return Answering(run, opened, pieces.journal, trace.created)


class _Pieces:
    """Passes a run's notes on to its journal, which exists a little later than the run."""

    def __init__(self) -> None:
        self.journal: Journal | None = None

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        if self.journal is not None:
            self.journal.note(kind, data)
