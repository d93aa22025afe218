"""What others measured: the rows behind the fit, and the ones nearest to a prediction.

data/measured.csv holds every usable row of the collection with its source and what the law says for it when
that machine is left out of the fit, so a reader sees how good a prediction of this kind is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ponder.core.hardware import Device
from ponder.fit.devices import rows
from ponder.fit.speed import family, placement
from ponder.fit.work import Stage


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement in tokens per second; `predicted_tps` was made without this machine.

    `kind` is decode or prefill, `depth` the mean tokens in the cache, `read_bytes` what one token reads.
    """

    kind: str
    placement: str
    device: str
    generation: str
    count: int
    hardware: str
    model: str
    quant: str
    depth: float
    read_bytes: float
    tps: float
    predicted_tps: float
    engine: str
    source: str


@lru_cache(maxsize=1)
def all_measured() -> tuple[Measured, ...]:
    """Every usable row of the collection."""
    sources = {row["key"]: row["source"] for row in rows("measured_sources.csv")}
    return tuple(
        Measured(
            kind=row["kind"],
            placement=row["placement"],
            device=row["device"],
            generation=row["generation"],
            count=int(row["count"]),
            hardware=row["hardware"],
            model=row["model"],
            quant=row["quant"],
            depth=float(row["depth"]),
            read_bytes=float(row["read_mb"]) * 1e6,
            tps=float(row["tps"]),
            predicted_tps=float(row["predicted_tps"]),
            engine=row["engine"],
            source=sources[row["source"]],
        )
        for row in rows("measured.csv")
    )


def nearest(
    stages: Sequence[Stage], depth: float, count: int = 3, kind: str = "decode"
) -> tuple[Measured, ...]:
    """The measured rows that are most like a placed model at a depth, of different machines or models.

    Only rows of the same placement compete; then the device counts most, then the bytes read, then the depth.
    """
    main = max(stages, key=lambda stage: stage.weight_bytes).device
    read_bytes = sum(stage.weight_bytes for stage in stages)
    same = [row for row in all_measured() if row.kind == kind and row.placement == placement(stages)]
    ranked = sorted(same, key=lambda row: _distance(row, main, len(stages), read_bytes, depth))
    best: dict[tuple[str, str, str], Measured] = {}
    for row in ranked:
        best.setdefault((row.hardware, row.model, row.quant), row)
    return tuple(best.values())[:count]


def _distance(row: Measured, device: Device, count: int, read_bytes: float, depth: float) -> float:
    if row.device == device.name:
        machine = 0.0
    elif row.generation == f"{family(device)}:{device.generation}":
        machine = 1.0
    else:
        machine = 2.0 if row.generation.split(":")[0] == family(device) else 4.0
    size = abs(math.log(row.read_bytes / read_bytes)) if row.read_bytes and read_bytes else 2.0
    return (
        machine + size + 0.2 * abs(math.log((row.depth + 500) / (depth + 500))) + 0.1 * abs(row.count - count)
    )
