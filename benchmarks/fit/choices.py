"""What is recommended for usual machines and every kind of question, and how long an answer takes there.

    python -m benchmarks.fit.choices [--reasons]

No measurement: a table for people who know such machines to disagree with.
"""

import sys

from ponder.core.hardware import Hardware
from ponder.fit.choice import among_models
from ponder.fit.plan import Wish
from ponder.fit.quality import TASKS
from ponder.fit.recommend import seconds, spelled_s
from ponder.fit.subject import everything
from ponder.fit.whatif import Given, with_given

MACHINES = {
    "Raspberry Pi 5, 8 GB": Given(ram_gib=8, ram_bandwidth_gbps=17, cores=4),
    "no GPU, 16 GB": Given(ram_gib=16, ram_bandwidth_gbps=50, cores=8),
    "no GPU, 64 GB": Given(ram_gib=64, ram_bandwidth_gbps=80, cores=16),
    "laptop, RTX 4060 8 GB": Given("RTX 4060 Laptop", 16, 80, cores=8),
    "RTX 3060 12 GB + 32 GB": Given("RTX 3060 12GB", 32, 50, cores=8),
    "RTX 4090 + 64 GB": Given("RTX 4090", 64, 80, cores=16),
    "2x RTX 3090 + 64 GB": Given("2x RTX 3090", 64, 80, cores=16),
    "M4 Max 128 GB": Given("M4 Max 128GB"),
    "M3 Ultra 512 GB": Given("M3 Ultra 512GB"),
    "EPYC 768 GB + RTX 4090": Given("RTX 4090", 768, 460, cores=64),
    "8x H100": Given("8x H100 SXM5 80GB", 1152, 460, cores=64),
}
"""Name: GPUs, GiB of RAM, GB/s of RAM."""


def main(reasons: bool = False) -> None:
    print("| machine | " + " | ".join(TASKS) + " |")
    print("|---|" + "---|" * len(TASKS))
    why = []
    for name, given in MACHINES.items():
        row = []
        for task in TASKS:
            best = among_models(with_given(Hardware(), given), Wish(task=task), everything()).best
            row.append(f"{best.plan.model}, {spelled_s(seconds(best.plan))}" if best else "nothing")
            if best:
                why.append(f"{name}, {task}: {best.plan.model} {best.plan.quantisation}, {best.reason}.")
        print(f"| {name} | " + " | ".join(row) + " |")
    if reasons:
        print("\n" + "\n".join(why))


if __name__ == "__main__":
    main("--reasons" in sys.argv)
