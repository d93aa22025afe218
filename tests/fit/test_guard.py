"""What is free, what is needed, and the sentence when the one is less than the other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ponder.catalog.header import Header, Tensor, Value
from ponder.catalog.models import find_model
from ponder.errors import MemoryLimitError
from ponder.fit import guard, probe
from ponder.fit.configs import from_config
from ponder.fit.memory import cache_bytes
from ponder.fit.mix import tensor_bytes
from ponder.fit.readings import Gpu
from ponder.fit.runtime import Runtime
from ponder.fit.sizes import tensor_types

GB = 1_000_000_000
Free = Callable[..., None]


def header_of_32b(quant: str = "Q4_K_M") -> Header:
    """The header that a file of DeepSeek-R1-Distill-Qwen-32B would have, without its vocabulary."""
    tensors = []
    offset = 0
    for name, shape, kind in tensor_types(from_config(find_model("deepseek-r1:32b").config), quant):
        tensors.append(Tensor(name, shape, kind, offset, tensor_bytes(kind, shape)))
        offset += tensors[-1].bytes
    metadata: dict[str, Value] = {
        "general.architecture": "qwen2",
        "general.name": "R1 32B",
        "general.file_type": 15,
        "qwen2.block_count": 64,
        "qwen2.context_length": 131072,
        "qwen2.embedding_length": 5120,
        "qwen2.attention.head_count": 40,
        "qwen2.attention.head_count_kv": 8,
    }
    return Header((), 3, metadata, tuple(tensors), 32, 0, offset)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Set the free bytes of RAM and of one GPU."""

    def settings(ram: int, gpu: int = 0) -> None:
        monkeypatch.setattr(guard, "available_bytes", lambda: ram)
        monkeypatch.setattr(probe, "graphics", lambda: [(Gpu("RTX", 24 * GB, gpu), "NVIDIA")])

    return settings


def test_needed_is_weights_cache_and_scratch() -> None:
    header = header_of_32b()
    geometry = from_config(find_model("deepseek-r1:32b").config)
    cache = cache_bytes(geometry, Runtime(16384))
    needed = guard.needed_bytes(header, 16384, "f16")
    assert header.file_bytes + cache < needed < header.file_bytes + cache + GB
    assert guard.needed_bytes(header, 16384, "q8_0") < needed - 0.4 * cache


def test_the_limit_is_exact_to_the_byte(free: Free) -> None:
    header = header_of_32b()
    needed = guard.needed_bytes(header, 16384, "f16")
    free(needed)
    guard.check_memory(header, 16384, "f16")
    free(needed - 1)
    with pytest.raises(MemoryLimitError) as caught:
        guard.check_memory(header, 16384, "f16")
    size = f"{needed / GB:.1f} GB"
    assert str(caught.value) == (
        f"R1 32B (Q4_K_M) needs {size} with a context of 16384 tokens, but {size} are free: take a shorter "
        "context (--ctx 8192), a smaller cache (--kv q8_0), or a smaller quantisation."
    )


def test_free_memory_of_a_gpu_counts(free: Free) -> None:
    free(8 * GB, 20 * GB)
    guard.check_memory(header_of_32b(), 4096, "f16")
    free(8 * GB, 4 * GB)
    with pytest.raises(MemoryLimitError, match="its weights alone do not fit"):
        guard.check_memory(header_of_32b(), 4096, "f16")


@pytest.mark.parametrize(("ram", "n_ctx"), [(100, 16384), (25, 16384), (23, 8192), (22, 4096), (1, 2048)])
def test_the_context_is_halved_until_it_fits(free: Free, ram: int, n_ctx: int) -> None:
    free(ram * GB)
    assert guard.roomy_context(header_of_32b(), 16384, "f16") == n_ctx


def test_an_unknown_architecture_counts_weights_and_a_plain_cache() -> None:
    header = header_of_32b()
    alien = [replace(t, name=t.name.replace("attn_", "attn_q_novel_")) for t in header.tensors]
    needed = guard.needed_bytes(replace(header, tensors=tuple(alien)), 16384, "f16")
    assert needed == header.file_bytes + 16384 * 64 * 2 * 8 * 128 * 2 + guard.PROCESS_BYTES


def test_limits_of_control_groups_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = tmp_path / "pod" / "box"
    box.mkdir(parents=True)
    (box / "memory.max").write_text("max\n")
    (box / "memory.current").write_text("5\n")
    (box.parent / "memory.max").write_text("1000\n")
    (box.parent / "memory.current").write_text("900\n")
    (box.parent / "memory.stat").write_text("anon 100\nactive_file 200\ninactive_file 300\n")
    (tmp_path / "memory" / "old").mkdir(parents=True)
    (tmp_path / "memory" / "old" / "memory.limit_in_bytes").write_text("2000")
    (tmp_path / "memory" / "old" / "memory.usage_in_bytes").write_text("10")
    texts = {
        "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    5 kB\n",
        "/proc/self/cgroup": "0::/pod/box\n4:cpu:/x\n5:memory:/old\n",
    }
    read = guard._read
    monkeypatch.setattr(guard, "_CGROUP", tmp_path)
    monkeypatch.setattr(guard, "_read", lambda path: texts.get(str(path)) or read(path))
    assert guard.available_bytes() == 1000 - 900 + 500
    (box.parent / "memory.max").write_text("max")
    assert guard.available_bytes() == 1990
    (tmp_path / "memory" / "old" / "memory.limit_in_bytes").write_text("9223372036854771712")
    assert guard.available_bytes() == 5 * 1024


def test_this_machine_has_memory() -> None:
    free = guard.available_bytes()
    assert free is not None
    assert 1 << 26 < free < 1 << 50
