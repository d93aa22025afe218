"""All figures of one model on one task, from its samples; and what differs between two models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ponder.check.answers import MARKED, grouped
from ponder.evaluate.sample import WHOLE, Sample
from ponder.evaluate.scorers.verdict import LATE
from ponder.evaluate.statistics.estimates import avg, consensus, pass_all, pass_any
from ponder.evaluate.statistics.intervals import Interval, McNemar, difference, mcnemar, mean_of, ratio_of
from ponder.evaluate.statistics.lengths import Lengths, busy_s, lengths_of

Same = Callable[[str, str], bool]
ByProblem = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class AtK:
    """Figures for k samples of each problem; `cons` is None where answers cannot be compared."""

    k: int
    pass_any: Interval
    pass_all: Interval
    cons: Interval | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Accuracy where an answer was forced after a share of the reasoning: `tokens` of it on average."""

    share: float
    tokens: float
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class Level:
    """Accuracy, reasoning tokens and seconds of an answer at one level, means over its samples."""

    level: str
    problems: int
    accuracy: Interval
    reasoning_tokens: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Every one of the `problems` has at least `samples`. `unknown` samples could not be judged, `no_answer`
    held none, `unmarked` right ones did not mark their answer, `late` are verdicts that took too long.

    `per_1000` are right answers for 1,000 generated tokens, `per_s` for a second of this machine.
    """

    problems: int
    samples: int
    accuracy: Interval
    at: tuple[AtK, ...]
    unknown: int
    no_answer: int
    unmarked: int
    late: int
    all: Lengths
    right: Lengths
    wrong: Lengths
    reasoning_tokens: float
    seconds: float
    busy_s: float
    per_1000: Interval
    per_s: float
    levels: tuple[Level, ...]
    cuts: tuple[Cut, ...]
    steps: Mapping[str, int]
    resumed: int


@dataclass(frozen=True, slots=True)
class Against:
    """One model against another on the problems that both have: `accuracy` is the other's, plus for better;
    the test is there where each problem has one sample.
    """

    problems: int
    accuracy: Interval
    tokens: float
    seconds: float
    test: McNemar | None


def figures(samples: Sequence[Sample], same: Same | None, seed: int = 0) -> Figures:
    """The figures of samples of one evaluation; raises ValueError for none."""
    whole = by_problem(samples)
    if not whole:
        raise ValueError("no samples")
    count = min(len(each) for each in whole.values())
    flat = [sample for each in whole.values() for sample in each]
    right = [sample for sample in flat if sample.right]
    spent = [(float(sum(s.right for s in each)), sum(s.sampled_tokens for s in each) / 1000)
             for each in whole.values()]  # fmt: skip
    busy = busy_s(flat)
    return Figures(
        len(whole),
        count,
        mean_of(accuracies(whole), seed),
        tuple(_at(whole, k, same, seed) for k in _ks(count)),
        sum(sample.outcome == "unknown" for sample in flat),
        sum(not sample.given for sample in flat),
        sum(sample.how not in {*MARKED, "block"} for sample in right),
        sum(sample.note.startswith(LATE) for sample in flat),
        lengths_of(flat),
        lengths_of(right),
        lengths_of([sample for sample in flat if not sample.right]),
        _mean([sample.reasoning_tokens for sample in flat]),
        _mean([sample.seconds for sample in flat]),
        busy,
        ratio_of(spent, seed),
        len(right) / busy if busy else 0.0,
        _levels(whole, seed),
        _cuts(samples, whole, seed),
        {step: sum(sample.step == step for sample in flat) for step in sorted({s.step for s in flat})},
        sum(sample.resumed for sample in flat),
    )


def against(one: Sequence[Sample], other: Sequence[Sample], seed: int = 0) -> Against | None:
    """What the `other` samples gain over `one`, paired by problem; None without a common problem."""
    first, second = by_problem(one), by_problem(other)
    common = [name for name in first if name in second]
    if not common:
        return None
    mine, theirs = {n: first[n] for n in common}, {n: second[n] for n in common}
    single = all(len(each) == 1 for each in (*mine.values(), *theirs.values()))
    rights = [[each[0].right for each in side.values()] for side in (mine, theirs)]
    means = [[_mean([getattr(s, what) for s in each]) for each in side.values()]
             for what in ("completion_tokens", "seconds") for side in (mine, theirs)]  # fmt: skip
    return Against(
        len(common),
        difference(accuracies(mine), accuracies(theirs), seed),
        _mean(means[1]) - _mean(means[0]),
        _mean(means[3]) - _mean(means[2]),
        mcnemar(*rights) if single else None,
    )


def by_problem(samples: Sequence[Sample], cut: float = WHOLE) -> dict[str, list[Sample]]:
    """The samples of each problem with this cut, in order."""
    found: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.number):
        if sample.cut == cut:
            found.setdefault(sample.problem, []).append(sample)
    return dict(sorted(found.items()))


def accuracies(problems: ByProblem) -> list[float]:
    """avg@N of each problem."""
    return [avg(sum(sample.right for sample in each), len(each)) for each in problems.values()]


def _at(problems: ByProblem, k: int, same: Same | None, seed: int) -> AtK:
    counts = [(sum(sample.right for sample in each), len(each)) for each in problems.values()]
    return AtK(
        k,
        mean_of([pass_any(right, n, k) for right, n in counts], seed),
        mean_of([pass_all(right, n, k) for right, n in counts], seed),
        None if same is None else mean_of([_consensus(each, k, same) for each in problems.values()], seed),
    )


def _consensus(samples: Sequence[Sample], k: int, same: Same) -> float:
    groups = grouped([sample.given for sample in samples], same)
    right = {group for group, sample in zip(groups, samples, strict=True) if sample.right}
    return consensus(groups, frozenset(g for g in right if g is not None), k, samples[0].problem)


def _ks(count: int) -> list[int]:
    """Powers of two up to the number of samples, and the number itself."""
    if count == 1:
        return []
    return sorted({*(2**power for power in range(1, count.bit_length()) if 2**power <= count), count})


def _levels(problems: ByProblem, seed: int) -> tuple[Level, ...]:
    names = sorted({each[0].level for each in problems.values()})
    if len(names) < 2:
        return ()
    levels = []
    for name in names:
        part = {problem: each for problem, each in problems.items() if each[0].level == name}
        flat = [sample for each in part.values() for sample in each]
        levels.append(
            Level(
                name,
                len(part),
                mean_of(accuracies(part), seed),
                _mean([sample.reasoning_tokens for sample in flat]),
                _mean([sample.seconds for sample in flat]),
            )
        )
    return tuple(levels)


def _cuts(samples: Sequence[Sample], whole: ByProblem, seed: int) -> tuple[Cut, ...]:
    """A sample that has no reasoning to cut counts as it is at every cut."""
    found = []
    for share in sorted({sample.cut for sample in samples} - {WHOLE}):
        cut = by_problem(samples, share)
        problems = {}
        for name, each in whole.items():
            numbers = {sample.number: sample for sample in cut.get(name, ())}
            problems[name] = [
                numbers.get(s.number, s) for s in each if s.number in numbers or not s.reasoning_tokens
            ]
        problems = {name: each for name, each in problems.items() if each}
        tokens = [sample.reasoning_tokens for each in problems.values() for sample in each]
        found.append(Cut(share, _mean(tokens), mean_of(accuracies(problems), seed)))
    if found:
        tokens = [sample.reasoning_tokens for each in whole.values() for sample in each]
        found.append(Cut(WHOLE, _mean(tokens), mean_of(accuracies(whole), seed)))
    return tuple(found)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
