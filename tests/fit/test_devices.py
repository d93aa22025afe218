"""Devices are found by the names people and drivers use, and never by a wrong guess."""

import pytest

from ponder.errors import InputError, NotFoundError
from ponder.fit import devices


@pytest.mark.parametrize(
    ("asked", "name", "memory_gib", "bandwidth_gbps"),
    [
        ("RTX 4090", "GeForce RTX 4090", 24, 1010),
        ("4090", "GeForce RTX 4090", 24, 1010),
        ("rtx4090", "GeForce RTX 4090", 24, 1010),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090", 24, 1010),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "GeForce RTX 4090 Mobile", 16, 576),
        ("RTX 4070 Ti Super", "GeForce RTX 4070 Ti SUPER", 16, 672.3),
        ("NVIDIA H100 80GB HBM3", "H100 SXM 80GB", 80, 3350),
        ("NVIDIA H100 PCIe", "H100 PCIe 80GB", 80, 2000),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM 80GB", 80, 2039),
        ("NVIDIA A100-SXM4-40GB", "A100 SXM4 40 GB", 40, 1560),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80GB", 80, 1935),
        ("RX 9070", "Radeon RX 9070", 16, 644.6),
        ("RX 9070 XT", "Radeon RX 9070 XT", 16, 644.6),
        ("RTX 5060", "GeForce RTX 5060", 8, 448),
        ("7900XTX", "Radeon RX 7900 XTX", 24, 960),
        ("AMD Instinct MI300X", "Instinct MI300X", 192, 5300),
        ("RTX 3080 12GB", "GeForce RTX 3080 12 GB", 12, 912.4),
        ("RTX 6000 Ada", "RTX 6000 Ada Generation", 48, 960),
        ("DGX Spark", "GB10", 128, 273),
        ("Strix Halo", "Ryzen AI Max+ 395", 128, 256),
        ("M4 Pro 24GB", "Apple M4 Pro", 24, 273),
        ("Mac Studio M3 Ultra 512GB", "Apple M3 Ultra", 512, 800),
        ("Apple M3 Max 40-Core GPU 64GB", "Apple M3 Max", 64, 400),
    ],
)
def test_natural_names(asked: str, name: str, memory_gib: int, bandwidth_gbps: float) -> None:
    device = devices.find(asked)
    assert device.name == name
    assert device.memory_bytes == memory_gib << 30
    assert device.bandwidth_bps == pytest.approx(bandwidth_gbps * 1e9)


def test_open_variant_takes_the_smaller_promise() -> None:
    assert devices.find("RTX 4060 Ti").memory_bytes == 8 << 30
    assert devices.find("RTX 4060 Ti 16GB").memory_bytes == 16 << 30
    assert devices.find("RTX 3060").memory_bytes == 12 << 30  # the 8 GB variant came a year later
    assert devices.find("H100").bandwidth_bps == 2e12


def test_unknown_fields_stay_none() -> None:
    apple = devices.find("M4 Pro")
    assert apple.kind == "unified"
    assert apple.memory_bytes is None
    assert devices.find("GB10").fp16_flops is None
    assert devices.find("Tesla P40").fp16_flops is None


def test_given_memory_is_said() -> None:
    assert devices.find("RTX 4090 48GB").source.endswith("memory as given")


def test_machines_of_several_devices() -> None:
    names = [device.name for device in devices.find_all("2x RTX 3090, RTX 5090 + A6000")]
    assert names == ["GeForce RTX 3090", "GeForce RTX 3090", "GeForce RTX 5090", "RTX A6000"]
    assert len(devices.find_all("RTX 5090 x4")) == 4


@pytest.mark.parametrize("name", ["RTX 4095", "M9 Pro", "H1000", "RTX 4090 Pro Max"])
def test_unknown_name_offers_near_ones(name: str) -> None:
    with pytest.raises(NotFoundError, match="near it: ") as caught:
        devices.find(name)
    assert len(str(caught.value).splitlines()) == 1


def test_nonsense_is_refused() -> None:
    with pytest.raises(NotFoundError, match="as its maker does"):
        devices.find("")
    with pytest.raises(InputError, match="1 to 64"):
        devices.find_all("0x RTX 4090")
    with pytest.raises(InputError, match="channels and rate"):
        devices.ram_bandwidth_bps("fast")


def test_ram_bandwidth() -> None:
    assert devices.ram_bandwidth_bps("2x DDR5-5600") == pytest.approx(89.6e9)
    assert devices.ram_bandwidth_bps("12 channels DDR5-4800") == pytest.approx(460.8e9)
    known = devices.platform_bandwidth("AMD EPYC 7773X 64-Core Processor")
    assert known is not None
    assert known[0] == pytest.approx(204.8e9)
    assert devices.platform_bandwidth("Z80") is None


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("RTX 4090", "consumer"),
        ("RX 7900 XTX", "consumer"),
        ("RTX A6000", "workstation"),
        ("RTX 6000 Ada", "workstation"),
        ("RTX PRO 6000", "workstation"),
        ("Quadro RTX 8000", "workstation"),
        ("H100", "datacentre"),
        ("L40S", "datacentre"),
        ("A10", "datacentre"),
        ("Tesla P40", "datacentre"),
        ("MI300X", "datacentre"),
        ("M4 Max", "unified"),
        ("GB10", "unified"),
    ],
)
def test_market(name: str, market: str) -> None:
    assert devices.market(devices.find(name)) == market
    assert market in devices.MARKETS
