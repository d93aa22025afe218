"""A kept run is done again, piece by piece, from its seeds and biases: does this engine give the same tokens?

What was written in the model's place is taken as it was; what the model chose is asked of it again, each
piece behind the very tokens that stood before it. Other hardware, another build, or a prefix that was written
then and is read in one go now, may round differently, and a close choice then falls otherwise.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any, cast

from ponder.core.events import Sampled, Token
from ponder.engine.protocol import Ability, Stopped, require
from ponder.errors import InputError
from ponder.opened import Opened
from ponder.spine import Run
from ponder.store import Bundle
from ponder.warm import recall


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many tokens were asked for again, and the index of the first that came out otherwise, or None."""

    tokens: int
    differs_at: int | None


def replay(opened: Opened, bundle: Bundle) -> Replayed:
    """Run the model's part of a kept trace again; of a branch, its own part.

    Raises InputError for a trace whose pieces are not noted, or whose prompt is rendered otherwise today,
    AbilityError for an engine that cannot go on from given tokens.
    """
    trace = bundle.trace
    require(opened.engine.serve(), Ability.TOKEN_PREFIX, "To replay a trace", "ask its question again")
    run = Run(opened.engine, replace(trace.request, correction=None), opened.voice)
    if run.prompt.ids != trace.prompt_ids:
        raise InputError(f"trace {trace.id} cannot be replayed: its question is rendered otherwise today.")
    ids, asked = trace.ids, 0
    for piece, chosen in _pieces(bundle):
        sampling = replace(
            trace.request.sampling,
            seed=int(piece["seed"]),
            max_tokens=len(chosen),
            logit_bias=trace.request.sampling.logit_bias + tuple(map(_bias, piece.get("bias", ()))),
        )
        first = chosen[0].index
        if not asked:
            recall(opened, run.prompt, ids[:first])
        stream = opened.engine.stream(run.prompt, ids[:first], sampling, since=time.perf_counter())
        for token, again in zip(chosen, _ids(stream), strict=False):
            asked += 1
            if token.id != again:
                return Replayed(asked, token.index)
    return Replayed(asked, None)


def _pieces(bundle: Bundle) -> Iterator[tuple[dict[str, Any], Sequence[Token]]]:
    """Each piece's note, and the tokens that the model chose in it; pieces without any are left out."""
    tokens = bundle.trace.tokens
    notes = [cast("dict[str, Any]", note.data) for note in bundle.notes if note.kind == "piece"]
    if not notes:
        raise InputError(f"trace {bundle.trace.id} cannot be replayed: its seeds are not kept.")
    for note, following in pairwise([*notes, {"first_index": len(tokens)}]):
        between = tokens[note["first_index"] : following["first_index"]]
        chosen = list(takewhile(lambda token: token.origin == "model", between))
        if chosen:
            yield note, chosen


def _ids(stream: Any) -> Iterator[int | None]:
    for emission in stream:
        if isinstance(emission, Sampled):
            yield emission.id
        elif isinstance(emission, Stopped) and emission.eos is not None:
            yield emission.eos.id


def _bias(pair: Sequence[float | str]) -> tuple[int, float]:
    """A noted bias; -inf is kept as text, which JSON has no number for."""
    return int(pair[0]), float(pair[1])
