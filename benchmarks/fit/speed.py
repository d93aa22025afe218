"""Fit and judge the speed predictions; write the package's speed.json and print the tables of the README.

python -m benchmarks.fit.speed                fit, judge with every machine left out, write the package's data
python -m benchmarks.fit.speed --machines     the same, and every machine's error
python -m benchmarks.fit.speed collected      judge without our corrections of rows; writes nothing
python -m benchmarks.fit.speed score FILE     judge the package as it is on rows of the same format
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.fit.hierarchy import Array, Fitter
from benchmarks.fit.judging import (
    anchors_table,
    answers_table,
    intervals,
    judge,
    listing,
    prefill_table,
)
from benchmarks.fit.publish import publish
from benchmarks.fit.speed_fit import (
    FLOPS_PER_BYTE,
    Placed,
    class_table,
    decode_fitter,
    machines_of,
    prefill_fitter,
)
from benchmarks.fit.speed_places import copied_from, machine_name, stages
from benchmarks.fit.speed_rows import DATA, Row, load, source_name
from ponder.fit import prefill, speed
from ponder.fit.prefill import MICRO_BATCH, prefill_time_s
from ponder.fit.speed import token_time_s
from ponder.fit.work import Stage

PACKAGE = Path(__file__).parents[2] / "src" / "ponder" / "fit" / "data"
PLACEMENTS = ("single", "layers", "hybrid", "cpu")
DECODE_NAMES = (
    "loss", "loss_half", "ops", "cache", "cache_plain", "layer_s", "latent_s", "hop_s", "barrier_s",
)  # fmt: skip
PREFILL_NAMES = ("rate", "half", "attention", "attention_plain", "layer_s", "experts", "tile")


def place_all(
    rows: Sequence[Row], kind: str, placements: Sequence[str] = PLACEMENTS
) -> list[tuple[Row, tuple[Stage, ...]]]:
    """Usable rows of a kind with their stages; rows whose RAM is not known drop out."""
    usable = [row for row in rows if row.kind == kind and not row.reason and row.placement in placements]
    placed = [(row, stages(row)) for row in usable]
    return [
        (replace(row, group=machine_name(row)), found)
        for row, found in placed
        if found and all(s.device.bandwidth_bps for s in found)
    ]


def reload() -> None:
    """Let the package read its files again."""
    kept = (speed.fitted, speed.coefficients, speed.unpacking_flops, speed._interval)
    for each in (*kept, prefill.constants_of, prefill.sustained_flops, prefill.link_bps):
        each.cache_clear()


def write(content: dict[str, object]) -> None:
    (PACKAGE / "speed.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    reload()


def check(placed: Placed, fitter: Fitter, values: Array) -> None:
    """The law for arrays and the package's law must agree on every row (but for the builds of 2024)."""
    times = np.exp(fitter.log_time(values))
    for (row, found), time_s in zip(placed, times, strict=True):
        if row.protocol != "llama-bench 2024":
            assert abs(token_time_s(found, row.depth) / time_s - 1) < 2e-3, row


def check_prefill(placed: Placed, fitter: Fitter, values: Array) -> None:
    """The same of prompts."""
    for (row, found), log_s in zip(placed, fitter.log_time(values), strict=True):
        ours = row.value_tps * float(np.exp(_prefill_error(row, found)))
        assert row.protocol == "llama-bench 2024" or abs(ours * float(np.exp(log_s)) - 1) < 5e-3, row


def pipeline_of(constants: Mapping[str, float]) -> dict[str, float]:
    """The constants of `ponder.fit.prefill.overlap`."""
    share = 1 / (1 + 1 / constants["overlap"])
    return {
        "share": round(share, 3),
        "queue": round(constants["queue"], 2),
        "half": round(constants["queue_half"], 3),
    }


def main(details: bool) -> None:
    rows = load(DATA / "measured.csv")
    placed = place_all(rows, "decode")
    decoder = decode_fitter(placed)
    values = decoder.fit(np.ones(len(placed)), steps=24)
    errors = decoder.left_out(values)
    machines = machines_of(placed)
    classes = class_table(decoder, values, machines, DECODE_NAMES)
    overall = decoder.constants_of(values)
    content: dict[str, object] = {
        "source": "benchmarks/fit/speed.py on benchmarks/fit/data/measured.csv",
        "classes": {
            key: constants
            | {"machines": machines.get(key, 0), "flops_per_byte": FLOPS_PER_BYTE[key.split(":")[0]]}
            for key, constants in classes.items()
        },
        "arithmetic": {"4": 1.0} | {key: round(overall[key], 3) for key in ("16", "8", "2", "mx")},
    }
    write(content)
    check(placed, decoder, values)

    read = place_all(rows, "prefill")
    reader = prefill_fitter(read)
    read_values = reader.fit(np.ones(len(read)), steps=24)
    read_errors = reader.left_out(read_values)
    content["prefill"] = class_table(reader, read_values, machines_of(read), PREFILL_NAMES)
    everywhere = reader.constants_of(read_values)
    content["pipeline"] = pipeline_of(everywhere)
    content["link"] = {"scale": round(everywhere["link"], 3), "power": round(everywhere["link_power"], 3)}
    content["intervals"] = {"decode": intervals(placed, errors), "prefill": intervals(read, read_errors)}
    write(content)
    check_prefill(read, reader, read_values)
    publish(PACKAGE, [(placed, errors), (read, read_errors)])

    reasons = Counter(row.reason for row in rows)
    print(f"{len(rows)} rows after merging, {reasons.pop('')} usable; left out:")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    print()
    left = [
        fitter.left_out(each, [source_name(row) for row, _ in rows_of])
        for fitter, each, rows_of in ((decoder, values, placed), (reader, read_values, read))
    ]
    judge([("decode", placed, errors, left[0]), ("prefill", read, read_errors, left[1])])
    anchors_table(placed, errors)
    prefill_table(read, read_errors)
    answers_table(placed, errors)
    if details:
        listing(placed, errors)
        listing(read, read_errors)


def collected() -> None:
    """Leave-one-machine-out errors of the rows as the collection has them; nothing is written."""
    rows = load(DATA / "measured.csv", correct=False)
    judged = []
    for kind, make in (("decode", decode_fitter), ("prefill", prefill_fitter)):
        placed = place_all(rows, kind)
        fitter = make(placed)
        errors = fitter.left_out(fitter.fit(np.ones(len(placed)), steps=24))
        judged.append((kind, placed, errors, errors))
    judge(judged)


def score(path: Path) -> None:
    """Judge the package on rows it has not seen."""
    rows = load(path)
    placed = place_all(rows, "decode")
    errors = np.array([_decode_error(row, found) for row, found in placed])
    read = place_all(rows, "prefill")
    read_errors = prefill_errors(read)
    judge([("decode", placed, errors, errors), ("prefill", read, read_errors, read_errors)])
    anchors_table(placed, errors)
    prefill_table(read, read_errors)
    answers_table(placed, errors)
    listing(read, read_errors)
    listing(placed, errors)


def prefill_errors(placed: Placed) -> Array:
    """Log (predicted / measured) of the package's prefill law."""
    return np.array([_prefill_error(row, found) for row, found in placed])


def _prefill_error(row: Row, found: Sequence[Stage]) -> float:
    micro = row.batch if "ubatch=" in row.engine else max(row.batch, MICRO_BATCH)
    flash = row.protocol != "llama-bench 2024"
    depth = max(0.0, row.depth - row.prompt / 2)
    time_s = prefill_time_s(found, row.prompt, depth, micro, flash=flash, copied_from=copied_from(row))
    return float(np.log(row.prompt / time_s / row.value_tps))


def _decode_error(row: Row, found: Sequence[Stage]) -> float:
    return float(
        -np.log(token_time_s(found, row.depth, flash=row.protocol != "llama-bench 2024") * row.value_tps)
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["score"]:
        score(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["collected"]:
        collected()
    else:
        main("--machines" in sys.argv)
