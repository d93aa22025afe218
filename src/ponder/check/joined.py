"""The steps of a trace as one text, and from a claim in it back to the step that makes it."""

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate, zip_longest

from ponder.check.claim import Claim
from ponder.core.trace import Trace


class Joined:
    """`text` holds every step's text in order.

    Where nothing stands between two steps (a tag does not), the numbers at their ends are still two: a blank
    line keeps them apart.
    """

    def __init__(self, trace: Trace) -> None:
        self._indices = [step.index for step in trace.steps]
        self.texts = [trace.step_text(step) for step in trace.steps]
        pairs = zip_longest(self.texts, self.texts[1:], fillvalue=" ")
        apart = [a if (a[-1:] + b[:1]).strip() != a[-1:] + b[:1] else a + "\n\n" for a, b in pairs]
        self._starts = list(accumulate((len(text) for text in apart), initial=0))
        self.text = "".join(apart)

    def local(self, claim: Claim) -> tuple[int, Claim]:
        """The index of the step in which a claim of `text` begins, and the claim within that step's text."""
        at = bisect_right(self._starts, claim.start) - 1
        start, stop = claim.start - self._starts[at], claim.stop - self._starts[at]
        inside = replace(claim, start=start, stop=min(stop, len(self.texts[at])), rests_on=())
        return self._indices[at], inside

    def steps_of(self, places: tuple[int, ...]) -> tuple[int, ...]:
        """The indices of the steps that hold these places of `text`, each once, in order."""
        return tuple(sorted({self._indices[bisect_right(self._starts, place) - 1] for place in places}))
