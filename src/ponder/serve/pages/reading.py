"""A kept trace as the pages show it: its steps with cost, marks and who else wrote, in groups that fold.

What is worked out once is kept for the traces that were looked at last; a trace that has grown, or whose
family has, is read again.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from threading import Lock

from ponder.check.claim import Claim
from ponder.check.verdicts import Finding, check_trace
from ponder.core.events import Step, Token
from ponder.core.trace import Trace, text_of
from ponder.reason.effort import Effort, FirstAnswer, effort_by_step, first_answer, repeated_shares
from ponder.reason.moves import Group, moves, overview, strip
from ponder.serve.pages.excerpt import excerpt
from ponder.store import Bundle, Store, Summary
from ponder.store.export.outline import describe_end

VOICES = frozenset({"correction", "extend"})
"""Origins of words that somebody put into the reasoning; the others open or close it."""
SIGNS = {"wrong": "✗", "wrong-then-fixed": "↺", "ok": "✓"}
UNFOLDED_STEPS = 100
"""Up to so many steps stand one by one; more are folded into groups."""
MOST_GROUPS = 40
CHECKED_TOKENS = 12_000
"""Up to so many tokens, claims are checked before the page is sent; after that when it is there."""
STRIP_CELLS = 480
_KEPT = 16
_PREVIEW = 180


@dataclass(frozen=True, slots=True)
class Row:
    """One step in the outline. Shares are of the longest step, in per cent."""

    step: Step
    words: str
    cost: Effort
    tokens_share: float
    seconds_share: float
    origins: tuple[str, ...]
    branches: tuple[Summary, ...]

    @property
    def number(self) -> int:
        """As a person counts it, from 1."""
        return self.step.index + 1


@dataclass(frozen=True, slots=True)
class Fold:
    """Neighbouring steps under one heading; `role` is what most of their tokens do, `words` how they begin.

    Their rows are made when somebody opens it.
    """

    role: str
    roles: dict[str, int]
    steps: tuple[Step, ...]
    words: str
    tokens: int
    seconds: float

    @property
    def first(self) -> int:
        """The first step's number."""
        return self.steps[0].index + 1

    @property
    def last(self) -> int:
        """The last step's number."""
        return self.steps[-1].index + 1


@dataclass(frozen=True)
class Reading:
    """A trace and what follows from it; `family` are the traces of its tree."""

    bundle: Bundle
    family: Sequence[Summary]

    @property
    def trace(self) -> Trace:
        """The trace itself."""
        return self.bundle.trace

    @property
    def end(self) -> str:
        """How it ended, in a few words."""
        return describe_end(self.trace)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the reasoning."""
        return tuple(step for step in self.trace.steps if step.part == "reasoning")

    @cached_property
    def costs(self) -> dict[int, Effort]:
        """Step index → its effort."""
        return {
            step.index: cost for step, cost in zip(self.trace.steps, effort_by_step(self.trace), strict=True)
        }

    @property
    def timed(self) -> bool:
        """Whether anybody told when its tokens came."""
        return any(cost.seconds for cost in self.costs.values())

    @cached_property
    def claims(self) -> dict[int, list[Claim]]:
        """Step index → its claims."""
        found: dict[int, list[Claim]] = {}
        for finding in self._findings:
            found.setdefault(finding.step, []).append(finding.claim)
        return found

    @cached_property
    def _findings(self) -> tuple[Finding, ...]:
        return check_trace(self.trace)

    @property
    def findings(self) -> tuple[Finding, ...] | None:
        """All claims, as they were found; None where they are not known soon enough."""
        return self._findings if self.checked else None

    @property
    def checked(self) -> bool:
        """Whether the claims are known, or known soon enough."""
        return "claims" in self.__dict__ or len(self.trace.tokens) <= CHECKED_TOKENS

    @cached_property
    def repeated(self) -> dict[int, float]:
        """Step index → the share of it that repeats what was written before."""
        ranges = [(step.start, step.stop) for step in self.trace.steps]
        shares = repeated_shares(self.trace.tokens, ranges)
        return {step.index: share for step, share in zip(self.trace.steps, shares, strict=True)}

    @cached_property
    def first(self) -> FirstAnswer | None:
        """Where the answer was there first."""
        return first_answer(self.trace)

    def rows(self, steps: Sequence[Step]) -> list[Row]:
        """These steps of the reasoning, one by one."""
        return [self._row(step) for step in steps]

    @cached_property
    def _most(self) -> tuple[int, float]:
        """Tokens of the longest step, seconds of the slowest: what fills a bar."""
        longest = max((step.stop - step.start for step in self.steps), default=1)
        return longest, max((self.costs[step.index].seconds for step in self.steps), default=0.0) or 1.0

    @cached_property
    def voices(self) -> dict[int, tuple[str, ...]]:
        """Step index → who put words into it besides the model; only steps where somebody did."""
        if not any(token.origin in VOICES for token in self.trace.tokens):
            return {}
        found: dict[int, tuple[str, ...]] = {}
        for step in self.steps:
            own = self.trace.tokens[step.start : step.stop]
            origins = tuple(dict.fromkeys(token.origin for token in own if token.origin in VOICES))
            if origins:
                found[step.index] = origins
        return found

    def _row(self, step: Step) -> Row:
        longest, slowest = self._most
        cost = self.costs[step.index]
        leaving = (each for each in self.family if each.parent == self.trace.id and not each.deleted)
        return Row(
            step,
            self._words(step),
            cost,
            100 * cost.tokens / longest,
            100 * cost.seconds / slowest,
            self.voices.get(step.index, ()),
            tuple(each for each in leaving if step.start <= each.fork_index < step.stop),
        )

    def _words(self, step: Step) -> str:
        return excerpt(text_of(self.trace.tokens[step.start : min(step.stop, step.start + 80)]), _PREVIEW)

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The steps in groups: moves, joined into chapters where there are many."""
        groups = (
            overview(self.steps, 0, MOST_GROUPS) if len(self.steps) > UNFOLDED_STEPS else moves(self.steps)
        )
        return tuple(self._fold(group) for group in groups)

    def _fold(self, group: Group) -> Fold:
        seconds = sum(self.costs[step.index].seconds for step in group.steps)
        words = self._words(group.steps[0])
        return Fold(group.role, group.tokens_by_role, group.steps, words, group.tokens, seconds)

    @property
    def unfolded(self) -> bool:
        """Whether the steps are few enough to stand one by one."""
        return len(self.steps) <= UNFOLDED_STEPS

    @cached_property
    def ribbon(self) -> tuple[tuple[str, int, int], ...]:
        """Role, start and length of each stretch of the strip, of STRIP_CELLS."""
        found, at = [], 0
        for role, run in groupby(strip(self.steps, STRIP_CELLS)):
            length = sum(1 for _ in run)
            found.append((role, at, length))
            at += length
        return tuple(found)

    def verdicts(self, index: int) -> Counter[str]:
        """How many claims of a step have which verdict."""
        return Counter(str(claim.verdict) for claim in self.claims.get(index, ()))

    @cached_property
    def sums(self) -> Counter[str]:
        """How many claims of the reasoning have which verdict."""
        return sum((self.verdicts(step.index) for step in self.steps), Counter[str]())

    @cached_property
    def by_role(self) -> list[tuple[str, int, int, float]]:
        """Role, steps, tokens and seconds, the dearest first."""
        found: dict[str, tuple[int, int, float]] = {}
        for step in self.steps:
            steps, tokens, seconds = found.get(step.role, (0, 0, 0.0))
            cost = self.costs[step.index]
            found[step.role] = (steps + 1, tokens + cost.tokens, seconds + cost.seconds)
        return sorted(((role, *sums) for role, sums in found.items()), key=lambda each: -each[2])

    def step_of(self, index: int) -> Step | None:
        """The step that token `index` is in, else the first one after it."""
        return next((step for step in self.trace.steps if index < step.stop), None)

    def place(self, index: int) -> float:
        """Where on the strip token `index` lies, in cells."""
        before = sum(min(step.stop, index) - step.start for step in self.steps if step.start < index)
        whole = sum(step.stop - step.start for step in self.steps) or 1
        return STRIP_CELLS * before / whole

    def flags(self) -> Iterator[tuple[float, str, str]]:
        """What is marked under the strip: cell, kind, words."""
        if self.checked:
            for step in self.steps:
                if self.verdicts(step.index)["wrong"]:
                    yield self.place(step.start), "wrong", f"a wrong claim in step {step.index + 1}"
        for index, origins in self.voices.items():
            yield self.place(self.trace.steps[index].start), "voice", f"{origins[0]} in step {index + 1}"
        if self.first is not None and (found := self.step_of(self.first.index)):
            yield (
                self.place(self.first.index),
                "first",
                f"the answer was there first in step {found.index + 1}",
            )


class Readings:
    """The readings of the traces that were looked at last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Reading] = OrderedDict()
        self._lock = Lock()

    def of(self, store: Store, name: str) -> Reading:
        """The reading of a trace; raises NotFoundError."""
        family = tuple(store.tree(name))
        known = {each.id: each for each in family}
        exact = known.get(name)
        key = (str(store.path), name, family) if exact else None
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)  # type: ignore[arg-type]
                return self._kept[key]  # type: ignore[index]
        reading = Reading(store.bundle(name), family)
        if key is not None and exact is not None and exact.reason is not None:
            with self._lock:
                self._kept[key] = reading
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return reading


READINGS = Readings()


def own_tokens(trace: Trace) -> Sequence[Token]:
    """What a branch wrote itself; of a root, everything."""
    return trace.tokens[trace.fork_index if trace.parent else 0 :]
