"""Cache, recurrent state, scratch memory, totals of a device, and vLLM's pool."""

from dataclasses import replace

import pytest

from ponder.errors import InputError
from ponder.fit.compute import Arena, Graph, is_exact
from ponder.fit.memory import (
    BACKENDS,
    MIB,
    cache_by_layer,
    cache_bytes,
    cache_bytes_per_token,
    compute_bytes,
    device_memory,
    output_bytes,
)
from ponder.fit.runtime import CACHE_TYPES, Runtime
from ponder.fit.scratch import Scratch, scratch
from ponder.fit.sizes import weight_bytes
from ponder.fit.vllm import FORMATS, Server, checkpoint, pool, token_bytes
from tests.fit.models import R1_FAMILY, distinct, geometry, legacy

PER_TOKEN_16_BIT = {
    "DeepSeek-R1": 70_272,
    "Kimi-K2-Instruct": 70_272,
    "DeepSeek-R1-Distill-Qwen-1.5B": 28_672,
    "DeepSeek-R1-Distill-Qwen-7B": 57_344,
    "DeepSeek-R1-Distill-Llama-8B": 131_072,
    "DeepSeek-R1-0528-Qwen3-8B": 147_456,
    "DeepSeek-R1-Distill-Qwen-14B": 196_608,
    "DeepSeek-R1-Distill-Qwen-32B": 262_144,
    "DeepSeek-R1-Distill-Llama-70B": 327_680,
    "DeepSeek-V3.2": 85_888,
    "gpt-oss-20b": 24_576,
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 6144,
    "Llama-3_3-Nemotron-Super-49B-v1": 200_704,
    "Qwen3.5-27B": 65_536,
}


@pytest.mark.parametrize("model", PER_TOKEN_16_BIT)
def test_cache_per_token(model: str) -> None:
    assert cache_bytes_per_token(geometry(model), Runtime(65_536)) == PER_TOKEN_16_BIT[model]


@pytest.mark.parametrize("model", R1_FAMILY)
def test_cache_types_scale_by_their_blocks(model: str) -> None:
    whole = cache_bytes(geometry(model), Runtime(8192))
    assert whole == 8192 * PER_TOKEN_16_BIT[model]
    for kind, bits in (("bf16", 16), ("q8_0", 8.5), ("q5_1", 6), ("q5_0", 5.5), ("q4_1", 5), ("q4_0", 4.5)):
        assert cache_bytes(geometry(model), Runtime(8192, kind, kind)) == whole * bits / 16


def test_the_old_layout_of_r1_caches_71_times_more() -> None:
    old = legacy(geometry("DeepSeek-R1"))
    assert cache_bytes(old, Runtime(4096)) == 4096 * 4_997_120
    assert cache_bytes(old, Runtime(4096, "q8_0", "q8_0")) == 4096 * 4_997_120 * 8.5 / 16


def test_context_is_padded_and_shared_out() -> None:
    assert (Runtime(1).cells, Runtime(4096).cells, Runtime(5000).cells) == (256, 4096, 5120)
    split = Runtime(5000, parallel=4)
    assert (split.cells, split.streams) == (1280, 4)
    joint = Runtime(5000, parallel=4, unified=True)
    assert (joint.cells, joint.streams) == (5120, 1)
    shape = geometry("DeepSeek-R1-Distill-Qwen-7B")
    assert cache_bytes(shape, split) == cache_bytes(shape, joint) == 5120 * 57_344


def test_a_sliding_window_stops_growing() -> None:
    shape = geometry("gpt-oss-20b")
    short, long = (cache_by_layer(shape, Runtime(context)) for context in (4096, 131_072))
    assert short[0] == long[0] == 768 * 2048  # window 128 + batch 512, padded to 256
    assert long[1] == 131_072 * 2048
    assert cache_by_layer(shape, Runtime(4096, full_window=True))[0] == 4096 * 2048
    assert sum(long) == cache_bytes(shape, Runtime(131_072))


def test_recurrent_layers_have_a_constant_state() -> None:
    shape = geometry("Qwen3.5-27B")
    layers = cache_by_layer(shape, Runtime(131_072))
    assert layers[0] == 4 * (48 * 128 * 128 + 3 * 10_240)
    assert layers[0] == cache_by_layer(shape, Runtime(256))[0]
    assert cache_by_layer(shape, Runtime(131_072, parallel=2))[0] == 2 * layers[0]


@pytest.mark.parametrize("name", distinct(), ids=str)
def test_memory_grows_with_everything(name: str) -> None:
    shape = geometry(name)
    base = Runtime(8192)
    assert cache_bytes(shape, replace(base, context=65_536)) > cache_bytes(shape, base) > 0
    assert cache_bytes(shape, replace(base, cache_k="q8_0", cache_v="q8_0")) <= cache_bytes(shape, base)
    assert compute_bytes(shape, replace(base, ubatch=1024)) > compute_bytes(shape, base) > MIB
    assert compute_bytes(shape, replace(base, context=65_536)) > compute_bytes(shape, base)
    assert compute_bytes(shape, replace(base, flash=False)) > compute_bytes(shape, base)
    assert output_bytes(shape, base) == 4 * shape.vocab


@pytest.mark.parametrize("name", [name for name in R1_FAMILY if name != "DeepSeek-R1"])
@pytest.mark.parametrize(("context", "ubatch"), [(8192, 512), (32_768, 2048), (131_072, 128)])
def test_scratch_of_the_distills_is_the_published_formula(name: str, context: int, ubatch: int) -> None:
    shape = geometry(name)
    rows = 3 * shape.dense_width + 5 * shape.hidden
    expected = 2 * ubatch * context + 4 * ubatch * rows
    assert compute_bytes(shape, Runtime(context, ubatch=ubatch)) == pytest.approx(expected, abs=0.1 * MIB)


def test_scratch_of_r1_without_flash_attention_is_sixty_times_larger() -> None:
    shape = geometry("DeepSeek-R1")
    assert compute_bytes(shape, Runtime(131_072)) / MIB == pytest.approx(534.0, abs=0.1)
    assert compute_bytes(shape, Runtime(131_072, flash=False)) / MIB == pytest.approx(33_430, abs=0.1)


def test_the_allocator_takes_the_tightest_hole_and_joins_neighbours() -> None:
    arena = Arena()
    places = [arena.take(size) for size in (32, 64, 32, 96, 32)]
    arena.give(places[1], 64)
    arena.give(places[3], 96)
    assert arena.take(64) == places[1]
    assert arena.take(64) == places[3]
    assert arena.peak == 256
    arena.give(places[2], 32)
    arena.give(places[1], 64)
    assert arena.take(96) == places[1]


def test_an_elementwise_result_takes_its_operands_place() -> None:
    in_place, apart = Graph(), Graph()
    for graph, reuse in ((in_place, True), (apart, False)):
        first = graph.node(1024, graph.input(1024))
        graph.node(1024, first, reuse=reuse)
    assert (in_place.peak_bytes(), apart.peak_bytes()) == (2048, 2048)
    graph = Graph()
    source = graph.input(1024)
    graph.node(1024, graph.node(1024, source), source, reuse=True)
    assert graph.peak_bytes() == 2048


def test_which_scratch_is_exact() -> None:
    bounds = {name for name, shape in distinct().items() if not is_exact(shape)}
    architectures = {geometry(name).architecture for name in bounds}
    assert architectures == {"deepseek32", "deepseek4", "nemotron_h_moe", "qwen35", "qwen35moe"}


@pytest.mark.parametrize(
    ("context", "cache", "parallel"),
    [(0, "f16", 1), (1 << 30, "f16", 1), (4096, "q3_k", 1), (4096, "f16", 0)],
)
def test_impossible_settings_are_one_sentence(context: int, cache: str, parallel: int) -> None:
    with pytest.raises(InputError) as caught:
        Runtime(context, cache, cache, parallel=parallel)
    assert "\n" not in str(caught.value)


def test_quantised_values_need_flash_attention() -> None:
    with pytest.raises(InputError, match="flash attention"):
        Runtime(4096, cache_v="q8_0", flash=False)
    assert set(CACHE_TYPES) >= {"f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"}


def test_the_total_of_a_device_adds_up_and_keeps_its_uncertainty() -> None:
    needed = Scratch(server=3, most=5, copied=7)
    exact = device_memory("cpu", weights=100, cache=20, scratch=needed)
    assert (exact.total, exact.worst) == (123, 125)
    gpu = device_memory("cuda", weights=100, cache=20, scratch=needed)
    assert gpu.total == 123 + BACKENDS["cuda"].overhead_bytes
    assert gpu.worst > gpu.total
    assert device_memory("cuda", weights=100, cache=20, scratch=needed, split=True).total == gpu.total + 7
    assert all(backend.source and backend.overhead_bytes >= 0 for backend in BACKENDS.values())


def test_experts_in_ram_are_staged_on_the_gpu() -> None:
    # an RTX 4090 with Qwen3-30B-A3B F16, most experts in RAM: 898 MiB of scratch at 4096 tokens
    needed = scratch(geometry("Qwen3-30B-A3B"), Runtime(4096))
    staged = weight_bytes(geometry("Qwen3-30B-A3B"), "F16").largest_expert
    assert staged == 128 * 2048 * 768 * 2
    memory = device_memory("cuda", weights=0, cache=0, scratch=needed, staged=staged)
    assert memory.compute / MIB == pytest.approx(898, rel=0.05)


@pytest.mark.parametrize(
    ("model", "ubatch", "logged_mib"),
    [
        ("Qwen3-30B-A3B", 512, 304.75),  # RTX 3090 Ti, ik_llama.cpp pull request 370
        ("Qwen3-32B", 1024, 633.5),  # Tesla T4, ik_llama.cpp discussion 397
        ("Qwen3-235B-A22B", 4096, 2502.0),  # RTX 5090, ik_llama.cpp issue 514
    ],
)
def test_builds_that_reserve_all_logits_stay_within_the_worst_case(
    model: str, ubatch: int, logged_mib: float
) -> None:
    needed = scratch(geometry(model), Runtime(32_768, ubatch=ubatch, batch=4096))
    assert needed.most / MIB == pytest.approx(logged_mib, abs=0.1)
    assert needed.server < needed.most


def test_gpus_of_a_layer_split_hold_copies_of_their_inputs() -> None:
    # two Tesla T4, ik_llama.cpp issue 398: 444.77 MiB on the second of them
    needed = scratch(geometry("Qwen3-30B-A3B"), Runtime(32_768))
    memory = device_memory("cuda", weights=0, cache=0, scratch=needed, split=True)
    most = memory.worst - memory.overhead - BACKENDS["cuda"].uncertainty_bytes
    assert most / MIB == pytest.approx(444.77, abs=0.1)


def test_vllm_weights() -> None:
    seven = checkpoint(geometry("DeepSeek-R1-Distill-Qwen-7B"), "AWQ")
    assert seven.bytes == pytest.approx(5.57e9, rel=0.001)
    assert checkpoint(geometry("DeepSeek-R1-Distill-Qwen-14B"), "BF16").bytes == 2 * 14_770_033_664
    r1 = checkpoint(geometry("DeepSeek-R1"), "FP8")
    assert r1.bytes == pytest.approx(671.03e9 + 2 * 0.93e9, rel=0.001)
    assert r1.routed == pytest.approx(653.9e9 * 1.0002, rel=0.001)
    assert all(4 < scheme.bits <= 16 and scheme.source for scheme in FORMATS.values())
    assert all(0 < scheme.uncertainty < 0.1 for scheme in FORMATS.values())
    with pytest.raises(InputError, match="INT3"):
        checkpoint(geometry("DeepSeek-R1"), "INT3")


def test_vllm_cache_is_shared_out_unless_it_is_latent() -> None:
    assert token_bytes(geometry("DeepSeek-R1"), 8) == token_bytes(geometry("DeepSeek-R1")) == 70_272
    assert token_bytes(geometry("DeepSeek-R1-Distill-Qwen-14B"), 2) == 98_304
    assert token_bytes(geometry("Qwen3-235B-A22B"), 8) == token_bytes(geometry("Qwen3-235B-A22B"), 4)
    # 4 x H100, FP8: its log has 8.11 GiB per GPU for 178,880 tokens
    assert 8.11 * 2**30 / token_bytes(geometry("Qwen3-235B-A22B"), 4) == pytest.approx(178_880, rel=0.02)


def test_vllm_pool_of_a_14b_on_two_4090s() -> None:
    server = Server(gpu_bytes=int(23.6 * 2**30), gpus=2, utilisation=0.98)
    found = pool(geometry("DeepSeek-R1-Distill-Qwen-14B"), "BF16", server, 131_072)
    per_token = token_bytes(geometry("DeepSeek-R1-Distill-Qwen-14B"), 2)
    assert abs(found.tokens - 81_536) * per_token < found.uncertainty_bytes  # vLLM's log
    assert found.tokens % 16 == 0
    assert found.requests == pytest.approx(found.tokens / 131_072)


def test_vllm_says_when_weights_do_not_fit_and_refuses_nonsense() -> None:
    shape = geometry("DeepSeek-R1-Distill-Llama-70B")
    full = pool(shape, "BF16", Server(gpu_bytes=24 << 30), 8192)
    assert full.bytes < 0
    assert full.tokens == 0
    with pytest.raises(InputError, match=r"1\.5"):
        Server(gpu_bytes=24 << 30, utilisation=1.5)
    with pytest.raises(InputError, match="context"):
        pool(shape, "BF16", Server(gpu_bytes=24 << 30), 0)


def test_vllm_surely_holds_no_more_than_its_log() -> None:
    server = Server(gpu_bytes=int(23.6 * 2**30), gpus=2, utilisation=0.98)
    found = pool(geometry("DeepSeek-R1-Distill-Qwen-14B"), "BF16", server, 131_072)
    assert 0 < found.least_tokens < 81_536  # vLLM issue 13061
    assert found.least_tokens % 16 == 0
