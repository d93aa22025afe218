"""This machine: its GPUs, RAM, processor and disk, from what the system already knows.

Tools that are missing are passed over in silence; a figure that nothing tells stays unknown. Limits of a
container count as the machine. Measuring the RAM is the one thing that takes time, so it is asked for.
"""

import ctypes
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from ponder.catalog.library import home
from ponder.core.hardware import Device, Hardware, Kind, Known
from ponder.errors import NotFoundError, StorageError
from ponder.fit import readings
from ponder.fit.busy import Beside
from ponder.fit.devices import find, platform_bandwidth
from ponder.fit.kept import keep_ram_bps, ram_bps
from ponder.fit.readings import Gpu, Processor

TOOL_TIMEOUT_S = 5.0
COPY_BYTES = 32 << 20
MOST_OTHERS = 0.25
"""Cores that other programs may keep busy before a measurement counts as disturbed."""
_PCI_VENDORS = {"0x1002": "AMD", "0x8086": "Intel"}


def hardware(measure_ram: bool = False) -> Hardware:
    """Describe this machine; `measure_ram` copies memory for a third of a second if its rate is not known,
    and keeps what it finds.
    """
    return assembled(graphics(), measure_ram)


def assembled(gpus: Iterable[tuple[Gpu, str]], measure_ram: bool = False) -> Hardware:
    """This machine with these GPUs (and their vendors, empty if a driver does not say)."""
    found = processor()
    total, free = memory()
    bandwidth, known = ram_bandwidth(found.name, total or 0, measure_ram)
    own = tuple(_device(gpu, vendor) for gpu, vendor in gpus)
    apple = () if any(device.vendor == "Apple" for device in own) else _apple(found.name)
    devices = tuple(_shared(device, total, free) for device in (*own, *apple))
    here = next(path for path in (home(), *home().parents) if path.exists())
    return Hardware(
        devices=devices,
        ram_bytes=total,
        free_ram_bytes=free,
        ram_bandwidth_bps=bandwidth,
        ram_bandwidth_known=known,
        cpu=found.name,
        cores=found.cores,
        sockets=found.sockets,
        instruction_sets=found.instruction_sets,
        disk_free_bytes=shutil.disk_usage(here).free,
    )


def graphics() -> list[tuple[Gpu, str]]:
    """Every GPU with its vendor, from the drivers' tools, else from sysfs."""
    nvidia = run("nvidia-smi", f"--query-gpu={readings.NVIDIA_QUERY}", "--format=csv,noheader,nounits")
    amd = readings.rocm_smi(run("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--json"))
    if not amd and (static := run("amd-smi", "static", "--asic", "--vram", "--json")):
        amd = readings.amd_smi(static, run("amd-smi", "metric", "--mem-usage", "--json"))
    intel = readings.xpu_smi(run("xpu-smi", "discovery", "-j"))
    found = [(gpu, "NVIDIA") for gpu in readings.nvidia_smi(nvidia)]
    found += [(gpu, "AMD") for gpu in amd] + [(gpu, "Intel") for gpu in intel]
    seen = {vendor for _, vendor in found}
    return found + [(gpu, vendor) for gpu, vendor in _sysfs() if vendor not in seen]


def _sysfs(drm: Path = Path("/sys/class/drm")) -> list[tuple[Gpu, str]]:
    """Cards of the kernel's own list; a driver that does not tell a card's memory leaves it unknown."""
    found = []
    for folder in sorted(drm.glob("card[0-9]*/device")):
        vendor = _PCI_VENDORS.get(_read(folder / "vendor"))
        name = _read(folder / "product_name")
        gpu = readings.amd_sysfs(
            name, _read(folder / "mem_info_vram_total"), _read(folder / "mem_info_vram_used")
        )
        if vendor == "AMD" and gpu:
            found.append((gpu._replace(name=name or f"AMD GPU {_read(folder / 'device')}"), vendor))
        elif vendor == "Intel":
            found.append((Gpu(name or f"Intel GPU {_read(folder / 'device')}", None, None), vendor))
    return found


def _device(gpu: Gpu, vendor: str) -> Device:
    """The table's device of that name with what the driver says of this one; unknown ones keep their name."""
    try:
        known = find(gpu.name)
    except NotFoundError:
        kind: Kind = "unified" if gpu.shared else "gpu"
        known = Device(gpu.name, vendor, kind, "", source="driver only: not in the table of devices")
    return replace(
        known,
        memory_bytes=gpu.memory_bytes or known.memory_bytes,
        free_bytes=gpu.free_bytes,
        link=gpu.link or known.link,
        power_w=gpu.power_w or known.power_w,
    )


def _apple(cpu: str) -> tuple[Device, ...]:
    if not cpu.startswith("Apple"):
        return ()
    try:
        return (find(cpu),)
    except NotFoundError:
        return (Device(cpu, "Apple", "unified", "", source="newer than the table of devices"),)


def _shared(device: Device, total: int | None, free: int | None) -> Device:
    return replace(device, memory_bytes=total, free_bytes=free) if device.kind == "unified" else device


def processor() -> Processor:
    """Name, physical cores, sockets and vector units of the processor."""
    if platform.system() == "Darwin":
        return readings.sysctl(run("sysctl", "machdep.cpu.brand_string", "hw.physicalcpu"))
    found = readings.cpuinfo(_read(Path("/proc/cpuinfo")))
    cores = found.cores or psutil.cpu_count(logical=False)
    return found._replace(name=found.name or platform.processor(), cores=_allowed(cores))


def _allowed(cores: int | None) -> int | None:
    """Cores within the quota of a control group (`cpu.max`: microseconds per period)."""
    quota = _read(Path("/sys/fs/cgroup/cpu.max")).split()
    if cores and len(quota) == 2 and quota[0].isdigit():
        return max(1, min(cores, round(int(quota[0]) / int(quota[1]))))
    return cores


def memory() -> tuple[int | None, int | None]:
    """(total, available) bytes of RAM, within the limit of a control group."""
    system = psutil.virtual_memory()
    total, free = int(system.total), int(system.available)
    group = Path("/sys/fs/cgroup")
    for names in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        limit = readings.cgroup_limit(_read(group / names[0]), _read(group / names[1]))
        if limit and limit[0] < total:
            return limit[0], min(free, limit[1])
    return total, free


def ram_bandwidth(cpu: str, ram_bytes: int, measure: bool) -> tuple[float | None, Known]:
    """Bytes per second of the RAM, and how that is known: modules, a measurement (an older one if there is
    one), or the specification.
    """
    modules = readings.dmidecode_bps(run("dmidecode", "-t", "17"))
    if modules:
        return modules, "dmidecode"
    found = ram_bps(cpu, ram_bytes)
    if measure and (found is None or found[1]):
        found = measure_and_keep(cpu, ram_bytes, found[0] if found else 0.0)
    official = platform_bandwidth(cpu)
    if found and (official is None or not found[1]):
        return found[0], "disturbed" if found[1] else "measured"
    return (official[0], "specification") if official else (None, "unknown")


def measure_and_keep(cpu: str, ram_bytes: int, before_bps: float = 0.0) -> tuple[float, bool]:
    """Measure the RAM's rate, and whether other programs disturbed that; then the best of all disturbed ones
    counts (`before_bps`), until a quiet one takes its place. Where it cannot be kept it is measured again.
    """
    beside = Beside()
    measured = copy_bps()
    disturbed = beside.cores() > MOST_OTHERS
    best = max(measured, before_bps) if disturbed else measured
    with suppress(StorageError):
        keep_ram_bps(cpu, ram_bytes, best, disturbed=disturbed)
    return best, disturbed


def copy_bps(duration_s: float = 0.3) -> float:
    """Bytes per second that all cores together read and write while copying blocks larger than their caches.

    The C library copies, without the interpreter's lock.
    """
    threads = psutil.cpu_count() or 1
    rates = [0.0] * threads
    ready = threading.Barrier(threads)

    def copy(number: int) -> None:
        source, target = (ctypes.create_string_buffer(COPY_BYTES) for _ in range(2))
        ctypes.memmove(target, source, COPY_BYTES)
        ready.wait()
        start, rounds = time.perf_counter(), 0
        while not rounds or time.perf_counter() < start + duration_s:
            ctypes.memmove(target, source, COPY_BYTES)
            rounds += 1
        rates[number] = 2 * COPY_BYTES * rounds / (time.perf_counter() - start)

    workers = [threading.Thread(target=copy, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(rates)


def run(*command: str) -> str:
    """Standard output of a tool, empty when it is missing, fails or hangs."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
