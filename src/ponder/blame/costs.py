"""What each dear method may cost, reckoned from a trace alone, so also before a model is loaded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ponder.blame.values import Estimate
from ponder.check.bisection import Bisection
from ponder.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Reading:
    """What a critic reads each time: in how many pieces, tokens in all; `shared`: the cache keeps it."""

    pieces: int
    tokens: int
    shared: bool = True


def rollouts_cost(trace: Trace, starts: Sequence[int], samples: int, *, known: bool) -> Estimate:
    """A search among steps that begin at the token indices `starts`; `known`: there is a target already."""
    mean = sum(len(trace.tokens) - start for start in starts) // len(starts)
    most, extra = Bisection(len(starts), samples).most, 0 if known else samples
    words = f"up to {most} endings (a search among {len(starts)} steps) × {mean:,} tokens on average"
    if extra:
        words += f" + {extra} whole ones to agree on a target"
    sampled = most * mean + extra * len(trace.tokens)
    return Estimate(sampled, len(trace.tokens), words, _speed(trace))


def importance_cost(trace: Trace, places: Sequence[int], samples: int) -> Estimate:
    """Endings from each of these token indices."""
    left = [len(trace.tokens) - place for place in places]
    mean = sum(left) // max(1, len(left))
    words = f"{len(left)} places × {samples} endings × {mean:,} tokens on average"
    return Estimate(samples * sum(left), len(trace.tokens), words, _speed(trace))


def critic_cost(trace: Trace, votes: int, limits: tuple[int, int], read: Reading, *, same: bool) -> Estimate:
    """A solution and votes, within the limits of their tokens; `same`: the critic wrote the trace.

    Replies are mostly shorter than their limits, and reading stops at an error.
    """
    solving, reply = limits
    words = f"a solution of up to {solving:,} tokens + {votes} votes × "
    words += (f"{read.pieces} pieces × " if read.pieces > 1 else "") + f"up to {reply:,}"
    again = 1 if read.pieces == 1 and read.shared else votes
    sampled = solving + votes * read.pieces * reply
    return Estimate(sampled, read.tokens * again, words, _speed(trace) if same else 0.0)


def about_read(trace: Trace, n_ctx: int, reply: int) -> Reading:
    """What a critic with a context of `n_ctx` tokens will read, if its tokens are those of the trace."""
    tokens = len(trace.prompt_ids) + trace.reasoning_end
    return Reading(max(1, math.ceil(tokens / max(1, n_ctx - 2 * reply))), tokens)


def _speed(trace: Trace) -> float:
    """The decoding speed that the trace itself tells; 0.0 where it tells none."""
    usage = trace.finish.usage if trace.finish else None
    return usage.decode_tps if usage else 0.0
