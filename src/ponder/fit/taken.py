"""What a loaded model really takes, against the plan: the process in RAM, and the buffers of every device.

Buffers are exact, so they are compared without what the plan only guesses: the driver's own memory, and the
process beside its buffers. RAM is what the system counts of the process, whose weights are mapped from the
file: what was never read is not there, and what llama.cpp has repacked for the processor is there twice,
until the system drops the file's copy.
"""

import re
from collections.abc import Iterable, Iterator

from ponder.core.plan import Buffer, Compared, Placement, Share, Taken
from ponder.fit.memory import BACKENDS
from ponder.fit.rooms import Room
from ponder.fit.sizes import WeightBytes

SLACK_BYTES, SLACK_SHARE = 64 << 20, 0.05
"""How far RAM may be off beyond what the plan itself calls unsure: pages of libraries, of logs."""

BUFFER_SLACK_BYTES, BUFFER_SLACK_SHARE = 8 << 20, 0.02
"""How far buffers may be off beyond that: rounding, and where a split's layers end."""

_HOST = re.compile(r"CPU|AMX|BLAS|.*_Host$")
_MAPPED = "_Mapped"
_REPACKED = "CPU_REPACK"


def process(taken: Taken, share: Share, sizes: WeightBytes) -> Compared:
    """RAM of the engine's process against the share of RAM (or of memory that a GPU shares)."""
    cache = (taken.slots - 1) * share.cache_bytes
    planned = share.total_bytes + cache
    slack = SLACK_BYTES + SLACK_SHARE * planned
    unread = sum(sizes.routed) + (0 if sizes.tied else sizes.embedding)
    low = planned - min(unread, share.weights_bytes) - share.uncertainty_bytes - slack
    real = taken.ram_bytes - _twice(taken.buffers)
    return Compared("RAM", planned, max(0.0, low), share.worst_bytes + cache + slack, real)


def devices(taken: Taken, placement: Placement, gpus: tuple[Room, ...]) -> Iterator[Compared]:
    """The buffers of each GPU, and of the processor where it holds everything.

    `gpus` are those of the machine, in the engine's order. Beside a GPU the processor's buffers tell nothing:
    a mapped one reaches from the first to the last tensor that is in RAM, across those that are not.
    """
    if not taken.buffers:
        return
    if placement.kind == "CPU only":
        yield _compared("CPU buffers", taken, placement.shares[0], 0, taken.buffers)
        return
    used = [number for number, count in enumerate(placement.tensor_split) if count] or [0]
    names = sorted({_plain(each.device) for each in taken.buffers if not is_host(each)}, key=_number)
    if placement.kind == "unified memory":
        share, unsure = placement.shares[0], BACKENDS[gpus[0].backend].uncertainty_bytes
        yield _compared("shared memory", taken, share, unsure, taken.buffers)
    elif len(names) == len(used):
        for name, number, share in zip(names, used, placement.shares, strict=False):
            own = [each for each in taken.buffers if _plain(each.device) == name]
            unsure = BACKENDS[gpus[number].backend].uncertainty_bytes
            yield _compared(f"{name} buffers", taken, share, unsure, own)


def is_host(buffer: Buffer) -> bool:
    """Whether a buffer is in RAM, by llama.cpp's names of devices."""
    return _HOST.match(buffer.device) is not None


def _compared(
    what: str, taken: Taken, share: Share, unsure_bytes: int, buffers: Iterable[Buffer]
) -> Compared:
    """`unsure_bytes` of the share's are the driver's, which are in no buffer."""
    kept = list(buffers)
    planned = share.total_bytes - share.overhead_bytes + (taken.slots - 1) * share.cache_bytes
    off = share.uncertainty_bytes - unsure_bytes + BUFFER_SLACK_BYTES + BUFFER_SLACK_SHARE * planned
    real = sum(each.bytes for each in kept) - _twice(kept)
    return Compared(what, planned, max(0.0, planned - off), planned + off, real)


def _twice(buffers: Iterable[Buffer]) -> int:
    """Bytes of weights that are in a repacked and in a mapped buffer."""
    weights = [each for each in buffers if each.kind == "model"]
    mapped = sum(each.bytes for each in weights if each.device.endswith(_MAPPED))
    return min(mapped, sum(each.bytes for each in weights if each.device == _REPACKED))


def _plain(device: str) -> str:
    return device.removesuffix(_MAPPED)


def _number(name: str) -> tuple[int, str]:
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else 0, name
