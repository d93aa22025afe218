"""Local corrections: one short measurement here centres every later prediction for this machine.

What differs between two machines of one class (cooling, drivers, memory settings) is mostly one factor on the
rate. It is kept per device in `calibration.json` in ponder's folder; predictions that use it say so.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ponder.catalog.library import home
from ponder.errors import FileFormatError, InputError
from ponder.fit.kept import write_json
from ponder.fit.speed import token_time_s
from ponder.fit.work import Stage

LARGEST = 3.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured over predicted rate of one machine, and what was measured (for the record)."""

    machine: str
    factor: float
    measured_tps: float
    predicted_tps: float
    model: str
    when: str


def machine_key(stages: Sequence[Stage]) -> str:
    """A machine as its devices in order, such as `geforce-rtx-4090+epyc-9654`."""
    names = dict.fromkeys(stage.device.name for stage in stages)
    return "+".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names)


def correction(stages: Sequence[Stage], depth: float, measured_tps: float) -> float:
    """The factor by which this machine beats (above 1) or misses its prediction; pure arithmetic.

    Raises:
        InputError: a rate that is not positive, or more than three times off: then the model did not run as
            the stages say, which is no property of the machine.
    """
    if not math.isfinite(measured_tps) or measured_tps <= 0:
        raise InputError(f"A measured rate of {measured_tps:g} tokens/s makes no correction; measure again.")
    factor = measured_tps * token_time_s(stages, depth)
    if not 1 / LARGEST <= factor <= LARGEST:
        raise InputError(
            f"Measured {measured_tps:.3g} tokens/s, predicted {measured_tps / factor:.3g}: too far apart for "
            f"a correction; check that the model ran where the plan puts it."
        )
    return factor


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


def known_correction(stages: Sequence[Stage]) -> float:
    """The stored factor for these devices, 1.0 when there is none."""
    found = load().get(machine_key(stages))
    return found.factor if found else 1.0
