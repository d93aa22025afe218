"""What is free, what is needed, and the sentence when the one is less than the other."""

from dataclasses import replace
from pathlib import Path

import pytest

from ponder.catalog.models import find_model
from ponder.fit import guard
from ponder.fit.configs import from_config
from ponder.fit.memory import cache_bytes
from ponder.fit.runtime import Runtime
from tests.fit.headers import header_of_32b

GB = 1_000_000_000


def test_needed_is_weights_cache_and_scratch() -> None:
    header = header_of_32b()
    geometry = from_config(find_model("deepseek-r1:32b").config)
    cache = cache_bytes(geometry, Runtime(16384))
    needed = guard.needed_bytes(header, 16384, "f16")
    assert header.file_bytes + cache < needed < header.file_bytes + cache + GB
    assert guard.needed_bytes(header, 16384, "q8_0") < needed - 0.4 * cache


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
