"""What a token reads and computes, split over the devices that hold the model.

A placement is a tuple of stages, one per device, and every speed law is a sum over stages. The bytes come
from `WeightBytes`, so a measured file, a header and a bare configuration all end here.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

from ponder.core.hardware import Device
from ponder.fit.geometry import Block, Compressed, Geometry, Grouped, Latent
from ponder.fit.runtime import cache_row_bytes
from ponder.fit.sizes import WeightBytes, weight_bytes
from ponder.fit.tensors import parameters

PerDepth: TypeAlias = tuple[tuple[float, int], ...]
"""(amount per token of depth, how far back it looks; 0: everything), one pair per kind of layer."""


def at_depth(rates: PerDepth, depth: float) -> float:
    """Sum of what grows with depth, windows respected."""
    total = 0.0
    for rate, window in rates:  # a loop: a ranking asks ten thousand times
        total += rate * (window if 0 < window < depth else depth)
    return total


@dataclass(frozen=True, slots=True)
class Stage:
    """The share of a model on one device, as one decoded token and one batch of a prompt meet it.

    `weight_bytes` are read per token and `weights` values multiplied; `arithmetic` names how values are
    unpacked (`16`, `8`, `4`, `2`, `mx`); `layers` each cost a start-up time, `latent` ones (MLA) more.
    `cache` is read and `attention` computed per token of depth. Of a batch, `head_weights` count only once;
    `routed_bytes` are all experts here, of which a token uses the share `used_share`.
    """

    device: Device
    weight_bytes: float
    weights: float
    arithmetic: str
    layers: float
    latent: float = 0.0
    cache: PerDepth = ()
    attention: PerDepth = ()
    head_weights: float = 0.0
    routed_bytes: float = 0.0
    used_share: float = 0.0

    def batch_bytes(self, tokens: int) -> float:
        """Bytes of weights that a batch of tokens reads: 1 - (1 - share)^tokens of the experts."""
        routed = self.routed_bytes
        return self.weight_bytes + routed * (1 - (1 - self.used_share) ** tokens - self.used_share)

    def routed_part(self) -> float:
        """Share of a token's weights that are routed experts, 0 to 1."""
        return self.routed_bytes * self.used_share / self.weight_bytes if self.weight_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """One model in one quantisation and cache type, before it is placed; `caches` has a pair per layer."""

    sizes: WeightBytes
    bytes_per_weight: float
    arithmetic: str
    caches: PerDepth
    attention: PerDepth
    latent: bool

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return len(self.sizes.fixed)

    def stage(
        self, device: Device, layers: range, *, fixed: bool = True, routed: bool = True, head: bool = False
    ) -> Stage:
        """The stage of some layers on a device: all of them, or only their fixed or their routed part.

        Cache and attention belong to the fixed part; routed experts alone also start kernels.
        """
        sizes = self.sizes
        top = sizes.head if head else 0
        routed_bytes = between(sizes.routed, layers) if routed else 0
        read = top + (between(sizes.fixed, layers) if fixed else 0) + routed_bytes * sizes.used_share
        return Stage(
            device=device,
            weight_bytes=read,
            weights=read / self.bytes_per_weight,
            arithmetic=self.arithmetic,
            layers=float(len(layers)),
            latent=float(len(layers)) if self.latent and fixed else 0.0,
            cache=_gathered(self.caches, layers.start, layers.stop) if fixed else (),
            attention=_gathered(self.attention, layers.start, layers.stop) if fixed else (),
            head_weights=top / self.bytes_per_weight,
            routed_bytes=routed_bytes,
            used_share=sizes.used_share,
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


def paged(stage: Stage, disk: Device, share: float) -> tuple[Stage, Stage]:
    """(resident, paged) stages of weights of which `share` (0 to 1) comes from disk for every token.

    Experts are used evenly in the long run, so every token misses that share (a rule of thumb).
    """
    missing = Stage(disk, stage.weight_bytes * share, 0.0, stage.arithmetic, 0.0)
    return replace(stage, weight_bytes=stage.weight_bytes * (1 - share)), missing


@lru_cache(maxsize=8192)
def running(values: tuple[int, ...]) -> tuple[int, ...]:
    """Sums of the first 0, 1, … values."""
    return (0, *accumulate(values))


def between(values: tuple[int, ...], part: range) -> int:
    """The sum of a part of them."""
    sums = running(values)
    return sums[part.stop] - sums[part.start]


def _gathered(rates: PerDepth, start: int, stop: int) -> PerDepth:
    """The rates of layers [start, stop), added up by window."""
    if stop <= start:
        return ()
    found = []
    for window, sums in _by_window(rates):
        rate = sums[stop] - sums[start]
        if rate or len(rates) == stop - start:
            found.append((rate, window))
    return tuple(found)


@lru_cache(maxsize=1024)
def _by_window(rates: PerDepth) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """(window, running sums over the layers) of each window there is."""
    return tuple(
        (window, (0.0, *accumulate(rate if each == window else 0.0 for rate, each in rates)))
        for window in dict.fromkeys(window for _, window in rates)
    )


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
        attention=tuple(_attention(block) for block in geometry.blocks),
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


def _attention(block: Block) -> tuple[float, int]:
    """Operations of attention per token and token of depth: 2 for each product of a query and of a value."""
    mixer = block.mixer
    if isinstance(mixer, Grouped):
        return 2.0 * mixer.heads * (mixer.key_dim + mixer.value_dim), mixer.window
    if isinstance(mixer, Latent):
        return 2.0 * mixer.heads * (mixer.nope_dim + mixer.rope_dim + mixer.value_dim), 0
    if isinstance(mixer, Compressed):
        return 4.0 * mixer.heads * mixer.head_dim / (mixer.ratio or 1), 0 if mixer.ratio else mixer.window
    return 0.0, 0
