"""What was logged beside buffers: weights of a device, vLLM's pools, and the peaks that users report.

Facts are single lines, each printed with ours beside it. A user's report counts as a measurement only if the
same machine did not report the same number for another model or another context.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from benchmarks.fit.anchors_memory import SCRATCH
from benchmarks.fit.speed_rows import DATA, quant_name, shape_name, shapes
from ponder.errors import PonderError
from ponder.fit.devices import find
from ponder.fit.memory import MIB, cache_bytes, device_memory
from ponder.fit.rooms import visible_bytes
from ponder.fit.runtime import Runtime
from ponder.fit.scratch import scratch
from ponder.fit.sizes import weight_bytes
from ponder.fit.vllm import BLOCK_TOKENS, Server, pool, token_bytes

GIB = 1 << 30
Row = Mapping[str, str]


def read(path: Path = DATA / "logged.csv") -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [
            row
            for row in csv.DictReader(lines)
            if row["kind"] == "memory" and "_llama.cpp log" not in row["engine"]
        ]


def facts(rows: list[dict[str, str]]) -> Iterator[tuple[str, str, float, float]]:
    """(what, unit, logged, ours) of the lines whose quantity is known exactly."""
    known = shapes()
    for row in rows:
        value, engine = float(row["value"]), row["engine"]
        name = shape_name(re.sub(r" \(.*", "", row["model"])) or row["model"]
        shape = known.get(name)
        if shape is None:
            continue
        what = f"{name} {row['quant']}, {engine.split(' | ')[0][:60]}, {row['hardware'][:40]}"
        if row["unit"] == "KV cache tokens":
            ours = pool_tokens(row, name)
            if ours:
                yield what, "tokens", value, ours
            continue
        sizes = weight_bytes(shape, row["quant"]) if row["quant"] in {"Q4_K_M", "F16"} else None
        some = re.search(r"(\d+) of (\d+) layers", row["hardware"])
        if sizes and "model buffer" in engine and "CUDA0" in engine:
            layers = int(some[1]) if some else 0
            held = (
                sum(sizes.fixed[-layers:]) + sum(sizes.routed[-layers:])
                if some
                else sizes.head + sum(sizes.fixed) + sum(sizes.routed)
            )
            yield what, "MiB", value, held / MIB
        elif sizes and "(token embeddings)" in engine:
            yield what, "MiB", value, sizes.embedding / MIB
        elif sizes and "all layers on device" in engine:
            runtime = Runtime(int(row["context"]))
            needed = scratch(shape, runtime)
            held = sizes.head + sum(sizes.fixed) + sum(sizes.routed) + cache_bytes(shape, runtime)
            yield what, "MiB", value, (held + needed.most) / MIB
        elif "device context" in engine:
            yield what, "MiB", value, cache_bytes(shape, Runtime(int(row["context"]))) / MIB
        elif sizes and "device compute" in engine:
            needed = scratch(shape, Runtime(int(row["context"])))
            memory = device_memory("cuda", weights=0, cache=0, scratch=needed, staged=sizes.largest_expert)
            yield what, "MiB", value, memory.compute / MIB


def pool_tokens(row: Row, name: str) -> float:
    """Tokens of vLLM's pool: by the whole account where the card is known, else from the bytes it logged."""
    shape = shapes()[name]
    given, use = (
        re.search(r"([\d.]+) GiB available", row["engine"]),
        re.search(r"utilization ([\d.]+)", row["hardware"]),
    )
    gpus = int(row["n_gpus"])
    if given:
        each = BLOCK_TOKENS * token_bytes(shape, gpus)
        return float(given[1]) * GIB // each * BLOCK_TOKENS
    if use:
        card = visible_bytes(find(re.sub(r"^\d+x | \d+GB.*", "", row["hardware"])))
        server = Server(card, gpus, float(use[1]))
        return pool(shape, row["quant"], server, int(row["context"])).tokens
    if row["hardware"].startswith("CPU"):
        return 4 * GIB // (BLOCK_TOKENS * token_bytes(shape)) * BLOCK_TOKENS
    return 0


def reported(rows: list[dict[str, str]]) -> list[tuple[float, float, float, float]]:
    """(reported, ours, ours at worst, llmfit's rule) in GB of the peaks that may be measurements."""
    own = [row for row in rows if "peak VRAM" in row["unit"]]
    seen = defaultdict(set)
    for row in own:
        seen[row["hardware"], row["value"]].add((shape_name(row["model"]), row["context"]))
    found = []
    for row in own:
        shape, value = shapes().get(shape_name(row["model"])), float(row["value"])
        card = re.search(r"\((\d+) GB", row["hardware"])
        if (
            shape is None
            or len(seen[row["hardware"], row["value"]]) > 1
            or (card and value >= float(card[1]))
        ):
            continue
        try:
            sizes = weight_bytes(shape, quant_name(row) or row["quant"])
        except PonderError:
            continue
        runtime = Runtime(int(row["context"]))
        memory = device_memory(
            "cuda",
            weights=sizes.head + sum(sizes.fixed) + sum(sizes.routed),
            cache=cache_bytes(shape, runtime),
            scratch=scratch(shape, runtime),
        )
        other = sizes.file + cache_bytes(shape, runtime) + SCRATCH["llmfit"](shape, runtime)
        found.append((value, memory.total / 1e9, memory.worst / 1e9, other / 1e9))
    return found


def report(path: Path = DATA / "logged.csv") -> None:
    rows = read(path)
    print("\n| logged | unit | value | ponder | error |\n|---|---|---:|---:|---:|")
    for what, unit, value, ours in facts(rows):
        print(f"| {what} | {unit} | {value:,.0f} | {ours:,.0f} | {ours / value - 1:+.1%} |")
    peaks = reported(rows)
    if peaks:
        for name, place in (("expected", 1), ("worst case", 2), ("llmfit's rule", 3)):
            below = sum(peak[place] < peak[0] for peak in peaks)
            off = median(abs(peak[place] / peak[0] - 1) for peak in peaks)
            print(
                f"peaks that users reported, {name}: {len(peaks)} rows, median error {off:.0%}, below {below}"
            )
