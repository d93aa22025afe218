"""The speed laws: their shape, their arithmetic, their honesty about what is not known."""

from dataclasses import replace

import pytest

from ponder.catalog.models import find_model
from ponder.core.hardware import Device, Hardware
from ponder.errors import InputError
from ponder.fit.configs import from_config
from ponder.fit.devices import disk, find, find_all, processor
from ponder.fit.speed import coefficients, decode, fitted, tensor_parallel, token_time_s
from ponder.fit.work import Work, at_depth, paged, work


def of(name: str, quant: str = "Q4_K_M") -> Work:
    return work(from_config(find_model(name).config), quant)


LLAMA = "DeepSeek-R1-Distill-Llama-8B"


def test_terms_add_up_to_the_rate() -> None:
    speed = decode(of(LLAMA).whole(find("RTX 4090")), depth=4096)
    assert speed.tps == pytest.approx(1 / sum(term.time_s for term in speed.terms))
    assert speed.tps == pytest.approx(1 / token_time_s(of(LLAMA).whole(find("RTX 4090")), 4096))
    assert speed.low_tps < speed.tps < speed.high_tps
    assert {term.name for term in speed.terms} >= {"cache", "start"}
    assert speed.fit_class == "nvidia:ada"


def test_measured_cards_are_met() -> None:
    """Rows of the public llama-bench tables (builds of 2024, without flash attention) within 15 %."""
    for name, measured in (("RTX 4090", 130.6), ("RTX 4000 Ada", 59.15), ("RTX A6000", 105.4)):
        time_s = token_time_s(of(LLAMA).whole(find(name)), 256, flash=False)
        assert measured * 0.85 < 1 / time_s < measured * 1.35  # today's builds start kernels faster


def test_depth_slows_and_windows_cap_it() -> None:
    stages = of(LLAMA).whole(find("RTX 4090"))
    assert token_time_s(stages, 32768) > 1.3 * token_time_s(stages, 0)
    oss = of("gpt-oss-20b", "MXFP4_MOE").whole(find("RTX 4090"))
    half_windows = at_depth(oss[0].cache, 100_000) / at_depth(oss[0].cache, 1000)
    assert 50 < half_windows < 100


def test_second_card_adds_room_not_speed() -> None:
    model = of("DeepSeek-R1-Distill-Llama-70B")
    one = token_time_s(model.whole(find("RTX A6000")))
    two = token_time_s(model.split(find_all("2x RTX A6000"), (40, 40)))
    assert one < two < 1.02 * one


def test_experts_in_ram_cost_ram_bandwidth() -> None:
    model = of("DeepSeek-R1")
    ram = processor(
        Hardware(ram_bandwidth_bps=460.8e9, cores=96, cpu="EPYC 9654", instruction_sets=("avx512",))
    )
    layers = range(model.layers)
    stages = (
        model.stage(find("RTX 4090"), layers, routed=False, head=True),
        model.stage(ram, layers, fixed=False),
    )
    assert sum(stage.weight_bytes for stage in stages) == pytest.approx(model.sizes.read_per_token, rel=1e-6)
    speed = decode(stages)
    reported_tps = 14.0  # for this machine
    assert reported_tps / 1.6 < speed.tps < 1.6 * reported_tps
    assert speed.low_tps < reported_tps < speed.high_tps
    slower = replace(ram, bandwidth_bps=(ram.bandwidth_bps or 0) / 2)
    assert decode((stages[0], replace(stages[1], device=slower))).tps < 0.75 * speed.tps


def test_slow_processors_are_bound_by_unpacking() -> None:
    speed = decode(of(LLAMA).whole(find("GTX 1050 Ti")))
    assert "unpacking" in {term.name for term in speed.terms}
    assert decode(of(LLAMA, "F16").whole(find("RTX 4090"))).terms[0].name == "weights"


def test_unknown_generation_falls_back_to_its_family() -> None:
    newer = replace(find("RTX 5090"), generation="rubin")
    assert coefficients(newer).fit_class == "nvidia"
    assert coefficients(Device("X", "Moore Threads", "gpu", "s80", bandwidth_bps=4e11)).fit_class == "other"


def test_what_is_missing_is_said() -> None:
    speed = decode(of(LLAMA).whole(find("M4 Pro 24GB")))
    assert speed.unknown == ("fp32 rate of Apple M4 Pro",)
    with pytest.raises(InputError, match="bandwidth of Iris Xe is not known"):
        decode(of(LLAMA).whole(find("Iris Xe")))
    with pytest.raises(InputError, match="impossible"):
        decode(of(LLAMA).whole(replace(find("RTX 4090"), bandwidth_bps=-1.0)))


def test_constants_are_physical() -> None:
    for name, constants in fitted()["classes"].items():
        assert 0 < constants["loss"] < 1.5, name
        assert 5 < constants["ops"] < 60, name
        assert 0.3 < constants["cache"] < 3, name
        assert 1e-6 < constants["layer_s"] < 1e-3, name
    for low, high in fitted()["intervals"]["decode"].values():
        assert 0.4 < low < 1 < high < 2


def test_tensor_parallel_is_another_law() -> None:
    whole = of("DeepSeek-R1-Distill-Qwen-32B", "Q8_0").whole(find("RTX A6000"))
    one, two, four = (tensor_parallel(whole, count) for count in (1, 2, 4))
    assert one.tps == pytest.approx(decode(whole).tps)
    assert 1.4 < two.tps / one.tps < 2
    assert 1.2 < four.tps / two.tps < 2
    assert "all-reduce" in {term.name for term in two.terms}
    assert two.high_tps / two.tps > one.high_tps / one.tps
    with pytest.raises(InputError, match="at least one card"):
        tensor_parallel(whole, 0)


def test_experts_from_disk_cost_the_disk() -> None:
    model = of("DeepSeek-R1")
    hardware = Hardware(
        ram_bandwidth_bps=89.6e9,
        cores=16,
        instruction_sets=("avx512",),
        disk_read_bps=7e9,
        ram_bytes=192 << 30,
    )
    ram = model.stage(processor(hardware), range(model.layers), head=True)
    resident, missing = paged(ram, disk(hardware), 0.5)
    assert resident.weight_bytes + missing.weight_bytes == pytest.approx(ram.weight_bytes)
    speed = decode((resident, missing))
    assert speed.tps < 0.7  # half of 22 GB at 7 GB/s
    assert speed.terms[-2].device == "disk"
    with pytest.raises(InputError, match="disk is not known"):
        decode(paged(ram, disk(Hardware()), 0.5))
