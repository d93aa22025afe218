"""Machines one could have: by name, from a file, and the smallest classes that run a model.

Prices are not known offline and change weekly, so classes are ordered by what they consist of: least GPU
memory first, then least RAM. That is near the order of price within one generation, and nothing more.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.errors import FileFormatError, InputError, NotFoundError
from ponder.fit.devices import find_all, platform_bandwidth, ram_bandwidth_bps
from ponder.fit.plan import Planner, Wish
from ponder.fit.rank import quantisations
from ponder.fit.rooms import GIB
from ponder.fit.subject import Subject

ORDER = "least GPU memory first, then least RAM (unified memory counts as RAM); prices are not known here"


@dataclass(frozen=True, slots=True)
class Class:
    """A kind of machine: GPUs by name (empty: none), GiB of RAM, its modules, and cores of the processor."""

    gpus: str
    ram_gib: int
    modules: str
    cores: int

    @property
    def name(self) -> str:
        """How a person would describe it."""
        ram = f"{self.ram_gib} GB {self.modules}" if self.modules else ""
        return " + ".join(part for part in (self.gpus, ram) if part)

    @property
    def hardware(self) -> Hardware:
        """The machine; unified memory needs no RAM beside it."""
        devices = find_all(self.gpus) if self.gpus else ()
        return Hardware(
            devices=devices,
            ram_bytes=self.ram_gib * GIB,
            ram_bandwidth_bps=ram_bandwidth_bps(self.modules) if self.modules else None,
            ram_bandwidth_known="given",
            cores=self.cores,
            instruction_sets=("avx512",) if self.cores >= 32 else ("avx2",),
        )


_DESKTOP, _WORKSTATION, _SERVER = "2x DDR5-5600", "8x DDR4-3200", "12x DDR5-4800"
CLASSES = (
    *(Class("", gib, _DESKTOP, 8) for gib in (16, 32, 64, 128)),
    *(Class("", gib, _WORKSTATION, 32) for gib in (256, 512)),
    *(Class("", gib, _SERVER, 64) for gib in (768, 1152)),
    *(
        Class(gpu, gib, _DESKTOP, 8)
        for gpu in ("RTX 3060 12GB", "RTX 4060 Ti 16GB", "RTX 3090", "RTX 4090", "RTX 5090", "2x RTX 3090")
        for gib in (32, 64, 128)
    ),
    *(Class("RTX 3090", gib, _WORKSTATION, 32) for gib in (256, 512)),
    *(Class("RTX 4090", gib, _SERVER, 64) for gib in (384, 768, 1152)),
    *(Class(f"{count}x RTX 3090", 256, _WORKSTATION, 32) for count in (3, 4, 8)),
    *(Class(gpu, 256, _SERVER, 64) for gpu in ("RTX 6000 Ada", "RTX PRO 6000 Blackwell", "H100 SXM5 80GB")),
    *(Class(f"{count}x H100 SXM5 80GB", 1152, _SERVER, 64) for count in (2, 4, 8)),
    *(
        Class(name, int(name.split()[-1].removesuffix("GB")), "", 12)
        for name in (
            "M4 Pro 24GB",
            "M4 Pro 48GB",
            "M4 Max 64GB",
            "M4 Max 128GB",
            "M3 Ultra 256GB",
            "M3 Ultra 512GB",
        )
    ),
)
"""What people buy for this, from a small desktop to a node of eight H100."""


def smallest_machines(subject: Subject, wish: Wish, count: int = 8) -> list[tuple[Class, Plan]]:
    """Classes that run a model from memory, smallest first; a larger one is listed only if it is quicker.

    Without a wished quantisation Q4_K_M is planned, or the nearest to it that the model has.
    """
    offered = quantisations(subject)
    quant = wish.quantisation or ("Q4_K_M" if "Q4_K_M" in offered else offered[0])
    found: list[tuple[Class, Plan]] = []
    for each in sorted(_known(), key=_size):
        planner = Planner(each.hardware, wish)
        chosen = planner.choose(subject, quant)
        if chosen is None:
            continue
        plan = planner.plan(subject, quant, *chosen)
        best = max((other.decode.tps for _, other in found if other.decode), default=0.0)
        if plan.decode is not None and plan.decode.tps > 1.1 * best:
            found.append((each, plan))
    return found[:count]


def _known() -> Iterator[Class]:
    """Classes whose devices are in the table."""
    for each in CLASSES:
        try:
            each.hardware  # noqa: B018 - looks the devices up
        except NotFoundError:
            continue
        yield each


def _size(each: Class) -> tuple[float, float]:
    own = [device.memory_bytes or 0 for device in each.hardware.devices if device.kind == "gpu"]
    return float(sum(own)), float(each.ram_gib)


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a machine; None and empty leave it as it is. Sizes in GiB, rates in GB/s."""

    gpu: str = ""
    ram_gib: float | None = None
    ram_bandwidth_gbps: float | None = None
    cpu: str = ""
    cores: int | None = None
    disk_gbps: float | None = None


def with_given(base: Hardware, given: Given) -> Hardware:
    """The machine as described. Naming a GPU means another machine: only what is given is known of it.

    Raises InputError for impossible figures and NotFoundError with the nearest names for an unknown GPU.
    """
    machine = Hardware(devices=find_all(given.gpu)) if given.gpu else base
    for name, figure in (("--ram", given.ram_gib), ("--ram-bandwidth", given.ram_bandwidth_gbps),
                         ("--disk", given.disk_gbps)):  # fmt: skip
        if figure is not None and not 0 < figure < 1e6:
            raise InputError(f"{name} {figure:g} is impossible; give a number above 0.")
    if given.cpu:
        official = platform_bandwidth(given.cpu)
        machine = replace(machine, cpu=given.cpu)
        if official and given.ram_bandwidth_gbps is None:
            machine = replace(machine, ram_bandwidth_bps=official[0], ram_bandwidth_known="specification")
    if given.ram_gib is not None:
        machine = replace(machine, ram_bytes=round(given.ram_gib * GIB), free_ram_bytes=None)
    if given.ram_bandwidth_gbps is not None:
        machine = replace(
            machine, ram_bandwidth_bps=given.ram_bandwidth_gbps * 1e9, ram_bandwidth_known="given"
        )
    if given.cores is not None:
        # Nobody types vector units: AVX2 is what desktop processors have had since 2013.
        machine = replace(machine, cores=given.cores, instruction_sets=machine.instruction_sets or ("avx2",))
    if given.disk_gbps is not None:
        machine = replace(machine, disk_read_bps=given.disk_gbps * 1e9)
    return machine


_FIELDS = {"gpu", "ram", "ram_bandwidth", "cpu", "cores", "disk"}


def machine_of_file(path: Path) -> Hardware:
    """A machine described in JSON: {"gpu": "2x RTX 3090", "ram": 64, "ram_bandwidth": 80, "cpu": "…",
    "cores": 16, "disk": 7}, every field optional. Raises FileFormatError, one sentence.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read ({error.strerror}); is the path right?") from error
    except ValueError as error:
        raise FileFormatError(f"{path} is no JSON ({error}); see docs/fit.md for an example.") from error
    if not isinstance(content, dict) or set(content) - _FIELDS:
        wrong = ", ".join(sorted(set(content) - _FIELDS)) if isinstance(content, dict) else "no object"
        raise FileFormatError(f"{path} describes no machine ({wrong}); its fields are {', '.join(_FIELDS)}.")
    return with_given(
        Hardware(),
        Given(
            str(content.get("gpu", "")),
            _number(path, content, "ram"),
            _number(path, content, "ram_bandwidth"),
            str(content.get("cpu", "")),
            None if content.get("cores") is None else int(_number(path, content, "cores") or 0),
            _number(path, content, "disk"),
        ),
    )


def _number(path: Path, content: dict[str, Any], name: str) -> float | None:
    value = content.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise FileFormatError(f"{path} has {name} = {value!r}, expected a number; see docs/fit.md.")
