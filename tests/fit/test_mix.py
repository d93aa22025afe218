"""Which type each tensor gets, against a real file and the rules' own corners."""

from collections import Counter

import pytest

from ponder.catalog.ggml import FILE_TYPES
from ponder.errors import InputError
from ponder.fit.mix import BASE, NEEDS_IMATRIX, TYPES, chosen, fitting, rules, tensor_bytes, traits
from ponder.fit.sizes import tensor_types, weight_bytes
from tests.fit.models import geometry, table

REAL = {row["name"]: row for row in table("r1_distill_qwen_7b_q4_k_m.csv")}


def test_every_tensor_of_the_real_7b_file() -> None:
    shape = geometry("DeepSeek-R1-Distill-Qwen-7B")
    ours = {
        name: ("x".join(map(str, dims)), kind)
        for name, dims, kind in tensor_types(shape, "Q4_K_M", imatrix=False)
    }
    assert ours == {name: (row["shape"], row["type"]) for name, row in REAL.items()}
    assert Counter(kind for _, kind in ours.values()) == {"F32": 141, "Q4_K": 169, "Q6_K": 29}


def test_the_better_layers_are_those_of_the_real_file() -> None:
    better = {0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27}
    assert chosen("more", 28) == better
    for part in ("attn_v", "ffn_down"):
        assert {i for i in range(28) if REAL[f"blk.{i}.{part}.weight"]["type"] == "Q6_K"} == better


def test_file_types_are_llama_cpps() -> None:
    assert set(BASE) <= set(FILE_TYPES.values())
    assert set(BASE.values()) <= set(TYPES)
    assert set(BASE) >= NEEDS_IMATRIX


@pytest.mark.parametrize(
    ("model", "quant", "imatrix", "tensor", "kind"),
    [
        ("DeepSeek-R1", "Q4_K_M", True, "blk.3.attn_k_b.weight", "Q5_0"),  # rows of 128
        ("DeepSeek-R1", "IQ1_S", True, "blk.3.attn_k_b.weight", "IQ4_NL"),
        ("DeepSeek-R1", "IQ1_S", True, "blk.3.attn_output.weight", "IQ2_XXS"),
        ("DeepSeek-R1", "IQ1_S", True, "blk.3.ffn_down_shexp.weight", "Q2_K"),
        ("DeepSeek-R1", "Q4_K_M", True, "blk.60.ffn_gate_inp.weight", "F32"),
        ("Qwen3-0.6B", "Q2_K", True, "blk.9.attn_v.weight", "Q3_K"),  # two query heads share a key head
        ("DeepSeek-R1-Distill-Llama-8B", "Q2_K", True, "blk.9.attn_v.weight", "Q4_K"),
        ("DeepSeek-R1-Distill-Llama-70B", "Q4_K_M", True, "blk.11.attn_v.weight", "Q5_K"),  # the 70B rule
        ("DeepSeek-R1-Distill-Llama-8B", "IQ4_XS", False, "blk.0.ffn_down.weight", "Q5_K"),
        ("DeepSeek-R1-Distill-Llama-8B", "IQ4_XS", True, "blk.0.ffn_down.weight", "IQ4_XS"),
        ("DeepSeek-R1-Distill-Llama-8B", "Q4_0", True, "blk.0.ffn_down.weight", "Q4_1"),
        ("Qwen2.5-1.5B-Instruct", "Q4_K_M", True, "token_embd.weight", "Q6_K"),  # tied: it is the head
        ("gpt-oss-20b", "MXFP4_MOE", True, "blk.0.ffn_up_exps.weight", "MXFP4"),
        ("gpt-oss-20b", "MXFP4_MOE", True, "blk.0.attn_q.weight", "Q8_0"),
        ("gpt-oss-20b", "Q4_K_M", True, "output.weight", "Q8_0"),  # 2880 is no multiple of 256
        ("DeepSeek-V4-Flash", "Q4_K_M", True, "blk.0.ffn_gate_tid2eid.weight", "I32"),
    ],
)
def test_corners_of_the_rules(model: str, quant: str, imatrix: bool, tensor: str, kind: str) -> None:
    types = {name: found for name, _, found in tensor_types(geometry(model), quant, imatrix)}
    assert types[tensor] == kind


def test_fallbacks() -> None:
    assert fitting("Q4_K", 512) == "Q4_K"
    assert [fitting(kind, 896) for kind in ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ2_XS")] == [
        "Q4_0",
        "Q4_0",
        "Q5_0",
        "Q5_1",
        "Q8_0",
        "IQ4_NL",
    ]
    assert fitting("Q4_K", 100) == "F16"
    assert tensor_bytes("F32", (3,)) == 32  # padded


def test_the_summed_bytes_are_those_of_the_listed_tensors() -> None:
    for model in (
        "DeepSeek-R1",
        "DeepSeek-R1-Distill-Qwen-1.5B",
        "Qwen3-0.6B",
        "gpt-oss-20b",
        "GLM-4.5-Air",
        "Qwen3.5-35B-A3B",
    ):
        shape = geometry(model)
        for quant in BASE:
            listed = sum(tensor_bytes(kind, dims) for _, dims, kind in tensor_types(shape, quant))
            sizes = weight_bytes(shape, quant)
            assert sizes.file - sizes.header == listed, (model, quant)


def test_an_unknown_quantisation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'Q4_K_XXL'.*Q4_K_M"):
        rules("Q4_K_XXL", traits(geometry("Qwen3-0.6B"), imatrix=True))
