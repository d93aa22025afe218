"""What the store takes and gives besides whole traces: how a run starts, one line of a list, a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ponder.core.events import ClosedBy, FinishReason
from ponder.core.request import Correction, Request, Steering
from ponder.core.trace import Trace

Environment = Mapping[str, str | int | float]
"""What a run can be repeated with: engine build, weights file, size and hash, template hash, threads."""


@dataclass(frozen=True, slots=True)
class Start:
    """All that is known of a run before its first token; the fields are those of `Trace`.

    With `parent`, the run is a branch: it shares the parent's tokens [0, fork_index) and its own first
    token has the index `fork_index`.
    """

    request: Request
    model: str
    engine: str
    prompt_ids: tuple[int, ...] = ()
    n_ctx: int = 0
    parent: str | None = None
    fork_index: int = 0
    environment: Environment = field(default_factory=dict, hash=False)
    prompt_text: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A small fact about a run, such as the seed of one piece of generation; `data` is a JSON object."""

    kind: str
    data: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trace with everything else that is kept of it."""

    trace: Trace
    environment: Environment = field(default_factory=dict, hash=False)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One trace in a list, read without its tokens.

    `tokens` counts those shared with the parent too, `own_tokens` only this branch's. `reason` and
    `closed_by` are None for a run without an end: still going, or interrupted. `updated` is the Unix time
    of the last write. A branch was made by `correction`, and its first `shared_steps` steps are its parent's;
    `steering` and `budget` are its own, or inherited.
    `deleted` marks a trace that a person deleted and whose first tokens its branches
    still need.
    """

    id: str
    created: float
    updated: float
    model: str
    engine: str
    question: str
    answer: str
    tokens: int
    own_tokens: int
    reasoning_tokens: int | None
    seconds: float
    reason: FinishReason | None
    closed_by: ClosedBy | None
    parent: str | None
    fork_index: int
    deleted: bool = False
    correction: Correction | None = None
    shared_steps: int = 0
    steering: Steering = field(default_factory=Steering)
    budget: int | None = None
