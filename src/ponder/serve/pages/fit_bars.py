"""A plan's memory as bars: one for each device, cut into what lies there, against what there is room for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ponder.core.hardware import Device
from ponder.core.plan import Plan, Share
from ponder.fit.plan import Planner
from ponder.fit.runtime import Runtime
from ponder.fit.subject import Subject

PARTS = ("weights", "cache", "scratch", "driver")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: where it begins and how long it is, in per cent of the whole bar."""

    part: str
    at: float
    length: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One device. `limit` is where its room ends, in per cent of the bar: 100 unless more is needed."""

    name: str
    holds: str
    pieces: tuple[Piece, ...]
    used_bytes: int
    capacity_bytes: int
    limit: float

    @property
    def share(self) -> float:
        """How full it is, 1.0 is full."""
        return self.used_bytes / max(1, self.capacity_bytes)


def bytes_of(bars: Sequence[Bar], part: str) -> int:
    """What a part takes on all devices together."""
    return sum(piece.bytes for bar in bars for piece in bar.pieces if piece.part == part)


def counted(devices: Iterable[Device]) -> list[tuple[str, int]]:
    """Devices by name, with how many there are of each."""
    return list(Counter(device.name for device in devices).items())


def bars_of(planner: Planner, subject: Subject, plan: Plan) -> tuple[Bar, ...]:
    """The bars of a plan; of one that fits nowhere a single bar, of what is needed and of all there is."""
    if plan.placement is None:
        return (_needed(planner, subject, plan),)
    return tuple(
        _bar(
            _name(share, number, len(plan.placement.shares)),
            _holds(share),
            (share.weights_bytes, share.cache_bytes, share.compute_bytes, share.overhead_bytes),
            share.capacity_bytes,
        )
        for number, share in enumerate(plan.placement.shares, 1)
    )


def _needed(planner: Planner, subject: Subject, plan: Plan) -> Bar:
    runtime = Runtime(plan.n_ctx * plan.batch, plan.kv_type, plan.kv_type, parallel=plan.batch)
    load = subject.load(plan.quantisation, runtime)
    sizes = (load.loaded_bytes, sum(load.cache), load.scratch.server + load.output, 0)
    return _bar("all its memory", "", sizes, planner.rooms.capacity_bytes)


def _bar(name: str, holds: str, sizes: tuple[int, ...], capacity_bytes: int) -> Bar:
    used = sum(sizes)
    whole = max(used, capacity_bytes, 1)
    pieces, at = [], 0.0
    for part, size in zip(PARTS, sizes, strict=True):
        pieces.append(Piece(part, round(at, 2), round(100 * size / whole, 2), size))
        at += 100 * size / whole
    return Bar(name, holds, tuple(pieces), used, capacity_bytes, round(100 * capacity_bytes / whole, 2))


def _name(share: Share, number: int, count: int) -> str:
    if share.device.kind == "cpu":
        return "RAM"
    name = share.device.name.removeprefix("GeForce ")
    return f"{name}, no. {number}" if count > 2 else name


def _holds(share: Share) -> str:
    found = f"{share.layers} layers" if share.layers else ""
    if share.expert_layers and share.expert_layers != share.layers:
        found += (", " if found else "") + f"experts of {share.expert_layers}"
    return found
