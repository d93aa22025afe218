"""Steps put together for an overview: moves of one role, and chapters of a long reasoning.

A move is a maximal run of steps with one role. Where even the moves are too many, neighbours are joined into
chapters, the smallest pair first; a step that turns somewhere new (plans, tries another way, rejects) is
kept at a beginning as long as it can be. The same steps always give the same groups.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from ponder.core.events import Step

TURNS = frozenset({"restate", "plan", "branch", "backtrack"})
"""Roles that begin something: a chapter rather starts with one than holds it inside."""
_HELD_APART = 3


@dataclass(frozen=True)
class Group:
    """Neighbouring steps read as one; at least one step."""

    steps: tuple[Step, ...]

    @property
    def start(self) -> int:
        """Index of its first token."""
        return self.steps[0].start

    @property
    def stop(self) -> int:
        """Index after its last token."""
        return self.steps[-1].stop

    @cached_property
    def tokens_by_role(self) -> dict[str, int]:
        """Tokens of each role in it, the most first."""
        return tokens_by_role(self.steps)

    @property
    def role(self) -> str:
        """The role that most of its tokens have."""
        return next(iter(self.tokens_by_role))

    @property
    def tokens(self) -> int:
        """How many tokens its steps have."""
        return sum(self.tokens_by_role.values())


def tokens_by_role(steps: Sequence[Step]) -> dict[str, int]:
    """How many tokens the steps of each role have, the most first."""
    counts: Counter[str] = Counter()
    for step in steps:
        counts[step.role] += step.stop - step.start
    return dict(counts.most_common())


def moves(steps: Sequence[Step]) -> tuple[Group, ...]:
    """Maximal runs of steps with one role, in order."""
    return tuple(Group(tuple(run)) for _, run in groupby(steps, key=lambda step: step.role))


def chapters(steps: Sequence[Step], most: int) -> tuple[Group, ...]:
    """At most `most` groups (at least 1): moves, joined from the smallest pair of neighbours on."""
    groups = list(moves(steps))
    costs = [_cost(left, right) for left, right in pairwise(groups)]
    while len(groups) > max(1, most):
        at = costs.index(min(costs))
        groups[at : at + 2] = [Group(groups[at].steps + groups[at + 1].steps)]
        del costs[at]
        for side in (at - 1, at):
            if 0 <= side < len(costs):
                costs[side] = _cost(groups[side], groups[side + 1])
    return tuple(groups)


def overview(steps: Sequence[Step], single: int, most: int) -> tuple[Group, ...]:
    """Up to `single` steps one by one; more of them in at most `most` groups."""
    if len(steps) <= single:
        return tuple(Group((step,)) for step in steps)
    return chapters(steps, most)


def folded(steps: Sequence[Step], shown: Callable[[Step], bool]) -> tuple[tuple[bool, Group], ...]:
    """The steps that are `shown` one by one, and every run of others as one group: (is it shown, group)."""
    out: list[tuple[bool, Group]] = []
    for visible, run in groupby(steps, key=shown):
        if visible:
            out += [(True, Group((step,))) for step in run]
        else:
            out.append((False, Group(tuple(run))))
    return tuple(out)


def strip(steps: Sequence[Step], cells: int) -> list[str]:
    """The roles along the steps' tokens in `cells` equal pieces, each the role that most of it has."""
    whole = sum(step.stop - step.start for step in steps)
    if not whole or cells < 1:
        return []
    shares: list[Counter[str]] = [Counter() for _ in range(cells)]
    done = 0
    for step in steps:
        size = step.stop - step.start
        first, last = done * cells / whole, (done + size) * cells / whole
        for cell in range(int(first), min(cells, int(last) + 1)):
            shares[cell][step.role] += max(0.0, min(last, cell + 1) - max(first, cell))  # type: ignore[assignment]
        done += size
    return [share.most_common(1)[0][0] for share in shares]


def _cost(left: Group, right: Group) -> int:
    """How much is lost when two neighbours become one."""
    turns = right.steps[0].role in TURNS and left.role not in TURNS
    return (left.tokens + right.tokens) * (_HELD_APART if turns else 1)
