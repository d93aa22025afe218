"""How fast a placed model writes: a sum over stages of reading, unpacking, the cache, and starting kernels.

One token on one device takes (`measured` coefficients per class of device, see data/speed.json)

    max(W (1 + loss) / BW,  n ops / F)  +  cache(depth) c / BW  +  layers tau

W bytes of weights and n weight values read, BW the memory's bandwidth, F the fp32 rate: a quantised value
costs some tens of operations to unpack, which binds on slow processors, while fast ones wait for memory.
Devices of a layer split work one after another, so a second GPU adds room and a hop, not speed; tensor
parallel is another law. The shape (weights, cache and a fixed part added) is the roofline with start-up
times; the coefficients are fitted by benchmarks/fit/speed.py and judged on machines left out of the fit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from ponder.core.hardware import Device
from ponder.errors import InputError
from ponder.fit.work import Stage, at_depth

DOUBLE_INTEGER = frozenset({"volta", "turing"})
"""NVIDIA generations whose integer units work beside the fp32 ones; so do HBM cards of Ampere."""


class Coefficients(NamedTuple):
    """Fitted constants of one class of device, `fit_class`; it rests on `machines` machines."""

    fit_class: str
    machines: int
    loss: float
    ops: float
    cache: float
    cache_plain: float
    layer_s: float
    latent_s: float
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
    if device.kind == "cpu":
        return "cpu"
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


def _flops(device: Device, constants: Coefficients, bandwidth: float) -> float:
    """Rate at which quantised values are unpacked, in fp32 operations per second."""
    rate = device.fp32_flops or constants.flops_per_byte * bandwidth
    separate = device.generation == "ampere" and device.memory_type.startswith("HBM")
    return rate * 2 if device.generation in DOUBLE_INTEGER or separate else rate


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


def weights_parts_s(stage: Stage, moved_bytes: float) -> tuple[float, float]:
    """(read, unpack) seconds of bringing some of a stage's weights to its arithmetic units once."""
    device = stage.device
    bandwidth = _bandwidth(device)
    constants = coefficients(device)
    factor: float = fitted()["arithmetic"][stage.arithmetic]
    values = stage.weights * moved_bytes / stage.weight_bytes if stage.weight_bytes else 0.0
    return (
        moved_bytes * (1 + constants.loss) / bandwidth,
        values * constants.ops * factor / _flops(device, constants, bandwidth),
    )


def stage_parts_s(stage: Stage, depth: float, flash: bool = True) -> tuple[float, float, float, float]:
    """(read, unpack, cache, start) seconds of one token on one stage with `depth` tokens before it.

    Reading and unpacking overlap: the larger of the two counts. `flash`: attention is fused.
    """
    device = stage.device
    bandwidth = _bandwidth(device)
    constants = coefficients(device)
    read, unpack = weights_parts_s(stage, stage.weight_bytes)
    return (
        read,
        unpack,
        at_depth(stage.cache, depth) * constants.cache * (1 if flash else constants.cache_plain) / bandwidth,
        stage.layers * constants.layer_s + stage.latent * constants.latent_s,
    )


def token_time_s(stages: Sequence[Stage], depth: float = 0.0, flash: bool = True) -> float:
    """Seconds of one decoded token: the stages one after another, and a hop from each to the next."""
    total = (len(stages) - 1) * float(fitted()["hop_s"])
    for stage in stages:
        read, unpack, cache, start = stage_parts_s(stage, depth, flash)
        total += max(read, unpack) + cache + start
    return total


def decode(stages: Sequence[Stage], depth: float = 0.0, correction: float = 1.0) -> Speed:
    """Predict tokens per second at `depth` tokens of context, with interval and arithmetic."""
    terms = [term for stage in stages for term in _terms(stage, depth)]
    hops = len(stages) - 1
    if hops:
        hop_s = float(fitted()["hop_s"])
        terms.append(Term("hops", "", hops * hop_s, f"{hops} x {hop_s * 1e6:.0f} us between devices"))
    return _speed(stages, terms, "decode", correction)


def _terms(stage: Stage, depth: float) -> list[Term]:
    device, constants = stage.device, coefficients(stage.device)
    bandwidth = _bandwidth(device)
    read, unpack, cache, start = stage_parts_s(stage, depth)
    rate = f"{bandwidth / 1e9:.0f} GB/s"
    if read >= unpack:
        words = f"{stage.weight_bytes / 1e9:.2f} GB x {1 + constants.loss:.2f} / {rate}"
        terms = [Term("weights", device.name, read, words)]
    else:
        ops = constants.ops * fitted()["arithmetic"][stage.arithmetic]
        flops = _flops(device, constants, bandwidth)
        words = f"{stage.weights / 1e9:.2f}e9 values x {ops:.1f} operations / {flops / 1e12:.1f} TFLOP/s"
        terms = [Term("unpacking", device.name, unpack, words)]
    if cache:
        words = f"{at_depth(stage.cache, depth) / 1e9:.3f} GB x {constants.cache:.2f} / {rate}"
        terms.append(Term("cache", device.name, cache, words))
    words = f"{stage.layers:.0f} layers x {start / stage.layers * 1e6 if stage.layers else 0:.0f} us"
    return [*terms, Term("start", device.name, start, words)]


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
    table = fitted()["intervals"][kind]
    if calibrated and "calibrated" in table:
        low, high = table["calibrated"]
    else:
        low, high = table.get(placement(stages), table["single"])
    return float(low), float(high)


def placement(stages: Sequence[Stage]) -> str:
    """`single`, `layers` (several devices), `hybrid` (a GPU and RAM), `cpu`: each has its own error."""
    kinds = {stage.device.kind for stage in stages}
    if kinds == {"cpu"}:
        return "cpu"
    if "cpu" in kinds:
        return "hybrid"
    return "layers" if len(stages) > 1 else "single"
