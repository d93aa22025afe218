"""The published speed formulas of other planners, as they are (not fitted), on the same rows.

Their shapes and constants are those that their sources and documentation state: llmfit @3f44fd3, ridgepoint
0.1.2, ggufit 0.3.0. None has a term for kernels, depth (but ridgepoint) or several GPUs in a row.
"""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.fit.speed_rows import Row, kv_bytes, shapes
from ponder.fit.tensors import parameters
from ponder.fit.work import Stage

LLMFIT_BYTES = {"16": 2.0, "8": 1.0, "4": 0.5, "2": 0.35, "mx": 0.5}
GGUFIT_BYTES = {"16": 2.0, "8": 1.06, "4": 0.6, "2": 0.35, "mx": 0.56}

Placed = tuple[Row, tuple[Stage, ...]]


def _active(row: Row) -> int:
    return parameters(shapes()[row.model]).active


def _split(stages: Sequence[Stage]) -> tuple[Stage, Stage | None]:
    ram = next((stage for stage in stages if stage.device.kind == "cpu"), None)
    return next((stage for stage in stages if stage is not ram), stages[0]), ram


def _bps(stage: Stage) -> float:
    return stage.device.bandwidth_bps or float("nan")


def llmfit(placed: Placed) -> float:
    """0.55 BW / (active parameters x bytes), x 0.8 with experts, x 0.9 with GPUs, x 0.3 on a processor.

    Experts in RAM: 0.8 / (all / DDR + all / (0.55 BW)), with the true bandwidth of the RAM.
    """
    row, stages = placed
    gpu, ram = _split(stages)
    moved = _active(row) * LLMFIT_BYTES[gpu.arithmetic]
    if ram and row.placement == "hybrid":
        return 0.8 / (moved / _bps(ram) + moved / (0.55 * _bps(gpu)))
    if row.placement == "cpu":
        return 0.3 * 0.55 * _bps(stages[0]) / moved
    experts = 0.8 if shapes()[row.model].experts else 1.0
    return 0.55 * _bps(gpu) / moved * experts * (0.9 if len(stages) > 1 else 1.0)


def ridgepoint(placed: Placed) -> float:
    """0.61 x the sum of all bandwidths / (weights read + cache)."""
    row, stages = placed
    if row.placement in {"hybrid", "cpu"}:
        return float("nan")
    moved = sum(stage.weight_bytes for stage in stages) + kv_bytes(row.model, row.depth)
    return 0.61 * sum(_bps(stage) for stage in stages) / moved


def ggufit(placed: Placed) -> float:
    """0.80 BW on a GPU, 0.85 BW in RAM, times of both parts added, bytes from a table per parameter."""
    row, stages = placed
    scale = GGUFIT_BYTES[stages[0].arithmetic] * _active(row) / sum(stage.weight_bytes for stage in stages)
    time_s = sum(
        stage.weight_bytes * scale / (_bps(stage) * (0.85 if stage.device.kind == "cpu" else 0.80))
        for stage in stages
    )
    return 1 / time_s


def roofline(placed: Placed) -> float:
    """Bytes over bandwidth, nothing else."""
    return 1 / sum(stage.weight_bytes / _bps(stage) for stage in placed[1])


ANCHORS: Mapping[str, Callable[[Placed], float]] = {
    "llmfit": llmfit,
    "ridgepoint": ridgepoint,
    "ggufit": ggufit,
    "roofline": roofline,
}


def constant_use(placed: Placed) -> float:
    """Prefill: 40 % of the fp16 rate of one device, 2 operations a weight."""
    row, stages = placed
    rate = stages[0].device.fp16_flops
    return 0.40 * rate / (2 * _active(row)) if rate else float("nan")


def full_use(placed: Placed) -> float:
    """Prefill: the whole fp16 rate of one device, 2 operations a weight."""
    return constant_use(placed) / 0.40
