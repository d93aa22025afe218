"""A pause at the end of a step, as a person wished it.

A step's end shows a token or two after it, long before it is certain that no few words follow which would
still belong to it. Whoever wants to pause waits for what shows, not for what is certain.
"""

from collections.abc import Sequence

from ponder.core.events import Step
from ponder.reason.fold import Fold


class Pause:
    """The pauses of one run. `wanted` until a step has ended, then `due` until it is taken."""

    def __init__(self) -> None:
        self.wanted = False
        self.due = False
        self._tokens = 0
        self._seen: Sequence[Step] = ()

    def wish(self, fold: Fold) -> None:
        """Pause when the step that is being written now has ended."""
        self._tokens, self.wanted = len(fold.tokens), True

    def reached(self, fold: Fold, *, over: bool = False) -> bool:
        """Whether a step has ended at which a person wants to pause.

        `over`: the reasoning is about to be closed, and with it its last step.
        """
        steps = [*fold.steps[-1:], *fold.ahead(over=over)]
        if self.wanted and steps and steps[-1].stop >= self._tokens:
            self._seen, self.wanted, self.due = steps, False, True
        return self.due

    def take(self) -> Step:
        """The step that is paused at now."""
        self.due = False
        return self._seen[-1]

    def steps(self, known: Sequence[Step]) -> Sequence[Step]:
        """`known` and those behind them that the last pause has shown."""
        return [*known, *(step for step in self._seen if step.index >= len(known))]
