"""Every family exported, and run by the real engine as PyTorch runs it."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")

import gguf
import torch

from ponder.distill.export import KINDS, export, export_folder
from ponder.distill.folder import write_folder
from ponder.distill.layout import llama3_factors
from ponder.errors import InputError
from tests.distill.small import SHAPES, assert_same, engine_of, random_student, vocabulary
from tests.engine.asking import ids, run


@pytest.mark.parametrize("family", SHAPES)
def test_the_engine_writes_what_torch_writes(family: str, tmp_path: Path) -> None:
    student = random_student(family)
    export(student, vocabulary(), tmp_path / "student.gguf", "F32")
    with engine_of(tmp_path / "student.gguf") as engine:
        assert_same(student, engine)


def content(path: Path) -> tuple[dict[str, object], dict[str, bytes]]:
    """Every field and every tensor, whatever their order."""
    file = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in file.fields.items()}
    return fields, {each.name: each.data.tobytes() for each in file.tensors}


def test_a_folder_of_transformers_is_written_as_the_student_itself(tmp_path: Path) -> None:
    for family in SHAPES:
        student = random_student(family)
        write_folder(student, vocabulary(), tmp_path / family)
        export_folder(tmp_path / family, tmp_path / "folder.gguf", "F32")
        export(student, vocabulary(), tmp_path / "own.gguf", "F32", family)
        assert content(tmp_path / "folder.gguf") == content(tmp_path / "own.gguf")


def test_transformers_computes_what_the_student_computes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    ids = torch.randint(0, 400, (2, 30), generator=torch.Generator().manual_seed(1))
    for family in SHAPES:
        student = random_student(family)
        write_folder(student, vocabulary(), tmp_path / family)
        model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / family, dtype=torch.float32)
        with torch.inference_mode():
            assert torch.allclose(model(ids).logits, student.logits(student(ids)[0]), atol=1e-4), family
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / family)
        assert len(tokenizer) == 400
        assert tokenizer.encode("What is 12?", add_special_tokens=False) == vocabulary().ids("What is 12?")
        shown = tokenizer.apply_chat_template(
            [{"role": "user", "content": "What is 12?"}], add_generation_prompt=True, return_dict=False
        )
        assert shown == vocabulary().prompt("What is 12?")


def test_every_kind_is_written_and_runs_and_smaller_is_smaller(tmp_path: Path) -> None:
    sizes = []
    for kind in KINDS:
        path = tmp_path / f"{kind}.gguf"
        export(random_student("deepseek3"), vocabulary(), path, kind)
        sizes.append(path.stat().st_size)
        types = {each.name: each.tensor_type.name for each in gguf.GGUFReader(path).tensors}
        assert types["blk.1.ffn_up_exps.weight"] == kind
        assert types["blk.1.ffn_gate_inp.weight"] == types["blk.1.exp_probs_b.bias"] == "F32"
        if kind in {"Q8_0", "MXFP4"}:
            with engine_of(path) as engine:
                assert ids(run(engine))
    assert sizes == sorted(sizes, reverse=True) or sizes[1] == sizes[2]
    with pytest.raises(InputError, match="MXFP4 is for experts"):
        export(random_student("qwen2"), vocabulary(), tmp_path / "x.gguf", "MXFP4")
    with pytest.raises(InputError, match="cannot write 'Q4_K_M'"):
        export(random_student("qwen2"), vocabulary(), tmp_path / "x.gguf", "Q4_K_M")
    assert not (tmp_path / "x.gguf").exists()


def test_the_rotary_scaling_of_llama_3_is_that_of_transformers() -> None:
    pytest.importorskip("transformers")
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    scaling = {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    }  # fmt: skip
    config = LlamaConfig(
        hidden_size=512, num_attention_heads=4, max_position_embeddings=131072, rope_parameters=scaling
    )
    plain = 500000.0 ** (-torch.arange(0, 128, 2) / 128)
    factors = llama3_factors(config.to_dict())
    assert factors is not None
    assert factors.min() == 1.0
    assert factors.max() == pytest.approx(8.0)
    found = plain / torch.from_numpy(factors)
    assert torch.allclose(found, LlamaRotaryEmbedding(config).inv_freq, rtol=1e-5)
