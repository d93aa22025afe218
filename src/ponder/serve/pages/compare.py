"""Two traces side by side: what they share, and from there on step opposite step."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ponder.check.answers import agreement
from ponder.core.events import Step
from ponder.errors import InputError
from ponder.reason.compare import Pair, aligned, shared_tokens
from ponder.reason.effort import Effort, effort
from ponder.serve.pages.frame import page
from ponder.serve.pages.prose import prose
from ponder.serve.pages.reading import READINGS, SIGNS, Reading
from ponder.serve.service import service_of

MOST_PAIRS = 400
"""So many pairs of steps are shown; more are no reading for anybody."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring pairs that are shown alike: one that differs, or any number with the same words."""

    pairs: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        """Whether both sides have the same words."""
        return self.pairs[0].same


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, and its effort after what they share."""

    reading: Reading
    cost: Effort
    steps: int


def show(request: Request) -> Response:
    """`GET /compare?a=ID&b=ID`."""
    names = [request.query_params.get(name, "") for name in ("a", "b")]
    if not all(names):
        raise InputError("two traces are compared: tick two in the list of traces.")
    store = service_of(request).store
    one, other = (READINGS.of(store, name) for name in names)
    if one.trace.id == other.trace.id:
        raise InputError(f"{one.trace.id} and {other.trace.id} are the same trace: choose another one.")
    shared = shared_tokens(one.trace, other.trace)
    runs = _runs(aligned(one.trace, other.trace, shared))
    sides = tuple(_side(reading, shared) for reading in (one, other))
    return page(
        request,
        "compare.html",
        "Traces",
        "Side by side",
        sides=sides,
        shared=shared,
        shared_steps=sum(1 for step in one.trace.steps if step.stop <= shared),
        runs=runs[:MOST_PAIRS],
        left_out=max(0, len(runs) - MOST_PAIRS),
        words=_words,
        signs=SIGNS,
        agree=agreement([one.trace.answer, other.trace.answer]),
        asked_alike=one.trace.request.messages == other.trace.request.messages,
    )


def _side(reading: Reading, shared: int) -> Side:
    trace = reading.trace
    steps = sum(1 for step in trace.steps if step.stop > shared)
    return Side(reading, effort(trace, shared, len(trace.tokens)), steps)


def _runs(pairs: Sequence[Pair]) -> list[Run]:
    runs: list[Run] = []
    for pair in pairs:
        if pair.same and runs and runs[-1].same:
            runs[-1] = Run((*runs[-1].pairs, pair))
        else:
            runs.append(Run((pair,)))
    return runs


def _words(reading: Reading, step: Step) -> str:
    return prose(reading.trace.step_text(step))


ROUTES = [Route("/compare", show)]
