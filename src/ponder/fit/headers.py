"""A GGUF header → `Geometry` and exact `WeightBytes`, for any architecture made of parts that are known here.

The tensors say what a layer is, so no list of architectures is needed; metadata only tells how rows are
divided into heads, and how far a layer looks back.
"""

from collections.abc import Mapping

from ponder.catalog.header import Header
from ponder.errors import FileFormatError
from ponder.fit.geometry import (
    Block,
    Compressed,
    DeltaNet,
    Dense,
    Experts,
    FeedForward,
    Geometry,
    Grouped,
    Latent,
    Mamba,
    Mixer,
    in_layers,
)
from ponder.fit.sizes import WeightBytes

_WINDOW_PERIODS = {"gpt-oss": 2, "gemma2": 2, "gemma3": 6}
"""Of so many layers the last one sees everything, the others a sliding window (llama.cpp's
load_swa_pattern)."""

Shapes = Mapping[str, tuple[int, ...]]


def _layers(header: Header) -> list[dict[str, tuple[int, ...]]]:
    """The shapes of every layer's tensors by name, without `blk.N.`."""
    layers: list[dict[str, tuple[int, ...]]] = [{} for _ in range(header.n_layers)]
    for tensor in header.tensors:
        number, name = _split(tensor.name)
        if 0 <= number < len(layers):
            layers[number][name] = tensor.shape
    return layers


def _split(name: str) -> tuple[int, str]:
    """(layer, name within it); layer -1 for what is outside the layers."""
    if not name.startswith("blk."):
        return -1, name
    number, _, rest = name[4:].partition(".")
    return (int(number), rest) if number.isdecimal() else (-1, name)


def _per_layer(header: Header, key: str, layer: int) -> int:
    """A number of the architecture, or element `layer` of an array of them; 0 when missing."""
    value = header.metadata.get(f"{header.architecture}.{key}")
    if isinstance(value, tuple):
        value = value[layer] if layer < len(value) else 0
    return value if isinstance(value, int) else 0


def _window(header: Header, layer: int) -> int:
    window = header.number("attention.sliding_window")
    pattern = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return window if layer < len(pattern) and pattern[layer] else 0
    period = pattern if isinstance(pattern, int) else _WINDOW_PERIODS.get(header.architecture, 0)
    return window if period and (layer + 1) % period else 0


def _grouped(header: Header, shapes: Shapes, layer: int) -> Grouped:
    hidden, heads = header.number("embedding_length"), _per_layer(header, "attention.head_count", layer)
    key_dim = header.number("attention.key_length") or hidden // max(1, heads)
    value_dim = header.number("attention.value_length") or key_dim
    fused = "attn_qkv.weight" in shapes
    out = shapes["attn_output.weight"][0]
    heads = out // value_dim
    kv_heads = (
        (shapes["attn_qkv.weight"][1] - heads * key_dim) // (key_dim + value_dim)
        if fused
        else shapes["attn_k.weight"][1] // key_dim
    )
    return Grouped(
        heads,
        kv_heads,
        key_dim,
        value_dim,
        window=_window(header, layer),
        bias="attn_q.bias" in shapes,
        head_norms="attn_q_norm.weight" in shapes,
        fused=fused,
        gated=not fused and shapes["attn_q.weight"][1] == 2 * heads * key_dim,
        sinks="attn_sinks.weight" in shapes,
    )


def _latent(header: Header, shapes: Shapes) -> Latent:
    rank = shapes["attn_kv_a_norm.weight"][0]
    rope = shapes["attn_kv_a_mqa.weight"][1] - rank
    absorbed = "attn_k_b.weight" in shapes and header.number("attention.key_length_mla") > 0
    if absorbed:
        nope, _, heads = shapes["attn_k_b.weight"]
        value = shapes["attn_v_b.weight"][1]
    else:
        heads = header.number("attention.head_count")
        nope, value = header.number("attention.key_length") - rope, header.number("attention.value_length")
    indexer = "indexer.attn_k.weight" in shapes
    return Latent(
        heads=heads,
        q_rank=shapes["attn_q_a.weight"][1] if "attn_q_a.weight" in shapes else 0,
        kv_rank=rank,
        nope_dim=nope,
        rope_dim=rope,
        value_dim=value,
        absorbed=absorbed,
        index_heads=shapes["indexer.proj.weight"][1] if indexer else 0,
        index_dim=shapes["indexer.attn_k.weight"][1] if indexer else 0,
    )


def _compressed(header: Header, layer: int, shapes: Shapes) -> Compressed:
    groups = header.number("attention.output_group_count")
    return Compressed(
        heads=header.number("attention.head_count"),
        head_dim=header.number("attention.key_length"),
        q_rank=shapes["attn_q_a.weight"][1],
        output_groups=groups,
        output_rank=shapes["attn_output_b.weight"][0] // max(1, groups),
        ratio=_per_layer(header, "attention.compress_ratios", layer),
        window=header.number("attention.sliding_window"),
        index_heads=header.number("attention.indexer.head_count"),
        index_dim=header.number("attention.indexer.key_length"),
    )


def _mixer(header: Header, shapes: Shapes, layer: int) -> Mixer | None:
    if "attn_kv_a_mqa.weight" in shapes:
        return _latent(header, shapes)
    if "attn_kv.weight" in shapes:
        return _compressed(header, layer, shapes)
    conv, groups = header.number("ssm.conv_kernel"), header.number("ssm.group_count")
    rank, state = header.number("ssm.time_step_rank"), header.number("ssm.state_size")
    if "ssm_in.weight" in shapes and groups:
        return Mamba(rank, header.number("ssm.inner_size") // max(1, rank), groups, state, conv)
    if "ssm_alpha.weight" in shapes:
        return DeltaNet(groups, rank, state, conv)
    if "attn_output.weight" in shapes and ("attn_k.weight" in shapes or "attn_qkv.weight" in shapes):
        return _grouped(header, shapes, layer)
    if any(name.startswith(("attn_q", "attn_k", "ssm_", "time_mix")) for name in shapes):
        raise FileFormatError(
            f"The architecture {header.architecture!r} mixes tokens in a way that is not known here "
            f"(layer {layer}); give the memory it needs yourself, or choose another model."
        )
    return None


def _feed_forward(header: Header, shapes: Shapes, layer: int) -> FeedForward | None:
    if "ffn_gate_inp.weight" in shapes and "ffn_down_exps.weight" in shapes:
        shared = shapes.get("ffn_down_shexp.weight")
        return Experts(
            count=shapes["ffn_gate_inp.weight"][1],
            used=_per_layer(header, "expert_used_count", layer),
            width=shapes["ffn_down_exps.weight"][0],
            shared_width=shared[0] if shared else 0,
            gated="ffn_gate_exps.weight" in shapes or "ffn_gate_up_exps.weight" in shapes,
            bias="ffn_down_exps.bias" in shapes,
            score_bias="exp_probs_b.bias" in shapes,
            shared_gate="ffn_gate_inp_shexp.weight" in shapes,
            hashed="ffn_gate_tid2eid.weight" in shapes,
        )
    if "ffn_down.weight" not in shapes:
        return None
    width = shapes["ffn_down.weight"][0]
    return Dense(width, fused=shapes.get("ffn_up.weight", (0, 0))[1] == 2 * width)


def from_header(header: Header) -> Geometry:
    """The geometry of a GGUF model, from its tensors and metadata.

    Raises FileFormatError when a layer mixes tokens in a way that is not known, or a needed tensor is
    missing.
    """
    named = {tensor.name: tensor.shape for tensor in header.tensors}
    drafts = header.number("nextn_predict_layers")
    try:
        blocks = [
            Block(_mixer(header, shapes, layer), _feed_forward(header, shapes, layer))
            for layer, shapes in enumerate(_layers(header))
        ]
        hidden, vocab = named["token_embd.weight"]
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise FileFormatError(
            f"{header.name or 'The file'} ({header.architecture}) lacks or bends a tensor that its other "
            f"tensors need ({error}); download it again."
        ) from error
    trunk = blocks[: len(blocks) - drafts]
    kinds, pattern = in_layers(trunk)
    table = named.get("rope_freqs.weight")
    return Geometry(
        architecture=header.architecture,
        hidden=hidden,
        vocab=vocab,
        context=header.n_ctx_train,
        kinds=kinds,
        pattern=pattern,
        tied="output.weight" not in named,
        draft=tuple(blocks[len(trunk) :]),
        draft_in_file=drafts > 0,
        rope_table=table[0] if table else 0,
        streams=header.number("hyper_connection.count") or 1,
    )


def header_weights(header: Header) -> WeightBytes:
    """The bytes of a real file by what they are for; `file` is its exact size."""
    layers = header.n_layers - header.number("nextn_predict_layers")
    fixed, routed = [0] * layers, [0] * layers
    embedding = head = draft = 0
    for tensor in header.tensors:
        size = -(-tensor.bytes // header.alignment) * header.alignment
        number, name = _split(tensor.name)
        if number >= layers:
            draft += size
        elif number >= 0:
            (routed if "_exps." in name else fixed)[number] += size
        elif name == "token_embd.weight":
            embedding = size
        else:
            head += size
    tied = all(tensor.name != "output.weight" for tensor in header.tensors)
    used, count = _per_layer(header, "expert_used_count", layers - 1), header.number("expert_count")
    return WeightBytes(
        header=header.file_bytes - embedding - head - sum(fixed) - sum(routed) - draft,
        embedding=embedding,
        head=head + (embedding if tied else 0),
        fixed=tuple(fixed),
        routed=tuple(routed),
        draft=draft,
        tied=tied,
        used_share=used / count if count else 0.0,
        largest_expert=max((tensor.bytes for tensor in header.tensors if "_exps." in tensor.name), default=0),
    )
