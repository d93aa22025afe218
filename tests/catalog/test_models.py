"""The catalogue: complete, consistent, and forgiving about names."""

import json
import re
from pathlib import Path

import pytest

import ponder.catalog
from ponder.catalog.gguf import read_header
from ponder.catalog.library import resolve
from ponder.catalog.models import BUILTIN, DEMO, all_models, find_model, known_model
from ponder.catalog.tags import opens_reasoning, think_tags
from ponder.core.tags import FORMATS
from ponder.errors import NotFoundError
from tests.catalog.forge import Forge
from tests.tiny import PLAIN, PREFILLING

DATA = json.loads((Path(ponder.catalog.__file__).parent / "data" / "models.json").read_text("utf-8"))


def test_every_model_is_complete() -> None:
    assert len(all_models()) == 49
    for model in all_models():
        assert model.thinks in {"always", "switchable", "never", "prefill"}
        assert (model.tags is None) == (model.thinks == "never"), model.id
        assert 0 < model.active_parameters <= model.parameters
        assert model.n_ctx_train >= 2048
        assert model.licence
        assert 20 < len(model.good_for) <= 70
        assert set(model.seen_repos) <= set(model.gguf_repos)
        assert {"licence", "config", "parameters", "good_for"} <= model.sources.keys()
        assert {"hidden_size", "num_hidden_layers", "vocab_size"} <= model.config.keys(), model.id


def test_every_source_is_spelled_out_and_used() -> None:
    used = {key for row in DATA["models"] for keys in row["sources"].values() for key in keys}
    assert used == DATA["sources"].keys()


def test_names_are_unique() -> None:
    names = [name.lower() for m in all_models() for name in (m.id, m.hf_repo, *m.aliases)]
    assert len(names) == len(set(names))
    assert all(
        re.fullmatch(r"[a-z0-9.-]+(:[a-z0-9.-]+)?", alias) for m in all_models() for alias in m.aliases
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("deepseek-r1:14b", "DeepSeek-R1-Distill-Qwen-14B"),
        ("DeepSeek-R1:671B", "DeepSeek-R1"),
        ("deepseek-r1-0528", "DeepSeek-R1-0528"),
        ("deepseek-r1:8b-0528", "DeepSeek-R1-0528-Qwen3-8B"),
        (" qwq:32b ", "QwQ-32B"),
        ("gpt-oss:20b", "gpt-oss-20b"),
        ("magistral:24b", "Magistral-Small-2509"),
        ("Qwen/Qwen3-8B", "Qwen3-8B"),
        ("unsloth/deepseek-r1-gguf", "DeepSeek-R1"),
        ("demo", DEMO),
    ],
)
def test_models_are_found_by_any_name(name: str, found: str) -> None:
    model = known_model(name)
    assert model is not None
    assert model.id == found


@pytest.mark.parametrize(
    ("name", "offer"),
    [("deepseek-r1:13b", "deepseek-r1:14b"), ("qwen3-8", "qwen3-8b"), ("gpt-os:20b", "gpt-oss:20b")],
)
def test_unknown_names_get_the_nearest(name: str, offer: str) -> None:
    with pytest.raises(NotFoundError, match=r"try .*`ponder models` lists all") as caught:
        find_model(name)
    assert offer in str(caught.value)
    assert str(caught.value).count(" or ") <= 2


def test_an_absurd_name_gets_a_sentence_too() -> None:
    with pytest.raises(NotFoundError, match="no model is called '%%%'; try a name from the list"):
        find_model("%%%")


@pytest.mark.parametrize("name", [BUILTIN, DEMO])
def test_the_facts_of_packaged_weights_are_those_of_their_file(name: str) -> None:
    model, header = find_model(name), resolve(name).header
    assert model.parameters == header.parameters
    assert model.n_ctx_train == header.n_ctx_train
    assert model.gguf_arch == header.architecture
    assert model.config["hidden_size"] == header.number("embedding_length")
    assert model.config["num_hidden_layers"] == header.n_layers
    assert model.config["num_attention_heads"] == header.number("attention.head_count")
    assert model.config["num_key_value_heads"] == header.number("attention.head_count_kv")
    assert model.config["intermediate_size"] == header.number("feed_forward_length")
    assert model.config["vocab_size"] == header.vocabulary_size
    assert model.config["rope_theta"] == header.metadata[f"{header.architecture}.rope.freq_base"]
    assert not any(tensor.name == "output.weight" for tensor in header.tensors), "tied embeddings"


def test_tags_come_from_the_catalogue_first() -> None:
    assert think_tags(find_model("gpt-oss:20b"), PREFILLING) == FORMATS["gpt-oss"]
    assert think_tags(find_model("qwen2.5:7b"), PREFILLING) is None


TEMPLATES = {
    "think": "{{ content.split('</think>')[-1] }}",
    "kimi": "{{ '◁think▷' + reasoning + '◁/think▷' }}",
    "magistral": "{% if block.type == 'thinking' %}[THINK]{{ block.thinking }}[/THINK]{% endif %}",
    "gpt-oss": "{{ '<|start|>assistant<|channel|>analysis<|message|>' + thinking + '<|end|>' }}",
    "gemma4": "{{ text.split('<channel|>') }}{{ '<|channel>thought\\n<channel|>' }}",
    "granite": "Write your thoughts after 'Here is my thought process:' and then 'Here is my response:'",
}


@pytest.mark.parametrize(("name", "template"), TEMPLATES.items())
def test_tags_come_from_the_template_else(name: str, template: str) -> None:
    assert think_tags(None, template) == FORMATS[name]


def test_a_template_without_tags_names_none() -> None:
    assert think_tags(None, "{{ '<|user|>' + message + '<|end|>' }}") is None
    assert think_tags(None, "") is None


@pytest.mark.parametrize(
    ("template", "opens"),
    [
        (PREFILLING, True),
        (PLAIN, False),
        ("{{ '<think>' }}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}", False),
        ("{% if add_generation_prompt %}{% if off %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}", False),
        ("{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}", True),
    ],
)
def test_whether_the_template_opens_the_reasoning(template: str, opens: bool) -> None:
    assert opens_reasoning(template, FORMATS["think"]) == opens


def test_a_file_is_recognised_by_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "whatever.gguf"
    named = Forge().with_(general__name=("string", "DeepSeek R1 Distill Llama 8B"))
    path.write_bytes(named.bytes())
    assert resolve(str(path)).model is None, "two blocks are not the model of 32"
    path.write_bytes(named.with_(llama__block_count=("u32", 32)).bytes())
    model = resolve(str(path)).model
    assert model is not None
    assert model.id == "DeepSeek-R1-Distill-Llama-8B"
    path.write_bytes(Forge().bytes())
    assert resolve(str(path)).model is None
    assert read_header(path).name == "forged"
