"""What is found about the steps of a trace, and what finding it costs: values that are shown and kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ponder.core.spent import Spent

Method = Literal["claims", "critic", "rollouts", "importance"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One reading of a critic: the step it names (counted from 0), None for no wrong step.

    `read` is False for a vote that says neither; `sentence` is the critic's reason, in its own words.
    """

    step: int | None
    read: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Node:
    """A place before step `step` (the number of steps: after the last) and its endings: `right` of `of`."""

    step: int
    right: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Weight:
    """How much step `step` changes how it ends: `value` from 0 to 1 with its 90 % interval [low, high];
    `by_chance` is the mean that two samples of one kind show, `chance` how probable `value` or more is then.
    """

    step: int
    value: float
    low: float
    high: float
    by_chance: float
    chance: float
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Blame:
    """What one method found: `step` (counted from 0) went wrong first, or None does; `sentence` says it.

    `verdict`: `found`, `unsure`, `none` (nothing is wrong), or another short word of the method's own.
    `confidence` from 0 to 1 is the method's own measure, told in `sentence`; None where it has none. The step
    is within [first, last]. `about` holds what it was found with: model, samples, target, seed.
    """

    method: Method
    verdict: str
    step: int | None
    sentence: str
    confidence: float | None = None
    first: int | None = None
    last: int | None = None
    evidence: tuple[str, ...] = ()
    votes: tuple[Vote, ...] = ()
    nodes: tuple[Node, ...] = ()
    weights: tuple[Weight, ...] = ()
    spent: Spent = field(default_factory=Spent)
    about: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a method may cost, before it begins: tokens to sample and to evaluate, and how that was reckoned.

    `speed_tps` is the measured decoding speed, 0.0 where none is known.
    """

    sampled_tokens: int
    evaluated_tokens: int
    arithmetic: str
    speed_tps: float = 0.0

    @property
    def seconds(self) -> float | None:
        """The seconds that sampling takes at that speed; None where it is not known."""
        return self.sampled_tokens / self.speed_tps if self.speed_tps else None

    def sentence(self) -> str:
        """One line for a person."""
        words = f"{self.arithmetic} ≈ {self.sampled_tokens:,} tokens to sample"
        if self.evaluated_tokens:
            words += f", {self.evaluated_tokens:,} to read"
        if self.seconds is not None:
            words += f"; about {duration(self.seconds)} at {self.speed_tps:.1f} tok/s"
        return words + "."


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
