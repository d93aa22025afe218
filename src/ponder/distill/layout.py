"""Where a model's weights stand in a GGUF file, and what its header says: Qwen2, Llama and DeepSeek-V3.

A model is its transformers configuration and its weights by their transformers names, whoever trained it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from math import pi
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from ponder.errors import InputError

Array = npt.NDArray[np.float32]
Config = Mapping[str, Any]

ARCHITECTURES = {"qwen2": "qwen2", "llama": "llama", "deepseek_v3": "deepseek2"}
"""transformers' model_type → llama.cpp's architecture."""

_MAPS = {
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "llama": gguf.MODEL_ARCH.LLAMA,
    "deepseek_v3": gguf.MODEL_ARCH.DEEPSEEK2,
}
_EXPERT = re.compile(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(gate|up|down)_proj\.weight")
_BLOCK = re.compile(r"model\.layers\.(\d+)\.")
_SIGMOID = 2
_PAIRED = ("q_proj.weight", "q_proj.bias", "k_proj.weight", "k_proj.bias")


def family_of(config: Config) -> str:
    """The model_type. Raises InputError where there is no layout for it."""
    found = str(config.get("model_type"))
    if found not in ARCHITECTURES:
        raise InputError(f"cannot write {found!r} as GGUF; there are layouts for {', '.join(ARCHITECTURES)}.")
    return found


def name_of(config: Config, name: str) -> str:
    """The GGUF name of a weight that stands there as it is. Raises InputError for one without a place."""
    if name.endswith("mlp.gate.e_score_correction_bias"):
        return f"blk.{_block(name)}.exp_probs_b.bias"
    names = gguf.get_tensor_name_map(_MAPS[family_of(config)], config["num_hidden_layers"])
    found = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if found is None:
        raise InputError(f"the weight {name!r} has no place in a GGUF file of {config['model_type']}.")
    return str(found)


def tensors(config: Config, state: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """GGUF name and values of every weight; shapes are PyTorch's, the longest-running dimension first."""
    family = family_of(config)
    if family == "llama" and (factors := llama3_factors(config)) is not None:
        yield "rope_freqs.weight", factors
    experts: dict[tuple[int, str], dict[int, Array]] = {}
    for name, array in state.items():
        if family == "deepseek_v3" and _further(config, name):
            continue  # llama.cpp has no use for the module that predicts further
        if found := _EXPERT.fullmatch(name):
            block, number, part = int(found[1]), int(found[2]), found[3]
            experts.setdefault((block, part), {})[number] = array
        elif name.endswith("kv_b_proj.weight"):
            yield from _split(config, _block(name), array)
        elif family == "llama" and name.endswith(_PAIRED):
            yield name_of(config, name), paired(array, heads_of(config, name))
        else:
            yield name_of(config, name), array
    for (block, part), of in experts.items():
        yield f"blk.{block}.ffn_{part}_exps.weight", np.stack([of[at] for at in range(len(of))])
    if family == "deepseek_v3" and "lm_head.weight" not in state:
        yield "output.weight", state["model.embed_tokens.weight"]


def heads_of(config: Config, name: str) -> int:
    """How many heads a q or k projection has."""
    heads = config["num_attention_heads"]
    return int(config.get("num_key_value_heads") or heads) if ".k_proj." in name else int(heads)


def paired(array: Array, heads: int) -> Array:
    """Rows of each head from halves to neighbours, as llama.cpp turns Llama's heads."""
    return array.reshape(heads, 2, -1, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def _split(config: Config, block: int, array: Array) -> Iterator[tuple[str, Array]]:
    """The expansion of the latent, per head: for keys transposed, so that it is put onto the query."""
    heads, nope = config["num_attention_heads"], config["qk_nope_head_dim"]
    both = array.reshape(heads, -1, array.shape[-1])
    yield f"blk.{block}.attn_k_b.weight", np.ascontiguousarray(both[:, :nope].swapaxes(1, 2))
    yield f"blk.{block}.attn_v_b.weight", np.ascontiguousarray(both[:, nope:])


def _block(name: str) -> int:
    found = _BLOCK.match(name)
    assert found is not None
    return int(found[1])


def _further(config: Config, name: str) -> bool:
    found = _BLOCK.match(name)
    return found is not None and int(found[1]) >= config["num_hidden_layers"]


def rope_of(config: Config) -> Mapping[str, Any]:
    """The rotary parameters, under either of the keys that transformers has had for them."""
    kept = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kept.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    kept.setdefault("rope_type", kept.get("type", "default"))
    return kept


def llama3_factors(config: Config) -> Array | None:
    """By how much each rotary frequency is divided in Llama 3.1 and later: long waves by the factor, short
    ones not, those between in proportion (Llama 3.1's own reference code). None without that scaling.
    """
    rope = rope_of(config)
    if rope["rope_type"] != "llama3":
        return None
    rotary = int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])
    waves = 2 * pi * rope["rope_theta"] ** (np.arange(0, rotary, 2, dtype=np.float64) / rotary)
    trained, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    blend = np.clip((trained / waves - low) / (high - low), 0, 1)
    return (1 / ((1 - blend) / factor + blend)).astype(np.float32)


def write_header(file: gguf.GGUFWriter, config: Config) -> None:
    """The sizes. Raises InputError for a rotary scaling that this layout does not know."""
    family, rope = family_of(config), rope_of(config)
    known = {"qwen2": ("default",), "llama": ("default", "llama3"), "deepseek_v3": ("default", "yarn")}
    if rope["rope_type"] not in known[family]:
        raise InputError(f"cannot write a rotary scaling of type {rope['rope_type']!r} for {family}.")
    file.add_block_count(config["num_hidden_layers"])
    file.add_context_length(config["max_position_embeddings"])
    file.add_embedding_length(config["hidden_size"])
    file.add_feed_forward_length(config["intermediate_size"])
    file.add_head_count(config["num_attention_heads"])
    file.add_layer_norm_rms_eps(config["rms_norm_eps"])
    file.add_rope_freq_base(rope["rope_theta"])
    file.add_vocab_size(config["vocab_size"])
    more: dict[str, Callable[[], None]] = {
        "deepseek_v3": lambda: _latent_header(file, config, rope),
        "llama": lambda: _grouped_header(file, config),
        "qwen2": lambda: _grouped_header(file, config),
    }
    more[family]()


def _grouped_header(file: gguf.GGUFWriter, config: Config) -> None:
    heads = config["num_attention_heads"]
    per_head = int(config.get("head_dim") or config["hidden_size"] // heads)
    file.add_head_count_kv(config.get("num_key_value_heads") or heads)
    file.add_rope_dimension_count(per_head)
    file.add_key_length(per_head)
    file.add_value_length(per_head)


def _latent_header(file: gguf.GGUFWriter, config: Config, rope: Mapping[str, Any]) -> None:
    """One key head over the latent; `*_mla` tell the true sizes, without which the cache is expanded."""
    nope, turned, latent = (config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "kv_lora_rank"))
    file.add_head_count_kv(1)
    file.add_q_lora_rank(config["q_lora_rank"])
    file.add_kv_lora_rank(latent)
    file.add_key_length(latent + turned)
    file.add_value_length(latent)
    file.add_key_length_mla(nope + turned)
    file.add_value_length_mla(config["v_head_dim"])
    file.add_rope_dimension_count(turned)
    file.add_leading_dense_block_count(config["first_k_dense_replace"])
    file.add_expert_feed_forward_length(config["moe_intermediate_size"])
    file.add_expert_count(config["n_routed_experts"])
    file.add_expert_used_count(config["num_experts_per_tok"])
    file.add_expert_shared_count(config["n_shared_experts"])
    file.add_expert_weights_scale(config["routed_scaling_factor"])
    file.add_expert_weights_norm(config["norm_topk_prob"])
    file.add_expert_gating_func(gguf.ExpertGatingFuncType(_SIGMOID))
    if (config.get("n_group") or 1) > 1:
        file.add_expert_group_count(config["n_group"])
        file.add_expert_group_used_count(config["topk_group"])
    if rope["rope_type"] == "yarn":
        file.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        file.add_rope_scaling_factor(rope["factor"])
        file.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        file.add_rope_scaling_yarn_log_mul(0.1 * rope.get("mscale_all_dim", 0.0))
