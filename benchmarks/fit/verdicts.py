"""Does it say "fits" where the model ran in GPU memory, and "does not fit" where it spilled?

    python -m benchmarks.fit.verdicts

The truth is read off the measured speed, which knows nothing of our account of memory: a row (one GPU, or
layers over several) that wrote at 60 % or more of the predicted rate was in GPU memory; one that wrote at
less than 35 % had to fetch a part from elsewhere. What lies between says nothing and is left out. The context
is the row's depth, 2,048 tokens at least where a server chose it. The anchors' rules get the same rows.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from benchmarks.fit.speed_places import sizes_of, stages
from benchmarks.fit.speed_rows import DATA, Row, load, shapes
from ponder.core.hardware import Hardware
from ponder.fit.memory import cache_by_layer, output_bytes
from ponder.fit.place import Load, Placer
from ponder.fit.rooms import rooms
from ponder.fit.runtime import Runtime
from ponder.fit.scratch import Scratch, scratch
from ponder.fit.speed import token_time_s

IN_MEMORY, SPILLED = 0.6, 0.35
SERVED_CTX = 2048
GIB = 1 << 30
SPILL_REASON = "weights and cache exceed the memory"


def load_of(row: Row) -> Load:
    """What has to be placed, with the context that the row needed."""
    least = 256 if row.protocol.startswith("llama-bench") else SERVED_CTX
    runtime = Runtime(max(least, int(row.depth)))
    geometry = shapes()[row.model]
    cache, needed = cache_by_layer(geometry, runtime), scratch(geometry, runtime)
    return Load(sizes_of(row), cache, needed, output_bytes(geometry, runtime))


def ours(row: Row, load: Load) -> bool:
    placed = Placer(load, rooms(Hardware(row.devices))).best()
    return placed is not None


def memory_of(row: Row) -> int:
    return sum(device.memory_bytes or 0 for device in row.devices)


def llmfit(row: Row, load: Load) -> bool:
    """Weights, cache and 0.5 GB against all memory (planner formulas as published)."""
    return load.least_bytes + GIB // 2 <= memory_of(row)


def bare(row: Row, load: Load) -> bool:
    """The file's size against the memory: what model cards say."""
    return load.sizes.file <= memory_of(row)


def today(row: Row, load: Load) -> bool:
    """Ours without what builds before today's reserve beside it."""
    return ours(row, replace(load, scratch=Scratch(load.scratch.server, load.scratch.server, 0)))


def with_margin(row: Row, load: Load, margin_mib: int) -> bool:
    """Ours with so much more scratch on each device."""
    needed, more = load.scratch, margin_mib << 20
    wider = replace(needed, server=needed.server + more, most=needed.most + more)
    return ours(row, replace(load, scratch=wider))


RULES: dict[str, Callable[[Row, Load], bool]] = {
    "ponder": ours,
    "ponder, today's llama-server only": today,
    "ponder, 256 MiB more": partial(with_margin, margin_mib=256),
    "ponder, 512 MiB more": partial(with_margin, margin_mib=512),
    "weights + cache + 0.5 GB (llmfit)": llmfit,
    "size of the file": bare,
}


def truth(row: Row) -> bool | None:
    """Whether it was in GPU memory; None where the speed does not tell."""
    reached = row.value_tps * token_time_s(stages(row), row.depth, row.protocol != "llama-bench 2024")
    return True if reached >= IN_MEMORY else False if reached < SPILLED else None


def judged() -> list[tuple[Row, Load, bool]]:
    rows = []
    for row in load(DATA / "measured.csv"):
        known = row.kind == "decode" and row.placement in {"single", "layers"} and row.devices
        if not known or (row.reason and not row.reason.startswith(SPILL_REASON)) or not memory_of(row):
            continue
        fact = truth(row)
        if fact is not None:
            rows.append((row, load_of(row), fact))
    return rows


def main() -> None:
    rows = judged()
    facts = Counter(fact for _, _, fact in rows)
    print(f"{facts[True]} rows ran in GPU memory, {facts[False]} spilled\n")
    print('| rule | "does not fit", but it did | "fits", but it spilled |\n|---|---:|---:|')
    for name, rule in RULES.items():
        wrong = Counter(fact for row, needs, fact in rows if rule(row, needs) != fact)
        refused, promised = (f"{wrong[fact]} of {facts[fact]}" for fact in (True, False))
        print(f"| {name} | {refused} ({wrong[True] / max(1, facts[True]):.1%}) | {promised} |")
    for row, needs, fact in rows:
        if ours(row, needs) != fact:
            said = "refused" if fact else "promised"
            what = f"{row.model} {row.raw_quant or row.quant}, {row.hardware}"
            print(f"  {said}: {what}, {row.value_tps:.1f} tok/s")


if __name__ == "__main__":
    main()
