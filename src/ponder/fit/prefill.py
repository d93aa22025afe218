"""How fast a placed model reads a prompt: matrix arithmetic in batches, attention that grows with depth.

A batch of u tokens on one device takes

    (2 n u + a A u) / (c R)  +  read  +  layers tau

n weights each token uses, A the attention's operations per token at the mean depth, R what the device's
matrix units can sustain: sqrt(fp32 rate x board power), because dense arithmetic runs into the power limit
and the clock gives way; for chips without matrix units or without a stated limit, the fp32 rate. `read`
brings every weight that the batch needs to the arithmetic units once, as in decoding. An expert sees only
u k / E of the tokens, and small matrices leave the units half empty: its n grows by e (1 + tile E / (u k)).
Devices of a layer split overlap micro-batches like a pipeline, as far as their launch queues reach. What is
in RAM beside a GPU is computed there in small batches; from a size on that is the engine's choice (and not
the faster way), it goes over the link to the first GPU for the batch. Constants: benchmarks/fit/speed.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ponder.core.hardware import Device
from ponder.fit.scratch import COPIES
from ponder.fit.speed import (
    Speed,
    Term,
    coefficients,
    family,
    fitted,
    interval,
    overlapped_s,
    weights_parts_s,
)
from ponder.fit.work import Stage, at_depth

MICRO_BATCH = 512
"""llama.cpp's default for n_ubatch."""

COPIED_FROM = 32
"""Tokens of a batch from which llama.cpp copies what RAM holds to the GPU, faster or not: see pull request
520 of ikawrakow/ik_llama.cpp, a fork that has counted tokens per expert since.
"""

_NO_MATRIX_UNITS = frozenset({"maxwell", "pascal", "gcn", "vega", "rdna1", "rdna2"})
_PARTS = ("arithmetic", "attention", "reading", "start")
_LANES = {"x16": 16, "x8": 8, "x4": 4, "x1": 1}
_LANE_BPS = {"1": 0.25e9, "2": 0.5e9, "3": 0.985e9, "4": 1.97e9, "5": 3.94e9, "6": 7.56e9}


class _Constants(NamedTuple):
    """`rate` is the share of R that 4-bit weights reach, `half` how much more 16-bit weights; `tile` are the
    tokens that an expert's matrices cost beside its own.
    """

    rate: float
    half: float
    attention: float
    attention_plain: float
    layer_s: float
    experts: float
    tile: float


@lru_cache(maxsize=1024)
def constants_of(device: Device) -> _Constants:
    """Prefill constants of a device: its generation's if measured, else its family's, else everybody's."""
    table: Mapping[str, Mapping[str, float]] = fitted()["prefill"]
    name = family(device)
    key = next(key for key in (f"{name}:{device.generation}", name, "other") if key in table)
    return _Constants(**table[key])


@lru_cache(maxsize=1024)
def sustained_flops(device: Device) -> float:
    """R: what a device's matrix units sustain, up to a constant of its class, in operations per second."""
    bandwidth = device.bandwidth_bps or 0.0
    if device.kind == "cpu" and device.fp16_flops:
        return device.fp16_flops
    rate = device.fp32_flops or device.fp16_flops or coefficients(device).flops_per_byte * bandwidth
    if device.power_w and device.kind == "gpu" and device.generation not in _NO_MATRIX_UNITS:
        return float((rate * device.power_w * 1e12) ** 0.5)
    return rate


def lanes_bps(device: Device) -> float:
    """What a device's PCIe lanes carry by their specification, in bytes per second; 16 GB/s if not known."""
    parts = device.link.split()
    if len(parts) == 3 and parts[1] in _LANE_BPS:
        return _LANE_BPS[parts[1]] * _LANES.get(parts[2], 16)
    return 16e9


@lru_cache(maxsize=1024)
def link_bps(device: Device) -> float:
    """Bytes per second of weights from RAM to a device.

    a L^b of the lanes' L in GB/s: narrow links are nearly filled, wide ones wait for the memory's pages,
    which most programs map and do not pin.
    """
    link: Mapping[str, float] = fitted()["link"]
    return float(1e9 * link["scale"] * (lanes_bps(device) / 1e9) ** link["power"])


def batch_parts_s(
    stage: Stage, tokens: int, depth: float, flash: bool = True
) -> tuple[float, float, float, float]:
    """(arithmetic, attention, reading, start) seconds of one micro-batch on one stage at a mean depth.

    The cores of a processor unpack between products and read ahead, so what it reads costs only what remains.
    """
    constants = constants_of(stage.device)
    share = constants.rate * (constants.half if stage.arithmetic == "16" else 1.0)
    rate = sustained_flops(stage.device) * share
    weights = (stage.weights - stage.head_weights) * _expert_factor(stage, tokens, constants)
    scale = constants.attention if flash else constants.attention_plain
    arithmetic = 2 * weights * tokens / rate
    read, unpack = weights_parts_s(stage, stage.batch_bytes(tokens))
    if stage.device.kind == "cpu":
        arithmetic += unpack
        waiting = overlapped_s(read, arithmetic) - arithmetic
    else:
        waiting = overlapped_s(read, unpack)
    attention = scale * at_depth(stage.attention, depth) * tokens / rate
    return arithmetic, attention, waiting, stage.layers * constants.layer_s


def _expert_factor(stage: Stage, tokens: int, constants: _Constants) -> float:
    """How much more arithmetic a stage does because its experts see few tokens each."""
    if not stage.routed_bytes:
        return 1.0
    each = constants.experts * (1 + constants.tile / (tokens * stage.used_share))
    return 1 + stage.routed_part() * (each - 1)


def prefill_time_s(
    stages: Sequence[Stage],
    tokens: int,
    depth: float = 0.0,
    micro: int = MICRO_BATCH,
    *,
    flash: bool = True,
    copied_from: float = COPIED_FROM,
) -> float:
    """Seconds to read `tokens` of prompt after `depth` tokens, in batches of `micro` at most.

    `flash`: attention is fused. `copied_from`: tokens of a batch from which the engine copies what is in RAM.
    """
    size = min(tokens, micro)
    each = _batches_s(stages, size, depth + tokens / 2, flash=flash, copied_from=copied_from)
    return tokens / size * sum(sum(parts) for _, parts in each) / overlap(stages, tokens, size)


def prefill(
    stages: Sequence[Stage], tokens: int, depth: float = 0.0, *, copied_from: float = COPIED_FROM
) -> Speed:
    """Predict tokens per second of reading a prompt, with interval and arithmetic; see `prefill_time_s`."""
    terms = _terms(stages, tokens, depth, copied_from)
    total_s = sum(term.time_s for term in terms)
    low, high = interval("prefill", stages)
    tps = tokens / total_s
    return Speed(tps, low * tps, high * tps, tuple(terms), coefficients(stages[0].device).fit_class)


def _terms(stages: Sequence[Stage], tokens: int, depth: float, copied_from: float) -> list[Term]:
    size = min(tokens, MICRO_BATCH)
    batches, at_once = -(-tokens // size), overlap(stages, tokens, size)
    terms = []
    found = _batches_s(stages, size, depth + tokens / 2, copied_from=copied_from)
    for stage, (name, parts) in zip(stages, found, strict=True):
        each = ", ".join(f"{what} {part:.3f} s" for what, part in zip(_PARTS, parts, strict=True))
        words = f"{batches} x {size} tokens: {each}"
        terms.append(Term(name, stage.device.name, tokens / size * sum(parts) / at_once, words))
    return terms


def _batches_s(
    stages: Sequence[Stage],
    size: int,
    depth: float,
    *,
    flash: bool = True,
    copied_from: float = COPIED_FROM,
) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Of each stage, where a micro-batch of `size` tokens is computed, and its parts in seconds."""
    gpu = next((stage.device for stage in stages if stage.device.kind != "cpu"), None)
    found = []
    for stage in stages:
        name, parts = "batches", batch_parts_s(stage, size, depth, flash)
        if gpu and stage.device.kind == "cpu" and size >= copied_from:
            there = batch_parts_s(replace(stage, device=gpu), size, depth, flash)
            copied_s = stage.batch_bytes(size) / link_bps(gpu)
            name, parts = "over the link", (there[0], there[1], there[2] + copied_s, there[3])
        found.append((name, parts))
    return found


def overlap(stages: Sequence[Stage], tokens: int, micro: int) -> float:
    """How many stages of a layer split work at once.

    One thread starts all kernels, and waits where a card's queue is full (inferred from the measurements: no
    source states its depth). A card with many layers fills it, so only 1 + (queue / layers)^2 micro-batches
    are under way, and never more than COPIES.
    Mixtures of experts showed no overlap (R1 on 16 cards, Qwen3.5-35B-A3B on 4).
    """
    count = len(stages)
    if count == 1 or any(stage.device.kind == "cpu" or stage.routed_bytes for stage in stages):
        return 1.0
    pipeline: Mapping[str, float] = fitted()["pipeline"]
    layers = sum(stage.layers for stage in stages) / count
    queue = pipeline["queue"] * (pipeline["half"] if stages[0].arithmetic == "16" else 1.0)
    return 1 + pipeline["share"] * (pipelined(count, -(-tokens // micro), queue / layers) - 1)


def pipelined(count: int, batches: int, reach: float) -> float:
    """How many of `count` stages an ideal pipeline keeps at work, if a queue reaches over `reach` of one."""
    under_way = min(COPIES, 1 + reach**2)
    return batches * count / (count + (batches - 1) * max(1.0, count / under_way))
