"""What llama.cpp itself allocates, against what we say, for models that exist only as headers.

A few dozen configurations in a few seconds; benchmarks/fit/memory.py runs many hundreds.
"""

import os
from pathlib import Path

import pytest

from ponder.fit.compute import is_exact
from ponder.fit.geometry import Geometry
from ponder.fit.memory import MIB, cache_bytes, compute_bytes, output_bytes
from ponder.fit.runtime import Runtime
from tests.fit.models import R1_FAMILY, geometry, legacy
from tests.fit.oracle import Answer, ask_all

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")

LONG = Runtime(131_072)
SETTINGS = (
    Runtime(5000, ubatch=128),
    Runtime(32_768, "q8_0", "q8_0", ubatch=2048),
    Runtime(32_768, flash=False),
    Runtime(16_384, "q4_0", "q4_0", parallel=3),
)


def check(shape: Geometry, runtime: Runtime, answer: Answer) -> None:
    """Cache and output to the rounding of the log, scratch memory within 1 MiB, or an upper bound."""
    assert answer.cache_mib >= 0, answer.log[-500:]
    assert cache_bytes(shape, runtime) / MIB == pytest.approx(answer.cache_mib + answer.state_mib, abs=0.06)
    assert output_bytes(shape, runtime) / MIB == pytest.approx(answer.output_mib, abs=0.01)
    scratch = compute_bytes(shape, runtime) / MIB
    if is_exact(shape):
        assert scratch == pytest.approx(answer.compute_mib, abs=1)
    else:
        assert answer.compute_mib <= scratch <= 1.25 * answer.compute_mib + 2


def test_the_r1_family(tmp_path: Path) -> None:
    runs = [(geometry(name), runtime) for name in R1_FAMILY for runtime in SETTINGS]
    runs += [(legacy(geometry("DeepSeek-R1")), runtime) for runtime in (SETTINGS[0], SETTINGS[1])]
    for (shape, runtime), answer in zip(runs, ask_all(runs, tmp_path), strict=True):
        check(shape, runtime, answer)


def test_every_other_kind_of_attention(tmp_path: Path) -> None:
    names = (
        "gpt-oss-20b", "Qwen3-30B-A3B", "GLM-4.5-Air", "Kimi-K2-Instruct", "Llama-3_3-Nemotron-Super-49B-v1",
        "Phi-4-reasoning", "Qwen3.5-27B", "Qwen3.5-35B-A3B", "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        "DeepSeek-V3.2", "DeepSeek-V4-Flash", "Qwen3-0.6B",
    )  # fmt: skip
    runs = [(geometry(name), runtime) for name in names for runtime in (Runtime(8192), LONG)]
    for (shape, runtime), answer in zip(runs, ask_all(runs, tmp_path), strict=True):
        check(shape, runtime, answer)
