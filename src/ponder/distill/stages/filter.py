"""Stage `filter`: which samples a student shall learn from, each decision with its step and its reasons.

`decisions.jsonl` has a row for every sample and grows row by row; `examples.jsonl` are those that were kept,
`unfiltered.jsonl` as many at random from all that came to an end, with the same levels, if that is wanted.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ponder.check.chance import Share
from ponder.core.trace import Trace
from ponder.distill.example import Example
from ponder.distill.prompt import Prompt
from ponder.distill.rows import Appended, Lines, read_rows, write_json, write_rows
from ponder.distill.sifting import Limits, faults
from ponder.distill.stages.sample import SHARD, problem_asked
from ponder.distill.work import Counts, Expected, Kind, Told, Work
from ponder.errors import InputError
from ponder.evaluate.folder import read_folder
from ponder.evaluate.problem import Problem
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.scorers.verdict import Outcome
from ponder.evaluate.scorers.verifier import Verifier
from ponder.store import Store, open_store

EACH_S = 0.004
"""Seconds for one sample, about: reading its trace, its verdict and its claims."""
AUDITED = 200
UNFINISHED = frozenset({"cut off", "no reasoning"})
"""What the unfiltered arm leaves out too: there is nothing to learn from it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`outcomes` are the verdicts that are kept, `most_per_prompt` the answers to one prompt of one teacher.
    `anchored` and `tolerance` are the verifier's, `limits` the traces'. `unfiltered` makes the other arm.
    """

    samples: str
    outcomes: tuple[Outcome, ...] = ("right",)
    anchored: bool = False
    tolerance: float = 0.0
    most_per_prompt: int = 4
    limits: Limits = field(default_factory=Limits)
    unfiltered: bool = False
    processes: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one sample: `why` is empty where it is kept. `digest` is of its text."""

    problem: str
    number: int
    teacher: str
    trace: str
    level: str
    outcome: Outcome
    step: str
    given: str
    target: str
    digest: str
    why: tuple[str, ...]


def run(settings: Settings, work: Work) -> Counts:
    """Decide on every sample, then write the examples."""
    path = work.folder / "decisions.jsonl"
    with Symbolic(settings.processes) as symbolic, open_store(work.run / "traces.db") as store:
        verifier = Verifier(Cascade(symbolic, settings.anchored, settings.tolerance))
        _decide(settings, work, _Judge(settings, verifier, store))
        tally, drawn = _Tally(), list[Decision]()
        for decision in read_rows(path, Decision):
            tally.add(decision)
            _draw(drawn, decision, tally.samples, settings.seed)
        audit = _audited(drawn, symbolic)
        work.go_on()
        _write(work, "examples.jsonl", (d for d in read_rows(path, Decision) if not d.why), store)
        unfiltered = 0
        if settings.unfiltered:
            chosen = _unfiltered(settings, work)
            unfiltered = _write(work, "unfiltered.jsonl", chosen, store)
    if not tally.kept:
        most = ", ".join(f"{why} {count}" for why, count in tally.first.most_common(3))
        raise InputError(f"the stage {work.name} keeps none of {tally.samples} samples ({most}): see {path}.")
    write_json(work.folder / "audit.json", audit)
    work.tell(Told(1, 1, f"{tally.kept} of {tally.samples} kept"))
    return {"rows": tally.kept, "unfiltered": unfiltered, **tally.counts(), "audit": audit}


def _decide(settings: Settings, work: Work, judge: "_Judge") -> None:
    """A row for each sample that has none yet."""
    made = work.made(settings.samples)
    prompts = Lines(work.folder.parent / made.counts["prompts"] / "prompts.jsonl")
    with Appended(work.folder / "decisions.jsonl", judge.remember) as out:
        there, number = out.count, 0
        for teacher, shard in sorted(
            (folder, shard)
            for folder in made.counts["teachers"]
            for shard in range(-(-len(prompts) // SHARD))
        ):
            with read_folder(made.folder / teacher / f"{shard:06}") as kept:
                samples = kept.samples.values()
            order = {prompt.id: prompt for prompt in prompts.read(shard * SHARD, SHARD, Prompt)}
            places = {name: at for at, name in enumerate(order)}
            for sample in sorted(samples, key=lambda each: (places[each.problem], each.number)):
                number += 1
                if number <= there:
                    continue
                work.go_on()
                problem = problem_asked(order[sample.problem])
                out.add(judge.decision(teacher, sample.number, problem, sample.trace))
                work.tell(Told(out.count, made.counts["rows"], f"{judge.kept} kept"))


class _Judge:
    """Decides on one sample after the other; those of one prompt and teacher come one after the other."""

    def __init__(self, settings: Settings, verifier: Verifier, store: Store) -> None:
        self.kept = 0
        self._settings, self._verifier, self._store = settings, verifier, store
        self._of, self._digests = ("", ""), set[str]()

    def decision(self, teacher: str, number: int, problem: Problem, name: str) -> Decision:
        """The decision on the trace `name`."""
        trace = self._store.load(name)
        verdict = self._verifier.judge(problem, trace.answer)
        why: list[str] = [] if verdict.outcome in self._settings.outcomes else [verdict.outcome]
        why += faults(trace, self._settings.limits, self._verifier.cascade.same)
        digest = hashlib.sha256(f"{trace.reasoning}\0{trace.answer}".encode()).hexdigest()[:16]
        self._turn(teacher, problem.id)
        if not why and digest in self._digests:
            why.append("duplicate")
        if not why and len(self._digests) >= self._settings.most_per_prompt:
            why.append("enough of this prompt")
        made = Decision(problem.id, number, teacher, name, problem.level, verdict.outcome, verdict.step,
                        verdict.given[:200], problem.target, digest, tuple(why))  # fmt: skip
        self._keep(made.why, digest)
        return made

    def remember(self, row: Mapping[str, Any]) -> None:
        """A decision of an earlier start."""
        self._turn(row["teacher"], row["problem"])
        self._keep(row["why"], row["digest"])

    def _turn(self, teacher: str, problem: str) -> None:
        if self._of != (teacher, problem):
            self._of, self._digests = (teacher, problem), set()

    def _keep(self, why: object, digest: str) -> None:
        if not why:
            self.kept += 1
            self._digests.add(digest)


class _Tally:
    """Counts of decisions: by verdict and its step, by reason, by the first reason, by prompt."""

    def __init__(self) -> None:
        self.samples = self.kept = self.prompts = self.solved = 0
        self.first: Counter[str] = Counter()
        self._steps: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._levels: dict[str, list[int]] = {}
        self._of, self._right = ("", ""), False

    def add(self, decision: Decision) -> None:
        """One more."""
        self.samples += 1
        self.kept += not decision.why
        self._steps[f"{decision.outcome} by {decision.step}"] += 1
        self._reasons.update(decision.why)
        self.first.update(decision.why[:1])
        level = self._levels.setdefault(decision.level, [0, 0])
        level[0] += not decision.why
        level[1] += 1
        if self._of != (decision.teacher, decision.problem):
            self._of, self._right = (decision.teacher, decision.problem), False
            self.prompts += 1
        if decision.outcome == "right" and not self._right:
            self._right = True
            self.solved += 1

    def counts(self) -> dict[str, Any]:
        """As JSON; `removed` counts each sample once, `reasons` each of its reasons."""
        return {
            "samples": self.samples,
            "prompts": self.prompts,
            "solved_prompts": self.solved,
            "verdicts": dict(self._steps),
            "removed": dict(self.first),
            "reasons": dict(self._reasons),
            "levels": self._levels,
        }


def _draw(drawn: list[Decision], decision: Decision, seen: int, seed: int) -> None:
    """Keep a fair draw of AUDITED decisions (Vitter's algorithm R)."""
    if len(drawn) < AUDITED:
        drawn.append(decision)
        return
    at = random.Random(f"audit {seed} {seen}").randrange(seen)
    if at < AUDITED:
        drawn[at] = decision


def _audited(drawn: list[Decision], symbolic: Symbolic) -> dict[str, Any]:
    """The verdicts against math-verify alone: of what it calls right, how much was missed; of what it calls
    wrong, how much was granted; each with an interval. It cannot read words, and is no truth.
    """
    sides: dict[str, list[bool]] = {"right": [], "wrong": []}
    disputed = []
    for decision in drawn:
        other = symbolic.compare(decision.target, decision.given)[0] if decision.given else "unknown"
        if other in sides:
            right = decision.outcome == "right"
            sides[other].append(right)
            if right != (other == "right"):
                row = {"trace": decision.trace, "given": decision.given, "target": decision.target}
                disputed.append(row | {"verdict": f"{decision.outcome} by {decision.step}", "other": other})
    missed = Share(sum(not right for right in sides["right"]), len(sides["right"]))
    granted = Share(sum(sides["wrong"]), len(sides["wrong"]))
    shares = {
        name: {"hits": share.hits, "of": share.of, "interval": list(share.interval())}
        for name, share in (("missed", missed), ("granted", granted))
    }
    return {"drawn": len(drawn), **shares, "disputed": disputed[:20]}


def _write(work: Work, name: str, decisions: Iterator[Decision], store: Store) -> int:
    return write_rows(work.folder / name, (_example(store.load(d.trace), d) for d in decisions))


def _example(trace: Trace, decision: Decision) -> Example:
    name = f"{decision.problem}/{decision.teacher}/{decision.number}"
    pieces = ((trace.reasoning, True),)
    return Example(name, trace.question, pieces, trace.answer, trace.model, decision.level, trace.id)


def _unfiltered(settings: Settings, work: Work) -> Iterator[Decision]:
    """As many as are kept at each level, drawn from all that have a reasoning and an end, in their order."""
    path, dice = work.folder / "decisions.jsonl", random.Random(f"unfiltered {settings.seed}")
    kept, pool = Counter[str](), dict[str, list[int]]()
    for number, decision in enumerate(read_rows(path, Decision)):
        kept[decision.level] += not decision.why
        if not UNFINISHED & set(decision.why):
            pool.setdefault(decision.level, []).append(number)
    chosen = {
        number
        for level, numbers in pool.items()
        for number in dice.sample(numbers, min(kept[level], len(numbers)))
    }
    return (decision for number, decision in enumerate(read_rows(path, Decision)) if number in chosen)


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """At most all samples."""
    before = known[settings.samples]
    rows = before.rows
    return Expected(rows, before.tokens, rows * EACH_S, rows * EACH_S * 20, "if all are kept")


def check(settings: Settings) -> None:
    """Raise InputError for settings that keep nothing."""
    if not settings.outcomes or settings.most_per_prompt < 1:
        raise InputError('outcomes and most_per_prompt must leave something: take ["right"] and 1 or more.')


KIND = Kind(Settings, run, expect, needs=lambda s: {s.samples: ("sample",)}, check=check)
