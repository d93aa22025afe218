"""What decoding one token reads and computes, split over the devices that hold the model.

A placement is a tuple of stages, one per device, and every speed law is a sum over stages. The bytes come
from `WeightBytes`, so a measured file, a header and a bare configuration all end here.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from ponder.core.hardware import Device
from ponder.fit.geometry import Block, Compressed, Geometry, Grouped, Latent
from ponder.fit.runtime import cache_row_bytes
from ponder.fit.sizes import WeightBytes, weight_bytes
from ponder.fit.tensors import parameters

CacheReads: TypeAlias = tuple[tuple[float, int], ...]
"""(bytes per token of depth, how far back it looks; 0: everything), one pair per kind of layer."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The share of a model on one device, as one decoded token meets it.

    `weight_bytes` are read per token and `weights` values multiplied; `arithmetic` names how values are
    unpacked (`16`, `8`, `4`, `2`, `mx`); `layers` each cost a start-up time, `latent` ones (MLA) more.
    """

    device: Device
    weight_bytes: float
    weights: float
    arithmetic: str
    cache: CacheReads
    layers: float
    latent: float = 0.0

    def cache_bytes(self, depth: float) -> float:
        """Bytes of cache that one token reads with `depth` tokens before it."""
        return sum(rate * (min(depth, window) if window else depth) for rate, window in self.cache)


@dataclass(frozen=True, slots=True)
class Work:
    """One model in one quantisation with one cache type, before it is placed."""

    sizes: WeightBytes
    bytes_per_weight: float
    arithmetic: str
    caches: CacheReads
    latent: bool

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return len(self.sizes.fixed)

    def stage(
        self, device: Device, layers: range, *, fixed: bool = True, routed: bool = True, head: bool = False
    ) -> Stage:
        """The stage of some layers on a device: all of them, or only their fixed or their routed part.

        Cache and start-up time belong to the fixed part, except that routed experts alone also start up.
        """
        sizes = self.sizes
        read = float(sizes.head) if head else 0.0
        if fixed:
            read += sum(sizes.fixed[layers.start : layers.stop])
        if routed:
            read += sum(sizes.routed[layers.start : layers.stop]) * sizes.used_share
        cache: dict[int, float] = {}
        for rate, window in self.caches[layers.start : layers.stop] if fixed else ():
            cache[window] = cache.get(window, 0.0) + rate
        return Stage(
            device=device,
            weight_bytes=read,
            weights=read / self.bytes_per_weight,
            arithmetic=self.arithmetic,
            cache=tuple((rate, window) for window, rate in cache.items()),
            layers=float(len(layers)),
            latent=float(len(layers)) if self.latent and fixed else 0.0,
        )

    def whole(self, device: Device) -> tuple[Stage, ...]:
        """Everything on one device."""
        return (self.stage(device, range(self.layers), head=True),)

    def split(self, devices: tuple[Device, ...], counts: tuple[int, ...]) -> tuple[Stage, ...]:
        """Layer split: `counts[i]` layers on device i in order; the head is on the last."""
        stages, start = [], 0
        for number, (device, count) in enumerate(zip(devices, counts, strict=True)):
            stages.append(self.stage(device, range(start, start + count), head=number == len(counts) - 1))
            start += count
        return tuple(stages)


@lru_cache(maxsize=1024)
def work(
    geometry: Geometry,
    quant: str,
    cache_k: str = "f16",
    cache_v: str = "f16",
    sizes: WeightBytes | None = None,
) -> Work:
    """Prepare a model for placement; `sizes` of a real file replace those of the recipe `quant`."""
    sizes = sizes or weight_bytes(geometry, quant)
    counts = parameters(geometry)
    active = counts.active if geometry.tied else counts.active_without_embedding
    return Work(
        sizes=sizes,
        bytes_per_weight=sizes.read_per_token / active,
        arithmetic=arithmetic(quant),
        caches=tuple(_cache(block, cache_k, cache_v) for block in geometry.blocks),
        latent=isinstance(geometry.attention, Latent),
    )


def arithmetic(quant: str) -> str:
    """How a quantisation is unpacked: floats, 8 bits, 4 to 6 bits, 2 bits and codebooks, or MXFP4."""
    if quant in {"F16", "BF16", "F32"}:
        return "16"
    if "MXFP4" in quant:
        return "mx"
    if quant.startswith("Q8"):
        return "8"
    return "2" if quant.startswith(("Q2", "IQ", "TQ", "UD-IQ", "UD-Q2")) else "4"


def _cache(block: Block, cache_k: str, cache_v: str) -> tuple[float, int]:
    mixer = block.mixer
    if isinstance(mixer, Grouped):
        keys = cache_row_bytes(cache_k, mixer.kv_heads * mixer.key_dim)
        return float(keys + cache_row_bytes(cache_v, mixer.kv_heads * mixer.value_dim)), mixer.window
    if isinstance(mixer, Latent):
        if mixer.absorbed:
            return float(cache_row_bytes(cache_k, mixer.kv_rank + mixer.rope_dim)), 0
        keys = cache_row_bytes(cache_k, mixer.heads * (mixer.nope_dim + mixer.rope_dim))
        return float(keys + cache_row_bytes(cache_v, mixer.heads * mixer.value_dim)), 0
    if isinstance(mixer, Compressed):
        return float(cache_row_bytes(cache_k, mixer.head_dim)) / (
            mixer.ratio or 1
        ), 0 if mixer.ratio else mixer.window
    return 0.0, 0
