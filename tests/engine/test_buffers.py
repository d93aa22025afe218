"""What engines took, out of their logs: one of a GPU load as its owner published it, and one of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.engine.buffers import buffers
from ponder.engine.embedded import Embedded
from ponder.engine.process import MOST_LOG
from tests.engine.asking import settings

MIB = 2**20
TWO_A6000 = """
llm_load_tensors: offloaded 62/62 layers to GPU
llm_load_tensors:        CPU buffer size =  5994.06 MiB
llm_load_tensors:        CPU buffer size = 44211.82 MiB
llm_load_tensors:        CPU buffer size =   469.99 MiB
llm_load_tensors:      CUDA0 buffer size = 42859.65 MiB
llm_load_tensors:      CUDA1 buffer size = 43061.37 MiB
llama_kv_cache_init:      CUDA0 KV buffer size =   576.00 MiB
llama_kv_cache_init:      CUDA1 KV buffer size =   522.00 MiB
llama_new_context_with_model: KV self size  = 1098.00 MiB, c^KV (f16): 1098.00 MiB, kv^T: not used
llama_new_context_with_model:  CUDA_Host  output buffer size =     0.49 MiB
llama_new_context_with_model:      CUDA0 compute buffer size =  2824.02 MiB
llama_new_context_with_model:      CUDA1 compute buffer size =  2520.01 MiB
llama_new_context_with_model:  CUDA_Host compute buffer size =   368.05 MiB
"""
"""DeepSeek-R1-0528 IQ1_S_R4 on two RTX A6000: ikawrakow/ik_llama.cpp pull request 494."""


@pytest.fixture
def own(speaker_gguf: Path) -> Iterator[Embedded]:
    engine = Embedded(settings(speaker_gguf))
    yield engine
    engine.close()


def test_a_log_of_two_gpus_gives_the_bytes_of_each() -> None:
    found = {(each.device, each.kind): each.bytes for each in buffers(TWO_A6000)}
    assert found["CUDA0", "model"] == round(42859.65 * MIB)
    assert found["CPU", "model"] == round((5994.06 + 44211.82 + 469.99) * MIB), "files add up"
    assert found["CUDA1", "KV"] == 522 * MIB
    assert found["CUDA_Host", "compute"] == round(368.05 * MIB)
    assert len(found) == 9


def test_only_the_last_load_counts_and_scratch_that_is_reserved_again_counts_once() -> None:
    log = "0.1 I load_tensors: loading model tensors\n" + TWO_A6000
    log += "0.2 I load_tensors: loading model tensors, this can take a while\n"
    log += "0.3 I load_tensors:   CPU_Mapped model buffer size =    92.10 MiB\n"
    log += "0.4 I llama_kv_cache:        CPU KV buffer size =    45.00 MiB\n"
    log += "0.4 I llama_kv_cache:        CPU KV buffer size =     5.00 MiB\n"
    log += "0.5 I sched_reserve:        CPU compute buffer size =    20.00 MiB\n"
    log += "0.6 I sched_reserve:        CPU compute buffer size =    16.64 MiB\n"
    found = {each.kind: each.bytes for each in buffers(log)}
    assert found == {"model": round(92.1 * MIB), "KV": 50 * MIB, "compute": round(16.64 * MIB)}
    assert buffers("nothing of this kind") == ()


def test_a_loaded_engine_tells_its_buffers(own: Embedded, speaker_gguf: Path) -> None:
    assert own.buffers() == ()
    own.serve()
    found = {(each.device, each.kind): each.bytes for each in own.buffers()}
    weights = found["CPU_Mapped", "model"]
    assert 0.5 * speaker_gguf.stat().st_size < weights <= speaker_gguf.stat().st_size
    assert {kind for _, kind in found} == {"model", "KV", "compute", "output"}
    own.close()
    assert own.buffers() == ()


def test_a_long_log_is_dropped_and_what_it_told_of_buffers_is_not(own: Embedded) -> None:
    own.serve()
    process = own._process
    assert process
    told = len(process.log())
    process.forget()
    assert len(process.log()) >= told > 0, "a short one stays"
    process._log.seek(0, 2)
    process._log.write(b"x" * MOST_LOG)
    process._log.flush()
    own._forget_log()
    assert len(process.log()) < MOST_LOG // 2
    assert own.buffers()
