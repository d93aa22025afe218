"""What an engine is told: the numbers of the plan, whether it was made at once or only when asked for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ponder.catalog.header import Header
from ponder.catalog.models import all_models, find_model
from ponder.core.hardware import Hardware
from ponder.core.plan import Taken
from ponder.errors import InputError, MemoryLimitError
from ponder.fit import launch
from ponder.fit.guard import needed_bytes
from ponder.fit.launch import Launch, Local, LocalFile, Wanted, default_ctx, launch_of
from ponder.fit.plan import Planner, Wish
from ponder.fit.readings import Gpu
from ponder.fit.subject import catalogued
from tests.fit.headers import header_of_30b_moe, header_of_32b

GB, GIB = 1_000_000_000, 1 << 30
CARD = Gpu("NVIDIA GeForce RTX 3090", 24 * GIB, 24 * GIB - (300 << 20))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's own hardware is seen."""
    monkeypatch.setattr(launch, "may_have_gpu", lambda: True)
    return monkeypatch


def local(
    machine: pytest.MonkeyPatch,
    header: Header,
    ram_bytes: float,
    gpus: Sequence[Gpu] = (),
    wanted: Wanted = Wanted(),  # noqa: B008 - a frozen value
) -> Local:
    machine.setattr(launch, "available_bytes", lambda: int(ram_bytes))
    return Local(LocalFile(header, "file.gguf"), wanted, lambda: gpus)


def test_two_cards_share_the_layers(machine: pytest.MonkeyPatch) -> None:
    found = local(machine, header_of_32b("Q8_0"), 64 * GB, [CARD, CARD]).launch()
    assert found.gpu_layers == 65
    assert sum(found.tensor_split) == 65
    assert abs(found.tensor_split[0] - found.tensor_split[1]) <= 3
    assert (found.n_ctx, found.cpu_expert_layers, found.flash) == (16384, 0, True)


def test_experts_go_to_ram_where_a_card_is_small(machine: pytest.MonkeyPatch) -> None:
    small = replace_memory(CARD, 8 * GIB)
    found = local(machine, header_of_30b_moe(), 64 * GB, [small]).launch()
    assert found.gpu_layers == 49
    assert 0 < found.cpu_expert_layers <= 48


def replace_memory(gpu: Gpu, size: int) -> Gpu:
    return gpu._replace(memory_bytes=size, free_bytes=size)


@pytest.mark.parametrize(("free_gb", "gpus"), [(200, ()), (27, ()), (64, [CARD]), (30, [CARD, CARD])])
def test_the_engine_is_told_what_the_plan_says(
    machine: pytest.MonkeyPatch, free_gb: int, gpus: Sequence[Gpu]
) -> None:
    """Also where the launch came before the plan (200 GB are far more than it needs)."""
    for header in (header_of_32b(), header_of_30b_moe()):
        for wanted in (Wanted(), Wanted(8192, "q8_0")):
            each = local(machine, header, free_gb * GB, gpus, wanted)
            told = each.launch()
            here = each.here()
            assert here is not None
            assert told == launch_of(here.plan)


def test_the_limit_is_exact_to_the_byte(machine: pytest.MonkeyPatch) -> None:
    header, wanted = header_of_32b(), Wanted(16384)
    here = local(machine, header, 100 * GB, (), wanted).here()
    assert here is not None
    share = here.ram_share
    assert share is not None
    assert local(machine, header, share.worst_bytes, (), wanted).launch() == Launch(16384)
    with pytest.raises(MemoryLimitError) as caught:
        local(machine, header, share.worst_bytes - 1, (), wanted).launch()
    size = f"{share.worst_bytes / GB:.1f} GB"
    assert str(caught.value) == (
        f"R1 32B (Q4_K_M) needs {size} with a context of 16384 tokens, but {size} are free: take a shorter "
        "context (--ctx 8192), a smaller cache (--kv q8_0), or a smaller quantisation."
    )


def test_free_memory_of_a_gpu_counts(machine: pytest.MonkeyPatch) -> None:
    header = header_of_32b()
    assert local(machine, header, 8 * GB, [replace_memory(CARD, 20 * GB)], Wanted(4096)).launch().gpu_layers
    with pytest.raises(MemoryLimitError, match="its weights alone do not fit"):
        local(machine, header, 8 * GB, [replace_memory(CARD, 4 * GB)], Wanted(4096)).launch()


@pytest.mark.parametrize(("ram", "n_ctx"), [(100, 16384), (25, 16384), (23, 8192), (22, 4096)])
def test_the_context_is_halved_until_it_fits(machine: pytest.MonkeyPatch, ram: int, n_ctx: int) -> None:
    assert local(machine, header_of_32b(), ram * GB).launch().n_ctx == n_ctx


def test_contexts_that_a_model_was_not_made_for(machine: pytest.MonkeyPatch) -> None:
    for impossible in (0, -5, 131073):
        with pytest.raises(InputError, match="takes 1 to 131072 tokens"):
            local(machine, header_of_32b(), 100 * GB, (), Wanted(impossible)).launch()


def test_an_unknown_architecture_is_left_to_llama_cpp(machine: pytest.MonkeyPatch) -> None:
    header = header_of_32b()
    alien = [replace(t, name=t.name.replace("attn_", "attn_q_novel_")) for t in header.tensors]
    header = replace(header, tensors=tuple(alien))
    each = local(machine, header, 22 * GB)
    assert each.launch() == Launch(4096, gpu_layers=0, flash=False)
    assert needed_bytes(header, 4096, "f16") < 22 * GB < needed_bytes(header, 8192, "f16")
    assert local(machine, header, 22 * GB, [CARD]).launch() == Launch(16384, gpu_layers=None, flash=False)
    assert each.compared(Taken(10**9), 5.0, 100.0) == ()
    with pytest.raises(MemoryLimitError):
        local(machine, header, 10 * GB).launch()


def test_the_default_context_is_the_plans_own() -> None:
    planner = Planner(Hardware(ram_bytes=1 << 50), Wish())
    for model in all_models():
        subject = catalogued(model.id)
        contexts = planner.contexts(subject)
        header = replace(
            header_of_32b(), metadata={"general.architecture": "a", "a.context_length": contexts[-1]}
        )
        file = LocalFile(header, model.id, find_model(model.id))
        assert default_ctx(file) == planner.enough(planner.length(subject), contexts), model.id


def test_reality_is_held_against_the_plan(machine: pytest.MonkeyPatch) -> None:
    each = local(machine, header_of_32b(), 100 * GB)
    here = each.here()
    assert here is not None
    assert here.plan.decode is None, "nothing is known of the memory's rate"
    (memory,) = each.compared(Taken(here.plan.placement.total_bytes), 5.0, 100.0)  # type: ignore[union-attr]
    assert (memory.what, memory.right) == ("RAM", True)
    (memory,) = each.compared(Taken(40 * GB), None, 100.0)
    assert not memory.right
