"""Where endings go from mostly right to mostly wrong: a search among the steps that asks for samples.

A *node* is a place between steps: node 0 before the first, node n after the last. Endings sampled at a node
are right or wrong. The model of the search is one change: before step c they are right with one unknown
chance, from its end on with another, smaller one. Every sample counts for the probability of every step
(Bayes, with both chances integrated out), the next is taken where it halves what is left, and both sides of
the step found are sampled again before it is named. That the chance falls only once is an assumption:
`contradicted` says when the samples speak against it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ponder.check.chance import Z90, Share

GOOD, BAD = (2.0, 1.0), (1.0, 4.0)
"""Beta priors of the chance of a right ending before the wrong step and after it."""
SURE = 0.9
"""Probability of one step at which the search is content."""
BATCH = 2
"""Endings sampled at a node before looking again: they share its prefix."""
FROM_START, NEVER = 0.2, 0.1
"""Prior probabilities that no step is to blame: endings are wrong from the start, or right to the end."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """What a search knows: `step` went wrong first (counted from 0; None: no single step did).

    `verdict`: `found`, `unsure` (the samples ran out first), `from the start` (right endings are rare even
    before the first step), `not at all` (endings are right even after the last). `confidence` is the
    probability of `step`, or of that verdict; [first, last] holds it with 90 %. `good` and `bad` are the
    shares of right endings before and after the step.
    """

    verdict: str
    step: int | None
    confidence: float
    first: int
    last: int
    good: Share
    bad: Share
    contradicted: bool = False

    @property
    def recoverable(self) -> bool:
        """Whether many endings were right all the same: a slip that the model often repairs."""
        return self.step is not None and self.bad.value >= 0.25


class Bisection:
    """A search among `steps` steps with about `samples` endings at a node; ask `wish`, then `tell`.

    At most `most` endings are asked for.
    """

    def __init__(self, steps: int, samples: int = 8) -> None:
        if steps < 1 or samples < 1:
            raise ValueError("a search needs a step and a sample")
        self.steps = steps
        self.samples = samples
        self.most = samples * (math.ceil(math.log2(steps + 1)) + 4)
        self._right = [0] * (steps + 1)
        self._wrong = [0] * (steps + 1)

    def tell(self, node: int, right: Sequence[bool]) -> None:
        """What the endings sampled at `node` came to."""
        self._right[node] += sum(right)
        self._wrong[node] += len(right) - sum(right)

    def share(self, node: int) -> Share:
        """The right endings of a node."""
        return Share(self._right[node], self._right[node] + self._wrong[node])

    @property
    def nodes(self) -> Mapping[int, Share]:
        """The nodes that were sampled, with their shares of right endings."""
        return {node: self.share(node) for node in range(self.steps + 1) if self.share(node).of}

    @property
    def sampled(self) -> int:
        """Endings told so far."""
        return sum(self._right) + sum(self._wrong)

    def wish(self) -> tuple[int, int] | None:
        """A node and how many endings to sample there next; None when there is nothing more to learn."""
        left = self.most - self.sampled
        if left < 1:
            return None
        for end in (0, self.steps):
            short = self._at_ends - self.share(end).of
            if short > 0:
                return end, min(short, left)
        beliefs = self.beliefs()
        best = max(range(len(beliefs)), key=beliefs.__getitem__)
        if beliefs[best] >= SURE:
            return self._confirm(best, left)
        node = self._halving(beliefs)
        return node, min(BATCH, left)

    def beliefs(self) -> list[float]:
        """The probability that endings are wrong from the start (index 0), from the end of step c on (index
        c, counted from 1), and never (the last index).
        """
        logs = []
        right, wrong = 0, 0
        all_right, all_wrong = sum(self._right), sum(self._wrong)
        priors = [FROM_START, *[(1 - FROM_START - NEVER) / self.steps] * self.steps, NEVER]
        for cut in range(self.steps + 2):
            before = _evidence(GOOD, right, wrong)
            after = _evidence(BAD, all_right - right, all_wrong - wrong)
            logs.append(before + after + math.log(priors[cut]))
            if cut <= self.steps:
                right += self._right[cut]
                wrong += self._wrong[cut]
        most = max(logs)
        weights = [math.exp(each - most) for each in logs]
        whole = math.fsum(weights)
        return [weight / whole for weight in weights]

    def bracket(self) -> Bracket:
        """What is known now; may be asked at any time."""
        beliefs = self.beliefs()
        best = max(range(len(beliefs)), key=beliefs.__getitem__)
        start, end = self.share(0), self.share(self.steps)
        if best == 0:
            return Bracket("from the start", None, beliefs[0], 0, self.steps - 1, start, end)
        if best == self.steps + 1:
            return Bracket("not at all", None, beliefs[best], 0, self.steps - 1, start, end)
        first = last = best
        mass = beliefs[best]
        while mass < SURE and (first > 1 or last < self.steps):
            left = beliefs[first - 1] if first > 1 else -1.0
            right = beliefs[last + 1] if last < self.steps else -1.0
            first, last = (first - 1, last) if left > right else (first, last + 1)
            mass += max(left, right)
        good, bad = self._beside(best)
        verdict = "found" if beliefs[best] >= SURE else "unsure"
        found = Bracket(
            verdict, best - 1, beliefs[best], first - 1, last - 1, self.share(good), self.share(bad)
        )
        later = [self.share(node) for node in range(bad + 1, self.steps + 1) if self.share(node).of]
        low = [share.interval(Z90)[0] for share in later]
        contradicted = any(each > found.bad.interval(Z90)[1] for each in low)
        return replace(found, contradicted=contradicted)

    @property
    def _at_ends(self) -> int:
        return max(2, self.samples // 2)

    def _beside(self, cut: int) -> tuple[int, int]:
        """The nearest sampled nodes before and after step `cut` (counted from 1)."""
        sampled = self.nodes
        good = max((node for node in sampled if node < cut), default=0)
        return good, min((node for node in sampled if node >= cut), default=self.steps)

    def _confirm(self, best: int, left: int) -> tuple[int, int] | None:
        """The sides of the step found, until each has its samples; at the ends there is one side."""
        sides = [node for node in (best - 1, best) if 0 <= node <= self.steps]
        for node in sides:
            short = self.samples - self.share(node).of
            if short > 0:
                return node, min(short, BATCH, left)
        return None

    def _halving(self, beliefs: Sequence[float]) -> int:
        """The node that best divides what is believed: right endings there speak for later steps."""
        done, best, nearest = 0.0, 0, 2.0
        for node in range(self.steps + 1):
            done += beliefs[node]
            if abs(done - 0.5) < nearest:
                best, nearest = node, abs(done - 0.5)
        return best


def _evidence(prior: tuple[float, float], right: int, wrong: int) -> float:
    """log of the beta-binomial probability of these outcomes in their order."""
    a, b = prior
    return _log_beta(a + right, b + wrong) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
