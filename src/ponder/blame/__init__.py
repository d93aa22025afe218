"""Whom to blame: the first wrong step of a trace, cheap to dear, and which steps mattered.

`claims.by_claims` costs nothing, a `critique.Critique` reads, `rollouts.Rollouts` and `importance.Importance`
sample endings. Each is iterated for what it does and asked for its `result` at any time.
"""

from ponder.blame.kept import keep, kept
from ponder.blame.values import Blame, Estimate, Method, Node, Vote, Weight

__all__ = ["Blame", "Estimate", "Method", "Node", "Vote", "Weight", "keep", "kept"]
