"""Weight bytes: published file sizes, the parts of R1, what a token reads."""

from dataclasses import replace

import pytest

from ponder.catalog.ggml import TENSOR_TYPES
from ponder.catalog.header import Header, Tensor, Value
from ponder.fit.headers import from_header, header_weights
from ponder.fit.mix import BASE
from ponder.fit.sizes import weight_bytes
from tests.fit.models import distinct, geometry, table

PUBLISHED = table("published_sizes.csv")
UNITS = {"bytes": 1.0, "GB": 1e9, "GiB": 2.0**30}

READ_PER_TOKEN = {
    # GB: whole file, routed experts, embedding, fixed and routed bytes read per token
    "BF16": (1342.3, 1307.8, 1.85, 32.60, 40.87),
    "Q8_0": (713.3, 694.8, 0.98, 17.52, 21.71),
    "Q6_K": (550.9, 536.4, 0.76, 13.75, 16.76),
    "Q5_K_M": (475.4, 463.0, 0.64, 11.75, 14.47),
    "Q4_K_M": (404.5, 394.0, 0.52, 9.98, 12.31),
    "IQ4_XS": (357.1, 347.4, 0.49, 9.26, 10.86),
    "Q3_K_M": (319.3, 309.9, 0.40, 8.94, 9.69),
    "Q2_K": (244.1, 236.7, 0.30, 7.14, 7.40),
    "IQ2_XXS": (174.6, 169.1, 0.30, 5.16, 5.28),
    "IQ1_S": (133.7, 128.7, 0.30, 4.72, 4.02),
}


def test_published_sizes_are_plausible_and_sourced() -> None:
    assert len(PUBLISHED) >= 35
    keys = [(row["id"], row["quantisation"], row["source"]) for row in PUBLISHED]
    assert len(set(keys)) == len(keys)
    for row in PUBLISHED:
        assert row["unit"] in UNITS
        assert row["source"]
        assert 1e9 < float(row["size"]) * UNITS[row["unit"]] < 1.5e12


def test_published_sizes_without_the_files() -> None:
    errors = []
    for row in PUBLISHED:
        real = float(row["size"]) * UNITS[row["unit"]]
        both = [
            weight_bytes(geometry(row["id"]), row["quantisation"], imatrix).file for imatrix in (True, False)
        ]
        error = min(abs(size / real - 1) for size in both)
        errors.append(error)
        # a size that was rounded to two or three digits cannot be hit better than its rounding
        assert error < (0.0001 if row["unit"] == "bytes" else 0.003), row
    assert sum(errors) / len(errors) < 0.0005


def _real_header() -> Header:
    """The header of the real DeepSeek-R1-Distill-Qwen-7B Q4_K_M: its table of tensors, and its size of
    5,953,248."""
    tensors, offset = [], 0
    for row in table("r1_distill_qwen_7b_q4_k_m.csv"):
        shape = tuple(int(size) for size in row["shape"].split("x"))
        tensors.append(Tensor(row["name"], shape, row["type"], offset, int(row["bytes"])))
        offset += -(-int(row["bytes"]) // 32) * 32
    metadata: dict[str, Value] = {
        "general.architecture": "qwen2",
        "qwen2.block_count": 28,
        "qwen2.context_length": 131_072,
        "qwen2.embedding_length": 3584,
        "qwen2.attention.head_count": 28,
        "qwen2.attention.head_count_kv": 4,
    }
    return Header((), 3, metadata, tuple(tensors), 32, 5_953_248, 5_953_248 + offset)


def test_the_real_header_exact_to_the_byte() -> None:
    header = _real_header()
    assert header_weights(header).file == 4_683_073_248
    assert from_header(header) == geometry("DeepSeek-R1-Distill-Qwen-7B")
    without_file = weight_bytes(geometry("DeepSeek-R1-Distill-Qwen-7B"), "Q4_K_M", imatrix=False)
    assert replace(without_file, header=header_weights(header).header) == header_weights(header)
    assert abs(without_file.file - 4_683_073_248) < 5000


@pytest.mark.parametrize("quant", READ_PER_TOKEN)
def test_the_parts_of_r1(quant: str) -> None:
    sizes = weight_bytes(geometry("DeepSeek-R1"), quant)
    found = (sizes.file, sum(sizes.routed), sizes.embedding, sizes.fixed_per_token, sizes.routed_per_token)
    for ours, published, digits in zip(found, READ_PER_TOKEN[quant], (1, 1, 2, 2, 2), strict=True):
        assert ours / 1e9 == pytest.approx(published, abs=0.51 * 10**-digits)
    assert sizes.read_per_token == sizes.fixed_per_token + sizes.routed_per_token
    assert len(sizes.fixed) == len(sizes.routed) == 61
    assert not any(sizes.routed[:3])
    assert all(sizes.routed[3:])


@pytest.mark.parametrize(
    ("model", "quant", "file", "fixed", "routed"),
    [
        ("Kimi-K2-Instruct", "Q4_K_M", 620.6, 6.98, 12.77),
        ("Qwen3-235B-A22B", "Q4_K_M", 142.1, 4.51, 8.58),
        ("gpt-oss-120b", "MXFP4_MOE", 63.4, 1.69, 1.91),
        ("gpt-oss-20b", "MXFP4_MOE", 12.1, 1.30, 1.27),
        ("Qwen3-30B-A3B", "Q4_K_M", 18.6, 0.82, 1.10),
    ],
)
def test_the_parts_of_other_models(model: str, quant: str, file: float, fixed: float, routed: float) -> None:
    sizes = weight_bytes(geometry(model), quant)
    assert sizes.file / 1e9 == pytest.approx(file, abs=0.06)
    assert sizes.fixed_per_token / 1e9 == pytest.approx(fixed, abs=0.0051)
    assert sizes.routed_per_token / 1e9 == pytest.approx(routed, abs=0.0051)


def test_every_model_and_quantisation_is_ordered_and_bounded() -> None:
    for name, shape in distinct().items():
        sixteen = weight_bytes(shape, "BF16").file
        for quant in BASE:
            sizes = weight_bytes(shape, quant)
            assert 0 < sizes.read_per_token <= sizes.file, (name, quant)
            assert min(sizes.fixed) > 0
            if quant not in {"F32", "F16", "BF16"}:
                assert sizes.file < 0.75 * sixteen, (name, quant)
        ordered = [
            weight_bytes(shape, quant).file
            for quant in ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
        ]
        if name != "Qwen3-0.6B" and not name.startswith("gpt-oss"):
            assert ordered == sorted(ordered, reverse=True), name


def test_a_tied_head_is_in_the_file_once_but_read_whole() -> None:
    sizes = weight_bytes(geometry("Qwen3-4B"), "Q8_0")
    assert sizes.tied
    assert sizes.head > sizes.embedding
    assert sizes.file == sizes.header + sizes.head + sum(sizes.fixed)


def test_draft_layers_are_in_the_file_but_not_read() -> None:
    sizes = weight_bytes(geometry("GLM-4.5-Air"), "Q4_K_M")
    assert sizes.draft > 1e9
    assert len(sizes.fixed) == 46
    assert weight_bytes(geometry("DeepSeek-R1"), "Q4_K_M").draft == 0


def test_block_sizes_are_those_of_ggml() -> None:
    bits = {kind.name: 8 * kind.block_bytes / kind.block for kind in TENSOR_TYPES.values()}
    assert {name: bits[name] for name in set(BASE.values())} == {
        "F32": 32, "F16": 16, "BF16": 16, "Q8_0": 8.5, "Q6_K": 6.5625, "Q5_K": 5.5, "Q5_1": 6, "Q5_0": 5.5,
        "Q4_K": 4.5, "Q4_1": 5, "Q4_0": 4.5, "MXFP4": 4.25, "IQ4_NL": 4.5, "IQ4_XS": 4.25, "Q3_K": 3.4375,
        "IQ3_S": 3.4375, "IQ3_XXS": 3.0625, "Q2_K": 2.625, "IQ2_S": 2.5625, "IQ2_XS": 2.3125,
        "IQ2_XXS": 2.0625, "IQ1_M": 1.75, "IQ1_S": 1.5625,
    }  # fmt: skip
