"""Where the bytes of a model go on a machine: GPUs first, then RAM, then, page by page, the disk.

A layout is what llama.cpp takes: the first layer that is on a GPU (`-ngl`), how many layers keep their
experts in RAM (`--n-cpu-moe`), and where one GPU's layers end (`-ts`). The rules, in order: the whole model
on one GPU, the fastest that holds it; on as few GPUs as hold it; of a mixture of experts everything but some
experts; as many layers as there is room for; RAM alone. Every test is against the worst case of what is
unsure, so "fits" does not run out of memory.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import add

from ponder.core.plan import Placement, PlacementKind, Share
from ponder.fit.memory import device_memory, on_device
from ponder.fit.rooms import Room, Rooms
from ponder.fit.scratch import Scratch
from ponder.fit.sizes import WeightBytes
from ponder.fit.work import running

HOST_SCRATCH_BYTES = 64 << 20
"""Most RAM that llama.cpp's buffers take when all layers are on GPUs: inputs and copies of one batch."""


@dataclass(frozen=True, slots=True)
class Load:
    """Bytes to be placed: weights, cache per layer, scratch memory of one device, output on the host."""

    sizes: WeightBytes
    cache: tuple[int, ...]
    scratch: Scratch
    output: int

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return len(self.cache)

    @property
    def loaded_bytes(self) -> int:
        """Weights in memory when one device holds everything."""
        sizes = self.sizes
        table = 0 if sizes.tied else sizes.embedding
        return table + sizes.head + sum(sizes.fixed) + sum(sizes.routed)

    @property
    def least_bytes(self) -> int:
        """What no placement can do without."""
        return self.loaded_bytes + sum(self.cache)


@dataclass(frozen=True, slots=True)
class Layout:
    """Layers [bounds[i], bounds[i + 1]) are on the machine's GPU number gpus[i]; those before bounds[0] are
    in RAM, and so are the experts of the layers before `experts`.
    """

    gpus: tuple[int, ...]
    bounds: tuple[int, ...]
    experts: int

    @property
    def start(self) -> int:
        """The first layer on a GPU."""
        return self.bounds[0]

    @property
    def is_split(self) -> bool:
        """Whether several GPUs hold everything, so that they work on different batches."""
        return len(self.gpus) > 1 and not self.bounds[0] and not self.experts


@dataclass(frozen=True, slots=True)
class Placed:
    """A layout with its memory account."""

    layout: Layout
    placement: Placement


def has_room(placed: Placed, now: Load, other: Load) -> bool:
    """Whether the same layout also holds a load of the same weights with another context."""
    layout, scratch, later = placed.layout, now.scratch, other.scratch
    before, after = running(now.cache), running(other.cache)
    stop, split = layout.start if layout.gpus else now.layers, layout.is_split
    parts = [*pairwise(layout.bounds), (0, stop)] if layout.gpus else [(0, stop)]
    for share, (first, last) in zip(placed.placement.shares, parts, strict=False):
        grown = after[last] - after[first] - before[last] + before[first]
        if share.device.kind == "cpu":
            computes = share.compute_bytes > now.output
            grown += (later.server - scratch.server if computes else 0) + other.output - now.output
            grown += 0 if computes else later.copied - scratch.copied
        else:
            staged = share.compute_bytes - on_device(scratch, 0, split)[0]
            grown += sum(on_device(later, staged, split)) - sum(on_device(scratch, staged, split))
        if share.worst_bytes + grown > share.capacity_bytes:
            return False
    return True


class Placer:
    """Finds the layouts of one load on one machine."""

    def __init__(self, load: Load, rooms: Rooms) -> None:
        self.load = load
        self.rooms = rooms
        self._fixed = running(load.sizes.fixed)
        self._routed = running(load.sizes.routed)
        self._cache = running(load.cache)
        self._base = list(map(add, self._fixed, self._cache))
        self._held = list(map(add, self._base, self._routed)) if self._routed[-1] else self._base
        self._reserves: dict[tuple[str, bool, bool], int] = {}
        self._device_bytes = load.sizes.head + self._base[-1] + self._routed[-1]

    def best(self, paging: bool = False) -> Placed | None:
        """The first placement that fits; with `paging` one that reads from disk, if nothing else does."""
        found = None
        if self.load.least_bytes <= self.rooms.capacity_bytes:
            found = next((placed for placed in self._candidates() if placed.placement.fits), None)
        if found is None and paging and self.rooms.ram is not None:
            paged = (self._paged(placed) for placed in self._candidates())
            return next((placed for placed in paged if placed is not None), None)
        return found

    def hybrid(self) -> Placed | None:
        """KTransformers' placement: all experts in RAM, everything else on the fastest GPU."""
        if not self.rooms.gpus or self.rooms.ram is None or not self._routed[-1]:
            return None
        fastest = self.rooms.fastest_first[0]
        placed = self.account(Layout((fastest,), (0, self.load.layers), self.load.layers))
        return placed if placed.placement.fits else None

    def _candidates(self) -> Iterator[Placed]:
        places, fast = range(len(self.rooms.gpus)), self.rooms.fastest_first
        for gpu in fast:
            if self._device_bytes <= self.rooms.gpus[gpu].capacity_bytes:
                yield self.account(Layout((gpu,), (0, self.load.layers), 0))
        there = 0
        for count, gpu in enumerate(fast, 1):
            there += self.rooms.gpus[gpu].capacity_bytes
            if count > 1 and self._device_bytes <= there:
                yield from self._split(tuple(sorted(fast[:count])))
        if self.rooms.ram is None:
            return
        if fast:
            yield from self._beside_ram(tuple(places))
            yield from (self._beside_ram((fast[0],)) if len(fast) > 1 else ())
        yield self.account(Layout((), (self.load.layers,), self.load.layers))

    def _split(self, gpus: tuple[int, ...]) -> Iterator[Placed]:
        """All layers over several GPUs, evenly by room; with the margin free if that is possible."""
        for margin in (True, False):
            if self._fill(gpus, 0, margin)[0] == 0:
                yield self.account(Layout(gpus, self._even(gpus, margin), 0))

    def _even(self, gpus: tuple[int, ...], margin: bool) -> tuple[int, ...]:
        """Bounds that fill every GPU to about the same share of its room."""
        low, high = 0.0, 1.0
        bounds = self._fill(gpus, 0, margin)
        for _ in range(6):
            middle = (low + high) / 2
            tried = self._fill(gpus, 0, margin, middle)
            if tried[0] == 0:
                high, bounds = middle, tried
            else:
                low = middle
        return bounds

    def _beside_ram(self, gpus: tuple[int, ...]) -> Iterator[Placed]:
        """As much as possible on the GPUs, the rest in RAM: experts first, then whole layers."""
        layers = self.load.layers
        if self._routed[-1] and self._fill(gpus, layers, True)[0] == 0:
            few, many = 0, layers
            while few < many:
                middle = (few + many) // 2
                if self._fill(gpus, middle, True)[0] == 0:
                    many = middle
                else:
                    few = middle + 1
            yield self.account(Layout(gpus, self._fill(gpus, many, True), many))
            return
        bounds = self._fill(gpus, layers, True)
        if bounds[0] < layers:
            yield self.account(Layout(gpus, bounds, layers))

    def _fill(self, gpus: Sequence[int], experts: int, margin: bool, share: float = 1.0) -> tuple[int, ...]:
        """Bounds when the GPUs are filled from the last layer back, each to `share` of its room."""
        stop = self.load.layers
        bounds = [stop]
        for place, gpu in enumerate(self.rooms.gpus[number] for number in reversed(gpus)):
            budget = (
                gpu.capacity_bytes
                - (gpu.margin_bytes if margin else 0)
                - self._reserve(gpu, experts > 0, len(gpus) > 1)
            )
            budget = int(budget * share) - (self.load.sizes.head if place == 0 else 0)
            if budget > 0:
                stop = self._first(stop, budget, experts)
            bounds.append(stop)
        return tuple(reversed(bounds))

    def _first(self, stop: int, budget: int, experts: int) -> int:
        """The first layer such that those from it to `stop` take no more than a budget, where the experts of
        the layers before `experts` count nothing.
        """
        before = self._routed[experts]
        upper = self._held[stop] - before if stop > experts else self._base[stop]
        wanted = upper - budget
        if stop > experts and self._base[experts] < wanted:
            return bisect_left(self._held, wanted + before, experts, stop)
        return bisect_left(self._base, wanted, 0, min(stop, experts))

    def _reserve(self, gpu: Room, spilled: bool, several: bool) -> int:
        """Bytes of a GPU that hold neither weights nor cache, in the worst case."""
        key = gpu.backend, spilled, several and not spilled
        if key not in self._reserves:
            staged = self._staged() if spilled else 0
            memory = device_memory(
                gpu.backend, weights=0, cache=0, scratch=self.load.scratch, staged=staged, split=key[2]
            )
            self._reserves[key] = memory.worst
        return self._reserves[key]

    def _staged(self) -> int:
        """The largest tensor that is copied to a GPU for a batch; of a dense layer about a third of it."""
        return self.load.sizes.largest_expert or max(self.load.sizes.fixed) // 3

    # ------------------------------------------------------------------ the account

    def account(self, layout: Layout) -> Placed:
        """The memory of every device under a layout; each byte of the model is on exactly one device (the
        table of a tied model on two, when one of them is a GPU).
        """
        shares = [self._gpu_share(layout, place) for place in range(len(layout.gpus))]
        alone = len(shares) == 1 and layout.start == 0 and not layout.experts
        if alone and self.rooms.gpus[layout.gpus[0]].device.kind == "unified":
            shares = [replace(shares[0], weights_bytes=self.load.loaded_bytes)]
        elif self.rooms.ram is not None:
            shares.append(self._ram_share(layout, self.rooms.ram))
        kind = self._kind(layout)
        placement = Placement(
            kind,
            tuple(shares),
            gpu_layers=self.load.layers - layout.start + 1 if layout.gpus else 0,
            cpu_expert_layers=layout.experts if layout.gpus and self._routed[-1] else 0,
            tensor_split=self._tensor_split(layout),
        )
        return Placed(layout, placement)

    def _tensor_split(self, layout: Layout) -> tuple[int, ...]:
        """Layers of each GPU of the machine (0: not used); the head counts as one layer of the last."""
        counts = [0] * len(self.rooms.gpus)
        for gpu, (first, stop) in zip(layout.gpus, pairwise(layout.bounds), strict=True):
            counts[gpu] = stop - first
        if layout.gpus:
            counts[layout.gpus[-1]] += 1
        return tuple(counts) if len(counts) > 1 and layout.gpus else ()

    def _gpu_share(self, layout: Layout, place: int) -> Share:
        gpu, (first, stop) = self.rooms.gpus[layout.gpus[place]], layout.bounds[place : place + 2]
        held = max(first, min(stop, layout.experts))
        weights = self._fixed[stop] - self._fixed[first] + self._routed[stop] - self._routed[held]
        weights += self.load.sizes.head if place == len(layout.gpus) - 1 else 0
        spilled = layout.start > 0 or layout.experts > 0
        memory = device_memory(
            gpu.backend,
            weights=weights,
            cache=self._cache[stop] - self._cache[first],
            scratch=self.load.scratch,
            staged=self._staged() if spilled else 0,
            split=layout.is_split,
        )
        return Share(
            gpu.device,
            stop - first,
            sum(1 for size in self.load.sizes.routed[held:stop] if size),
            memory.weights,
            memory.cache,
            memory.compute,
            memory.overhead,
            memory.uncertainty,
            gpu.capacity_bytes,
            gpu.margin_bytes,
        )

    def _ram_share(self, layout: Layout, ram: Room) -> Share:
        sizes, scratch, start = self.load.sizes, self.load.scratch, layout.start
        experts = max(start, layout.experts)
        weights = sizes.embedding + self._fixed[start] + self._routed[experts]
        if not layout.gpus:
            weights = self.load.loaded_bytes
        computes = start > 0 or (layout.experts > 0 and self._routed[experts] > 0)
        return Share(
            ram.device,
            start,
            sum(1 for size in sizes.routed[:experts] if size),
            weights,
            self._cache[start],
            (scratch.server if computes else 0) + self.load.output,
            ram.overhead_bytes,
            ram.uncertainty_bytes if computes else HOST_SCRATCH_BYTES + scratch.copied,
            ram.capacity_bytes,
            ram.margin_bytes,
        )

    def _kind(self, layout: Layout) -> PlacementKind:
        if not layout.gpus:
            return "CPU only"
        if layout.start:
            return "layers in RAM"
        if layout.experts:
            return "experts in RAM"
        if len(layout.gpus) > 1:
            return "layer split"
        return "unified memory" if self.rooms.gpus[layout.gpus[0]].device.kind == "unified" else "one GPU"

    def _paged(self, placed: Placed) -> Placed | None:
        """The same layout with what RAM cannot hold left on disk; None if more than weights is too much."""
        *gpus, ram = placed.placement.shares
        over = ram.worst_bytes - ram.capacity_bytes
        if ram.device.kind != "cpu" or not all(share.fits for share in gpus) or over > ram.weights_bytes:
            return None
        shares = (*gpus, replace(ram, weights_bytes=ram.weights_bytes - max(0, over)))
        placement = replace(placed.placement, kind="paged from disk", shares=shares, paged_bytes=max(0, over))
        return replace(placed, placement=placement)
