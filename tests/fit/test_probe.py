"""What tools print becomes figures. The samples were written from the tools' documented formats."""

import json
from pathlib import Path

import pytest

from ponder.core.hardware import Hardware
from ponder.fit import probe, readings
from ponder.fit.busy import Watch
from ponder.fit.devices import COPY_SHARE, processor
from ponder.fit.readings import Gpu

NVIDIA = """\
NVIDIA GeForce RTX 4090, 24564, 23012, 4, 16, 450.00
NVIDIA A100-SXM4-80GB, 81920, 81038, 4, 16, 400.00
NVIDIA GB10, [N/A], [N/A], [N/A], [N/A], [N/A]
"""
ROCM = json.dumps(
    {
        "card0": {
            "VRAM Total Memory (B)": "25753026560",
            "VRAM Total Used Memory (B)": "1073741824",
            "Card Series": "AMD Radeon RX 7900 XTX",
        },
        "system": {"Driver version": "6.7.0"},
    }
)
DMI = """\
Handle 0x0040, DMI type 17, 92 bytes
Memory Device
\tSize: 32 GB
\tLocator: DIMM 0
\tBank Locator: P0 CHANNEL A
\tConfigured Memory Speed: 5600 MT/s
Memory Device
\tSize: 32 GB
\tLocator: DIMM 1
\tBank Locator: P0 CHANNEL A
\tConfigured Memory Speed: 5600 MT/s
Memory Device
\tSize: 32 GB
\tLocator: DIMM 0
\tBank Locator: P0 CHANNEL B
\tConfigured Memory Speed: 5600 MT/s
Memory Device
\tSize: No Module Installed
\tLocator: DIMM 1
\tBank Locator: P0 CHANNEL B
\tConfigured Memory Speed: Unknown
"""
CPUINFO = """\
processor\t: 0
model name\t: AMD EPYC 7773X 64-Core Processor
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse2 avx avx2 fma
processor\t: 1
model name\t: AMD EPYC 7773X 64-Core Processor
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse2 avx avx2 fma
processor\t: 2
model name\t: AMD EPYC 7773X 64-Core Processor
physical id\t: 1
core id\t\t: 0
flags\t\t: fpu sse2 avx avx2 fma
"""
PI = "processor\t: 0\nFeatures\t: fp asimd asimddp\nprocessor\t: 1\n\nModel\t\t: Raspberry Pi 5 Model B\n"


def test_nvidia_smi() -> None:
    first, second, third = readings.nvidia_smi(NVIDIA)
    assert first == Gpu("NVIDIA GeForce RTX 4090", 24564 << 20, 23012 << 20, "PCIe 4 x16", 450.0)
    assert second.free_bytes == 81038 << 20
    assert third == Gpu("NVIDIA GB10", None, None)


def test_rocm_and_xpu() -> None:
    (card,) = readings.rocm_smi(ROCM)
    assert card == Gpu("AMD Radeon RX 7900 XTX", 25753026560, 25753026560 - (1 << 30))
    arc = {"device_name": "Intel(R) Arc(TM) A770 Graphics", "memory_physical_size_byte": "16225243136"}
    xpu = json.dumps({"device_list": [arc]})
    assert readings.xpu_smi(xpu)[0].memory_bytes == 16225243136
    assert readings.amd_sysfs("x", "8589934592", "100") == Gpu("x", 8589934592, 8589934492)
    assert readings.amd_sysfs("x", "", "") is None


@pytest.mark.parametrize("newer", [False, True])
def test_amd_smi(newer: bool) -> None:
    def told(card: object) -> str:
        return json.dumps({"gpu_data": [card]} if newer else [card])

    size = {"type": "GDDR6", "size": {"value": 24560, "unit": "MB"}}
    static = told({"gpu": 0, "asic": {"market_name": "AMD Radeon RX 7900 XTX"}, "vram": size})
    metric = told({"gpu": 0, "mem_usage": {"free_vram": {"value": 24000, "unit": "MB"}}})
    card = Gpu("AMD Radeon RX 7900 XTX", 24560 << 20, 24000 << 20)
    assert readings.amd_smi(static, metric) == [card]
    assert readings.amd_smi(static) == [card._replace(free_bytes=None)]
    assert readings.amd_smi(told({"gpu": 0, "asic": {"market_name": "N/A"}, "vram": "N/A"})) == []


def test_memory_modules_count_once_per_channel() -> None:
    assert readings.dmidecode_bps(DMI) == pytest.approx(2 * 5600 * 8e6)
    unnamed = DMI.replace("P0 CHANNEL A", "BANK").replace("P0 CHANNEL B", "BANK")
    assert readings.dmidecode_bps(unnamed) == pytest.approx(3 * 5600 * 8e6)
    assert readings.dmidecode_bps("") is None


def test_processors() -> None:
    found = readings.cpuinfo(CPUINFO)
    assert found == readings.Processor("AMD EPYC 7773X 64-Core Processor", 2, 2, ("avx2", "sse"))
    assert readings.cpuinfo(PI) == readings.Processor("Raspberry Pi 5 Model B", 2, 1, ("neon-dot", "neon"))
    apple = readings.sysctl("machdep.cpu.brand_string: Apple M4 Pro\nhw.physicalcpu: 12\n")
    assert (apple.name, apple.cores) == ("Apple M4 Pro", 12)


def test_control_groups() -> None:
    assert readings.cgroup_limit("8589934592", "1073741824") == (8589934592, 7516192768)
    assert readings.cgroup_limit("max", "5") is None
    assert readings.cgroup_limit(str(9223372036854771712), "5") is None


@pytest.mark.parametrize(
    "text", ["", "garbage", "{", "[1, 2]", "a, b\n" * 3, "Memory Device\nMemory Device\n"]
)
def test_foreign_output_is_nothing(text: str) -> None:
    assert readings.nvidia_smi(text) == []
    assert readings.rocm_smi(text) == []
    assert readings.xpu_smi(text) == []
    assert readings.amd_smi(text, text) == []
    assert readings.dmidecode_bps(text) is None
    assert readings.cpuinfo(text).cores is None


def test_a_card_without_a_tool_is_unknown_not_dropped(tmp_path: Path) -> None:
    card = tmp_path / "card0" / "device"
    card.mkdir(parents=True)
    (card / "vendor").write_text("0x8086\n")
    (card / "device").write_text("0x56a0\n")
    assert probe._sysfs(tmp_path) == [(Gpu("Intel GPU 0x56a0", None, None), "Intel")]


def test_this_machine() -> None:
    machine = probe.hardware()
    assert machine.ram_bytes
    assert machine.free_ram_bytes
    assert 1 << 28 < machine.free_ram_bytes <= machine.ram_bytes
    assert machine.cores
    assert machine.cores >= 1
    assert machine.disk_free_bytes
    assert (machine.ram_bandwidth_bps is None) == (machine.ram_bandwidth_known == "unknown")
    assert probe.run("no-such-tool-anywhere") == ""


def test_measured_ram_is_plausible() -> None:
    rate = probe.copy_bps(0.05)
    assert 5e8 < rate < 2e12
    device = processor(Hardware(ram_bandwidth_bps=rate, ram_bandwidth_known="measured", cores=2))
    assert device.bandwidth_bps == pytest.approx(rate / COPY_SHARE)


def test_driver_figures_replace_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{NVIDIA}NVIDIA Unheard-of 9999, 1024, 1000, 3, 8, 75\nEND\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    devices = probe.hardware().devices
    assert [device.name for device in devices][:2] == ["GeForce RTX 4090", "A100 SXM 80GB"]
    assert devices[0].free_bytes == 23012 << 20
    assert devices[2].kind == "unified"
    assert devices[2].memory_bytes == probe.hardware().ram_bytes
    assert devices[3].name == "NVIDIA Unheard-of 9999"
    assert devices[3].bandwidth_bps is None


def test_a_disturbed_rate_is_said_and_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    monkeypatch.setattr(probe, "run", lambda *command: "")

    def measured(rate: float, others: float, cpu: str = "some processor") -> tuple[float | None, str]:
        monkeypatch.setattr(probe, "copy_bps", lambda: rate)
        monkeypatch.setattr(Watch, "others", lambda watch, own_s: others)
        return probe.ram_bandwidth(cpu, 1 << 34, measure=True)

    assert measured(5e9, others=1.5) == (5e9, "disturbed")
    assert measured(3e9, others=1.5) == (5e9, "disturbed"), "load only takes away: the best counts"
    assert measured(4e9, others=0.0) == (4e9, "measured")
    assert measured(9e9, others=0.0) == (4e9, "measured"), "a quiet one is kept"
    assert measured(9e9, others=1.5, cpu="AMD EPYC 9654")[1] == "specification"
