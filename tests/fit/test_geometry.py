"""Geometry from configurations and headers, and parameters counted from it."""

from dataclasses import replace

import pytest

from ponder.catalog.models import all_models, find_model
from ponder.errors import FileFormatError
from ponder.fit.configs import from_config
from ponder.fit.geometry import DeltaNet, Experts, Grouped, Latent, Mamba
from ponder.fit.headers import from_header, header_weights
from ponder.fit.memory import cache_bytes
from ponder.fit.runtime import Runtime
from ponder.fit.sizes import weight_bytes
from ponder.fit.tensors import parameters
from tests.fit.models import distinct, geometry, legacy, table
from tests.fit.oracle import as_header

ROWS = table("parameters.csv")


def test_the_table_has_every_model_once_with_its_source() -> None:
    names = [row["id"] for row in ROWS]
    assert len(names) == len(set(names)) == 47
    assert set(names) <= {model.id for model in all_models()}
    assert all(row["source"] and 0 < int(row["active"]) <= int(row["total"]) < 2e12 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_parameters_from_configuration_alone(row: dict[str, str]) -> None:
    counted = parameters(geometry(row["id"]))
    assert (counted.total, counted.active, counted.active_without_embedding) == (
        int(row["total"]),
        int(row["active"]),
        int(row["active_without_embedding"]),
    )


def test_parameters_of_r1_and_its_draft_layer() -> None:
    counted = parameters(geometry("DeepSeek-R1"))
    assert counted.total == 671_026_419_200
    assert counted.active == 37_552_297_472
    assert counted.draft == 11_610_068_224
    # Hugging Face counts the draft layer with its own copies of embedding and head
    assert counted.total + counted.draft + 2 * 129_280 * 7168 == 684_489_845_504


def test_catalogue_agrees_with_the_count() -> None:
    for model in all_models():
        assert parameters(from_config(model.config)).total == model.parameters, model.id


def test_shapes_of_the_kinds_of_models() -> None:
    r1 = geometry("DeepSeek-R1")
    assert (r1.layers, r1.heads, r1.dense_width, r1.context) == (61, 128, 18_432, 163_840)
    assert r1.experts == Experts(256, 8, 2048, 2048, score_bias=True)
    assert r1.attention == Latent(128, 1536, 512, 128, 64, 128)
    assert geometry("Qwen2.5-1.5B-Instruct").tied
    assert not geometry("DeepSeek-R1-Distill-Qwen-1.5B").tied
    windows = [b.mixer.window for b in geometry("gpt-oss-20b").blocks if isinstance(b.mixer, Grouped)]
    assert windows == [128, 0] * 12
    mixers = [type(block.mixer) for block in geometry("Qwen3.5-27B").blocks]
    assert mixers.count(DeltaNet) == 48
    assert mixers.count(Grouped) == 16
    nemotron = geometry("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16").blocks
    assert [sum(isinstance(b.mixer, kind) for b in nemotron) for kind in (Mamba, Grouped)] == [23, 6]


@pytest.mark.parametrize("name", distinct(), ids=str)
def test_a_header_gives_the_same_geometry_and_bytes_as_the_configuration(name: str) -> None:
    shape = geometry(name)
    header = as_header(shape, "Q4_K_M")
    in_file = shape if shape.draft_in_file else replace(shape, draft=())
    assert from_header(header) == in_file
    read = header_weights(header)
    assert read.file == header.file_bytes
    assert replace(read, header=0) == replace(weight_bytes(shape, "Q4_K_M", imatrix=False), header=0)


def test_a_header_shows_the_old_layout() -> None:
    old = legacy(geometry("DeepSeek-R1"))
    assert from_header(as_header(old)) == replace(old, draft=())


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(FileFormatError, match="'mamba9000', which is not known"):
        from_config({"model_type": "mamba9000", "hidden_size": 64})
    with pytest.raises(FileFormatError, match="GGUF"):
        from_config({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "no hidden_size"),
        ({"num_hidden_layers": 0}, "num_hidden_layers = 0"),
        ({"vocab_size": "many"}, "vocab_size = 'many'"),
        ({"num_attention_heads": 7}, "cannot be shared out"),
        ({"intermediate_size": -1}, "intermediate_size = -1"),
    ],
)
def test_a_broken_configuration_is_one_sentence(change: dict[str, object], message: str) -> None:
    config = {**find_model("DeepSeek-R1-Distill-Qwen-7B").config, **change}
    with pytest.raises(FileFormatError, match=message) as caught:
        from_config(config)
    assert "\n" not in str(caught.value)


def test_a_header_with_a_missing_tensor_or_an_unknown_mixer_is_refused() -> None:
    whole = as_header(geometry("Qwen3-0.6B"))
    without = replace(whole, tensors=tuple(t for t in whole.tensors if t.name != "token_embd.weight"))
    with pytest.raises(FileFormatError, match="token_embd"):
        from_header(without)
    renamed = tuple(replace(t, name=t.name.replace("attn_k.", "time_mix_k.")) for t in whole.tensors)
    with pytest.raises(FileFormatError, match="not known here"):
        from_header(replace(whole, tensors=renamed))


def test_gemma_3_by_what_its_release_writes_down() -> None:
    """The 27B names its heads, the 4B leaves them to transformers' defaults."""
    shape = {"model_type": "gemma3_text", "sliding_window": 1024}
    large = {"hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62, "head_dim": 128}
    heads = {"num_attention_heads": 32, "num_key_value_heads": 16}
    found = from_config({"model_type": "gemma3", "text_config": shape | large | heads})
    assert parameters(found).total == pytest.approx(27.01e9, rel=1e-3)
    # ikawrakow/ik_llama.cpp logged 15872.00 MiB for 32,768 tokens; it keeps them all in every layer.
    assert cache_bytes(found, Runtime(32768, full_window=True)) == 15872 * 2**20
    assert cache_bytes(found, Runtime(32768)) < 0.25 * 15872 * 2**20
    small = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}
    assert parameters(from_config({"model_type": "gemma3", "text_config": shape | small})).total == (
        pytest.approx(3.88e9, rel=1e-3)
    )
