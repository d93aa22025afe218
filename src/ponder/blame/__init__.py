"""Whom to blame: the first wrong step of a trace, cheap to dear, and which steps mattered.

`by_claims` costs nothing, a `Critique` reads, `Rollouts` and `Importance` sample endings. Each is iterated
for what it does and asked for its `result` at any time.
"""
