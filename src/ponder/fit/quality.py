"""What is published about a model's answers: how long it reasons, how well it does, what reasoning gains.

Figures are rows of data/lengths.csv and data/scores.csv, each with its source. Where a model has no length
for a kind of task, its own length on another benchmark is scaled as other models' lengths are (`equating`);
failing that, the length of a model like it is offered as what it is, never as its own.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ponder.catalog.models import known_model
from ponder.core.model import Model
from ponder.errors import InputError
from ponder.fit.devices import rows
from ponder.fit.equating import Link, link

_LCB = (
    "LiveCodeBench v5",
    "LiveCodeBench (2024-08..2025-05)",
    "LiveCodeBench (2024-08..2025-01)",
    "LiveCodeBench v6",
    "LiveCodeBench",
    "Codeforces",
)

TASKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "maths": (("MATH-500",), ("MATH-500", "AIME 2024")),
    "olympiad": (("AIME 2025", "AIME 2024"), ("AIME 2025", "AIME 2024")),
    "code": ((), _LCB),
    "logic": ((), ("GPQA-Diamond",)),
    "analysis": (("GPQA-Diamond", "MMLU-Pro"), ("GPQA-Diamond", "MMLU-Pro")),
    "plain": (("S1-Bench simple questions",), ("MMLU-Redux", "SimpleQA")),
}
"""Kind of task: the benchmarks whose lengths speak for it, and those whose scores do, the best first; models
are compared on the first score (`standing`). No score on logic is collected of these models: GPQA-Diamond,
which needs the longest deductions beside olympiads, stands in."""

STAND_INS = {"code": ("MATH-500",), "logic": ("GPQA-Diamond",)}
"""Benchmarks whose lengths are offered, and labelled, where none is published for a kind of task."""

WHOLE = "total output"
LEAST_LINKS, MOST_SPREAD = 3, 0.3
"""A length is scaled through at least so many models, whose ratios differ by no more than about a third."""

PROMPT_TOKENS = 200
"""Length of a question, in tokens: short, as most are."""

ROOM_TOKENS = 16384
"""Context where nobody says otherwise, at least: room for a long reasoning of an R1 distill."""

P90_OVER_MEAN = 1.85
"""The 90th percentile of the length of complete outputs over their mean: 1.75, 1.89 and 1.91 for 50 outputs
each of DeepSeek-R1-Distill-Qwen-1.5B, -Qwen-14B and -Llama-8B (cvenhoff/steering-thinking-llms)."""

CONVENTIONAL = {
    "DeepSeek-R1": "DeepSeek-V3",
    "DeepSeek-R1-Zero": "DeepSeek-V3",
    "DeepSeek-R1-0528": "DeepSeek-V3-0324",
    "DeepSeek-R1-Distill-Qwen-1.5B": "Qwen2.5-1.5B-Instruct",
    "DeepSeek-R1-Distill-Qwen-7B": "Qwen2.5-7B-Instruct",
    "DeepSeek-R1-Distill-Qwen-14B": "Qwen2.5-14B-Instruct",
    "DeepSeek-R1-Distill-Qwen-32B": "Qwen2.5-32B-Instruct",
    "DeepSeek-R1-Distill-Llama-8B": "Llama-3.1-8B-Instruct",
    "DeepSeek-R1-Distill-Llama-70B": "Llama-3.3-70B-Instruct",
    "DeepSeek-R1-0528-Qwen3-8B": "Qwen3-8B",
    "QwQ-32B": "Qwen2.5-32B-Instruct",
    "Llama-3.1-Nemotron-Nano-8B-v1": "Llama-3.1-8B-Instruct",
}
"""The conventional model of the same size; a model that can be told not to think is compared with itself."""


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens of one answer, reasoning included unless `counts` says otherwise.

    `exact`: published for this very model and kind of task; else `note` says whose figure stands in.
    """

    model: str
    task: str
    benchmark: str
    mean_tokens: float
    p90_tokens: float
    counts: str
    source: str
    exact: bool
    note: str


@dataclass(frozen=True, slots=True)
class Score:
    """One published figure: percent for `pass@1` and `cons@k`, Elo for `rating`; `mode`: thinking or not.

    `reproduced`: found by others than those who made the model.
    """

    model: str
    mode: str
    benchmark: str
    metric: str
    value: float
    source: str
    reproduced: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """A reasoning model against the conventional one of its size on one benchmark."""

    reasoning: Score
    conventional: Score

    @property
    def points(self) -> float:
        """What reasoning adds, in the benchmark's own points."""
        return self.reasoning.value - self.conventional.value


@lru_cache(maxsize=1)
def _sources() -> Mapping[str, str]:
    return {row["key"]: row["source"] for row in rows("sources.csv")}


@lru_cache(maxsize=1)
def _reproductions() -> frozenset[str]:
    return frozenset(row["key"] for row in rows("sources.csv") if row["kind"] == "reproduction")


@lru_cache(maxsize=1)
def _lengths() -> Mapping[tuple[str, str], Sequence[Mapping[str, str]]]:
    found: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows("lengths.csv"):
        found[row["model"], row["benchmark"]].append(row)
    return found


@lru_cache(maxsize=1)
def all_scores() -> Mapping[str, Sequence[Score]]:
    """Every published figure, by model."""
    found: dict[str, list[Score]] = defaultdict(list)
    for row in rows("scores.csv"):
        source = _sources()[row["source"]] + (f" ({row['setting']})" if row["setting"] else "")
        figure = float(row["value"])
        reproduced = row["source"] in _reproductions()
        score = Score(row["model"], row["mode"], row["benchmark"], row["metric"], figure, source, reproduced)
        found[row["model"]].append(score)
    return found


def _checked(task: str) -> str:
    if task not in TASKS:
        raise InputError(f"{task!r} is no kind of task; choose from {', '.join(TASKS)}.")
    return task


@lru_cache(maxsize=1024)
def reasoning_length(model: str, task: str) -> Length | None:
    """Tokens that `model` (its catalogue id) writes on a kind of task; None where nothing near is published.

    Raises:
        InputError: the task is not one of TASKS.
    """
    own = TASKS[_checked(task)][0]
    none, benchmarks = f"no length is published for {model if own else task}: ", own or STAND_INS[task]
    row = _published(model, benchmarks)
    if row:
        return _as_length(row, task, "" if own else f"{none}its length on {row['benchmark']} stands in")
    scaled = _scaled(model, benchmarks[0])
    if scaled:
        row, factor = scaled
        counts = "" if row["counts"] == WHOLE else f" ({row['counts']})"
        mine = (
            f"its {float(row['tokens']):,.0f} tokens on {row['benchmark']}{counts}, scaled to "
            f"{benchmarks[0]} as other models' are"
        )
        return _as_length(row, task, mine if own else f"{none}{mine}, stand in", factor)
    for other in _nearest(model):
        row = _published(other, benchmarks)
        if row:
            whose = f"no length is published for {model}: that of {other} on {row['benchmark']} stands in"
            return _as_length(row, task, whose)
    return None


def _scaled(model: str, benchmark: str) -> tuple[Mapping[str, str], float] | None:
    """A model's own length on another benchmark, and the factor that makes it one of `benchmark`; None where
    too few models took both, or disagree.
    """
    found: list[tuple[float, Mapping[str, str], float]] = []
    for (name, other), rows_of in _lengths().items():
        for row in rows_of if name == model else ():
            linked = length_link(benchmark, other, _counts(row), _reasons(model))
            if linked and len(linked.through) >= LEAST_LINKS and linked.spread <= MOST_SPREAD:
                found.append((linked.spread, row, math.exp(linked.shift)))
    return min(found, key=lambda each: each[0])[1:] if found else None


@lru_cache(maxsize=64)
def length_link(wanted: str, given: str, counts: str, reasons: bool = True) -> Link | None:
    """What turns logarithms of lengths on `given` into those of whole outputs on `wanted`, of models that
    reason or of those that do not.
    """

    def logs(benchmark: str, counted: str) -> dict[str, float]:
        return {
            name: math.log(float(row["tokens"]))
            for (name, other), found in _lengths().items()
            for row in found
            if other == benchmark and _counts(row) == counted and _reasons(name) == reasons
        }

    return link(logs(wanted, WHOLE), logs(given, counts))


def room_tokens(length: Length | None, prompt_tokens: int = PROMPT_TOKENS) -> int:
    """Tokens of context that hold a question and nine of ten answers, ROOM_TOKENS at least."""
    return max(ROOM_TOKENS, math.ceil(prompt_tokens + length.p90_tokens) if length else 0)


def _published(model: str, benchmarks: Sequence[str]) -> Mapping[str, str] | None:
    """The first row that counts whole outputs."""
    rows_of = (row for name in benchmarks for row in _lengths().get((model, name), ()))
    return next((row for row in rows_of if _counts(row) == WHOLE), None)


def _counts(row: Mapping[str, str]) -> str:
    """What a row counts: the reasoning of a model without think tags is its whole output."""
    return row["counts"] if _reasons(row["model"]) else WHOLE


@lru_cache(maxsize=256)
def _reasons(model: str) -> bool:
    known = known_model(model)
    return known is None or known.thinks != "never"


def _as_length(row: Mapping[str, str], task: str, why: str, factor: float = 1.0) -> Length:
    tokens, note = float(row["tokens"]) * factor, row["note"]
    low = note if note.startswith("capped") else ""
    return Length(
        row["model"],
        task,
        row["benchmark"],
        tokens,
        tokens * P90_OVER_MEAN,
        row["counts"],
        _sources()[row["source"]] + (f"; {note}" if note else ""),
        not why,
        "; ".join(part for part in (why, low) if part),
    )


def _nearest(model: str) -> list[str]:
    """Other models with published lengths, those that reason like `model` only, the nearest in size first."""
    this = known_model(model)
    if this is None:
        return []
    others = {name for name, _ in _lengths()} - {model}
    like = [other for name in others if (other := known_model(name)) and _reasons(name) == _reasons(model)]
    return [other.id for other in sorted(like, key=lambda other: _distance(this, other))]


def _distance(one: Model, other: Model) -> tuple[float, str]:
    return abs(math.log(one.parameters / other.parameters)) + (one.family != other.family), other.id


def scores(model: str, task: str) -> tuple[Score, ...]:
    """Published scores of a model that speak for a kind of task, in the order of TASKS; empty if none.

    Raises:
        InputError: the task is not one of TASKS.
    """
    order = TASKS[_checked(task)][1]
    found = [score for score in all_scores().get(model, ()) if score.benchmark in order]
    return tuple(sorted(found, key=lambda score: (order.index(score.benchmark), score.metric != "pass@1")))


def gains(model: str, task: str) -> tuple[Gain, ...]:
    """What reasoning adds on each benchmark of a task that both the model and its conventional twin took.

    A model that can be told not to think is its own twin. Two figures of one source are preferred.
    """
    mine = [score for score in scores(model, task) if score.mode != "non-thinking"]
    twin = CONVENTIONAL.get(model, model)
    theirs = [
        score
        for score in scores(twin, task)
        if score.mode == "non-thinking" or (not score.mode and twin != model)
    ]
    best: dict[str, Gain] = {}
    for score in mine:
        pairs = [
            other for other in theirs if (other.benchmark, other.metric) == (score.benchmark, score.metric)
        ]
        if pairs and score.benchmark not in best:
            best[score.benchmark] = Gain(
                score, next((o for o in pairs if o.source == score.source), pairs[0])
            )
    return tuple(best.values())
