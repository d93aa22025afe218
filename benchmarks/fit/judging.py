"""The tables of the README: errors by placement, beside other formulas, of answers; what intervals cover."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import permutations
from statistics import mean, median

import numpy as np

from benchmarks.fit.anchors import ANCHORS, constant_use, full_use
from benchmarks.fit.hierarchy import Array
from benchmarks.fit.speed_fit import Placed
from benchmarks.fit.speed_rows import Row
from ponder.fit.speed import family

PLACEMENTS = ("single", "layers", "hybrid", "cpu")
FEWEST_MACHINES = 8
MISSED = {"cpu": 1.0}
"""Processors differ more than cards of a kind do: with half a machine their interval covered 74 %."""


def quantiles(errors: Sequence[float], machines: Sequence[str], missed: float = 0.5) -> list[float]:
    """Factors on a predicted rate between which the measured rates of 80 % of machines lie.

    `errors` are log (predicted / measured); every machine has the same weight, and `missed` machines
    more are counted as outside on each side, since the next one may be worse than all so far (after conformal
    prediction). Fewer than five machines stretch the interval by half.
    """
    sizes = Counter(machines)
    pairs = sorted((-error, 1 / sizes[machine]) for error, machine in zip(errors, machines, strict=True))
    total = len(sizes)
    tail = max(0.0, 0.1 * (total + 1) - missed)
    stretch = 1.5 if total < 5 else 1.0
    low, high = stretch * _at(pairs, tail), stretch * _at(pairs[::-1], tail)
    return [round(float(np.exp(min(low, -0.03))), 3), round(float(np.exp(max(high, 0.03))), 3)]


def _at(pairs: Sequence[tuple[float, float]], tail: float) -> float:
    running = 0.0
    for error, weight in pairs:
        running += weight
        if running > tail:
            return error
    return pairs[-1][0]


def groups_of(row: Row, kind: str) -> list[str]:
    return [f"{row.placement}:{kind}", row.placement]


def intervals(placed: Placed, errors: Array) -> dict[str, list[float]]:
    """Intervals by placement, and by placement and family where enough machines were measured."""
    found = {}
    for key in sorted({key for row, stages in placed for key in groups_of(row, family(stages[0].device))}):
        chosen = [i for i, (row, s) in enumerate(placed) if key in groups_of(row, family(s[0].device))]
        machines = [placed[i][0].group for i in chosen]
        if ":" not in key or len(set(machines)) >= FEWEST_MACHINES:
            missed = MISSED.get(key.split(":")[0], 0.5)
            found[key] = quantiles([float(errors[i]) for i in chosen], machines, missed)
    return found | {key: quantiles(*pair, 0.0) for key, pair in after_calibrating(placed, errors).items()}


def after_calibrating(placed: Placed, errors: Array) -> dict[str, tuple[list[float], list[str]]]:
    """Per placement, (errors, machines) on the other models of machines that were calibrated with one.

    The correction is the median error of that one model's rows; machines with a single model say nothing.
    """
    rows: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (row, _), error in zip(placed, errors, strict=True):
        rows[row.placement, f"{row.group} | {row.protocol}"][row.model + row.quant].append(float(error))
    found: dict[str, tuple[list[float], list[str]]] = {}
    for (place, machine), models in rows.items():
        for known, other in permutations(models, 2):
            left = [error - median(models[known]) for error in models[other]]
            for key in ("calibrated", f"{place}:calibrated"):
                pair = found.setdefault(key, ([], []))
                pair[0].extend(left)
                pair[1].extend([machine] * len(left))
    return {key: pair for key, pair in found.items() if len(set(pair[1])) >= FEWEST_MACHINES}


Judged = Sequence[tuple[str, Placed, Array, Array]]
"""(decode or prefill, rows, errors without their machine, errors without their source)."""


def judge(judged: Judged) -> None:
    """The table of errors by placement, and of the 671B models on machines with GPUs."""
    print(
        "| | 80 % interval covers | rows | machines | mean error | median | worst "
        "| by source: mean | median |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for kind, placed, errors, by_source in judged:
        for placement in PLACEMENTS:
            chosen = [i for i, (row, _) in enumerate(placed) if row.placement == placement]
            inside = coverage(placed, errors, chosen)
            _judged(f"{kind}, {placement} | {inside}", placed, chosen, (errors, by_source))
        giant = [
            i for i, (row, _) in enumerate(placed) if row.model == "DeepSeek-R1" and row.placement != "cpu"
        ]
        _judged(f"{kind}, 671B with GPUs | ", placed, giant, (errors, by_source))


def _judged(title: str, placed: Placed, chosen: Sequence[int], both: tuple[Array, Array]) -> None:
    if not chosen:
        return
    misses, others = (np.abs(np.expm1(each[chosen])) for each in both)
    worst = float(np.exp(np.max(np.abs(both[0][chosen]))))
    machines = len({placed[i][0].group for i in chosen})
    print(
        f"| {title} | {len(chosen)} | {machines} | {misses.mean():.1%} | {np.median(misses):.1%} "
        f"| x{worst:.2f} | {others.mean():.1%} | {np.median(others):.1%} |"
    )


def coverage(placed: Placed, errors: Array, chosen: Sequence[int]) -> str:
    """Share of the chosen rows inside the 80 % interval that the other machines imply."""
    inside = []
    for machine in {placed[i][0].group for i in chosen}:
        others = [i for i in range(len(placed)) if placed[i][0].group != machine]
        table = intervals([placed[i] for i in others], errors[others])
        for i in (i for i in chosen if placed[i][0].group == machine):
            row, found = placed[i]
            key = next((k for k in groups_of(row, family(found[0].device)) if k in table), "single")
            inside.append(table[key][0] <= float(np.exp(-errors[i])) <= table[key][1])
    return f"{mean(inside):.0%}" if inside else ""


def anchors_table(placed: Placed, errors: Array) -> None:
    """MAPE of the published formulas on the same rows, beside ours."""
    print(
        f"\n| decode, MAPE | rows | ponder | {' | '.join(ANCHORS)} |\n|---|---:|---:|{'---:|' * len(ANCHORS)}"
    )
    for placement in PLACEMENTS:
        chosen = [i for i, (row, _) in enumerate(placed) if row.placement == placement]
        if not chosen:
            continue
        cells = [f"{mean(abs(float(np.expm1(errors[i]))) for i in chosen):.1%}"]
        for formula in ANCHORS.values():
            ratios = [formula(placed[i]) / placed[i][0].value_tps - 1 for i in chosen]
            known = [abs(ratio) for ratio in ratios if np.isfinite(ratio)]
            cells.append(f"{mean(known):.1%}" if known else "none")
        print(f"| {placement} | {len(chosen)} | {' | '.join(cells)} |")


def prefill_table(placed: Placed, errors: Array) -> None:
    """MAPE of constant use of the fp16 rate on the same rows."""
    print("\n| prefill, MAPE | rows | ponder | 40 % of fp16 | fp16 |\n|---|---:|---:|---:|---:|")
    for placement in ("single", "layers"):
        chosen = [
            i for i, (row, s) in enumerate(placed) if row.placement == placement and s[0].device.fp16_flops
        ]
        cells = [f"{mean(abs(float(np.expm1(errors[i]))) for i in chosen):.1%}"]
        cells += [
            f"{mean(abs(formula(placed[i]) / placed[i][0].value_tps - 1) for i in chosen):.1%}"
            for formula in (constant_use, full_use)
        ]
        print(f"| {placement} | {len(chosen)} | {' | '.join(cells)} |")


def answers_table(placed: Placed, errors: Array) -> None:
    """Time of a whole answer: seconds per token, measured and predicted, integrated over each depth curve.

    A curve is one machine, model and quantisation with three depths or more that reach 4,000 tokens.
    """
    curves: dict[tuple[str, int, str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for (row, _), error in zip(placed, errors, strict=True):
        key = (row.hardware, row.n_gpus, row.model, row.raw_quant)
        curves[key].append((row.depth, 1 / row.value_tps, 1 / (row.value_tps * float(np.exp(error)))))
    misses, flat = [], []
    for points in curves.values():
        points.sort()
        if len(points) < 3 or points[-1][0] < 4000:
            continue
        depths = [0.0, *(depth for depth, _, _ in points)]
        took, expected = ([points[0][part], *(point[part] for point in points)] for part in (1, 2))
        misses.append(abs(float(_area(expected, depths) / _area(took, depths)) - 1))
        flat.append(abs(float(depths[-1] * expected[0] / _area(took, depths)) - 1))
    if misses:
        print(
            f"\nanswer time over {len(misses)} depth curves: MAPE {mean(misses):.1%}, "
            f"median {median(misses):.1%}; with the rate at the start {mean(flat):.1%}"
        )


def _area(times: Sequence[float], depths: Sequence[float]) -> float:
    steps = zip(times, times[1:], depths, depths[1:], strict=False)
    return sum((one + next_one) / 2 * (end - start) for one, next_one, start, end in steps)


def listing(placed: Placed, errors: Array) -> None:
    """Errors by machine, for a look at what the law does not see."""
    groups: dict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    for (row, _), error in zip(placed, errors, strict=True):
        groups[row.placement, row.group, row.n_gpus, row.protocol].append(float(error))
    for key, values in sorted(groups.items()):
        name = " | ".join(map(str, key))
        print(
            f"  {name[:76]:76} n {len(values):3} bias {mean(values):+.2f}  mean {mean(map(abs, values)):.2f}"
        )
