"""Memory after loading against the plan: buffers of GPUs by a log, those of the processor by a real load."""

from dataclasses import replace
from pathlib import Path

import pytest

from ponder.core.plan import Buffer, Compared, Taken
from ponder.fit import launch
from ponder.fit.here import Here
from ponder.fit.launch import Local, LocalFile, Wanted
from ponder.fit.readings import Gpu
from ponder.opened import Options, open_model
from tests.fit.headers import header_of_32b

GB, GIB, MIB = 10**9, 2**30, 2**20
CARD = Gpu("NVIDIA GeForce RTX 3090", 24 * GIB, 24 * GIB - (300 << 20))

R1_32B = (Buffer("CUDA0", "model", round(18508.35 * MIB)), Buffer("CPU_Mapped", "model", round(417.66 * MIB)))
"""DeepSeek-R1-Distill-Qwen-32B Q4_K_M on one GPU: ggml-org/llama.cpp issue 11861; it has 16,384 tokens."""


def here_of(monkeypatch: pytest.MonkeyPatch, gpus: int, quant: str = "Q4_K_M") -> Here:
    monkeypatch.setattr(launch, "may_have_gpu", lambda: True)
    monkeypatch.setattr(launch, "available_bytes", lambda: 64 * GB)
    file = LocalFile(header_of_32b(quant), "file.gguf")
    found = Local(file, Wanted(16384), lambda: [CARD] * gpus).here()
    assert found
    return found


def by_name(found: tuple[Compared, ...]) -> dict[str, Compared]:
    return {each.what: each for each in found}


def test_the_weights_that_a_gpu_logged_are_those_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    here = here_of(monkeypatch, 1)
    share = here.plan.placement.shares[0]  # type: ignore[union-attr]
    assert share.weights_bytes == pytest.approx(R1_32B[0].bytes, abs=MIB)
    assert share.cache_bytes == 4096 * MIB
    rest = (Buffer("CUDA0", "KV", share.cache_bytes), Buffer("CUDA0", "compute", share.compute_bytes))
    found = by_name(here.memory(Taken(10**9, (*R1_32B, *rest))))
    assert set(found) == {"RAM", "CUDA0 buffers"}
    assert found["CUDA0 buffers"].right
    assert found["CUDA0 buffers"].real == pytest.approx(found["CUDA0 buffers"].predicted, rel=1e-4)
    doubled = (*R1_32B, replace(rest[0], bytes=2 * rest[0].bytes), rest[1])
    assert not by_name(here.memory(Taken(10**9, doubled)))["CUDA0 buffers"].right
    assert by_name(here.memory(Taken(10**9, doubled, slots=2)))["CUDA0 buffers"].right, "a cache for each"
    assert set(by_name(here.memory(Taken(10**9)))) == {"RAM"}, "a log that tells nothing is no zero"


def test_each_card_of_a_split_has_its_own_share(monkeypatch: pytest.MonkeyPatch) -> None:
    here = here_of(monkeypatch, 2, "Q8_0")
    shares = here.plan.placement.shares[:2]  # type: ignore[union-attr]
    told = [
        Buffer(f"CUDA{number}", kind, size)
        for number, share in enumerate(shares)
        for kind, size in (("model", share.weights_bytes), ("KV", share.cache_bytes))
    ]
    found = by_name(here.memory(Taken(GB, (*told[::-1], Buffer("CUDA_Host", "compute", 20 * MIB)))))
    assert [name for name in found if name != "RAM"] == ["CUDA0 buffers", "CUDA1 buffers"]
    swapped = tuple(replace(each, device="CUDA0" if each.device == "CUDA1" else "CUDA1") for each in told)
    heavy = (*swapped, Buffer("CUDA1", "model", 4 * GIB))
    assert not by_name(here.memory(Taken(GB, heavy)))["CUDA1 buffers"].right


def test_what_was_repacked_for_the_processor_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    here = here_of(monkeypatch, 0)
    share = here.plan.placement.shares[0]  # type: ignore[union-attr]
    once = Buffer("CPU_Mapped", "model", share.weights_bytes)
    again = Buffer("CPU_REPACK", "model", share.weights_bytes - 100 * MIB)
    rest = (Buffer("CPU", "KV", share.cache_bytes), Buffer("CPU", "compute", share.compute_bytes))
    taken = Taken(share.total_bytes + again.bytes, (once, again, *rest))
    assert all(each.right for each in here.memory(taken))
    assert not all(each.right for each in here.memory(replace(taken, buffers=(once, *rest))))


def test_a_real_load_takes_what_was_planned(speaker_gguf: Path) -> None:
    opened = open_model(str(speaker_gguf), Options(n_ctx=1024, threads=1))
    try:
        opened.engine.serve()
        taken = opened.taken()
    finally:
        opened.engine.close()
    assert opened.local
    found = by_name(opened.local.compared(taken, None, 0.0))
    assert set(found) == {"RAM", "CPU buffers"}
    assert found["CPU buffers"].real == pytest.approx(found["CPU buffers"].predicted, abs=MIB)
    assert all(each.right for each in found.values())
