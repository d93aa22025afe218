"""Cache and scratch memory against llama.cpp's own allocation: python -m benchmarks.fit.memory [--all]

Loads sparse twins of the R1 family (with --all: of every geometry of the catalogue) in llama.cpp with
`no_alloc`, some hundreds of configurations at 20 ms each, and prints Markdown tables of the errors, ours and
others'.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter

from tests.fit.models import R1_FAMILY, distinct, geometry, legacy
from tests.fit.oracle import Answer, ask_all

from benchmarks.fit.anchors_memory import CACHES, SCRATCH
from ponder.fit.compute import is_exact
from ponder.fit.geometry import Geometry
from ponder.fit.memory import MIB, cache_bytes, compute_bytes
from ponder.fit.runtime import Runtime

Row = tuple[str, Geometry, Runtime, Answer]


def settings(long: Sequence[int]) -> list[Runtime]:
    """Contexts, batches, cache types, flash attention on and off."""
    found = []
    for context in long:
        for ubatch in (128, 512, 2048):
            found += [Runtime(context, cache, cache, ubatch=ubatch) for cache in ("f16", "q8_0", "q4_0")]
            found.append(Runtime(context, flash=False, ubatch=ubatch))
    return found


def measure(models: dict[str, Geometry], long: Sequence[int]) -> list[Row]:
    """Ask llama.cpp about every model in every setting."""
    runs = [(name, shape, runtime) for name, shape in models.items() for runtime in settings(long)]
    with tempfile.TemporaryDirectory() as folder:
        answers = ask_all([(shape, runtime) for _, shape, runtime in runs], Path(folder))
    rows = [(*run, answer) for run, answer in zip(runs, answers, strict=True)]
    silent = [f"{name} {runtime}" for name, _, runtime, answer in rows if answer.compute_mib < 0]
    print(f"{len(rows)} configurations, {len(silent)} without an answer. {'; '.join(silent[:3])}\n")
    return [row for row in rows if row[3].compute_mib >= 0]


def error_mib(rows: Iterable[Row]) -> tuple[float, float]:
    """Largest errors of (cache, scratch) in MiB."""
    cache = scratch = 0.0
    for _, shape, runtime, answer in rows:
        real = answer.cache_mib + answer.state_mib
        cache = max(cache, abs(cache_bytes(shape, runtime) / MIB - real))
        scratch = max(scratch, abs(compute_bytes(shape, runtime) / MIB - answer.compute_mib))
    return cache, scratch


def by_model(rows: list[Row]) -> None:
    """One line per model: how many runs, the largest errors, the range of what llama.cpp allocates."""
    print("| model | runs | cache, largest error | scratch, largest error | scratch, MiB |")
    print("|---|---:|---:|---:|---|")
    for name in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == name]
        cache, scratch = error_mib(own)
        span = [row[3].compute_mib for row in own]
        kind = "" if is_exact(own[0][1]) else " (upper bound)"
        errors = f"{cache:.3f} MiB | {scratch:.2f} MiB{kind}"
        print(f"| {name} | {len(own)} | {errors} | {min(span):,.0f} to {max(span):,.0f} |")


def against_others(rows: list[Row]) -> None:
    """Relative errors of published formulas on the same rows with flash attention."""
    flash = [row for row in rows if row[2].flash]
    print("\n| planner | cache: median error | largest | scratch: median error | largest |")
    print("|---|---:|---:|---:|---:|")
    for planner in ("ponder", *dict.fromkeys([*CACHES, *SCRATCH])):
        cells = []
        for kind, table in (("cache", CACHES), ("scratch", SCRATCH)):
            ours = cache_bytes if kind == "cache" else compute_bytes
            formula = ours if planner == "ponder" else table.get(planner)
            if formula is None:
                cells += ["-", "-"]
                continue
            errors = []
            for _, shape, runtime, answer in flash:
                real = answer.cache_mib if kind == "cache" else answer.compute_mib
                errors.append(abs(formula(shape, runtime) / MIB / real - 1))
            cells += [f"{statistics.median(errors):.1%}", f"{max(errors):.0%}"]
        print(f"| {planner} | {' | '.join(cells)} |")


def speed(models: dict[str, Geometry]) -> None:
    """How long the exact half of a ranking takes for all models, cold."""
    start, count = perf_counter(), 0
    for shape in models.values():
        for context in (4096, 8192, 16_384, 32_768, 65_536, 131_072):
            compute_bytes(shape, Runtime(context))
            cache_bytes(shape, Runtime(context))
            count += 1
    spent_ms = (perf_counter() - start) * 1e3
    print(f"\n{count} (model, context) pairs: {spent_ms:.0f} ms of one core, nothing cached.")


def main() -> None:
    speed(distinct())
    family = {name: geometry(name) for name in R1_FAMILY}
    family["DeepSeek-R1, old layout"] = legacy(geometry("DeepSeek-R1"))
    rows = measure(family, (4096, 8192, 32_768, 131_072))
    by_model(rows)
    against_others([row for row in rows if "old layout" not in row[0]])
    if "--all" in sys.argv:
        others = {name: shape for name, shape in distinct().items() if name not in family}
        by_model(measure(others, (4096, 32_768)))


if __name__ == "__main__":
    main()
