"""Does the account of memory hold where a model really ran? Against the buffers that programs logged.

    python -m benchmarks.fit.logs              the table of the README
    python -m benchmarks.fit.logs --list       and every buffer
    python -m benchmarks.fit.logs score FILE   rows of the same format that were not seen

The dangerous side is a device that takes more than its worst case, for then "fits" runs out of memory. The
rows are of other people's GPUs, split by log; no constant is fitted on them.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.fit import log_facts
from benchmarks.fit.anchors_memory import CACHES, SCRATCH
from benchmarks.fit.log_rows import Block, is_gpu, read
from benchmarks.fit.speed_rows import DATA
from ponder.fit.geometry import Geometry, Grouped, Latent
from ponder.fit.memory import BACKENDS, MIB, cache_bytes, device_memory
from ponder.fit.runtime import Runtime
from ponder.fit.scratch import Scratch, scratch

ROUNDING_MIB = 0.06
Formula = Callable[[Geometry, Runtime], float]


@dataclass(frozen=True)
class Compared:
    """One buffer in MiB: as logged, as expected, and the most it may be."""

    what: str
    log: str
    device: str
    logged: float
    expected: float
    worst: float
    shape: Geometry
    runtime: Runtime

    @property
    def error(self) -> float:
        return self.expected / self.logged - 1


def old_layout(shape: Geometry) -> Geometry:
    """The shape with heads instead of the latent in its cache."""
    kinds = [
        replace(kind, mixer=replace(kind.mixer, absorbed=False)) if isinstance(kind.mixer, Latent) else kind
        for kind in shape.kinds
    ]
    return replace(shape, kinds=tuple(kinds))


def cached(block: Block) -> Compared | None:
    """The whole cache, where its type is logged."""
    shape = block.shape
    if shape is None or block.cache_left_out():
        return None
    expanded = isinstance(shape.attention, Latent) and not block.latent
    geometry = old_layout(shape) if expanded else shape
    runtime = block.runtime()
    ours = cache_bytes(geometry, runtime) / MIB
    return Compared("cache", block.log, "all", block.total_mib, ours, ours, shape, runtime)


def scratches(block: Block, only_server: bool = False) -> list[Compared]:
    """The scratch buffer of every device that computes layers; `only_server`: other builds do not count."""
    shape = block.shape
    if shape is None or block.left_out():
        return []
    runtime, spilled = block.runtime(), block.spilled()
    needed = scratch(shape, runtime)
    needed = Scratch(needed.server, needed.server, 0) if only_server else needed
    sizes = block.sizes()
    staged = (sizes.largest_expert or max(sizes.fixed) // 3) if spilled else 0
    found = []
    for (device, kind), logged in block.buffers.items():
        if kind != "compute" or "Host" in device or not logged or (not is_gpu(device) and block.used):
            continue
        backend = "cuda" if "CUDA" in device else "vulkan" if is_gpu(device) else "cpu"
        split = len(block.used) > 1 and not spilled
        beside = staged if is_gpu(device) else 0
        memory = device_memory(backend, weights=0, cache=0, scratch=needed, staged=beside, split=split)
        most = memory.compute + memory.uncertainty - BACKENDS[backend].uncertainty_bytes
        what = f"scratch, {_where(backend, spilled)}"
        server, worst = memory.compute / MIB, most / MIB
        found.append(Compared(what, block.log, device, logged, server, worst, shape, runtime))
    return found


def _where(backend: str, spilled: bool) -> str:
    if backend != "cuda":
        return {"cpu": "processor", "vulkan": "Vulkan"}[backend]
    return "CUDA, a part in RAM" if spilled else "CUDA, all on GPUs"


def line(title: str, rows: Sequence[Compared]) -> str:
    errors = [abs(row.error) for row in rows]
    below = sum(row.logged > row.expected + ROUNDING_MIB for row in rows)
    beyond = sum(row.logged > row.worst + ROUNDING_MIB for row in rows)
    spare = median((row.worst - row.logged) / 1024 for row in rows)
    cells = (
        f"{len(rows)} | {len({row.log for row in rows})}",
        f"{median(errors):.1%} | {max(errors):.0%}",
        f"{below} | {beyond} | {spare:.2f} GiB",
    )
    return f"| {title} | {' | '.join(cells)} |"


def others(title: str, rows: Sequence[Compared], formulas: Iterable[tuple[str, Formula]]) -> None:
    """The same rows with published formulas, which have no worst case."""
    for name, formula in formulas:
        known = []
        for row in rows:
            if isinstance(row.shape.attention, Grouped | Latent):
                size = formula(row.shape, row.runtime) / MIB
                known.append(replace(row, expected=size, worst=size))
        if known:
            print(line(f"{title}: {name}", known))


def report(blocks: Sequence[Block], listing: bool) -> None:
    for what, reason_of in (("cache", Block.cache_left_out), ("scratch", Block.left_out)):
        found = Counter(reason_of(block) for block in blocks)
        print(f"{len(blocks)} starts; {what} of {found.pop('', 0)} compared, left out:")
        for reason, count in found.most_common():
            print(f"  {count:4} {reason}")
    caches = [row for block in blocks if (row := cached(block))]
    buffers = [row for block in blocks for row in scratches(block)]
    plain = [row for block in blocks for row in scratches(block, only_server=True)]
    print("\n| buffer | rows | starts | median error | largest | above expected | above worst case | spare |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    print(line("cache: ponder", caches))
    others("cache", caches, CACHES.items())
    for what in dict.fromkeys(row.what for row in buffers):
        own = [row for row in buffers if row.what == what]
        print(line(f"{what}: ponder", own))
        print(line(f"{what}: without the logits of other builds", [row for row in plain if row.what == what]))
        others(what, own, SCRATCH.items())
    if listing:
        for row in (*caches, *buffers):
            mark = " <<<" if row.logged > row.worst + ROUNDING_MIB else ""
            print(
                f"{row.what[:24]:24} {row.log[-130:-60]} {row.device:8} {row.logged:9.1f} "
                f"{row.expected:9.1f} {row.worst:9.1f}{mark}"
            )


def main() -> None:
    scored = sys.argv[1:2] == ["score"]
    path = Path(sys.argv[2]) if scored else DATA / "logged.csv"
    report(read(path), scored or "--list" in sys.argv)
    log_facts.report(path)


if __name__ == "__main__":
    main()
