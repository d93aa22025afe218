"""The decode and prefill laws for arrays, with their priors, and the tables that go into the package.

The laws are those of `ponder.fit.speed` and `ponder.fit.prefill`; `speed.py` checks that they agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from benchmarks.fit.hierarchy import Array, Constants, Fitter, Prior, machine_weight
from benchmarks.fit.speed_places import copied_from
from benchmarks.fit.speed_rows import Row
from ponder.fit.prefill import MICRO_BATCH, lanes_bps, sustained_flops
from ponder.fit.scratch import COPIES
from ponder.fit.speed import SHARPNESS, family, overlapped_s, unpacking_flops, weights_parts_s
from ponder.fit.work import Stage, at_depth

DECODE = {
    "loss": Prior(0.1, 0.3, 0.4, 0.3, means={"cpu": 4.0, "nvidia-hbm": 7.0}, spreads={"nvidia-hbm": 4.0}),
    "loss_half": Prior(1.0, 0.2, 0.4),
    "ops": Prior(27.0, 0.3, 0.3, 0.15),
    "cache": Prior(1.4, 0.4, 0.3, 0.2),
    "layer_s": Prior(40e-6, 0.4, 0.4, 0.3, means={"cpu": 2.0}),
    "latent_s": Prior(300e-6, 0.5, 0.6),
    "cache_plain": Prior(2.0, 0.4, 0.4),
    "old_start": Prior(1.3, 0.3, 0.3),
    "mx": Prior(1.5, 0.4),
    "8": Prior(0.6, 0.4),
    "2": Prior(1.5, 0.4),
    "16": Prior(0.6, 0.4),
    "hop_s": Prior(200e-6, 0.5, 0.5),
    "barrier_s": Prior(3e-6, 0.7),
}
PREFILL = {
    "rate": Prior(0.6, 0.5, 0.5, 0.15),
    "half": Prior(1.25, 0.2, 0.2),
    "attention": Prior(3.0, 0.4, 0.3),
    "attention_plain": Prior(2.0, 0.4, 0.3),
    "layer_s": Prior(100e-6, 0.7, 0.4),
    # Both after the batch sizes of llama.cpp pull request 26977, whose excerpt names no card.
    "experts": Prior(1.75, 0.3, 0.2),
    "tile": Prior(20.0, 0.4, 0.2, means={"cpu": 0.1}),
    "overlap": Prior(4.0, 0.5),
    "queue": Prior(20.0, 0.4),
    "queue_half": Prior(1.3, 0.2),
    # Narrow: six machines tell little, and both means were read off them.
    "link": Prior(2.0, 0.2),
    "link_power": Prior(0.6, 0.15),
}
FLOPS_PER_BYTE = {
    "apple": 34.0,
    "amd": 64.0,
    "nvidia": 50.0,
    "nvidia-hbm": 15.0,
    "intel": 50.0,
    "cpu": 30.0,
    "other": 40.0,
}
"""Typical fp32 operations per byte of bandwidth, for devices whose fp32 rate is not published."""

Placed = Sequence[tuple[Row, tuple[Stage, ...]]]


class _Flat:
    """The stages of all rows as arrays."""

    def __init__(self, placed: Placed) -> None:
        self.rows = [row for row, _ in placed]
        flat = [(number, stage) for number, (_, stages) in enumerate(placed) for stage in stages]
        self.of_row = np.array([number for number, _ in flat])
        self.stages = [stage for _, stage in flat]
        self.classes = [(family(s.device), f"{family(s.device)}:{s.device.generation}") for s in self.stages]
        self.bandwidth = self.of(lambda s: s.device.bandwidth_bps or np.nan)
        self.layers = self.of(lambda s: s.layers)
        self.depth = np.array([self.rows[number].depth for number in self.of_row])
        self.kinds = np.array([stage.arithmetic for stage in self.stages])
        self.old = np.array([self.rows[number].protocol == "llama-bench 2024" for number in self.of_row])
        self.target = -np.log([row.value_tps for row in self.rows])
        self.weight = machine_weight([(row.group, row.placement, row.protocol) for row in self.rows])

    def of(self, value: Callable[[Stage], float]) -> Array:
        return np.array([value(stage) for stage in self.stages])

    def per_row(self, times: Array) -> Array:
        total = np.zeros(len(self.rows))
        np.add.at(total, self.of_row, times)
        return total

    def fitter(self, priors: Mapping[str, Prior], law: Callable[[Constants], Array]) -> Fitter:
        return Fitter(
            priors=priors,
            classes=self.classes,
            law=law,
            target=self.target,
            machines=[row.group for row in self.rows],
            weight=self.weight,
        )

    def first(self, values: Array) -> Array:
        return values[np.unique(self.of_row, return_index=True)[1]]


def decode_fitter(placed: Placed) -> Fitter:
    """The law of ponder.fit.speed over all rows."""
    flat = _Flat(placed)
    read = flat.of(lambda s: s.weight_bytes) / flat.bandwidth
    values = flat.of(lambda s: s.weights / unpacking_flops(s.device, FLOPS_PER_BYTE[family(s.device)]))
    half = flat.kinds == "16"
    cached = (
        np.array([at_depth(s.cache, d) for s, d in zip(flat.stages, flat.depth, strict=True)])
        / flat.bandwidth
    )
    latent = flat.of(lambda s: s.latent)
    waiting = flat.layers * flat.of(lambda s: s.device.cores or 0)
    hops = np.array([len(stages) - 1 for _, stages in placed])

    def law(c: Constants) -> Array:
        factor = np.select(
            [flat.kinds == kind for kind in ("16", "8", "2", "mx")], [c["16"], c["8"], c["2"], c["mx"]], 1.0
        )
        loss = c["loss"] * np.where(half, c["loss_half"], 1.0)
        weights = ((read * (1 + loss)) ** SHARPNESS + (values * c["ops"] * factor) ** SHARPNESS) ** (
            1 / SHARPNESS
        )
        cache = cached * c["cache"] * np.where(flat.old, c["cache_plain"], 1.0)
        start = flat.layers * c["layer_s"] * np.where(flat.old, c["old_start"], 1.0) + latent * c["latent_s"]
        start = start + waiting * c["barrier_s"]
        result: Array = np.log(flat.per_row(weights + cache + start) + hops * flat.first(c["hop_s"]))
        return result

    return flat.fitter(DECODE, law)


class _Copied:
    """Stages in RAM whose batch may go over the link: each has a twin on the GPU behind it."""

    def __init__(self, flat: "_Flat", size: Array) -> None:
        twins = [
            i
            for i, (one, next_one) in enumerate(pairwise(flat.stages), 1)
            if one.device.kind == "cpu" != next_one.device.kind and flat.of_row[i - 1] == flat.of_row[i]
        ]
        self.twin = np.array(twins, dtype=int)
        self.here = self.twin - 1
        self.size = size[self.twin]
        moved = [flat.stages[i].batch_bytes(int(n)) for i, n in zip(self.twin, self.size, strict=True)]
        self.moved_gb = np.array(moved) / 1e9
        self.lanes_gbps = np.array([lanes_bps(flat.stages[i].device) / 1e9 for i in twins])
        self.copied = self.size >= np.array([copied_from(flat.rows[flat.of_row[i]]) for i in twins])

    def chosen(self, times: Array, c: Constants) -> Array:
        """Each stage's time where it is computed; the other twin takes none."""
        if not len(self.twin):
            return times
        rate = c["link"][self.twin] * self.lanes_gbps ** c["link_power"][self.twin]
        there, here = times[self.twin] + self.moved_gb / rate, times[self.here]
        times[self.here] = np.where(self.copied, there, here)
        times[self.twin] = 0.0
        return times


def _with_twins(placed: Placed) -> list[tuple[Row, tuple[Stage, ...]]]:
    """Every stage in RAM beside a GPU followed by the same stage on that GPU."""
    found = []
    for row, stages in placed:
        gpu = next((stage.device for stage in stages if stage.device.kind != "cpu"), None)
        both: list[Stage] = []
        for stage in stages:
            both.append(stage)
            if gpu and stage.device.kind == "cpu":
                both.append(replace(stage, device=gpu))
        found.append((row, tuple(both)))
    return found


def prefill_fitter(placed: Placed) -> Fitter:
    """The law of ponder.fit.prefill over all rows, per token of prompt."""
    flat = _Flat(_with_twins(placed))
    prompts = np.array([row.prompt for row in flat.rows])
    micro = np.array(
        [row.batch if "ubatch=" in row.engine else max(row.batch, MICRO_BATCH) for row in flat.rows]
    )
    size = np.minimum(prompts, micro)[flat.of_row]
    rate = flat.of(lambda s: sustained_flops(s.device))
    weights = flat.of(lambda s: 2 * (s.weights - s.head_weights)) / rate
    routed = flat.of(lambda s: s.routed_part())
    attention = (
        np.array([at_depth(s.attention, d) for s, d in zip(flat.stages, flat.depth, strict=True)]) / rate
    )
    parts = [weights_parts_s(s, s.batch_bytes(int(n))) for s, n in zip(flat.stages, size, strict=True)]
    read, unpack = np.array(parts).T
    moved = np.array([overlapped_s(*pair) for pair in parts])
    cpu = np.array([stage.device.kind == "cpu" for stage in flat.stages])
    copied = _Copied(flat, size)
    count = np.array([len(stages) for _, stages in placed])
    batches = np.ceil(prompts / np.minimum(prompts, micro))
    each = np.maximum(1e-9, flat.of(lambda s: s.used_share) * size)
    layers = flat.per_row(flat.layers) / count
    alone = np.array([any(s.routed_bytes or s.device.kind == "cpu" for s in stages) for _, stages in placed])

    def law(c: Constants) -> Array:
        share = np.where(flat.kinds == "16", c["half"], 1.0) * c["rate"]
        scale = c["attention"] * np.where(flat.old, c["attention_plain"], 1.0)
        experts = c["experts"] * (1 + c["tile"] / each)
        products = size * weights * (1 + routed * (experts - 1)) / share
        busy = products + unpack
        ram = ((read**SHARPNESS) + busy**SHARPNESS) ** (1 / SHARPNESS)
        times = np.where(cpu, ram, products + moved) + size * attention * scale / share
        times = copied.chosen(times + flat.layers * c["layer_s"], c) / size
        total = flat.per_row(times)
        queue = flat.first(c["queue"] * np.where(flat.kinds == "16", c["queue_half"], 1.0))
        under_way = np.minimum(COPIES, 1 + (queue / layers) ** 2)
        ideal = batches * count / (count + (batches - 1) * np.maximum(1.0, count / under_way))
        overlap = 1 + flat.first(1 / (1 + 1 / c["overlap"])) * (ideal - 1)
        result: Array = np.log(total / np.where(alone, 1.0, overlap))
        return result

    return flat.fitter(PREFILL, law)


def machines_of(placed: Placed) -> dict[str, int]:
    """How many machines each class rests on."""
    seen: dict[str, set[str]] = {}
    for row, stages in placed:
        for stage in stages:
            name = family(stage.device)
            for key in (name, f"{name}:{stage.device.generation}"):
                seen.setdefault(key, set()).add(row.group)
    return {key: len(machines) for key, machines in seen.items()}


def class_table(
    fitter: Fitter, values: Array, machines: dict[str, int], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Constants of every measured class and family, and of the classes that have no rows at all."""
    table: dict[str, dict[str, float]] = {}
    for key in [*sorted(machines), *(k for k in ("intel", "other") if k not in machines)]:
        constants = fitter.constants_of(values, key.split(":")[0], key)
        table[key] = {name: float(f"{constants[name]:.4g}") for name in names}
    return table
