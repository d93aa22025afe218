"""This machine, as the pages and the API plan for it: what is free is looked up at each question.

Where the rate of the RAM was disturbed it is measured anew, but once a minute at most: that copies memory on
all cores for a third of a second, sliders ask many times a second, and a model may be writing meanwhile.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ponder.catalog.library import home
from ponder.core.hardware import Hardware
from ponder.fit.guard import available_bytes
from ponder.fit.probe import hardware as probe
from ponder.fit.rooms import with_free

MEASURED_FOR_S = 60.0


@dataclass(frozen=True, slots=True)
class _Measured:
    machine: Hardware
    at_s: float


_LAST: dict[Path, _Measured] = {}
"""By ponder's folder, where the rate is kept."""


def this_machine(*, measure_ram: bool) -> Hardware:
    """This machine with what is free; `measure_ram`: see `ponder.fit.probe.hardware`."""
    last = _LAST.get(home()) if measure_ram else None
    recent = last is not None and time.monotonic() - last.at_s < MEASURED_FOR_S
    found = probe(measure_ram=measure_ram and not recent)
    if last is not None and recent:
        known = last.machine
        found = replace(
            found,
            ram_bandwidth_bps=known.ram_bandwidth_bps,
            ram_bandwidth_known=known.ram_bandwidth_known,
        )
    elif measure_ram:
        _LAST[home()] = _Measured(found, time.monotonic())
    return with_free(found, available_bytes())
