"""Students in the words of transformers: their configuration, and their weights under its names."""

from typing import Any

import torch

from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.student import Shape, Student
from ponder.distill.vocabulary import BEGIN, END

_CLASSES = {
    "qwen2": ("qwen2", "Qwen2ForCausalLM"),
    "llama": ("llama", "LlamaForCausalLM"),
    "deepseek3": ("deepseek_v3", "DeepseekV3ForCausalLM"),
}


def config_of(shape: Shape) -> dict[str, Any]:
    """The `config.json` of a shape."""
    kind, architecture = _CLASSES[shape.family]
    config: dict[str, Any] = {
        "model_type": kind,
        "architectures": [architecture],
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads or shape.heads,
        "intermediate_size": shape.feed,
        "max_position_embeddings": shape.n_ctx,
        "rope_theta": shape.rope_theta,
        "rms_norm_eps": shape.eps,
        "hidden_act": "silu",
        "tie_word_embeddings": shape.family != "deepseek3",
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "pad_token_id": END,
        "dtype": "float32",
    }
    return config | (_latent(shape) if isinstance(shape, DeepseekShape) else {})


def _latent(shape: DeepseekShape) -> dict[str, Any]:
    return {
        "q_lora_rank": shape.q_lora,
        "kv_lora_rank": shape.kv_lora,
        "qk_nope_head_dim": shape.nope,
        "qk_rope_head_dim": shape.rope,
        "qk_head_dim": shape.nope + shape.rope,
        "head_dim": shape.rope,
        "v_head_dim": shape.value,
        "rope_interleave": True,
        "attention_bias": False,
        "first_k_dense_replace": shape.dense,
        "moe_intermediate_size": shape.expert_feed,
        "n_routed_experts": shape.experts,
        "num_experts_per_tok": shape.used,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "routed_scaling_factor": shape.scale,
        "norm_topk_prob": True,
        "scoring_func": "sigmoid",
        "topk_method": "noaux_tc",
        "num_nextn_predict_layers": shape.mtp,
    }


def weights_of(student: Student) -> dict[str, torch.Tensor]:
    """Copies of the weights. The further module stands as one more layer, as in DeepSeek's own files."""
    beyond = f"model.layers.{student.shape.layers}."
    out: dict[str, torch.Tensor] = {}
    for name, weight in student.state_dict().items():
        said = name
        if name.startswith("mtp."):
            inner = name.removeprefix("mtp.")
            inner = "shared_head." + inner if inner.startswith("norm.") else inner.removeprefix("block.")
            said = beyond + inner
        out[said] = weight.detach().clone()
    return out
