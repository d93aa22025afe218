"""File sizes without the files, against published ones: python -m benchmarks.fit.sizes"""

import statistics
from time import perf_counter

from tests.fit.models import distinct, geometry, table

from benchmarks.fit.anchors_memory import WEIGHTS
from ponder.fit.mix import BASE
from ponder.fit.sizes import weight_bytes
from ponder.fit.tensors import parameters

UNITS = {"bytes": 1.0, "GB": 1e9, "GiB": 2.0**30}


def errors() -> None:
    """Error of every published size, exact sizes and rounded ones apart."""
    print("| sizes | rows | mean error | largest |\n|---|---:|---:|---:|")
    rows = table("published_sizes.csv")
    for label, wanted in (("exact to the byte", {"bytes"}), ("rounded to 3 or 4 digits", {"GB", "GiB"})):
        found = []
        for row in rows:
            if row["unit"] in wanted:
                real = float(row["size"]) * UNITS[row["unit"]]
                found.append(abs(weight_bytes(geometry(row["id"]), row["quantisation"]).file / real - 1))
        print(f"| {label} | {len(found)} | {statistics.mean(found):.4%} | {max(found):.4%} |")


def against_others() -> None:
    """Q4_K_M, the one quantisation whose constant other planners publish."""
    rows = [row for row in table("published_sizes.csv") if row["quantisation"] == "Q4_K_M"]
    print(
        "\n| Q4_K_M | published, GB | ponder |",
        " | ".join(WEIGHTS),
        "|\n|---|---:|---:|" + "---:|" * len(WEIGHTS),
    )
    for row in rows:
        real, shape = float(row["size"]) * UNITS[row["unit"]], geometry(row["id"])
        sizes = [weight_bytes(shape, "Q4_K_M").file, *(formula(shape) for formula in WEIGHTS.values())]
        print(
            f"| {row['id']} | {real / 1e9:.3f} |",
            " | ".join(f"{size / real - 1:+.2%}" for size in sizes),
            "|",
        )


def speed() -> None:
    """How long sizes of every model in every quantisation take, cold."""
    start = perf_counter()
    for shape in distinct().values():
        parameters(shape)
        for quant in BASE:
            weight_bytes(shape, quant)
    count = len(distinct()) * len(BASE)
    print(f"\n{count} (model, quantisation) pairs: {(perf_counter() - start) * 1e3:.0f} ms, nothing cached.")


def main() -> None:
    speed()
    errors()
    against_others()


if __name__ == "__main__":
    main()
