"""Local corrections: one short measurement here centres every later prediction for this machine.

What differs between two machines of one class (cooling, drivers, memory settings) is mostly one factor on
each rate, decode and prefill. They are kept by machine in `calibration.json` in ponder's folder; predictions
that use them say so. A rate is the median of several runs; runs that scatter were disturbed, and not kept.
"""

import json
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ponder.catalog.library import home
from ponder.errors import FileFormatError, InputError
from ponder.fit.kept import write_json
from ponder.fit.work import Stage

LARGEST = 3.0
STEADY = 0.15
"""Widest scatter of runs, fastest minus slowest over their median, of a machine that is left alone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One rate, measured several times in tokens per second: `decode` with a mean `depth` of tokens before
    it, or `prefill` of so many tokens. `predicted_tps` is without any correction.
    """

    what: str
    depth: float
    rates_tps: tuple[float, ...]
    predicted_tps: float

    @property
    def median_tps(self) -> float:
        """What is reached usually."""
        return statistics.median(self.rates_tps)

    @property
    def scatter(self) -> float:
        """Fastest minus slowest run over the median."""
        return (max(self.rates_tps) - min(self.rates_tps)) / self.median_tps

    @property
    def factor(self) -> float:
        """Measured over predicted."""
        return self.median_tps / self.predicted_tps


def together(series: Sequence[Series]) -> float:
    """The factor of several series of one kind: their geometric mean, 1.0 of none.

    Raises InputError for one that is more than three times off: then the model did not run as the stages say,
    which is no property of the machine.
    """
    for each in series:
        if not (math.isfinite(each.median_tps) and each.median_tps > 0):
            raise InputError(
                f"A measured rate of {each.median_tps:g} tokens/s makes no correction; measure again."
            )
        if not 1 / LARGEST <= each.factor <= LARGEST:
            raise InputError(
                f"Measured {each.median_tps:.3g} tokens/s ({each.what}), predicted {each.predicted_tps:.3g}: "
                f"too far apart for a correction; check that the model ran where the plan puts it."
            )
    return statistics.geometric_mean(each.factor for each in series) if series else 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured over predicted rates of one machine, and what was measured (for the record).

    `factor` is that of decode; `scatter` the widest of the `runs` of one rate.
    """

    machine: str
    factor: float
    measured_tps: float
    predicted_tps: float
    model: str
    when: str
    prefill_factor: float = 1.0
    runs: int = 1
    scatter: float = 0.0


def machine_key(stages: Sequence[Stage]) -> str:
    """A machine as its devices in order, such as `geforce-rtx-4090+epyc-9654`."""
    names = dict.fromkeys(stage.device.name for stage in stages)
    return "+".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names)


def path() -> Path:
    """Where corrections are kept."""
    return home() / "calibration.json"


def load() -> dict[str, Calibration]:
    """All corrections by machine, none before the first. Raises FileFormatError for a foreign file."""
    file = path()
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {key: Calibration(**value) for key, value in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{file} is not a calibration of ponder ({error}); delete it and calibrate again."
        ) from error


def save(calibration: Calibration) -> None:
    """Keep a correction, replacing an older one of the same machine. Raises StorageError when that fails."""
    kept = {key: asdict(value) for key, value in load().items()} | {calibration.machine: asdict(calibration)}
    write_json(path(), kept)
