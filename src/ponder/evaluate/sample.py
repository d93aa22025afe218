"""One sample of an evaluation: what a model answered to a problem, the verdict, and what it cost."""

from dataclasses import dataclass

from ponder.core.events import ClosedBy, FinishReason
from ponder.core.trace import Trace
from ponder.evaluate.scorers.verdict import Outcome, Verdict

WHOLE = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which sample: of which problem, which number, cut where."""

    problem: str
    number: int
    cut: float = WHOLE


@dataclass(frozen=True, slots=True)
class Sample:
    """`number` counts a problem's samples from 0; `cut` is the share of the reasoning after which an answer
    was forced, 1 for none. `begun` and `ended` are Unix seconds; `seconds` is the time of this run alone.

    `empty`: it was to reason and did not. `trace` is the id in the store, "" where none is kept.
    """

    problem: str
    number: int
    level: str
    seed: int
    outcome: Outcome
    step: str
    given: str
    how: str
    note: str
    trace: str
    reason: FinishReason
    closed_by: ClosedBy
    reasoning_tokens: int
    completion_tokens: int
    sampled_tokens: int
    seconds: float
    begun: float
    ended: float
    engine: str
    cut: float = WHOLE
    empty: bool = False
    resumed: bool = False

    @property
    def right(self) -> bool:
        """Whether it is known to be right."""
        return self.outcome == "right"

    @property
    def truncated(self) -> bool:
        """Whether a limit ended the reasoning or the answer."""
        return self.reason == "length" or self.closed_by in {"budget", "context"}

    @property
    def looped(self) -> bool:
        """Whether it went round in circles, and was ended for that."""
        return self.reason == "loop" or self.closed_by == "loop"

    @property
    def place(self) -> Place:
        """Which sample it is."""
        return Place(self.problem, self.number, self.cut)


def sample_of(
    trace: Trace, verdict: Verdict, place: Place, level: str, clock: tuple[float, float], *, resumed: bool
) -> Sample:
    """The sample that a finished trace is; `clock` is when it began and ended."""
    finish = trace.finish
    assert finish is not None
    usage, thinks = finish.usage, finish.closed_by not in {"no_think", "none"}
    return Sample(
        place.problem,
        place.number,
        level,
        trace.request.sampling.seed or 0,
        verdict.outcome,
        verdict.step,
        verdict.given[:2000],
        verdict.how,
        verdict.note,
        trace.id,
        finish.reason,
        finish.closed_by,
        usage.reasoning_tokens,
        usage.completion_tokens,
        usage.sampled_tokens,
        usage.total_s,
        *clock,
        trace.engine,
        place.cut,
        thinks and not trace.reasoning,
        resumed,
    )
