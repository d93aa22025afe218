"""Two traces side by side: how much they share, and which steps stand for each other after that."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile, zip_longest

from ponder.core.events import Step, Token
from ponder.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of each trace that stand side by side, `same` if their words are; None where one has no such."""

    left: Step | None
    right: Step | None
    same: bool = False


def shared_tokens(left: Trace, right: Trace) -> int:
    """How many tokens both traces begin with; 0 for traces of different questions.

    A branch and its parent, or two branches of one, part where they forked, even if both then say the same.
    """
    if left.request.messages != right.request.messages:
        return 0
    pairs = zip(left.tokens[: _fork(left, right)], right.tokens, strict=False)
    return sum(1 for _ in takewhile(_equal, pairs))


def aligned(left: Trace, right: Trace, shared: int) -> tuple[Pair, ...]:
    """The steps that are not wholly among the first `shared` tokens: equal ones opposite each other, and
    between those the rest in order.
    """
    ours = [step for step in left.steps if step.stop > shared]
    theirs = [step for step in right.steps if step.stop > shared]
    matcher = SequenceMatcher(None, _words(left, ours), _words(right, theirs), autojunk=False)
    pairs: list[Pair] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        for one, other in zip_longest(ours[a:b], theirs[c:d]):
            pairs.append(Pair(one, other, kind == "equal"))
    return tuple(pairs)


def _fork(left: Trace, right: Trace) -> int | None:
    """The token at which two near relations part; None for any others."""
    leaves = [one.fork_index for one, other in ((left, right), (right, left)) if one.parent == other.id]
    if left.parent is not None and left.parent == right.parent:
        leaves = [left.fork_index, right.fork_index]
    return min(leaves, default=None)


def _equal(pair: tuple[Token, Token]) -> bool:
    one, other = pair
    return (one.id, one.data) == (other.id, other.data)


def _words(trace: Trace, steps: Sequence[Step]) -> list[tuple[str, ...]]:
    return [(step.part, *trace.step_text(step).split()) for step in steps]
