"""The first wrong step by rollouts: where sampled endings turn from mostly right to mostly wrong.

Right is what comes to a target answer, or what a checker says; with neither, what most endings from the very
start come to, if enough of them agree. `ponder.check.bisection` decides where to sample next.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ponder.blame.costs import rollouts_cost
from ponder.blame.values import Blame, Estimate, Node
from ponder.check.answers import agreement, answer_in, answers
from ponder.check.bisection import Bisection, Bracket
from ponder.check.chance import Share
from ponder.core.events import Step
from ponder.core.trace import Trace
from ponder.endings import Endings, Watch
from ponder.errors import InputError
from ponder.opened import Opened
from ponder.store import Store

Checker = Callable[[str], bool]
"""The text of an answer → whether it is right."""
AGREED = 0.5
"""Share of the endings from the start that must agree to stand for a target."""
RECOVERS = (
    "After it {right} of {of} endings are right all the same: it is a slip that the model often repairs."
)
AGAIN = "Later steps do better again: the chance did not fall only once, so this is one fall of several."
ASSUMED = "The search takes for granted that the chance of a right ending falls only once."


@dataclass(frozen=True, slots=True)
class Ending:
    """One sampled ending: the step before which it left (their number: after the last), what it came to."""

    node: int
    answer: str
    right: bool | None
    tokens: int


def reasoning_steps(trace: Trace) -> tuple[Step, ...]:
    """The steps of the reasoning; raises InputError where there are none to leave at."""
    steps = tuple(step for step in trace.steps if step.part == "reasoning")
    if not steps:
        raise InputError(f"Trace {trace.id} has no reasoning steps, so there is none to go on from.")
    return steps


def place(trace: Trace, steps: tuple[Step, ...], node: int) -> int:
    """The token index of a node: where the step begins, or where the reasoning ends."""
    return steps[node].start if node < len(steps) else trace.reasoning_end


class Rollouts:
    """The search of `trace`'s first wrong step with `opened`, the model that wrote it.

    Iterate it for each `Ending`; `result` is what is known so far, also after an interruption. `target` is
    the right answer or what tells it, "" for agreement; `samples` endings at a node (about); `store` keeps
    them as branches.
    Raises InputError for a trace without reasoning steps, and as `ponder.session.fork` does.
    """

    def __init__(
        self,
        opened: Opened,
        trace: Trace,
        *,
        target: str | Checker = "",
        samples: int = 8,
        seed: int = 0,
        store: Store | None = None,
    ) -> None:
        self.steps = reasoning_steps(trace)
        self.search = Bisection(len(self.steps), samples)
        self.watch: Watch | None = None
        """Called with every event of every ending."""
        self._opened, self._trace, self._samples, self._seed = opened, trace, samples, seed
        self._sampler = Endings(opened, trace, seed=seed, store=store)
        self.spent = self._sampler.spent
        self._checker = target if callable(target) else None
        self.target = "" if callable(target) else target.strip()
        self._given = bool(self.target)
        self._agreed: Share | None = None
        self._right_already = False

    def estimate(self) -> Estimate:
        """What it may cost: the search may end long before that."""
        starts = [step.start for step in self.steps]
        return rollouts_cost(self._trace, starts, self._samples, known=self._knows)

    def __iter__(self) -> Iterator[Ending]:
        """Sample until the step is known or the samples are used up."""
        if not self._knows:
            yield from self._agree()
            if not self._knows:
                return
        self._right_already = self._is_right(self._trace.answer)
        while not self._right_already and (wish := self.search.wish()) is not None:
            node, count = wish
            for trace in self._endings(node, self.search.share(node).of, count):
                right = self._is_right(trace.answer)
                self.search.tell(node, [right])
                yield Ending(node, answer_in(trace.answer), right, len(trace.tokens) - trace.fork_index)

    def result(self) -> Blame:
        """What is known now."""
        bracket = self.search.bracket()
        if self._right_already:
            verdict, said = "none", f"The answer is the target ({self._goal}): there is nothing to look for."
        elif not self.search.sampled:
            verdict, said = "unsure", self._nothing()
        else:
            verdict, said = bracket.verdict, self._sentence(bracket)
        named = verdict in {"found", "unsure"} and self.search.sampled > 0
        return Blame(
            "rollouts",
            verdict,
            self._step(bracket.step) if named and bracket.step is not None else None,
            said,
            bracket.confidence if self.search.sampled else None,
            self._step(bracket.first) if named else None,
            self._step(bracket.last) if named else None,
            self._cautions(bracket) if named and bracket.step is not None else (),
            nodes=tuple(self._node(node, share) for node, share in self.search.nodes.items()),
            spent=replace(self.spent),
            about={
                "model": self._opened.name, "samples": self._samples, "seed": self._seed,
                "target": self.target,
                "target_from": "answer" if self._given else "checker" if self._checker else "agreement",
            },
        )  # fmt: skip

    # ------------------------------------------------------------------ details

    @property
    def _knows(self) -> bool:
        """Whether there is something to judge endings by."""
        return bool(self.target) or self._checker is not None

    @property
    def _goal(self) -> str:
        return self.target or "what the checker wants"

    def _is_right(self, answer: str) -> bool:
        return self._checker(answer) if self._checker is not None else answers(answer, self.target)

    def _endings(self, node: int, first: int, count: int) -> Iterator[Trace]:
        """Endings at a node, those with the numbers from `first` on."""
        index = place(self._trace, self.steps, node)
        return self._sampler.at(index, range(first, first + count), self.watch)

    def _agree(self) -> Iterator[Ending]:
        """Take what most endings from the start come to for the target; they count as samples there."""
        given = []
        for trace in self._endings(0, 0, self._samples):
            given.append(answer_in(trace.answer))
            yield Ending(0, given[-1], None, len(trace.tokens) - trace.fork_index)
        hits = agreement(given).count(0)
        self._agreed = Share(hits, len(given))
        if hits >= 2 and self._agreed.value >= AGREED:
            self.target = given[agreement(given).index(0)]
            self.search.tell(0, [self._is_right(answer) for answer in given])

    def _nothing(self) -> str:
        if self._agreed is None:
            return "Nothing was sampled yet."
        return (
            f"The endings from the start do not agree (the commonest answer came {self._agreed.hits} times "
            f"of {self._agreed.of}), so nothing tells right from wrong: give the target with --answer."
        )

    def _sentence(self, bracket: Bracket) -> str:
        goal = self._goal if len(self._goal) <= 40 else "the target"
        good, bad = (f"{share.hits} of {share.of}" for share in (bracket.good, bracket.bad))
        chance = f"probability {bracket.confidence:.2f}"
        if bracket.step is None:
            if bracket.verdict == "from the start":
                return (
                    f"Endings are rarely right even before the first step ({good} come to {goal}), so no "
                    f"step is to blame: the task is too hard for this model, or the target is another "
                    f"({chance})."
                )
            return (
                f"Endings are right even after the last step ({bad} come to {goal}): it went astray in the "
                f"answer, or by bad luck ({chance})."
            )
        step = f"step {self._step(bracket.step) + 1}"
        said = f"before it {good} endings come to {goal}, after it {bad} ({chance})."
        if bracket.verdict == "found":
            return f"It goes astray in {step}: {said}"
        first, last = self._step(bracket.first) + 1, self._step(bracket.last) + 1
        return f"It goes astray between steps {first} and {last}, most likely in {step}: {said}"

    def _cautions(self, bracket: Bracket) -> tuple[str, ...]:
        said = [ASSUMED]
        if bracket.recoverable:
            said.append(RECOVERS.format(right=bracket.bad.hits, of=bracket.bad.of))
        if bracket.contradicted:
            said.append(AGAIN)
        if self._agreed is not None:
            said.append(f"The target is only what {self._agreed.hits} of {self._agreed.of} endings agree on.")
        return tuple(said)

    def _step(self, number: int) -> int:
        """The index in the trace of a reasoning step."""
        return self.steps[number].index

    def _node(self, node: int, share: Share) -> Node:
        step = self.steps[node].index if node < len(self.steps) else self.steps[-1].index + 1
        return Node(step, share.hits, share.of, *share.interval())
