"""Whom to blame: the first wrong step of a trace, cheap to dear, and which steps mattered.

`by_claims` costs nothing, a `Critique` reads, `Rollouts` and `Importance` sample endings. Each is iterated
for what it does and asked for its `result` at any time.
"""

from ponder.blame.claims import by_claims
from ponder.blame.critique import Critique
from ponder.blame.importance import Importance
from ponder.blame.kept import keep, kept
from ponder.blame.rollouts import Rollouts
from ponder.blame.values import Blame, Estimate, Method, Node, Vote, Weight

__all__ = [
    "Blame", "Critique", "Estimate", "Importance", "Method", "Node", "Rollouts", "Vote", "Weight",
    "by_claims", "keep", "kept",
]  # fmt: skip
