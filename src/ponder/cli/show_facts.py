"""What is known of a trace's steps besides their words: cost, claims, repetition, who else wrote."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.text import Text

from ponder.blame.kept import kept
from ponder.blame.values import Blame
from ponder.check.claim import Claim
from ponder.check.verdicts import check_trace
from ponder.core.events import Step
from ponder.reason.effort import Effort, effort_by_step, efforts, repeated_shares
from ponder.store import Bundle, Summary

VOICES = frozenset({"correction", "extend"})
"""Origins of words that somebody put into the reasoning; the others open or close it."""
SIGNS = {"wrong": ("✗", "bold red"), "wrong-then-fixed": ("↺", "yellow"), "ok": ("✓", "green")}
"""Verdict → its mark and colour. Undecided claims have none."""


@dataclass(frozen=True)
class Facts:
    """A kept trace and what follows from it; `family` are the traces of its tree."""

    bundle: Bundle
    family: Sequence[Summary] = ()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the reasoning."""
        return tuple(step for step in self.bundle.trace.steps if step.part == "reasoning")

    @cached_property
    def claims(self) -> dict[int, list[Claim]]:
        """Step index → its claims."""
        found: dict[int, list[Claim]] = {}
        for finding in check_trace(self.bundle.trace):
            found.setdefault(finding.step, []).append(finding.claim)
        return found

    @cached_property
    def blames(self) -> tuple[Blame, ...]:
        """What a critic or sampled endings found before, kept with the trace; claims are checked anew."""
        return tuple(blame for blame in kept(self.bundle.notes) if blame.method != "claims")

    @cached_property
    def cost(self) -> dict[int, Effort]:
        """Step index → its effort."""
        trace = self.bundle.trace
        return {step.index: cost for step, cost in zip(trace.steps, effort_by_step(trace), strict=True)}

    @cached_property
    def repeated(self) -> dict[int, float]:
        """Step index → the share of it that repeats what was written before."""
        trace = self.bundle.trace
        found = repeated_shares(trace.tokens, ((step.start, step.stop) for step in trace.steps))
        return {step.index: share for step, share in zip(trace.steps, found, strict=True)}

    def cost_of(self, groups: Iterable[Sequence[Step]]) -> tuple[Effort, ...]:
        """The effort of each group of neighbouring steps."""
        return efforts(self.bundle.trace, ((group[0].start, group[-1].stop) for group in groups))

    def repeated_share(self, steps: Sequence[Step]) -> float:
        """The share of some steps' tokens that repeats what was written before."""
        sizes = [step.stop - step.start for step in steps]
        pairs = zip(steps, sizes, strict=True)
        return sum(self.repeated[step.index] * size for step, size in pairs) / (sum(sizes) or 1)

    def verdicts(self, steps: Iterable[Step]) -> Counter[str]:
        """How many claims of some steps have which verdict."""
        return Counter(claim.verdict for step in steps for claim in self.claims.get(step.index, ()))

    def origins(self, steps: Sequence[Step]) -> tuple[str, ...]:
        """Who wrote tokens of some steps in the model's place."""
        tokens = self.bundle.trace.tokens[steps[0].start : steps[-1].stop]
        return tuple(dict.fromkeys(t.origin for t in tokens if t.origin in VOICES))

    def leaving(self, start: int, stop: int) -> list[Summary]:
        """The branches that leave this trace at a token in [start, stop)."""
        trace = self.bundle.trace
        return [s for s in self.family if s.parent == trace.id and start <= s.fork_index < stop]

    def step_at(self, index: int) -> Step | None:
        """The step that token `index` is in, else the first one after it."""
        return next((step for step in self.bundle.trace.steps if index < step.stop), None)

    def marks(self, steps: Sequence[Step], *, brief: bool = False) -> Text:
        """The verdicts of the claims in some steps, as `verdict_marks` draws them, behind a flag where a
        critic or sampled endings put the first wrong step.
        """
        text = verdict_marks(self.verdicts(steps), brief=brief)
        named = [blame for blame in self.blames if blame.step in {step.index for step in steps}]
        if named:
            sure = any(blame.verdict == "found" for blame in named)
            text = (
                Text("⚑", style="bold red" if sure else "yellow").append(" " if text and not brief else "")
                + text
            )
        return text


def verdict_marks(counts: Counter[str], *, brief: bool = False) -> Text:
    """Counted verdicts: `✗1 ✓3`; where there is little room, the worst kind only."""
    text = Text()
    for verdict, (sign, colour) in SIGNS.items():
        if counts[verdict] and not (brief and text):
            text.append(f"{' ' if text else ''}{sign}{counts[verdict]}", style=colour)
    return text
