"""Placement: every byte once, never more than fits, never worse with more memory, and each kind of layout."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.core.hardware import Hardware
from ponder.core.plan import Placement
from ponder.errors import InputError
from ponder.fit.devices import find
from ponder.fit.pace import pace, stages_of
from ponder.fit.place import Load, Placed, Placer, has_room
from ponder.fit.rooms import GPU_MARGIN_BYTES, SYSTEM_BYTES, rooms
from ponder.fit.runtime import Runtime
from ponder.fit.subject import catalogued
from tests.fit.machines import GIB, gpu, machine

MODELS = ("deepseek-r1:7b", "qwen3:4b", "deepseek-r1:70b", "qwen3:30b", "gpt-oss:120b", "glm-4.5-air:106b")


@cache
def load(name: str, quant: str = "Q4_K_M", n_ctx: int = 16384) -> Load:
    return catalogued(name).load(quant, Runtime(n_ctx))


def place(load: Load, hardware: Hardware, paging: bool = False) -> Placed | None:
    return Placer(load, rooms(hardware)).best(paging)


def speed(name: str, placed: Placed) -> float:
    return 1 / pace(stages_of(placed, catalogued(name).work("Q4_K_M", "f16"))).fixed_s


def kind(name: str, hardware: Hardware, quant: str = "Q4_K_M") -> Placement:
    placed = place(load(name, quant), hardware)
    assert placed is not None
    return placed.placement


def check(each: Load, placed: Placed) -> None:
    """Every byte is placed once, and nothing is beyond its device."""
    placement = placed.placement
    weights = sum(share.weights_bytes for share in placement.shares) + placement.paged_bytes
    on_gpu = any(share.device.kind == "gpu" for share in placement.shares)
    twice = each.sizes.embedding if each.sizes.tied and on_gpu else 0
    assert weights == each.loaded_bytes + twice
    assert sum(share.cache_bytes for share in placement.shares) == sum(each.cache)
    assert sum(share.layers for share in placement.shares) == each.layers
    experts = sum(1 for size in each.sizes.routed if size)
    assert sum(share.expert_layers for share in placement.shares) == experts
    assert all(share.worst_bytes <= share.capacity_bytes for share in placement.shares)
    assert placement.total_bytes == sum(
        s.weights_bytes + s.cache_bytes + s.compute_bytes + s.overhead_bytes for s in placement.shares
    )


sizes = st.integers(1, 96)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODELS), st.lists(sizes, max_size=4), st.integers(0, 256), st.booleans())
def test_every_byte_is_placed_once_and_nothing_overflows(
    name: str, cards: list[int], ram: int, paging: bool
) -> None:
    hardware = Hardware(tuple(gpu(size * GIB) for size in cards), ram_bytes=ram * GIB, ram_bandwidth_bps=80e9)
    placed = place(load(name), hardware, paging)
    if placed is not None:
        check(load(name), placed)
        assert placed.placement.fits
        assert not placed.placement.paged_bytes or paging


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODELS), st.lists(sizes, min_size=1, max_size=3), st.integers(1, 200), st.integers(1, 60)
)
def test_more_memory_never_makes_it_worse(name: str, cards: list[int], ram: int, more: int) -> None:
    def best(cards: list[int], ram: int) -> float:
        hardware = Hardware(
            tuple(gpu(size * GIB) for size in cards), ram_bytes=ram * GIB, ram_bandwidth_bps=80e9, cores=16
        )
        placed = place(load(name), hardware)
        return speed(name, placed) if placed else 0.0

    now = best(cards, ram)
    assert best(cards, ram + more) >= now
    assert best([size + more for size in cards], ram) >= 0.97 * now  # 3 %: where a split puts its hops


def test_one_gpu_holds_a_small_model() -> None:
    placement = kind("deepseek-r1:7b", machine("RTX 3060 12GB"))
    assert (placement.kind, placement.gpu_layers, placement.tensor_split) == ("one GPU", 29, ())
    assert not placement.tight


def test_the_fastest_gpu_that_holds_it_is_taken() -> None:
    placement = kind("deepseek-r1:32b", machine("RTX 3060 12GB + RTX 3090 + RTX 4090"))
    assert placement.kind == "one GPU"
    assert placement.shares[0].device.name == "GeForce RTX 4090"
    assert placement.tensor_split == (0, 0, 65)


def test_as_few_gpus_as_hold_it_share_the_layers_evenly() -> None:
    for n_ctx, cards in ((16384, 2), (40960, 3)):
        placed = place(load("deepseek-r1:70b", n_ctx=n_ctx), machine("4x RTX 3090"))
        assert placed is not None
        placement = placed.placement
        assert placement.kind == "layer split"
        assert sum(n > 0 for n in placement.tensor_split) == cards
        gpus = [share for share in placement.shares if share.device.kind == "gpu"]
        assert sum(placement.tensor_split) == 81 == placement.gpu_layers
        assert max(share.total_bytes for share in gpus) < 1.1 * min(share.total_bytes for share in gpus)
        free = all(share.worst_bytes + GPU_MARGIN_BYTES <= share.capacity_bytes for share in gpus)
        assert placement.fits
        assert placement.tight != free


def test_experts_stay_in_ram_where_the_rest_fits() -> None:
    placement = kind("gpt-oss:120b", machine("RTX 4090"), "MXFP4_MOE")
    assert placement.kind == "experts in RAM"
    assert placement.gpu_layers == 37
    assert 0 < placement.cpu_expert_layers < 36
    gpu_share, ram = placement.shares
    assert (gpu_share.layers, ram.layers) == (36, 0)
    assert ram.expert_layers == placement.cpu_expert_layers


def test_more_layers_of_a_dense_model_than_fit_go_to_ram() -> None:
    placement = kind("deepseek-r1:70b", machine("RTX 4090"))
    assert placement.kind == "layers in RAM"
    assert 1 < placement.gpu_layers < 81
    assert placement.shares[0].layers == placement.gpu_layers - 1
    assert placement.cpu_expert_layers == 0


def test_without_a_gpu_everything_is_in_ram() -> None:
    placement = kind("qwen3:4b", machine())
    assert placement.kind == "CPU only"
    assert placement.gpu_layers == 0
    assert placement.shares[0].weights_bytes == load("qwen3:4b").loaded_bytes


def test_unified_memory_is_counted_once_and_not_all_of_it() -> None:
    mac = machine("M4 Max 128GB", ram_gib=128)
    placement = kind("gpt-oss:120b", mac)
    assert placement.kind == "unified memory"
    (share,) = placement.shares
    assert share.capacity_bytes == 96 * GIB
    assert place(load("gpt-oss:120b"), machine("M4 Max 64GB")) is None


def test_what_ram_cannot_hold_is_paged_only_if_asked() -> None:
    small = machine("RTX 4090", ram_gib=32)
    assert place(load("glm-4.5-air:106b"), small) is None
    placed = place(load("glm-4.5-air:106b"), small, paging=True)
    assert placed is not None
    assert placed.placement.kind == "paged from disk"
    assert placed.placement.paged_bytes > 20e9
    check(load("glm-4.5-air:106b"), placed)


def test_a_cache_that_does_not_fit_is_not_paged() -> None:
    assert place(load("deepseek-r1:70b", n_ctx=131072), machine(ram_gib=32), paging=True) is None


def test_ktransformers_keeps_all_experts_in_ram() -> None:
    placed = Placer(load("gpt-oss:120b"), rooms(machine("RTX 4090", ram_gib=128))).hybrid()
    assert placed is not None
    assert placed.placement.shares[0].expert_layers == 0
    assert Placer(load("deepseek-r1:7b"), rooms(machine("RTX 4090"))).hybrid() is None


def test_free_memory_counts_where_it_is_known() -> None:
    busy = machine(ram_gib=64, free_ram_bytes=3 * GIB)
    assert rooms(busy).capacity_bytes == 3 * GIB
    assert rooms(machine(ram_gib=64)).capacity_bytes == 64 * GIB - SYSTEM_BYTES
    assert place(load("deepseek-r1:7b"), busy) is None


def test_unknown_memory_is_missing_not_guessed() -> None:
    found = rooms(Hardware((gpu(0),), ram_bytes=None))
    assert found.missing == ("memory of card", "size of the RAM")
    assert found.capacity_bytes == 0


@pytest.mark.parametrize("wrong", [{"ram_bandwidth_bps": -1.0}, {"ram_bytes": -5}])
def test_an_impossible_machine_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="impossible; give"):
        rooms(machine(**wrong))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODELS), st.lists(sizes, max_size=3), st.integers(8, 256), st.integers(1, 8))
def test_room_for_a_longer_context_is_what_its_account_says(
    name: str, cards: list[int], ram: int, times: int
) -> None:
    hardware = Hardware(tuple(gpu(size * GIB) for size in cards), ram_bytes=ram * GIB, ram_bandwidth_bps=80e9)
    now, longer = load(name), load(name, n_ctx=16384 * times)
    placed = place(now, hardware)
    if placed is not None:
        counted = Placer(longer, rooms(hardware)).account(placed.layout).placement
        worst = [share.worst_bytes - share.capacity_bytes for share in counted.shares]
        assert counted.fits or not has_room(placed, now, longer)
        assert has_room(placed, now, longer) or max(worst) > -(64 << 20)  # on the safe side by so much


@pytest.mark.parametrize(
    ("name", "seen_gib"),
    [("RTX 4090", 23.61), ("RTX 5090", 31.37), ("RTX A4000", 15.61), ("RTX 6000 Ada", 44.43)],
)
def test_a_card_known_by_name_offers_no_more_than_cuda_sees(name: str, seen_gib: float) -> None:
    (room,) = rooms(Hardware((find(name),))).gpus
    assert 0.94 * seen_gib < room.capacity_bytes / 2**30 < seen_gib
    asked = replace(find(name), free_bytes=20 << 30)
    assert rooms(Hardware((asked,))).gpus[0].capacity_bytes == 20 << 30
