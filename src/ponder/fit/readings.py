"""What the tools of a system print, turned into figures. Pure functions: text in, values out, nothing is run.

A line that does not have the documented shape is skipped: a probe reports less rather than wrong.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MIB = 1 << 20


class Gpu(NamedTuple):
    """One graphics device as its driver reports it; None where the tool does not say. `shared`: it has no
    memory of its own.
    """

    name: str
    memory_bytes: int | None
    free_bytes: int | None
    link: str = ""
    power_w: float | None = None
    shared: bool = False


class Processor(NamedTuple):
    """The processor: `cores` are physical ones of all sockets."""

    name: str
    cores: int | None
    sockets: int
    instruction_sets: tuple[str, ...]


NVIDIA_QUERY = "name,memory.total,memory.free,pcie.link.gen.max,pcie.link.width.max,power.limit"
"""Fields of `nvidia-smi --query-gpu=... --format=csv,noheader,nounits`; sizes come in MiB, power in W."""


def nvidia_smi(text: str) -> list[Gpu]:
    """GPUs of nvidia-smi's CSV; a GB10 prints [N/A] for its memory, which it shares with the processor."""
    found = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 6 or not fields[0]:
            continue
        total, free, generation, width, power = (_number(field) for field in fields[1:])
        found.append(
            Gpu(
                name=fields[0],
                memory_bytes=None if total is None else int(total * MIB),
                free_bytes=None if free is None else int(free * MIB),
                link=f"PCIe {generation:.0f} x{width:.0f}" if generation and width else "",
                power_w=power,
            )
        )
    return found


def engine_devices(seen: Iterable[tuple[str, str, int, int]]) -> tuple[Gpu, ...]:
    """GPUs of (name, kind, memory, free memory) as llama.cpp tells them; it leaves integrated ones (`igpu`)
    alone where there are others. Vulkan adds the driver to the name: `AMD Radeon RX 7900 XTX (RADV NAVI31)`.
    """
    found = list(seen)
    kind = "gpu" if any(device[1] == "gpu" for device in found) else "igpu"
    return tuple(
        Gpu(
            re.sub(r"\s*\((RADV|AMDVLK|ACO|Intel|NVIDIA)\b.*\)$", "", name),
            total or None,
            free,
            shared=kind == "igpu",
        )
        for name, each, total, free in found
        if each == kind
    )


def rocm_smi(text: str) -> list[Gpu]:
    """GPUs of `rocm-smi --showproductname --showmeminfo vram --json`; sizes come in bytes."""
    found = []
    for key, card in _json(text).items():
        if not key.startswith("card") or not isinstance(card, Mapping):
            continue
        total, used = (
            _number(str(card.get(f"VRAM Total {what}(B)", ""))) for what in ("Memory ", "Used Memory ")
        )
        name = next(
            (str(card[field]) for field in ("Card Series", "Card series", "Card Model") if card.get(field)),
            "",
        )
        if name:
            free = None if total is None or used is None else int(total - used)
            found.append(Gpu(name, None if total is None else int(total), free))
    return found


def amd_smi(static: str, metric: str = "") -> list[Gpu]:
    """GPUs of `amd-smi static --asic --vram --json`, rocm-smi's successor, with the free memory that
    `amd-smi metric --mem-usage --json` tells. Older versions print a list, newer ones an object with one.
    """
    used = _cards(metric)
    found = []
    for number, card in enumerate(_cards(static)):
        name = _inner(card, "asic").get("market_name")
        usage = _inner(used[number], "mem_usage") if number < len(used) else {}
        if isinstance(name, str) and name and name != "N/A":
            size, free = _inner(card, "vram").get("size"), usage.get("free_vram")
            found.append(Gpu(name, _sized(size), _sized(free)))
    return found


def _cards(text: str) -> list[object]:
    try:
        told = json.loads(text)
    except ValueError:
        return []
    cards = told.get("gpu_data") if isinstance(told, Mapping) else told
    return cards if isinstance(cards, list) else []


def _inner(card: object, part: str) -> Mapping[str, object]:
    found = card.get(part) if isinstance(card, Mapping) else None
    return found if isinstance(found, Mapping) else {}


_UNITS = {"B": 1, "KB": 1 << 10, "MB": MIB, "GB": 1 << 30}


def _sized(size: object) -> int | None:
    """Bytes of amd-smi's {"value": 24560, "unit": "MB"}, whose units are binary; None for anything else."""
    if not isinstance(size, Mapping):
        return None
    value, unit = _number(str(size.get("value", ""))), _UNITS.get(str(size.get("unit", "")).upper())
    return int(value * unit) if value and unit else None


def xpu_smi(text: str) -> list[Gpu]:
    """GPUs of `xpu-smi discovery -j`, whose memory comes in bytes."""
    found = []
    for card in _json(text).get("device_list", []):
        total = _number(str(card.get("memory_physical_size_byte", "")))
        if card.get("device_name"):
            found.append(Gpu(str(card["device_name"]), None if total is None else int(total), None))
    return found


def amd_sysfs(name: str, vram_total: str, vram_used: str) -> Gpu | None:
    """An AMD GPU from `mem_info_vram_total` and `mem_info_vram_used` (bytes) of its sysfs folder."""
    total, used = _number(vram_total), _number(vram_used)
    return None if total is None else Gpu(name, int(total), None if used is None else int(total - used))


def cpuinfo(text: str) -> Processor:
    """The processor from /proc/cpuinfo of Linux, on x86 and on Arm."""
    name = _field(text, "model name") or _field(text, "Model") or _field(text, "Hardware")
    pairs = set(
        zip(
            re.findall(r"physical id\s*:\s*(\d+)", text),
            re.findall(r"core id\s*:\s*(\d+)", text),
            strict=False,
        )
    )
    sockets = len({socket for socket, _ in pairs}) or 1
    cores = len(pairs) or len(re.findall(r"^processor\s*:", text, re.MULTILINE)) or None
    flags = set((_field(text, "flags") or _field(text, "Features")).split())
    return Processor(name, cores, sockets, instruction_sets(flags))


def instruction_sets(flags: set[str]) -> tuple[str, ...]:
    """The vector units that matter for unpacking weights, by the names Linux gives them."""
    known = {
        "amx": "amx_int8",
        "avx512": "avx512f",
        "avx2": "avx2",
        "neon-i8mm": "i8mm",
        "neon-dot": "asimddp",
        "neon": "asimd",
        "sse": "sse2",
    }
    return tuple(name for name, flag in known.items() if flag in flags)


def dmidecode_bps(text: str) -> float | None:
    """Bytes per second of the installed memory from `dmidecode -t 17`: modules x configured rate x 8 bytes.

    Two modules of one channel share its rate: they count once where the board names its channels.
    """
    channels: set[str] = set()
    rates: list[int] = []
    for number, device in enumerate(re.split(r"^Memory Device$", text, flags=re.MULTILINE)[1:]):
        rate = re.search(r"Configured (?:Memory|Clock) Speed:\s*(\d+)\s*M(?:T/s|Hz)", device)
        if not rate or not re.search(r"^\s*Size:\s*\d", device, re.MULTILINE):
            continue
        place = " ".join(re.findall(r"Locator:\s*(.+)", device))
        channel = re.search(r"(?:NODE|P|CPU)?\s*\d*\s*CH(?:ANNEL)?[ _-]?([A-P]|\d+)", place, re.IGNORECASE)
        socket = re.search(r"(?:NODE|CPU|PROC|P)[ _]?(\d)", place, re.IGNORECASE)
        channels.add(f"{socket[1] if socket else ''}/{channel[1]}" if channel else f"module {number}")
        rates.append(int(rate[1]))
    return len(channels) * min(rates) * 8e6 if rates else None


def cgroup_limit(maximum: str, current: str) -> tuple[int, int] | None:
    """(limit, free) bytes of a memory control group, None without a limit."""
    limit, used = _number(maximum), _number(current)
    if limit is None or used is None or limit >= 1 << 60:
        return None
    return int(limit), max(0, int(limit - used))


def sysctl(text: str) -> Processor:
    """Apple's processor from `sysctl machdep.cpu.brand_string hw.physicalcpu`."""
    name = _field(text, "machdep.cpu.brand_string")
    cores = _number(_field(text, "hw.physicalcpu"))
    arm = name.startswith("Apple")
    return Processor(
        name, None if cores is None else int(cores), 1, ("neon-dot", "neon") if arm else ("avx2",)
    )


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def _number(text: str) -> float | None:
    try:
        return float(text.strip())
    except ValueError:
        return None


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
