"""How many bytes each device of a machine can hold, and what must stay free there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ponder.core.hardware import Device, Hardware
from ponder.errors import InputError
from ponder.fit.devices import processor
from ponder.fit.guard import PROCESS_BYTES
from ponder.fit.memory import BACKENDS

GIB = 1 << 30
GPU_MARGIN_BYTES = GIB
"""What llama.cpp's own `--fit` leaves free on every GPU (its `--fit-target`, 1024 MiB). Whatever is laid
out over several devices here leaves it too; a model that fits a single GPU whole may use it up."""

SYSTEM_BYTES = 2 * GIB
"""RAM kept for the operating system where only the size of the RAM is known, not what is free."""

APPLE_LIMITS: Mapping[int, float] = {36: 2 / 3, 1 << 20: 0.75}
"""Largest memory in GiB: the share of it that macOS lets the GPU use. llama.cpp logs for
recommendedMaxWorkingSetSize 11,453 MB of 16 GiB (M1 Pro), 17,180 of 24 GiB, 51,540 of 64 GiB (M2 Max).
"""

VISIBLE_SHARE = 0.975
"""What CUDA sees of an NVIDIA card's nominal memory, where the machine was not asked. PyTorch's messages
name 23.61 to 23.68 of 24 GiB (RTX 4090: ali-vilab/VGen issue 104, zai-org/CogVideo issue 36), 31.37 of 32
(RTX 5090: Wan-Video/Wan2.1 issue 465), 15.61 of 16 (RTX A4000: DengKaiCQ/VGGT-Long issue 6).
"""

CORRECTED_SHARE = 0.925
"""The same of professional cards with GDDR6, whose error correction takes a sixteenth of it when it is on:
44.43 of 48 GiB (RTX 6000 Ada: DINGYANB/MTVCrafter issue 21). A figure such as 45 GiB has it off already."""

_BACKENDS = {"NVIDIA": "cuda", "AMD": "rocm", "Intel": "sycl", "Apple": "metal"}


@dataclass(frozen=True, slots=True)
class Room:
    """A device and its capacity in bytes, after what the driver takes and what is unsure about it."""

    device: Device
    backend: str
    capacity_bytes: int
    margin_bytes: int

    @property
    def overhead_bytes(self) -> int:
        """What the driver, or the process in RAM, takes."""
        return BACKENDS[self.backend].overhead_bytes if self.backend != "cpu" else PROCESS_BYTES

    @property
    def uncertainty_bytes(self) -> int:
        """How far the driver's part may be off."""
        return BACKENDS[self.backend].uncertainty_bytes


@dataclass(frozen=True)
class Rooms:
    """The GPUs of known memory, the RAM if it is known and not shared with a GPU, and what is unknown."""

    gpus: tuple[Room, ...]
    ram: Room | None
    missing: tuple[str, ...] = ()

    @cached_property
    def fastest_first(self) -> tuple[int, ...]:
        """Numbers of the GPUs, the highest bandwidth first."""
        places = range(len(self.gpus))
        return tuple(sorted(places, key=lambda place: -(self.gpus[place].device.bandwidth_bps or 0.0)))

    @cached_property
    def capacity_bytes(self) -> int:
        """Bytes of all devices together."""
        return sum(room.capacity_bytes for room in (*self.gpus, *([self.ram] if self.ram else ())))


def rooms(hardware: Hardware) -> Rooms:
    """What a machine can hold. GPUs of unknown memory are left out, and named in `missing`."""
    _check(hardware)
    known = [device for device in hardware.devices if device.memory_bytes]
    missing = tuple(f"memory of {d.name}" for d in hardware.devices if not d.memory_bytes)
    gpus = tuple(_gpu(device) for device in known)
    shared = any(device.kind == "unified" for device in known)
    ram = None if shared else _ram(hardware)
    if ram is None and not shared:
        missing += ("size of the RAM",)
    return Rooms(gpus, ram, missing)


def _gpu(device: Device) -> Room:
    backend = _BACKENDS.get(device.vendor, "vulkan")
    memory = device.memory_bytes or 0
    if device.kind == "unified":
        share = next(share for most, share in APPLE_LIMITS.items() if memory <= most * GIB)
        most = round(memory * share) if device.vendor == "Apple" else memory - SYSTEM_BYTES
        free = most if device.free_bytes is None else min(most, device.free_bytes)
        return Room(device, backend, max(0, free), 0)
    free = visible_bytes(device) if device.free_bytes is None else device.free_bytes
    return Room(device, backend, free, GPU_MARGIN_BYTES)


def visible_bytes(device: Device) -> int:
    """What programs can have of a GPU's memory when nothing else uses it."""
    memory = device.memory_bytes or 0
    if device.vendor != "NVIDIA":
        return memory
    professional = device.memory_type == "GDDR6" and not re.match(r"(?i)GeForce |titan", device.name)
    corrected = professional and memory % (4 * GIB) == 0
    return round(memory * (CORRECTED_SHARE if corrected else VISIBLE_SHARE))


def _ram(hardware: Hardware) -> Room | None:
    if hardware.ram_bytes is None and hardware.free_ram_bytes is None:
        return None
    free = hardware.free_ram_bytes
    if free is None:
        free = max(0, (hardware.ram_bytes or 0) - SYSTEM_BYTES)
    return Room(processor(hardware), "cpu", free, 0)


def _check(hardware: Hardware) -> None:
    """Refuse a machine that cannot be."""
    bandwidth = hardware.ram_bandwidth_bps
    if bandwidth is not None and not 0 < bandwidth < 1e15:
        raise InputError(
            f"A RAM bandwidth of {bandwidth / 1e9:g} GB/s is impossible; give one above 0, such as 80."
        )
    for name, size in (("RAM", hardware.ram_bytes), *((d.name, d.memory_bytes) for d in hardware.devices)):
        if size is not None and size < 0:
            raise InputError(f"{name} of {size / GIB:g} GiB is impossible; give a size above 0.")


def with_free(hardware: Hardware, free_ram_bytes: int | None) -> Hardware:
    """The machine with what is free of its RAM measured otherwise."""
    return hardware if free_ram_bytes is None else replace(hardware, free_ram_bytes=free_ram_bytes)
