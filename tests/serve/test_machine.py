"""The machine that pages plan for: its RAM is not measured at every move of a slider."""

from pathlib import Path

import pytest

from ponder.core.hardware import Hardware
from ponder.serve import machine
from ponder.serve.machine import this_machine


def test_a_disturbed_rate_is_measured_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    measured = list[bool]()

    def probe(measure_ram: bool) -> Hardware:
        measured.append(measure_ram)
        rate = 1e9 * len(measured) if measure_ram else None
        return Hardware(ram_bandwidth_bps=rate, ram_bandwidth_known="disturbed" if rate else "unknown")

    monkeypatch.setattr(machine, "probe", probe)
    first, again = this_machine(measure_ram=True), this_machine(measure_ram=True)
    assert measured == [True, False]
    assert first.ram_bandwidth_bps == again.ram_bandwidth_bps == 1e9
    assert again.ram_bandwidth_known == "disturbed"
    assert this_machine(measure_ram=False).ram_bandwidth_bps is None, "the API never measures"
    monkeypatch.setattr(machine, "MEASURED_FOR_S", 0.0)
    assert this_machine(measure_ram=True).ram_bandwidth_bps == 4e9
