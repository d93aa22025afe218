"""A trace cut into stretches to read: its steps, and whatever lies between them, each with its cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from ponder.core.events import Origin, Part, Step, Token
from ponder.core.trace import Trace, text_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens [start, stop) of one part; `step` is None between steps.

    `seconds` is from the arrival of the token before to that of the last one; a run's first token and the
    first after a fork count none, because the clock starts there. `origins` are those who wrote tokens of
    it other than the model.
    """

    start: int
    stop: int
    part: Part
    step: Step | None
    text: str
    seconds: float
    origins: tuple[Origin, ...]

    @property
    def tokens(self) -> int:
        """How many tokens it has."""
        return self.stop - self.start


def outline(trace: Trace) -> tuple[Stretch, ...]:
    """Every token of the trace, in order, as stretches; tags between steps are stretches of their own."""
    stretches: list[Stretch] = []
    end = 0
    for step in trace.steps:
        if step.start >= end and step.stop > step.start:
            stretches += _between(trace, end, step.start)
            stretches.append(_stretch(trace, trace.tokens[step.start : step.stop], step.part, step))
            end = step.stop
    return (*stretches, *_between(trace, end, len(trace.tokens)))


def describe_end(trace: Trace) -> str:
    """How the run ended, in a few words."""
    if trace.finish is None:
        return "interrupted"
    said = {"stop": "finished", "length": "out of tokens", "error": "the engine failed"}.get(
        trace.finish.reason, trace.finish.reason
    )
    closed = {
        "no_think": "reasoning switched off",
        "budget": "reasoning closed by its budget",
        "context": "reasoning closed by the context",
        "loop": "reasoning closed because it repeated itself",
        "eos": "reasoning closed for the model",
        "user": "reasoning closed by you",
        "none": "no reasoning",
        "open": "reasoning never ended",
    }.get(trace.finish.closed_by)
    return f"{said}, {closed}" if closed else said


def _between(trace: Trace, start: int, stop: int) -> Iterator[Stretch]:
    """The tokens outside steps, one stretch for each run of the same part."""
    for part, tokens in groupby(trace.tokens[start:stop], key=lambda token: token.part):
        yield _stretch(trace, tuple(tokens), part, None)


def _stretch(trace: Trace, tokens: tuple[Token, ...], part: Part, step: Step | None) -> Stretch:
    """One stretch of at least one token."""
    seconds = 0.0
    for token in tokens:
        if token.index > 0 and not (trace.parent is not None and token.index == trace.fork_index):
            seconds += max(0.0, token.time_s - trace.tokens[token.index - 1].time_s)
    origins = dict.fromkeys(token.origin for token in tokens if token.origin != "model")
    return Stretch(
        tokens[0].index, tokens[-1].index + 1, part, step, text_of(tokens), seconds, tuple(origins)
    )
