"""Logged buffer sizes of llama.cpp and ik_llama.cpp, read into blocks: one start of one program each.

A block holds what every device allocated, and how the program was started. Rules look at the log and its
source, never at a prediction; a block that is not compared keeps its reason.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fit.speed_rows import DATA, quant_name, shape_name, shapes
from ponder.core.hardware import Device
from ponder.errors import PonderError
from ponder.fit.devices import find
from ponder.fit.geometry import Geometry, Latent
from ponder.fit.runtime import Runtime
from ponder.fit.sizes import WeightBytes, weight_bytes

NEAR_LINES = 40
_BUFFER = re.compile(r'log "(?P<device>\S+?)\)? (?P<kind>KV|compute) buffer"')
_OTHER_NAMES = {"Models-?B-[qwen3moe]": "Qwen3-235B-A22B", "Kimi-K2": "Kimi-K2-Instruct"}


@dataclass
class Block:
    """One start: buffers by (device, kind) in MiB, `total_mib` of the cache, types of its keys and values."""

    log: str
    raw_model: str
    row: dict[str, str]
    settings: dict[str, str]
    buffers: dict[tuple[str, str], float] = field(default_factory=dict)
    total_mib: float = 0.0
    types: tuple[str, ...] = ()
    latent: bool = False

    @property
    def mainline(self) -> bool:
        """llama.cpp itself, not its fork."""
        return self.settings.get("mla") == "None"

    @property
    def shape(self) -> Geometry | None:
        hyphened = re.sub(r"[ _]+", "-", self.raw_model.replace("LLaMA v2", "Llama-2").replace("Meta_", ""))
        other = next((name for pattern, name in _OTHER_NAMES.items() if hyphened.startswith(pattern)), "")
        return shapes().get(other or shape_name(hyphened))

    @property
    def gpus(self) -> tuple[Device, ...]:
        """The cards of the machine, of which a start may use some only."""
        try:
            names = [name.removeprefix("NVIDIA ") for name in self.row["hardware"].split(", ")]
            return tuple(find(name) for name in names)
        except PonderError:
            return ()

    @property
    def used(self) -> list[str]:
        """GPUs that hold a part of the cache, in order."""
        return [device for device, kind in self.buffers if kind == "KV" and is_gpu(device)]

    def runtime(self) -> Runtime:
        """The settings; ik_llama.cpp has no smaller cache for windows."""
        flash, batch = self.settings["fa"] == "1", int(self.settings["n_batch"])
        micro = int(self.settings["n_ubatch"])
        keys = self.types[0] if self.types else "f16"
        values = self.types[-1] if flash and self.types else "f16"
        context = int(self.row["context"])
        return Runtime(
            context, keys, values, flash, ubatch=micro, batch=max(batch, micro), full_window=not self.mainline
        )

    def sizes(self) -> WeightBytes:
        """The weights of the nearest recipe."""
        assert self.shape
        quant = quant_name(self.row) or re.sub(r"_R\d$", "", self.row["quant"].split(" ")[0])
        near = {
            "Q4": "Q4_K_M",
            "IQ4": "IQ4_XS",
            "IQ3": "IQ3_S",
            "IQ2": "IQ2_S",
            "IQ1": "IQ1_S",
            "IQ6": "Q6_K",
        }
        for name in (quant, near.get(quant.split("_")[0], "Q4_K_M")):
            try:
                return weight_bytes(self.shape, name)
            except PonderError:
                continue
        return weight_bytes(self.shape, "Q4_K_M")

    def spilled(self) -> bool:
        """Whether weights were in RAM: the file is larger than the cards, or the cache is there."""
        cards = sum(gpu.memory_bytes or 0 for gpu in self.gpus)
        return self.sizes().file > cards or any(
            not is_gpu(device) for device, kind in self.buffers if kind == "KV"
        )

    def mixed_up(self) -> bool:
        """Whether more devices wrote this log than the machine has: two logs in one."""
        return len({device for device, _ in self.buffers if is_gpu(device)}) > max(1, int(self.row["n_gpus"]))

    def cache_left_out(self) -> str:
        """Why its cache is not compared, or empty."""
        if self.shape is None or self.mixed_up():
            return self.left_out()
        if not self.total_mib or not self.types:
            return "cut off before the total of the cache"
        if isinstance(self.shape.attention, Latent):
            if len(self.types) > 1 and self.latent:
                return "MLA with a second, transposed cache (ik_llama.cpp -mla 1, or an early -mla 2)"
            if self.mainline and self.settings.get("fa") == "1":
                return "llama.cpp's first MLA, which kept values too"
        return ""

    def left_out(self) -> str:
        """Why its scratch memory is not compared, or empty."""
        if self.mixed_up():
            return "more devices than the machine has: two logs in one"
        if self.shape is None:
            return "the model's shape is not known here"
        if isinstance(self.shape.attention, Latent) and not self.mainline:
            return "MLA of ik_llama.cpp: an algorithm of its own (-mla, -amb)"
        if isinstance(self.shape.attention, Latent) and self.settings.get("fa") == "0":
            return "llama.cpp before its MLA"
        return ""


def is_gpu(device: str) -> bool:
    return not re.search(r"CPU|Host", device)


def read(path: Path = DATA / "logged.csv") -> list[Block]:
    """Every block of a file in the format of measured.csv."""
    with path.open(encoding="utf-8") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["kind"] == "memory" and "_llama.cpp log" in row["engine"]
        ]
    return list(_blocks(rows))


def _blocks(rows: list[dict[str, str]]) -> Iterator[Block]:
    block, last = None, ("", 0)
    for row in rows:
        found = re.search(r"(.*):(\d+)$", row["source"])
        where = (found[1], int(found[2])) if found else (row["source"], 0)
        settings = row["engine"].rsplit("| ", 1)[-1]
        start = (where[0], row["model"], row["quant"], row["context"], row["hardware"], settings)
        same = block and block.log == repr(start) and abs(where[1] - last[1]) < NEAR_LINES
        buffer = _BUFFER.search(row["engine"])
        key = (buffer["device"], buffer["kind"]) if buffer else None
        if not same or (block and key in block.buffers):
            if block:
                yield block
            block = Block(repr(start), row["model"], row, dict(re.findall(r"(\w+)=(\w+)", settings)))
        assert block
        if key:
            block.buffers[key] = float(row["value"])
        else:
            block.total_mib = float(row["value"])
            block.latent = "c^KV" in row["engine"]
            block.types = tuple(re.findall(r"(?:c\^KV|kv\^T|K|V) \((\w+)\)", row["engine"]))
        last = where
    if block:
        yield block
