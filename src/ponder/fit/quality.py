"""What is published about a model's answers: how long it reasons, how well it does, what reasoning gains.

Figures are rows of data/lengths.csv and data/scores.csv, each with its source. Where a model has none for a
kind of task, the nearest figure is offered as what it is: of another benchmark or model, never as its own.
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

TASKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "maths": (("MATH-500", "MATH"), ("MATH-500", "AIME 2024")),
    "olympiad": (("AIME 2024", "AIME 2025", "OlympiadBench"), ("AIME 2024", "AIME 2025")),
    "code": ((), ("LiveCodeBench", "LiveCodeBench v5", "LiveCodeBench (2024-08..2025-01)", "Codeforces")),
    "logic": ((), ()),
    "analysis": (("GPQA-Diamond", "MMLU-Pro"), ("GPQA-Diamond", "MMLU-Pro")),
    "plain": (("S1-Bench simple questions",), ("MMLU-Redux", "SimpleQA")),
}
"""Kind of task: the benchmarks whose lengths speak for it, and those whose scores do, the best first."""

STAND_INS = {"code": ("MATH-500", "GPQA-Diamond"), "logic": ("GPQA-Diamond", "MATH-500"), "plain": ("GSM8K",)}
"""Benchmarks whose lengths are offered, and labelled, where none is published for a kind of task."""

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
    """One published figure: percent for `pass@1` and `cons@k`, Elo for `rating`; `mode`: thinking or not."""

    model: str
    mode: str
    benchmark: str
    metric: str
    value: float
    source: str


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
def _lengths() -> Mapping[tuple[str, str], Sequence[Mapping[str, str]]]:
    found: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows("lengths.csv"):
        found[row["model"], row["benchmark"]].append(row)
    return found


@lru_cache(maxsize=1)
def _scores() -> Mapping[str, Sequence[Score]]:
    found: dict[str, list[Score]] = defaultdict(list)
    for row in rows("scores.csv"):
        source = _sources()[row["source"]] + (f" ({row['setting']})" if row["setting"] else "")
        score = Score(row["model"], row["mode"], row["benchmark"], row["metric"], float(row["value"]), source)
        found[row["model"]].append(score)
    return found


def _checked(task: str) -> str:
    if task not in TASKS:
        raise InputError(f"{task!r} is no kind of task; choose from {', '.join(TASKS)}.")
    return task


def reasoning_length(model: str, task: str) -> Length | None:
    """Tokens that `model` (its catalogue id) writes on a kind of task; None where nothing near is published.

    Raises:
        InputError: the task is not one of TASKS.
    """
    own = TASKS[_checked(task)][0]
    spare = tuple(name for name in STAND_INS.get(task, ()) if name not in own)
    for benchmarks, exact in ((own, True), (spare, False)):
        found = _length(model, benchmarks)
        if found:
            why = (
                ""
                if exact
                else f"no length is published for {task}: its length on {found['benchmark']} stands in"
            )
            return _as_length(found, task, exact, why)
    for benchmarks in (own, spare):
        for other in _nearest(model):
            found = _length(other, benchmarks)
            if found:
                why = f"no length is published for {model}: that of {other} on {found['benchmark']} stands in"
                return _as_length(found, task, False, why)
    return None


def room_tokens(length: Length | None, prompt_tokens: int = PROMPT_TOKENS) -> int:
    """Tokens of context that hold a question and nine of ten answers, ROOM_TOKENS at least."""
    return max(ROOM_TOKENS, math.ceil(prompt_tokens + length.p90_tokens) if length else 0)


def _length(model: str, benchmarks: Sequence[str]) -> Mapping[str, str] | None:
    return next((row for name in benchmarks for row in _lengths().get((model, name), ())), None)


def _as_length(row: Mapping[str, str], task: str, exact: bool, why: str) -> Length:
    tokens = float(row["tokens"])
    notes = "; ".join(part for part in (why, row["note"]) if part)
    source = _sources()[row["source"]]
    return Length(
        row["model"],
        task,
        row["benchmark"],
        tokens,
        tokens * P90_OVER_MEAN,
        row["counts"],
        source,
        exact,
        notes,
    )


def _nearest(model: str) -> list[str]:
    """Other models with published lengths, those that reason like `model` only, the nearest in size first."""
    this = known_model(model)
    if this is None:
        return []
    others = {name for name, _ in _lengths()} - {model}
    like = [
        other
        for name in others
        if (other := known_model(name)) and (other.thinks == "never") == (this.thinks == "never")
    ]
    return [other.id for other in sorted(like, key=lambda other: _distance(this, other))]


def _distance(one: Model, other: Model) -> tuple[float, str]:
    return abs(math.log(one.parameters / other.parameters)) + (one.family != other.family), other.id


def scores(model: str, task: str) -> tuple[Score, ...]:
    """Published scores of a model that speak for a kind of task, in the order of TASKS; empty if none.

    Raises:
        InputError: the task is not one of TASKS.
    """
    order = TASKS[_checked(task)][1]
    found = [score for score in _scores().get(model, ()) if score.benchmark in order]
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
