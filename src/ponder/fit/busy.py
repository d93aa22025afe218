"""How much of the processor other programs take: what a measurement is disturbed by, and threads trip over.

The system counts busy seconds of all cores; what is ours is taken off. In a container the count is the
host's, so it tells of neighbours too.
"""

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Protocol

WINDOW_S = 0.08
"""The shortest time that load is told from: a core's work is counted in hundredths of a second."""

_STAT = Path("/proc/stat")
_WORK = slice(1, 4), slice(6, 8)
"""Of the fields user, nice, system, idle, iowait, irq, softirq: those that are work."""


class Watch:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._since = time.perf_counter(), busy_s()

    @property
    def age_s(self) -> float:
        """Seconds since its making."""
        return time.perf_counter() - self._since[0]

    def others(self, own_s: float) -> float:
        """Cores that others kept busy on average, where `own_s` seconds of processor time were ours."""
        seconds = self.age_s
        return max(0.0, (busy_s() - self._since[1] - own_s) / seconds) if seconds > 0 else 0.0


class Working(Protocol):
    """A program of ours, whose work is no load."""

    def busy_s(self) -> float:
        """Seconds of processor time it has had."""
        ...


class Beside:
    """The cores that others keep busy beside this program and one of its children, from its making on.

    A `child` that is started later may be set then.
    """

    def __init__(self, child: Working | None = None) -> None:
        self.child = child
        self._watch, self._since = Watch(), self._own_s()

    def cores(self, least_s: float = WINDOW_S) -> float:
        """Cores on average; waits until `least_s` seconds have been seen."""
        time.sleep(max(0.0, least_s - self._watch.age_s))
        return self._watch.others(self._own_s() - self._since)

    def _own_s(self) -> float:
        return time.process_time() + (self.child.busy_s() if self.child else 0.0)


def busy_s() -> float:
    """Seconds that all cores together have worked since the system started."""
    try:
        with _STAT.open(encoding="ascii") as file:
            fields = file.readline().split()
        return sum(sum(map(int, fields[part])) for part in _WORK) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        times = import_module("psutil").cpu_times()
        return float(times.user + times.system)
