"""A Hugging Face `config.json` → `Geometry`, for every architecture of the catalogue.

Field names are those of each architecture's transformers configuration class; what a GGUF of it holds beside
them (generated rope tables, kept draft layers) follows llama.cpp's converter.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ponder.errors import FileFormatError
from ponder.fit.geometry import (
    Block,
    Compressed,
    DeltaNet,
    Dense,
    Experts,
    Geometry,
    Grouped,
    Latent,
    Mamba,
    in_layers,
)


class _Config:
    """A configuration whose fields are asked for by name, with one clear sentence when one is missing."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = dict(fields)

    def number(self, *names: str, default: int | None = None) -> int:
        """The first of `names` that is set, as a whole number of at least 0."""
        for name in names:
            value = self.fields.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise FileFormatError(
                    f"config.json has {name} = {value!r}, expected a whole number; fetch the file again."
                )
            return value
        if default is None:
            raise FileFormatError(
                f"config.json has no {' or '.join(names)}; fetch the complete file from its repository."
            )
        return default

    def positive(self, *names: str, default: int | None = None) -> int:
        """Like `number`, but at least 1."""
        value = self.number(*names, default=default)
        if value < 1:
            raise FileFormatError(
                f"config.json has {names[0]} = {value}, expected at least 1; fetch the file again."
            )
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes/no field."""
        return bool(self.fields.get(name, default))

    def heads(self) -> tuple[int, int, int]:
        """(heads, key/value heads, size of a head) of grouped-query attention."""
        heads = self.positive("num_attention_heads")
        kv_heads = self.positive("num_key_value_heads", default=heads)
        head_dim = self.number("head_dim", default=0) or self.positive("hidden_size") // heads
        if heads % kv_heads or not head_dim:
            raise FileFormatError(
                f"config.json has {heads} attention heads for {kv_heads} key/value heads of size {head_dim}, "
                "which cannot be shared out; fetch the file again."
            )
        return heads, kv_heads, head_dim

    def model(self, architecture: str, blocks: list[Block], **more: Any) -> Geometry:
        """The geometry that these blocks make, with the fields that every configuration has."""
        kinds, pattern = in_layers(blocks)
        return Geometry(
            architecture=architecture,
            hidden=self.positive("hidden_size"),
            vocab=self.positive("vocab_size"),
            context=self.positive("max_position_embeddings"),
            kinds=kinds,
            pattern=pattern,
            tied=self.flag("tie_word_embeddings"),
            **more,
        )

    @property
    def layers(self) -> int:
        return self.positive("num_hidden_layers")


def _plain(
    architecture: str, bias: bool = False, head_norms: bool = False, fused: bool = False
) -> Callable[[_Config], Geometry]:
    """Readers of ordinary dense decoders: the same block in every layer."""

    def read(config: _Config) -> Geometry:
        heads, kv_heads, head_dim = config.heads()
        has_bias = bias or config.flag("attention_bias")
        mixer = Grouped(
            heads, kv_heads, head_dim, head_dim, bias=has_bias, head_norms=head_norms, fused=fused
        )
        block = Block(mixer, Dense(config.positive("intermediate_size"), fused))
        scaling = config.fields.get("rope_scaling") or {}
        kind = scaling.get("rope_type", scaling.get("type"))
        table = head_dim // 2 if architecture == "llama" and kind == "llama3" else 0
        return config.model(architecture, [block] * config.layers, rope_table=table)

    return read


def _qwen3moe(config: _Config) -> Geometry:
    heads, kv_heads, head_dim = config.heads()
    mixer = Grouped(heads, kv_heads, head_dim, head_dim, head_norms=True)
    experts = Experts(
        config.positive("num_experts"),
        config.positive("num_experts_per_tok"),
        config.positive("moe_intermediate_size"),
    )
    return config.model("qwen3moe", [Block(mixer, experts)] * config.layers)


def _gpt_oss(config: _Config) -> Geometry:
    heads, kv_heads, head_dim = config.heads()
    window = config.positive("sliding_window")
    full, sliding = (
        Grouped(heads, kv_heads, head_dim, head_dim, w, bias=True, sinks=True) for w in (0, window)
    )
    count = config.positive("num_local_experts")
    experts = Experts(
        count, config.positive("num_experts_per_tok"), config.positive("intermediate_size"), bias=True
    )
    default = ["sliding_attention", "full_attention"] * (config.layers // 2)
    kinds = config.fields.get("layer_types") or default
    return config.model(
        "gpt-oss", [Block(full if kind == "full_attention" else sliding, experts) for kind in kinds]
    )


_GEMMA3: Mapping[str, Any] = {
    "vocab_size": 262208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 131072,
    "sliding_window_pattern": 6,
    "tie_word_embeddings": True,
}
"""What transformers' Gemma3TextConfig takes for fields that a release leaves out."""

_GEMMA3_TOKENS = 262144
"""Rows of the table that llama.cpp's converter keeps: those that the tokenizer knows."""


def _gemma3(config: _Config) -> Geometry:
    """Gemma 3: of each six layers five look back over a window only; two more norms behind the halves."""
    given = {name: value for name, value in config.fields.items() if value is not None}
    told = _Config({**_GEMMA3, **given})
    told.fields["vocab_size"] = min(told.positive("vocab_size"), _GEMMA3_TOKENS)
    heads, kv_heads, head_dim = told.heads()
    window, period = told.positive("sliding_window"), told.positive("sliding_window_pattern")
    full, sliding = (Grouped(heads, kv_heads, head_dim, head_dim, w, head_norms=True) for w in (0, window))
    feed = Dense(told.positive("intermediate_size"))
    blocks = [Block(sliding if (layer + 1) % period else full, feed) for layer in range(told.layers)]
    return told.model("gemma3", blocks)


def _latent(config: _Config) -> Latent:
    return Latent(
        heads=config.positive("num_attention_heads"),
        q_rank=config.number("q_lora_rank", default=0),
        kv_rank=config.positive("kv_lora_rank"),
        nope_dim=config.positive("qk_nope_head_dim"),
        rope_dim=config.positive("qk_rope_head_dim"),
        value_dim=config.positive("v_head_dim"),
        index_heads=config.number("index_n_heads", default=0),
        index_dim=config.number("index_head_dim", default=0),
    )


def _routed(config: _Config, score_bias: bool) -> Experts:
    """Experts in DeepSeek's field names: shared experts are as wide as routed ones."""
    width = config.positive("moe_intermediate_size")
    return Experts(
        count=config.positive("n_routed_experts"),
        used=config.positive("num_experts_per_tok"),
        width=width,
        shared_width=config.number("n_shared_experts", default=0) * width,
        score_bias=score_bias,
    )


def _deepseek(
    architecture: str, *, score_bias: bool = True, keeps_draft: bool = False
) -> Callable[[_Config], Geometry]:
    """Readers of DeepSeek-V2, V3, R1, V3.2 and Kimi-K2: latent attention, some dense layers, then experts."""

    def read(config: _Config) -> Geometry:
        mixer = _latent(config)
        experts = Block(mixer, _routed(config, score_bias))
        lead = config.number("first_k_dense_replace", default=0)
        blocks = [Block(mixer, Dense(config.positive("intermediate_size")))] * lead
        draft = (experts,) * config.number("num_nextn_predict_layers", default=0)
        blocks += [experts] * (config.layers - lead)
        return config.model(architecture, blocks, draft=draft, draft_in_file=keeps_draft and bool(draft))

    return read


def _deepseek4(config: _Config) -> Geometry:
    ratios = config.fields.get("compress_ratios") or []
    count = config.layers
    if len(ratios) < count:
        raise FileFormatError(
            f"config.json has {len(ratios)} compress_ratios for {count} layers; fetch the complete file."
        )
    hashed = config.number("num_hash_layers", default=0)
    base = _routed(config, score_bias=True)
    table = Experts(base.count, base.used, base.width, base.shared_width, hashed=True)
    mixers = [
        Compressed(
            heads=config.positive("num_attention_heads"),
            head_dim=config.positive("head_dim"),
            q_rank=config.positive("q_lora_rank"),
            output_groups=config.positive("o_groups"),
            output_rank=config.positive("o_lora_rank"),
            ratio=ratio,
            window=config.positive("sliding_window"),
            index_heads=config.positive("index_n_heads"),
            index_dim=config.positive("index_head_dim"),
        )
        for ratio in ratios
    ]
    blocks = [Block(mixer, table if layer < hashed else base) for layer, mixer in enumerate(mixers[:count])]
    draft = tuple(Block(mixer, base) for mixer in mixers[count:])
    return config.model("deepseek4", blocks, draft=draft, streams=config.positive("hc_mult"))


def _glm4moe(config: _Config) -> Geometry:
    heads, kv_heads, head_dim = config.heads()
    norms = config.flag("use_qk_norm")
    mixer = Grouped(heads, kv_heads, head_dim, head_dim, bias=config.flag("attention_bias"), head_norms=norms)
    experts = Block(mixer, _routed(config, score_bias=True))
    lead = config.number("first_k_dense_replace", default=0)
    blocks = [Block(mixer, Dense(config.positive("intermediate_size")))] * lead + [experts] * (
        config.layers - lead
    )
    draft = (experts,) * config.number("num_nextn_predict_layers", default=0)
    return config.model("glm4moe", blocks, draft=draft, draft_in_file=bool(draft))


def _qwen35(config: _Config) -> Geometry:
    heads, kv_heads, head_dim = config.heads()
    full = Grouped(heads, kv_heads, head_dim, head_dim, head_norms=True, gated=True)
    linear = DeltaNet(
        key_heads=config.positive("linear_num_key_heads"),
        value_heads=config.positive("linear_num_value_heads"),
        head_dim=config.positive("linear_value_head_dim"),
        conv=config.positive("linear_conv_kernel_dim"),
    )
    feed: Dense | Experts
    if "num_experts" in config.fields:
        used, width = config.positive("num_experts_per_tok"), config.positive("moe_intermediate_size")
        shared = config.positive("shared_expert_intermediate_size")
        feed = Experts(config.positive("num_experts"), used, width, shared, shared_gate=True)
    else:
        feed = Dense(config.positive("intermediate_size"))
    interval = config.positive("full_attention_interval", default=4)
    blocks = [Block(linear if (layer + 1) % interval else full, feed) for layer in range(config.layers)]
    draft = (Block(full, feed),) * config.number("mtp_num_hidden_layers", default=0)
    name = "qwen35moe" if isinstance(feed, Experts) else "qwen35"
    return config.model(name, blocks, draft=draft, draft_in_file=bool(draft))


def _deci(config: _Config) -> Geometry:
    """Nemotron-NAS: every layer has its own attention (or none) and its own feed-forward width."""
    hidden, heads = config.positive("hidden_size"), config.positive("num_attention_heads")
    head_dim = hidden // heads
    blocks = []
    for layer in config.fields.get("block_configs") or []:
        group, multiple = layer["attention"]["n_heads_in_group"], layer["ffn"]["ffn_mult"]
        mixer = Grouped(heads, heads // group, head_dim, head_dim) if group else None
        width = -(-int(2 * (multiple or 0) * hidden / 3) // 256) * 256
        blocks.append(Block(mixer, Dense(width) if width else None))
    if len(blocks) != config.layers:
        raise FileFormatError(
            f"config.json has {len(blocks)} block_configs for {config.layers} layers; fetch it again."
        )
    scaling = config.fields.get("rope_scaling") or {}
    return config.model(
        "deci", blocks, rope_table=head_dim // 2 if scaling.get("rope_type") == "llama3" else 0
    )


def _nemotron_h(config: _Config) -> Geometry:
    heads, kv_heads, head_dim = config.heads()
    experts = Experts(
        count=config.positive("n_routed_experts"),
        used=config.positive("num_experts_per_tok"),
        width=config.positive("moe_intermediate_size"),
        shared_width=config.positive("moe_shared_expert_intermediate_size"),
        gated=False,
        score_bias=True,
    )
    mamba = Mamba(
        heads=config.positive("mamba_num_heads"),
        head_dim=config.positive("mamba_head_dim"),
        groups=config.positive("n_groups"),
        state=config.positive("ssm_state_size"),
        conv=config.positive("conv_kernel"),
    )
    kinds = {
        "M": Block(mamba, None),
        "*": Block(Grouped(heads, kv_heads, head_dim, head_dim), None),
        "E": Block(None, experts),
    }
    letters = str(config.fields.get("hybrid_override_pattern", ""))
    if not letters or set(letters) - set(kinds):
        raise FileFormatError(
            f"config.json has hybrid_override_pattern = {letters!r}, expected only the letters M, * and E."
        )
    return config.model("nemotron_h_moe", [kinds[letter] for letter in letters])


_READERS: Mapping[str, Callable[[_Config], Geometry]] = {
    "llama": _plain("llama"),
    "mistral": _plain("llama"),
    "qwen2": _plain("qwen2", bias=True),
    "qwen3": _plain("qwen3", head_norms=True),
    "qwen3_moe": _qwen3moe,
    "phi3": _plain("phi3", fused=True),
    "gpt_oss": _gpt_oss,
    "gemma3": _gemma3,
    "gemma3_text": _gemma3,
    "deepseek_v2": _deepseek("deepseek2", score_bias=False),
    "deepseek_v3": _deepseek("deepseek2"),
    "kimi_k2": _deepseek("deepseek2"),
    "deepseek_v32": _deepseek("deepseek32", keeps_draft=True),
    "deepseek_v4": _deepseek4,
    "glm4_moe": _glm4moe,
    "qwen3_5": _qwen35,
    "qwen3_5_text": _qwen35,
    "qwen3_5_moe": _qwen35,
    "qwen3_5_moe_text": _qwen35,
    "nemotron-nas": _deci,
    "nemotron_h": _nemotron_h,
}


def from_config(config: Mapping[str, object]) -> Geometry:
    """The geometry of a model from the content of its `config.json` (of a multimodal model, its text part).

    Raises FileFormatError for an architecture that is not known, and for a missing or impossible field.
    """
    nested = config.get("text_config")
    fields = {**config, **nested} if isinstance(nested, Mapping) else dict(config)
    kind = str(fields.get("model_type", ""))
    if kind not in _READERS:
        raise FileFormatError(
            f"the configuration is of {f'the architecture {kind!r}' if kind else 'no named architecture'}, "
            f"which is not known here; known are {', '.join(sorted(_READERS))}: give a GGUF of the model."
        )
    return _READERS[kind](_Config(fields))
