"""Machines for the tests of placement and plans, by what they consist of."""

from ponder.core.hardware import Device, Hardware
from ponder.fit.devices import find_all

GIB = 1 << 30


def machine(gpus: str = "", ram_gib: float = 64, **more: object) -> Hardware:
    """A machine with these GPUs and so much RAM at 80 GB/s, of which 2 GiB are the system's."""
    given: dict[str, object] = {
        "ram_bytes": round(ram_gib * GIB) or None,
        "ram_bandwidth_bps": 80e9,
        "cores": 16,
        "instruction_sets": ("avx2",),
    }
    return Hardware(find_all(gpus) if gpus else (), **(given | more))  # type: ignore[arg-type]


def gpu(memory_bytes: int, bandwidth_bps: float = 936e9) -> Device:
    """An Ampere card of any size."""
    return Device(
        "card", "NVIDIA", "gpu", "ampere", memory_bytes, None, bandwidth_bps, 71e12, 35.6e12, "GDDR6X"
    )
