"""How models stand on a kind of task, in figures that may be compared with each other.

Each task has one benchmark. A figure counts if it is pass@1, of the thinking mode, and published; what others
measured again counts where nothing else is known. Editions of a benchmark (AIME by year, LiveCodeBench by
window of problems) are turned into the one that is compared, through the models that took both (`equating`).
An edition that is not named, or that no common model took, is not comparable: the standing is unknown.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ponder.core.plan import Standing
from ponder.fit.equating import link, log_odds, percentage
from ponder.fit.quality import TASKS, Score, all_scores

EDITIONS: Mapping[str, tuple[str, ...]] = {
    "AIME 2025": ("AIME 2024",),
    "LiveCodeBench v5": (
        "LiveCodeBench (2024-08..2025-05)",
        "LiveCodeBench (2024-08..2025-01)",
        "LiveCodeBench v6",
    ),
}
"""Benchmark: other editions of it, the likest first."""


def benchmark_of(task: str) -> str:
    """The benchmark that models are compared on for a kind of task."""
    return TASKS[task][1][0]


@lru_cache(maxsize=1024)
def standing(model: str, task: str) -> Standing | None:
    """Where a model (its catalogue id) stands on a kind of task; None: unknown."""
    wanted = benchmark_of(task)
    own = _figures(wanted).get(model)
    if own is not None:
        return Standing(wanted, own.value, own.benchmark, own.value, own.source)
    for edition in EDITIONS.get(wanted, ()):
        score = _figures(edition).get(model)
        linked = link(_odds(wanted), _odds(edition)) if score else None
        if score and linked:
            turned = percentage(log_odds(score.value) + linked.shift)
            return Standing(wanted, turned, edition, score.value, score.source, linked.through)
    return None


@lru_cache(maxsize=32)
def _figures(benchmark: str) -> Mapping[str, Score]:
    """The figure of each model that counts, by model."""
    found: dict[str, Score] = {}
    for model, scores in all_scores().items():
        usable = [score for score in scores if _counts(score, benchmark)]
        if usable:
            found[model] = min(usable, key=lambda score: score.reproduced)
    return found


def _counts(score: Score, benchmark: str) -> bool:
    return (score.benchmark, score.metric) == (benchmark, "pass@1") and score.mode != "non-thinking"


@lru_cache(maxsize=32)
def _odds(benchmark: str) -> Mapping[str, float]:
    return {model: log_odds(score.value) for model, score in _figures(benchmark).items()}


@lru_cache(maxsize=32)
def tolerance(benchmark: str) -> float:
    """Points within which two figures of a benchmark are as good as equal: how far (root mean square) those
    who ran it again ended from the published figure. 0 where nobody did.
    """
    squares = [(again - first) ** 2 for first, again in _repeated(_family(benchmark))]
    return math.sqrt(sum(squares) / len(squares)) if squares else 0.0


def _repeated(family: str) -> Iterator[tuple[float, float]]:
    """(published, reproduced) figures of the same model on one family of benchmarks."""
    for scores in all_scores().values():
        same = [score for score in scores if _family(score.benchmark) == family and score.metric == "pass@1"]
        for again in same:
            first = _first_published(same, again.benchmark) if again.reproduced else None
            if first is not None:
                yield first.value, again.value


def _first_published(scores: Sequence[Score], benchmark: str) -> Score | None:
    """The published figure of the same edition, or of the family where the edition was not named."""
    published = [score for score in scores if not score.reproduced and score.mode != "non-thinking"]
    same = [score for score in published if score.benchmark == benchmark]
    return next(iter(same or (published if benchmark == "LiveCodeBench" else ())), None)


def _family(benchmark: str) -> str:
    return benchmark.split(maxsplit=1)[0] if benchmark.startswith(("AIME", "LiveCodeBench")) else benchmark
