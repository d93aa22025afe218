"""Which steps mattered: how much the answers of sampled endings change across a step.

Endings are sampled from before a step and from after it; the distance of the two distributions of answers is
the step's weight ("resampling importance" of the thought-anchors literature, with total variation in place of
a divergence, which small samples make infinite). Neighbouring steps share the samples between them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ponder.blame.costs import importance_cost
from ponder.blame.rollouts import Ending, place, reasoning_steps
from ponder.blame.values import Blame, Estimate, Weight
from ponder.check.answers import agreement, answer_in
from ponder.check.chance import ROUNDS, change
from ponder.core.trace import Trace
from ponder.endings import Endings, Watch
from ponder.opened import Opened
from ponder.store import Store

NO_ANSWER = "no answer"
LIKELY_CHANCE = 0.05
"""Above this probability of chance alone, divided by the number of steps looked at (Bonferroni), the largest
weight is not told as one.
"""


class Importance:
    """The weights of `steps` (indices; None: every reasoning step) of `trace`, by `opened`, which wrote it.

    Iterate it for each `Ending`; `result` is what is known so far. Raises InputError for a trace without
    reasoning steps, NotFoundError for a step it does not have, and as `ponder.session.fork` does.
    """

    def __init__(
        self,
        opened: Opened,
        trace: Trace,
        *,
        steps: Sequence[int] | None = None,
        samples: int = 8,
        seed: int = 0,
        store: Store | None = None,
    ) -> None:
        self.steps = reasoning_steps(trace)
        known = {step.index: place for place, step in enumerate(self.steps)}
        wanted = list(known) if steps is None else [trace.step(index + 1).index for index in steps]
        self._wanted = [known[index] for index in wanted if index in known]
        self._nodes = sorted({node for number in self._wanted for node in (number, number + 1)})
        self.watch: Watch | None = None
        self._opened, self._trace, self._samples, self._seed = opened, trace, samples, seed
        self._sampler = Endings(opened, trace, seed=seed, store=store)
        self.spent = self._sampler.spent
        self._answers: dict[int, list[str]] = {}

    def estimate(self) -> Estimate:
        """What it will cost."""
        places = [place(self._trace, self.steps, node) for node in self._nodes]
        return importance_cost(self._trace, places, self._samples)

    def __iter__(self) -> Iterator[Ending]:
        """Sample every place, from the first on: what lies before is then in the cache."""
        for node in self._nodes:
            done = self._answers.setdefault(node, [])
            index = place(self._trace, self.steps, node)
            for trace in self._sampler.at(index, range(len(done), self._samples), self.watch):
                done.append(answer_in(trace.answer))
                yield Ending(node, done[-1], None, len(trace.tokens) - trace.fork_index)

    def result(self) -> Blame:
        """The weights of the steps that have been sampled on both sides."""
        weights = tuple(
            self._weight(number)
            for number in self._wanted
            if self._answers.get(number) and self._answers.get(number + 1)
        )
        heavy = max(weights, key=lambda weight: weight.value, default=None)
        if heavy is None:
            verdict, said = "unsure", "No step has been sampled on both sides yet."
        elif heavy.chance > max(LIKELY_CHANCE / len(weights), 1 / ROUNDS):
            verdict = "none"
            said = f"No step changes the answers beyond chance (most: step {heavy.step + 1}, {told(heavy)})."
        else:
            verdict, said = "found", f"Step {heavy.step + 1} changes the answers most: {told(heavy)}."
        return Blame(
            "importance",
            verdict,
            heavy.step if heavy is not None and verdict == "found" else None,
            said,
            weights=weights,
            spent=replace(self.spent),
            about={"model": self._opened.name, "samples": self._samples, "seed": self._seed},
        )

    def _weight(self, number: int) -> Weight:
        before, after = self._answers[number], self._answers[number + 1]
        found = [-1 if group is None else group for group in agreement([*before, *after])]
        moved = change(found[: len(before)], found[len(before) :])
        return Weight(
            self.steps[number].index, moved.value, moved.low, moved.high, moved.by_chance, moved.chance,
            _commonest(before), _commonest(after),
        )  # fmt: skip


def told(weight: Weight) -> str:
    """A weight in words."""
    return (
        f"{weight.value:.2f} [{weight.low:.2f}, {weight.high:.2f}], by chance {weight.by_chance:.2f}, "
        f"p {weight.chance:.3f}"
    )


def _commonest(given: Sequence[str]) -> str:
    """The commonest answer with its share, as `42 (6/8)`."""
    found = agreement(given)
    if 0 not in found:
        return f"{NO_ANSWER} ({len(given)}/{len(given)})"
    return f"{given[found.index(0)]} ({found.count(0)}/{len(given)})"
