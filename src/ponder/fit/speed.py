"""How fast a placed model writes: a sum over stages of reading, unpacking, the cache, and starting kernels.

One token on one device takes (`measured` coefficients per class of device, see data/speed.json)

    W (1 + loss) / BW  or  n ops / F  +  cache(depth) c / BW  +  layers tau

W bytes of weights and n weight values read, BW the memory's bandwidth, F the fp32 rate: a quantised value
costs some tens of operations to unpack, which binds on slow processors, while fast ones wait for memory. The
two overlap: the slower one counts, and a little more where they are equal (their 8-norm).
Devices of a layer split work one after another, so a second GPU adds room and a hop, not speed; tensor
parallel is another law. The shape (weights, cache and a fixed part added) is the roofline with start-up
times; the coefficients are fitted by benchmarks/fit/speed.py and judged on machines left out of the fit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from ponder.core.hardware import Device
from ponder.errors import InputError
from ponder.fit.work import Stage, at_depth

SHARPNESS = 8
HALF_RATE_INTEGER = frozenset({"volta", "turing", "blackwell"})
"""NVIDIA generations with one integer operation per two fp32 ones instead of four; A100 is one too."""


class Coefficients(NamedTuple):
    """Fitted constants of one class of device, `fit_class`; it rests on `machines` machines."""

    fit_class: str
    machines: int
    loss: float
    loss_half: float
    ops: float
    cache: float
    cache_plain: float
    layer_s: float
    latent_s: float
    hop_s: float
    barrier_s: float
    flops_per_byte: float


class Term(NamedTuple):
    """One addend of a time: what it is, on which device, seconds, and its arithmetic in words."""

    name: str
    device: str
    time_s: float
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Speed:
    """A predicted rate in tokens per second with its 80 % interval, and how it came about.

    `correction` is the local factor of a calibration (1.0: none). `unknown` lists what was missing and
    replaced by what is typical of the class.
    """

    tps: float
    low_tps: float
    high_tps: float
    terms: tuple[Term, ...]
    fit_class: str
    correction: float = 1.0
    unknown: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def fitted() -> Mapping[str, Any]:
    """The content of data/speed.json: coefficients, intervals, and where they are from."""
    text = (files("ponder.fit") / "data" / "speed.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def family(device: Device) -> str:
    """The coarse class of a device: vendor and kind of memory decide how near its bandwidth it comes."""
    if device.kind in {"cpu", "disk"}:
        return device.kind
    if device.vendor == "NVIDIA":
        return "nvidia-hbm" if device.memory_type.startswith("HBM") else "nvidia"
    return {"AMD": "amd", "Apple": "apple", "Intel": "intel"}.get(device.vendor, "other")


@lru_cache(maxsize=4096)
def coefficients(device: Device) -> Coefficients:
    """Constants for a device: its generation's if that was measured, else its family's, else everybody's."""
    table = fitted()["classes"]
    name = family(device)
    key = next(key for key in (f"{name}:{device.generation}", name, "other") if key in table)
    return Coefficients(fit_class=key, **table[key])


@lru_cache(maxsize=4096)
def unpacking_flops(device: Device, flops_per_byte: float) -> float:
    """Rate at which quantised values are unpacked, as fp32 operations per second of a usual generation."""
    rate = device.fp32_flops or flops_per_byte * (device.bandwidth_bps or 0.0)
    hbm = device.memory_type.startswith("HBM")
    doubled = device.generation == "ampere" if hbm else device.generation in HALF_RATE_INTEGER
    return rate * 2 if doubled or device.generation == "volta" else rate


def _bandwidth(device: Device) -> float:
    if device.bandwidth_bps is None:
        raise InputError(
            f"The memory bandwidth of {device.name} is not known; give it, such as --ram-bandwidth 80."
        )
    if not math.isfinite(device.bandwidth_bps) or device.bandwidth_bps <= 0:
        raise InputError(
            f"A bandwidth of {device.bandwidth_bps / 1e9:g} GB/s is impossible; give one above 0."
        )
    return device.bandwidth_bps


def _loss(stage: Stage) -> float:
    constants = coefficients(stage.device)
    return constants.loss * (constants.loss_half if stage.arithmetic == "16" else 1.0)


def weights_parts_s(stage: Stage, moved_bytes: float) -> tuple[float, float]:
    """(read, unpack) seconds of bringing some of a stage's weights to its arithmetic units once."""
    device = stage.device
    bandwidth = _bandwidth(device)
    constants = coefficients(device)
    factor: float = fitted()["arithmetic"][stage.arithmetic]
    values = stage.weights * moved_bytes / stage.weight_bytes if stage.weight_bytes else 0.0
    return (
        moved_bytes * (1 + _loss(stage)) / bandwidth,
        values * constants.ops * factor / unpacking_flops(device, constants.flops_per_byte),
    )


def start_s(stage: Stage) -> float:
    """Seconds of starting a stage's layers; the threads of a processor also wait for each other."""
    constants = coefficients(stage.device)
    layer_s = constants.layer_s + constants.barrier_s * (stage.device.cores or 0)
    return stage.layers * layer_s + stage.latent * constants.latent_s


def overlapped_s(read_s: float, unpack_s: float) -> float:
    """The time of reading and unpacking together."""
    slow, fast = max(read_s, unpack_s), min(read_s, unpack_s)
    return slow * float(1 + (fast / slow) ** SHARPNESS) ** (1 / SHARPNESS) if slow else 0.0


def stage_parts_s(stage: Stage, depth: float, flash: bool = True) -> tuple[float, float, float, float]:
    """(read, unpack, cache, start) seconds of one token on one stage with `depth` tokens before it.

    Reading and unpacking overlap, see `overlapped_s`. `flash`: attention is fused.
    """
    device = stage.device
    bandwidth = _bandwidth(device)
    constants = coefficients(device)
    read, unpack = weights_parts_s(stage, stage.weight_bytes)
    return (
        read,
        unpack,
        at_depth(stage.cache, depth) * constants.cache * (1 if flash else constants.cache_plain) / bandwidth,
        start_s(stage),
    )


def token_time_s(stages: Sequence[Stage], depth: float = 0.0, flash: bool = True) -> float:
    """Seconds of one decoded token: the stages one after another, and a hop from each to the next."""
    total = (len(stages) - 1) * coefficients(stages[0].device).hop_s
    for stage in stages:
        read, unpack, cache, start = stage_parts_s(stage, depth, flash)
        total += overlapped_s(read, unpack) + cache + start
    return total


def decode(stages: Sequence[Stage], depth: float = 0.0, correction: float = 1.0) -> Speed:
    """Predict tokens per second at `depth` tokens of context, with interval and arithmetic."""
    terms = [term for stage in stages for term in _terms(stage, depth)]
    hops = len(stages) - 1
    if hops:
        hop_s = coefficients(stages[0].device).hop_s
        terms.append(Term("hops", "", hops * hop_s, f"{hops} x {hop_s * 1e6:.0f} us between devices"))
    return _speed(stages, terms, "decode", correction)


def _terms(stage: Stage, depth: float) -> list[Term]:
    device, constants = stage.device, coefficients(stage.device)
    bandwidth = _bandwidth(device)
    read, unpack, cache, start = stage_parts_s(stage, depth)
    rate = f"{bandwidth / 1e9:.0f} GB/s"
    ops = constants.ops * fitted()["arithmetic"][stage.arithmetic]
    flops = unpacking_flops(device, constants.flops_per_byte)
    reading = f"{stage.weight_bytes / 1e9:.2f} GB x {1 + _loss(stage):.2f} / {rate}"
    unpacking = f"{stage.weights / 1e9:.2f}e9 values x {ops:.1f} operations / {flops / 1e12:.1f} TFLOP/s"
    both = ((read, "weights", reading), (unpack, "unpacking", unpacking))
    (_, name, words), (hidden, other, _) = sorted(both, reverse=True)
    words += f", {other} ({hidden * 1e3:.2f} ms) beside it"
    terms = [Term(name, device.name, overlapped_s(read, unpack), words)]
    if cache:
        words = f"{at_depth(stage.cache, depth) / 1e9:.3f} GB x {constants.cache:.2f} / {rate}"
        terms.append(Term("cache", device.name, cache, words))
    words = f"{stage.layers:.0f} layers x {start / stage.layers * 1e6 if stage.layers else 0:.0f} us"
    return [*terms, Term("start", device.name, start, words)]


REDUCE_S = 40e-6
"""Of one all-reduce of a token between PCIe cards; a layer needs two. Not fitted: chosen so that three vLLM
rows (2x RTX 3090, 2x A100, 4x T4) come within a factor of 1.5, so the interval is that of hybrids."""


def tensor_parallel(
    stages: Sequence[Stage], count: int, depth: float = 0.0, correction: float = 1.0
) -> Speed:
    """Predict a model whose every layer is cut over `count` like cards (vLLM), unlike a layer split.

    `stages` is the whole model on one of the cards. Reading is shared, starting is not, and two all-reduces a
    layer are added.
    """
    if len(stages) != 1 or count < 1:
        raise InputError(f"Tensor parallel over {count} cards needs at least one card and one stage.")
    shared = [
        term._replace(time_s=term.time_s / count, arithmetic=f"{term.arithmetic}, over {count} cards")
        if term.name != "start"
        else term
        for term in _terms(stages[0], depth)
    ]
    if count > 1:
        layers = stages[0].layers
        words = f"2 x {layers:.0f} layers x {REDUCE_S * 1e6:.0f} us"
        shared.append(Term("all-reduce", "", 2 * layers * REDUCE_S, words))
    speed = _speed(stages, shared, "decode", correction)
    if count == 1:
        return speed
    low, high = fitted()["intervals"]["decode"]["hybrid"]
    return replace(speed, low_tps=low * speed.tps, high_tps=high * speed.tps)


def _speed(stages: Sequence[Stage], terms: Sequence[Term], kind: str, correction: float) -> Speed:
    total_s = sum(term.time_s for term in terms) / correction
    slowest = max(stages, key=lambda stage: stage.weight_bytes / _bandwidth(stage.device))
    fit_class = coefficients(slowest.device).fit_class
    low, high = interval(kind, stages, calibrated=correction != 1.0)
    unknown = tuple(
        f"fp32 rate of {name}"
        for name in dict.fromkeys(stage.device.name for stage in stages if not stage.device.fp32_flops)
    )
    return Speed(1 / total_s, low / total_s, high / total_s, tuple(terms), fit_class, correction, unknown)


def interval(kind: str, stages: Sequence[Stage], calibrated: bool = False) -> tuple[float, float]:
    """(low, high) factors of the 80 % interval, from the errors on machines that were left out of the fit."""
    return _interval(kind, placement(stages), family(stages[0].device), calibrated)


@lru_cache(maxsize=256)
def _interval(kind: str, place: str, first: str, calibrated: bool) -> tuple[float, float]:
    table = fitted()["intervals"][kind]
    names = [f"{place}:{first}", place, "single"]
    if calibrated:  # on the other models of machines that were calibrated with one
        names = [f"{place}:calibrated", "calibrated"]
    low, high = next(table[name] for name in names if name in table)
    return float(low), float(high)


def placement(stages: Sequence[Stage]) -> str:
    """`single`, `layers` (several devices), `hybrid` (a GPU and RAM), `cpu`: each has its own error."""
    kinds = {stage.device.kind for stage in stages} - {"disk"}
    if kinds == {"cpu"}:
        return "cpu"
    if "cpu" in kinds:
        return "hybrid"
    return "layers" if len(stages) > 1 else "single"
