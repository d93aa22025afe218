"""The usable rows as package data: what `ponder.fit.measured` shows beside a prediction."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.fit.hierarchy import Array
from benchmarks.fit.speed_fit import Placed
from ponder.fit.speed import family


def publish(folder: Path, judged: Sequence[tuple[Placed, Array]]) -> None:
    """Write measured.csv and measured_sources.csv: one row per usable measurement, sources once each."""
    sources: dict[str, str] = {}
    lines = []
    for placed, errors in judged:
        for (row, stages), error in zip(placed, errors, strict=True):
            main = max(stages, key=lambda stage: stage.weight_bytes).device
            lines.append(
                {
                    "kind": row.kind,
                    "placement": row.placement,
                    "device": main.name,
                    "generation": f"{family(main)}:{main.generation}",
                    "count": len(stages),
                    "hardware": row.hardware,
                    "model": row.raw_model,
                    "quant": row.raw_quant,
                    "depth": round(row.depth),
                    "read_mb": round(sum(stage.weight_bytes for stage in stages) / 1e6),
                    "tps": f"{row.value_tps:.4g}",
                    "predicted_tps": f"{row.value_tps * float(np.exp(error)):.4g}",
                    "engine": row.engine,
                    "source": sources.setdefault(row.source, f"m{len(sources)}"),
                }
            )
    with (folder / "measured.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    with (folder / "measured_sources.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["key", "source"])
        table.writerows([key, source] for source, key in sources.items())
