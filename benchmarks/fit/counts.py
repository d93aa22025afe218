"""Total and active parameters of every model from its configuration alone, against what was published.

    python -m benchmarks.fit.counts

Publishers round, and count the tables of a mixture's active parameters differently: all of them, without the
embedding that a token only looks up, or without embedding and head. The nearest of the three is named.
"""

import csv
from dataclasses import dataclass

from benchmarks.fit.speed_rows import DATA
from ponder.catalog.models import find_model
from ponder.fit.configs import from_config
from ponder.fit.tensors import parameters

FAR = 0.02
CONVENTIONS = ("all", "without embedding", "without embedding and head")


@dataclass(frozen=True)
class Counted:
    """One model: published and counted parameters; `active` by CONVENTIONS."""

    model: str
    published_total: int
    published_active: int
    total: int
    active: tuple[int, int, int]
    source: str

    @property
    def is_mixture(self) -> bool:
        return self.active[0] != self.total

    @property
    def total_error(self) -> float:
        return self.total / self.published_total - 1 if self.published_total else 0.0

    @property
    def nearest(self) -> int:
        """The convention whose count is nearest the published one."""
        return min(range(3), key=lambda i: abs(self.active[i] - self.published_active))

    def active_error(self, convention: int) -> float:
        return self.active[convention] / self.published_active - 1


def counted() -> list[Counted]:
    found = []
    with (DATA / "published_parameters.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            geometry = from_config(find_model(row["model"]).config)
            counts = parameters(geometry)
            head = 0 if geometry.tied else geometry.vocab * geometry.hidden
            without = counts.active_without_embedding
            active = (counts.active, without, without - head)
            total, used = int(row["total"] or 0), int(row["active"] or 0)
            found.append(Counted(row["model"], total, used, counts.total, active, row["source"]))
    return found


def main() -> None:
    print("| model | published | ours | error | active | ours | error | nearest way to count | error |")
    print("|---|---:|---:|---:|---:|---:|---:|---|---:|")
    rows = counted()
    for row in rows:
        cells = "all of them | | | | "
        if row.is_mixture:
            cells = f"not published | {row.active[0] / 1e9:.2f}B | | | "
        if row.is_mixture and row.published_active:
            near = row.nearest
            cells = (
                f"{row.published_active / 1e9:.4g}B | {row.active[0] / 1e9:.2f}B "
                f"| {row.active_error(0):+.1%}"
                f" | {CONVENTIONS[near]} | {row.active_error(near):+.1%}"
            )
        print(
            f"| {row.model} | {row.published_total / 1e9:.4g}B | {row.total / 1e9:.2f}B "
            f"| {row.total_error:+.2%} | {cells} |"
        )
    mixtures = [row for row in rows if row.is_mixture and row.published_active]
    far = [row.model for row in mixtures if abs(row.active_error(0)) > FAR]
    still = [row.model for row in mixtures if abs(row.active_error(row.nearest)) > FAR]
    worst = max(rows, key=lambda row: abs(row.total_error))
    print(f"\n{len(rows)} models; largest error of a total {worst.total_error:+.2%} ({worst.model}).")
    print(f"Active counts more than 2 % off as all parameters: {', '.join(far) or 'none'};")
    print(f"by the publisher's nearest way to count: {', '.join(still) or 'none'}.")


if __name__ == "__main__":
    main()
