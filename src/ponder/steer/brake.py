"""When the reasoning must end: its budget, the context, a loop, or the person's wish.

The brake counts and says why; closing the tags and asking for the answer is the spine's work.
"""

from dataclasses import dataclass
from typing import Literal

from ponder.core.request import Request
from ponder.errors import ContextError

Why = Literal["budget", "context"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a run may go, in tokens of output: `total` in all, the reasoning up to `reasoning`, and why."""

    total: int
    reasoning: int
    why: Why


RESERVE = 512
"""Tokens kept for the answer at most; a quarter of what there is, if that is less."""


def limits(room: int, max_tokens: int | None, budget: int | None) -> Limits:
    """Divide what is left of the context (`room`) so that an answer always has a place."""
    total = min(room, max_tokens or room)
    most = total - min(RESERVE, total // 4)
    if budget is not None and budget < most:
        return Limits(total, budget, "budget")
    return Limits(total, most, "budget" if total < room else "context")


LEAST_ROOM = 32
"""Tokens of context that an answer needs at the very least."""


def limits_of(n_ctx: int, prompt_tokens: int, request: Request) -> Limits:
    """How far a request may go in a context (0: unknown); raises ContextError if its question fills that."""
    room = n_ctx - prompt_tokens if n_ctx else 2**31
    if room < LEAST_ROOM:
        raise ContextError(
            f"the question takes {prompt_tokens} of the {n_ctx} tokens of context and leaves no room for an "
            f"answer: use --ctx {prompt_tokens + 2048}, or ask less at once."
        )
    return limits(room, request.sampling.max_tokens, request.budget)
