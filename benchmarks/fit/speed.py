"""Fit and judge the speed predictions; write the package's speed.json and print the tables of the README.

python -m benchmarks.fit.speed
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np

from benchmarks.fit.hierarchy import Array, Fitter
from benchmarks.fit.speed_fit import FLOPS_PER_BYTE, Placed, class_table, decode_fitter, machines_of, prefill_fitter
from benchmarks.fit.speed_places import stages
from benchmarks.fit.speed_rows import DATA, Row, load
from ponder.fit.speed import coefficients, fitted, token_time_s

PACKAGE = Path(__file__).parents[2] / "src" / "ponder" / "fit" / "data" / "speed.json"
PLACEMENTS = ("single", "layers", "hybrid", "cpu")


def place_all(rows: Sequence[Row], kind: str, placements: Sequence[str] = PLACEMENTS) -> list[tuple[Row, tuple]]:  # type: ignore[type-arg]
    usable = [row for row in rows if row.kind == kind and not row.reason and row.placement in placements]
    placed = [(row, stages(row)) for row in usable]
    return [(row, s) for row, s in placed if s and all(stage.device.bandwidth_bps for stage in s)]


def quantiles(errors: Sequence[float], groups: Sequence[str]) -> list[float]:
    """Factors on a predicted rate between which the measured rates of 80 % of machines lie.

    `errors` are log (predicted / measured); every machine has the same weight.
    """
    sizes = Counter(groups)
    pairs = sorted((-error, 1 / sizes[group]) for error, group in zip(errors, groups, strict=True))
    total = sum(weight for _, weight in pairs)
    running, low, high = 0.0, pairs[0][0], pairs[-1][0]
    for error, weight in pairs:
        low = error if running < 0.1 * total else low
        high = error if running < 0.9 * total else high
        running += weight
    return [round(float(np.exp(min(low, -0.03))), 3), round(float(np.exp(max(high, 0.03))), 3)]


def judge(title: str, placed: Placed, errors: Array) -> dict[str, list[float]]:
    """Print the errors by placement and return the intervals they imply."""
    intervals = {}
    for placement in PLACEMENTS:
        chosen = [i for i, (row, _) in enumerate(placed) if row.placement == placement]
        if not chosen:
            continue
        misses = [abs(float(np.expm1(errors[i]))) for i in chosen]
        machines = defaultdict(list)
        for i, miss in zip(chosen, misses, strict=True):
            machines[placed[i][0].group].append(miss)
        worst = float(np.exp(max(abs(errors[i]) for i in chosen)))
        by_machine = mean(mean(values) for values in machines.values())
        print(
            f"{title:8} {placement:8} rows {len(chosen):4} machines {len(machines):3}  MAPE {mean(misses):6.1%}"
            f"  median {median(misses):6.1%}  by machine {by_machine:6.1%}  worst x{worst:.2f}"
        )
        intervals[placement] = quantiles([float(errors[i]) for i in chosen], [placed[i][0].group for i in chosen])
    return intervals


def listing(placed: Placed, errors: Array) -> None:
    """Errors by machine, for a look at what the law does not see."""
    groups: dict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    for (row, _), error in zip(placed, errors, strict=True):
        groups[row.placement, row.group, row.n_gpus, row.protocol].append(float(error))
    for key, values in sorted(groups.items()):
        print(f"   {' | '.join(map(str, key))[:86]:86} n {len(values):3}  bias {mean(values):+.2f}  mean {mean(map(abs, values)):.2f}")


def check(placed: Placed, fitter: Fitter, values: Array) -> None:
    """The law for arrays and the package's law must agree on every row (but for the builds of 2024)."""
    fitted.cache_clear()
    coefficients.cache_clear()
    times = np.exp(fitter.log_time(values))
    for (row, placed_stages), time_s in zip(placed, times, strict=True):
        if row.protocol != "llama-bench 2024":
            assert abs(token_time_s(placed_stages, row.depth) / time_s - 1) < 2e-3, row


def main() -> None:
    rows = load(DATA / "measured.csv")
    placed = place_all(rows, "decode")
    decoder = decode_fitter(placed)
    values = decoder.fit(np.ones(len(placed)), steps=18)
    errors = decoder.left_out(values)
    intervals = {"decode": judge("decode", placed, errors)}
    listing(placed, errors)
    machines = machines_of(decoder, placed)
    names = ("loss", "ops", "cache", "cache_plain", "layer_s", "latent_s")
    classes = class_table(decoder, values, machines, names)
    for key, constants in classes.items():
        constants |= {"machines": machines.get(key, 0), "flops_per_byte": FLOPS_PER_BYTE[key.split(":")[0]]}
    overall = decoder.constants_of(values)
    content: dict[str, object] = {
        "source": "benchmarks/fit/speed.py on benchmarks/fit/data/measured.csv",
        "classes": classes,
        "arithmetic": {"4": 1.0} | {key: round(overall[key], 3) for key in ("16", "8", "2", "mx")},
        "hop_s": float(f"{overall['hop_s']:.3g}"),
    }
    PACKAGE.write_text(json.dumps(content), encoding="utf-8")
    check(placed, decoder, values)

    read = place_all(rows, "prefill", ("single", "layers", "cpu"))
    reader = prefill_fitter(read)
    read_values = reader.fit(np.ones(len(read)), steps=18)
    read_errors = reader.left_out(read_values)
    intervals["prefill"] = judge("prefill", read, read_errors)
    listing(read, read_errors)
    read_names = ("rate", "half", "attention", "attention_plain", "layer_s", "experts")
    content |= {
        "prefill": class_table(reader, read_values, machines_of(reader, read), read_names),
        "pipeline": round(1 / (1 + 1 / reader.constants_of(read_values)["overlap"]), 3),
        "intervals": intervals,
    }
    PACKAGE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
