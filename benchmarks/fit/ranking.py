"""How long the calculator takes: one prediction, and the whole ranking of a machine.

    python -m benchmarks.fit.ranking [--rounds 7]

The models are read once before (printed first: it is part of the import); then, for each machine in turn,
medians of one plan of R1-Distill-Qwen-32B and of the ranking of all models, quantisations and contexts (each
plan has the context of its task, and the longest that its placement has room for). Beside them the least
processor time of a ranking, which other programs disturb less than the clock on the wall.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from ponder.core.hardware import Hardware
from ponder.fit.devices import find_all
from ponder.fit.plan import Planner, Wish
from ponder.fit.rank import rank
from ponder.fit.subject import catalogued, everything

GIB = 1 << 30
MACHINES: tuple[tuple[str, str, float], ...] = (
    ("no GPU, 16 GiB", "", 16),
    ("RTX 4090, 64 GiB", "RTX 4090", 64),
    ("2x RTX 3090, 64 GiB", "2x RTX 3090", 64),
    ("M4 Max 128GB", "M4 Max 128GB", 128),
    ("8x H100, 2 TiB", "8x H100", 2048),
)
"""Name, GPUs, GiB of RAM (80 GB/s)."""


def median_ms(action: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(times)


def least_cpu_ms(action: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        action()
        times.append(time.process_time() - begun)
    return 1e3 * min(times)


def machine(gpus: str, ram_gib: float) -> Hardware:
    devices = find_all(gpus) if gpus else ()
    return Hardware(devices, ram_bytes=round(ram_gib * GIB), ram_bandwidth_bps=80e9, cores=16)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    begun = time.perf_counter()
    models = len(tuple(everything()))
    print(f"{models} models read in {1e3 * (time.perf_counter() - begun):.0f} ms\n")
    subject = catalogued("deepseek-r1:32b")
    print(
        "| machine | one prediction, ms | ranking, ms | processor, ms | plans that fit | first ranking, ms |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for name, gpus, ram_gib in MACHINES:
        hardware = machine(gpus, ram_gib)
        begun = time.perf_counter()
        plans = rank(hardware)
        first_ms = 1e3 * (time.perf_counter() - begun)

        def one(hardware: Hardware = hardware) -> object:
            planner = Planner(hardware, Wish())
            chosen = planner.choose(subject, "Q4_K_M")
            return chosen and planner.plan(subject, "Q4_K_M", *chosen)

        def whole(hardware: Hardware = hardware) -> object:
            return rank(hardware)

        row = median_ms(one, 10 * rounds), median_ms(whole, rounds), least_cpu_ms(whole, rounds)
        print(f"| {name} | {row[0]:.2f} | {row[1]:.0f} | {row[2]:.0f} | {len(plans)} | {first_ms:.0f} |")


if __name__ == "__main__":
    main()
