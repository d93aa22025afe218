"""What came out of one evaluation, with all that was held fixed: what tables and JSON are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ponder.evaluate.folder import Folder
from ponder.evaluate.sample import Sample
from ponder.evaluate.statistics.summary import Against, Figures, Same, against, figures


@dataclass(frozen=True, slots=True)
class Result:
    """`label` names the model and how it was asked; `against` compares it with the first of its task,
    `by_level` at each level; of `wanted` samples `missing` were not taken.
    """

    label: str
    fixed: Mapping[str, Any]
    engines: tuple[str, ...]
    slots: int
    figures: Figures
    against: Against | None
    by_level: tuple[tuple[str, Against], ...]
    wanted: int
    missing: int
    folder: str


def result_of(
    label: str, folder: Folder, asked: tuple[int, int, int], same: Same | None, first: Sequence[Sample] | None
) -> Result | None:
    """The result of what a folder holds now, None where it holds no sample. `asked`: samples that were wanted
    and that are missing, and slots; `first`: the samples to compare with.
    """
    samples = list(folder.samples.values())
    if not samples:
        return None
    seed = int(folder.fixed["seed"])
    return Result(
        label,
        folder.fixed,
        tuple(sorted({sample.engine for sample in samples})),
        asked[2],
        figures(samples, same, seed),
        None if first is None else against(first, samples, seed),
        () if first is None else _by_level(first, samples, seed),
        asked[0],
        asked[1],
        str(folder.path),
    )


def _by_level(one: Sequence[Sample], other: Sequence[Sample], seed: int) -> tuple[tuple[str, Against], ...]:
    """The comparison at each level, in their order."""
    found = []
    for level in sorted({sample.level for sample in one}):
        sides = [[sample for sample in side if sample.level == level] for side in (one, other)]
        compared = against(sides[0], sides[1], seed)
        found += [(level, compared)] if compared is not None else []
    return tuple(found)
