"""Machines by name, without owning them: 595 devices offline, by what people call them.

A name is cut into words ("NVIDIA GeForce RTX 4090", "rtx4090" and "4090" mean the same), and the
device wins whose words contain all of them with the fewest left over. Published rows only: a field
no source gives stays None. When a name leaves variants open, the earliest launch wins, then the
smallest memory and bandwidth, so that a prediction never promises too much.
"""

import csv
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import cast

from ponder.core.hardware import Device, Hardware, Kind
from ponder.errors import InputError, NotFoundError

GIB = 1 << 30
MAX_DEVICES = 64
_NOISE = re.compile(
    "nvidia|geforce|amd|radeon|intel|apple|tesla|quadro|instinct|graphics|gpu|series|generation|google|card|"
    "founders|edition|fe|oc|eco|gaming|corporation|inc|tm|r|c|mac|macbook|studio|mini|imac|gb|gib|white|paper"
)
_SYNONYMS = {"laptop": "mobile", "hbm3": "sxm", "sxm2": "sxm", "sxm3": "sxm", "sxm4": "sxm", "sxm5": "sxm"}
_REWRITES = (
    (
        r"\((?:tm|r|c)\)|\b\d+[-\s\u2010\u2011]?(?:core|gpu|c)\b|\bmacbook (?:pro|air)|\bmac (?:pro|mini)",
        " ",
    ),
    (r"\bmax[- ]q\b", "maxq"),
    (r"\b(rtx|gtx|rx|arc)(?=[a-z]?\d)", r"\1 "),
    (r"\b(\d{3,4})(ti|super|xtx|xt|gre|d|ada)(super)?\b", r"\1 \2 \3"),
    (r"\b(m\d)(pro|max|ultra)\b", r"\1 \2"),
)
_MEMORY = re.compile(r"\b(\d{1,3}(?:\.\d+)?)\s*gi?b\b|\b(\d{1,2})g\b", re.IGNORECASE)
_COUNT = re.compile(r"^(\d{1,3})\s*[x×*]\s*(?=\D)", re.IGNORECASE)
_COUNT_AFTER = re.compile(r"\s+[x×]\s*(\d{1,3})$", re.IGNORECASE)
_MODULES = re.compile(
    r"^(\d{1,2})\s*(?:x|×|ch|channels?)?\s*(?:LP)?DDR[2345]X?[- ]?(\d{3,5})$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table, and the words of its name and of its aliases."""

    device: Device
    words: frozenset[str]
    aliases: tuple[frozenset[str], ...]


def _cut(name: str) -> tuple[str, ...]:
    text = name.lower()
    for pattern, replacement in _REWRITES:
        text = re.sub(pattern, replacement, text)
    parts = (_SYNONYMS.get(part, part) for part in re.split(r"[^a-z0-9]+", text) if part)
    return tuple(part for part in parts if not _NOISE.fullmatch(part))


def _number(text: str, unit: float) -> float | None:
    return float(text) * unit if text else None


def _entry(row: dict[str, str]) -> Entry:
    memory_bytes = _number(row["memory_gib"], GIB)
    device = Device(
        name=row["name"],
        vendor=row["vendor"],
        kind=cast("Kind", row["kind"]),
        generation=row["generation"],
        memory_bytes=None if memory_bytes is None else round(memory_bytes),
        bandwidth_bps=_number(row["bandwidth_gbps"], 1e9),
        fp16_flops=_number(row["fp16_tflops"], 1e12),
        fp32_flops=_number(row["fp32_tflops"], 1e12),
        memory_type=row["memory_type"],
        power_w=_number(row["tdp_w"], 1.0),
        link=row["link"],
        launch_year=int(row["launch_year"]) if row["launch_year"] else None,
        source=row["source"],
    )
    aliases = tuple(frozenset(_cut(alias)) for alias in row["aliases"].split(";") if alias)
    return Entry(device, frozenset(_cut(_MEMORY.sub(" ", row["name"]))), aliases)


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a CSV file of the package's data folder."""
    with (files("ponder.fit") / "data" / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@lru_cache(maxsize=1)
def table() -> tuple[Entry, ...]:
    """All known devices. The file's columns are GiB, GB/s (1e9) and dense fp16 TFLOP/s."""
    return tuple(_entry(row) for row in rows("devices.csv"))


def find(name: str) -> Device:
    """Return the device that `name` means; a memory size in the name ("M4 Pro 24GB") is taken over.

    Raises:
        NotFoundError: no device has all words of the name; the message holds the nearest names.
    """
    given = _MEMORY.search(name)
    memory_gib = float(given[1] or given[2]) if given else None
    words = frozenset(_cut(_MEMORY.sub(" ", name)))
    matches = [entry for entry in table() if words and (words <= entry.words or words in entry.aliases)]
    if not matches:
        near = (
            ", ".join(nearest(name))
            or "none: write it as its maker does, such as 'RTX 4090' or 'M4 Pro 24GB'"
        )
        raise NotFoundError(f"No device is called {name!r}; near it: {near}.")
    best = min(matches, key=lambda entry: _preference(entry, words, memory_gib)).device
    if memory_gib is None or _has_memory(best, memory_gib):
        return best
    return replace(best, memory_bytes=round(memory_gib * GIB), source=best.source + "; memory as given")


def _has_memory(device: Device, memory_gib: float) -> bool:
    return device.memory_bytes is not None and abs(device.memory_bytes / GIB / memory_gib - 1) < 0.05


def _preference(entry: Entry, words: frozenset[str], memory_gib: float | None) -> tuple[float, ...]:
    device = entry.device
    extra = 0 if words in entry.aliases else len(entry.words - words)
    other_memory = memory_gib is not None and not _has_memory(device, memory_gib)
    variant = (device.launch_year or 9999, device.memory_bytes or 0, device.bandwidth_bps or 1e15)
    return (other_memory and extra > 0, extra, other_memory, *variant)


def nearest(name: str, count: int = 3) -> list[str]:
    """Names of the table that look most like `name`, best first, for a message."""
    names = {" ".join(_cut(entry.device.name)): entry.device.name for entry in table()}
    return [names[key] for key in get_close_matches(" ".join(_cut(name)), names, n=count, cutoff=0.5)]


def find_all(text: str) -> tuple[Device, ...]:
    """Return the devices of a machine such as "2x RTX 3090" or "RTX 4090 + 2x RTX 3090".

    Raises:
        InputError: a count below 1 or above 64.
        NotFoundError: a name is unknown.
    """
    found: list[Device] = []
    for raw in re.split(r"\s\+\s|,", text):
        part = raw.strip()
        count = _COUNT.search(part) or _COUNT_AFTER.search(part)
        name = part.replace(count[0], " ").strip() if count else part
        number = int(count[1]) if count else 1
        if not 1 <= number <= MAX_DEVICES:
            raise InputError(
                f"{part!r} asks for {number} devices; give 1 to {MAX_DEVICES}, such as '2x RTX 3090'."
            )
        found += [find(name)] * number
    return tuple(found)


def ram_bandwidth_bps(modules: str) -> float:
    """Theoretical bytes per second of memory modules, such as "8x DDR5-4800": channels x rate x 8 bytes.

    Raises:
        InputError: the text is not of that shape.
    """
    match = _MODULES.match(modules.strip())
    if not match:
        raise InputError(f"{modules!r} is no memory; write channels and rate, such as '2x DDR5-5600'.")
    return int(match[1]) * int(match[2]) * 8e6


def platform_bandwidth(cpu: str) -> tuple[float, str] | None:
    """Bytes per second of one socket of a processor at its highest official memory rate, and the source.

    None when the processor is unknown. Fewer or slower modules than the specification allows give less. The
    source of a row that no document at hand confirms ends in "unverified".
    """
    for row in rows("platforms.csv"):
        if re.search(row["pattern"], cpu, re.IGNORECASE):
            bytes_at_once = int(row["channels"]) * int(row["channel_bits"]) / 8
            source = row["source"] if row["verified"] == "yes" else f"{row['source']}; unverified"
            return bytes_at_once * int(row["rate_mts"]) * 1e6, source
    return None


CORE_BPS = 20e9
"""The most that one core reads: some 30 cache lines of 64 bytes in flight at 90 ns each."""

SECOND_SOCKET = 0.4
"""What a second processor adds to the bandwidth, and to products of large matrices: the memory of either is
far from half of the threads."""

COPY_SHARE = 0.76
"""What copying reaches of the modules' rate; STREAM: 148 of 204.8 GB/s (EPYC), 490 of 614 (two Xeons)."""

MATRIX_FLOPS = {
    "amx": 600e9,
    "avx512": 600e9,
    "avx2": 200e9,
    "neon-i8mm": 400e9,
    "neon-dot": 150e9,
    "neon": 32e9,
    "sse": 24e9,
    "": 6e9,
}
"""Relative rate of one core in products of matrices: integer dot products of AVX-512 are three times AVX2
(R1, per core: EPYC 9374F 0.116 and 2x EPYC 9115 0.107, against two E5-2690 v3 0.031 TFLOP/s)."""

CORE_FLOPS = {
    "avx512": 400e9,
    "amx": 400e9,
    "avx2": 200e9,
    "neon-i8mm": 300e9,
    "neon-dot": 100e9,
    "neon": 32e9,
    "sse": 24e9,
    "": 6e9,
}
"""Unpacking rate of a core by its widest vector unit at 3 GHz; integer dot products count fourfold, matrix
instructions (i8mm) twelvefold."""


def market(device: Device) -> str:
    """Who a device is sold to, cheapest class first in MARKETS. No prices are known here, only this order."""
    name = device.name
    if device.kind == "unified":
        return "unified"
    if device.memory_type.startswith("HBM") or re.search(
        r"^(A\d|L\d|H\d|B\d|Tesla|PG5)|Instinct|Data Center|TPU", name
    ):
        return "datacentre"
    if re.search(r"RTX (A?\d000|PRO|6000D|500|2000|A)|Quadro|Pro |PRO|^T\d+|Arc Pro", name):
        return "workstation"
    return "consumer"


MARKETS = ("consumer", "unified", "workstation", "datacentre")


def disk(hardware: Hardware) -> Device:
    """The disk as a device from which weights are paged; its rate may be unknown."""
    return Device("disk", "", "disk", "", bandwidth_bps=hardware.disk_read_bps)


def processor(hardware: Hardware) -> Device:
    """The processor with its RAM as a device that can hold layers or experts.

    The bandwidth is that of one socket plus little for a second one, and no more than the cores can ask for,
    unless it was measured. RAM whose bandwidth is unknown stays unknown.
    """
    sets = hardware.instruction_sets
    best = next((name for name in CORE_FLOPS if name in sets), "")
    both = 1 + SECOND_SOCKET * (hardware.sockets > 1)
    bandwidth = hardware.ram_bandwidth_bps
    if bandwidth is not None and hardware.ram_bandwidth_known in {"measured", "disturbed"}:
        bandwidth /= COPY_SHARE
    elif bandwidth is not None:
        asked = hardware.cores / hardware.sockets * CORE_BPS if hardware.cores else bandwidth
        bandwidth = min(bandwidth, asked) * both
    return Device(
        name=hardware.cpu or "processor",
        vendor="",
        kind="cpu",
        generation="arm" if best.startswith("neon") else "x86" if best else "",
        memory_bytes=hardware.ram_bytes,
        free_bytes=hardware.free_ram_bytes,
        bandwidth_bps=bandwidth,
        fp16_flops=hardware.cores / hardware.sockets * both * MATRIX_FLOPS[best] if hardware.cores else None,
        fp32_flops=hardware.cores * CORE_FLOPS[best] if hardware.cores else None,
        link="RAM",
        cores=hardware.cores,
    )
