"""Every tensor of a model by name and shape, from its geometry alone, as llama.cpp's converter writes them.

Shapes are in GGUF order (row length first). Names and shapes are checked by loading them in llama.cpp itself
(tests/fit/oracle.py).
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from math import prod
from typing import NamedTuple

from ponder.fit.geometry import (
    Block,
    Compressed,
    DeltaNet,
    Experts,
    FeedForward,
    Geometry,
    Grouped,
    Latent,
    Mamba,
    Mixer,
)


class Part(StrEnum):
    """What a tensor is for; it decides where it lives and how often it is read."""

    EMBEDDING = "embedding"
    HEAD = "head"
    ATTENTION = "attention"
    DENSE = "dense"
    ROUTER = "router"
    SHARED = "shared"
    ROUTED = "routed"
    NORM = "norm"
    STREAM = "stream"
    TABLE = "table"


class Tensor(NamedTuple):
    """One tensor; `name` has no `blk.N.` in front. A TABLE is no parameter (generated, or integers)."""

    name: str
    shape: tuple[int, ...]
    part: Part

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


_POST_NORMS = frozenset({"glm4moe", "gpt-oss", "qwen35", "qwen35moe"})
"""Architectures whose second norm is called post_attention_norm."""


def _grouped(mixer: Grouped, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    q, k, v = mixer.heads * mixer.key_dim, mixer.kv_heads * mixer.key_dim, mixer.kv_heads * mixer.value_dim
    widths = {"q": 2 * q if mixer.gated else q, "k": k, "v": v}
    if mixer.fused:
        yield "attn_qkv.weight", (hidden, q + k + v)
    else:
        for letter, width in widths.items():
            yield f"attn_{letter}.weight", (hidden, width)
            if mixer.bias:
                yield f"attn_{letter}.bias", (width,)
    yield "attn_output.weight", (mixer.heads * mixer.value_dim, hidden)
    if mixer.sinks:
        yield "attn_sinks.weight", (mixer.heads,)
        yield "attn_output.bias", (hidden,)


def _latent(mixer: Latent, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    query = mixer.heads * (mixer.nope_dim + mixer.rope_dim)
    if mixer.q_rank:
        yield "attn_q_a.weight", (hidden, mixer.q_rank)
        yield "attn_q_b.weight", (mixer.q_rank, query)
    else:
        yield "attn_q.weight", (hidden, query)
    yield "attn_kv_a_mqa.weight", (hidden, mixer.kv_rank + mixer.rope_dim)
    if mixer.absorbed:
        yield "attn_k_b.weight", (mixer.nope_dim, mixer.kv_rank, mixer.heads)
        yield "attn_v_b.weight", (mixer.kv_rank, mixer.value_dim, mixer.heads)
    else:
        yield "attn_kv_b.weight", (mixer.kv_rank, mixer.heads * (mixer.nope_dim + mixer.value_dim))
    yield "attn_output.weight", (mixer.heads * mixer.value_dim, hidden)
    if mixer.index_heads:
        yield "indexer.k_norm.weight", (mixer.index_dim,)
        yield "indexer.k_norm.bias", (mixer.index_dim,)
        yield "indexer.proj.weight", (hidden, mixer.index_heads)
        yield "indexer.attn_k.weight", (hidden, mixer.index_dim)
        yield "indexer.attn_q_b.weight", (mixer.q_rank, mixer.index_heads * mixer.index_dim)


def _compressed(mixer: Compressed, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, ranks = mixer.heads * mixer.head_dim, mixer.output_groups * mixer.output_rank
    yield "attn_sinks.weight", (mixer.heads,)
    yield "attn_q_a.weight", (hidden, mixer.q_rank)
    yield "attn_q_b.weight", (mixer.q_rank, width)
    yield "attn_kv.weight", (hidden, mixer.head_dim)
    yield "attn_output_a.weight", (width // mixer.output_groups, ranks)
    yield "attn_output_b.weight", (ranks, hidden)
    overlap = 2 if mixer.ratio == 4 else 1
    if mixer.ratio:
        yield from _compressor("attn_compressor", hidden, overlap, mixer.head_dim, mixer.ratio)
    if mixer.ratio == 4:
        yield "indexer.proj.weight", (hidden, mixer.index_heads)
        yield "indexer.attn_q_b.weight", (mixer.q_rank, mixer.index_heads * mixer.index_dim)
        yield from _compressor("indexer_compressor", hidden, overlap, mixer.index_dim, mixer.ratio)


def _compressor(
    name: str, hidden: int, overlap: int, width: int, ratio: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}_kv.weight", (hidden, overlap * width)
    yield f"{name}_gate.weight", (hidden, overlap * width)
    yield f"{name}_ape.weight", (overlap * width, ratio)
    yield f"{name}_norm.weight", (width,)


def _delta_net(mixer: DeltaNet, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    keys, values = mixer.key_heads * mixer.head_dim, mixer.value_heads * mixer.head_dim
    yield "attn_qkv.weight", (hidden, 2 * keys + values)
    yield "attn_gate.weight", (hidden, values)
    yield "ssm_conv1d.weight", (mixer.conv, 2 * keys + values)
    yield "ssm_dt.bias", (mixer.value_heads,)
    yield "ssm_a", (mixer.value_heads,)
    yield "ssm_beta.weight", (hidden, mixer.value_heads)
    yield "ssm_alpha.weight", (hidden, mixer.value_heads)
    yield "ssm_norm.weight", (mixer.head_dim,)
    yield "ssm_out.weight", (values, hidden)


def _mamba(mixer: Mamba, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    inner = mixer.heads * mixer.head_dim
    channels = inner + 2 * mixer.groups * mixer.state
    yield "ssm_in.weight", (hidden, inner + channels + mixer.heads)
    yield "ssm_conv1d.weight", (mixer.conv, channels)
    yield "ssm_conv1d.bias", (channels,)
    yield "ssm_dt.bias", (mixer.heads,)
    yield "ssm_a", (1, mixer.heads)
    yield "ssm_d", (1, mixer.heads)
    yield "ssm_norm.weight", (inner // mixer.groups, mixer.groups)
    yield "ssm_out.weight", (inner, hidden)


def _mixer_norms(mixer: Mixer) -> Iterator[tuple[str, tuple[int, ...]]]:
    match mixer:
        case Grouped(head_norms=True):
            yield "attn_q_norm.weight", (mixer.key_dim,)
            yield "attn_k_norm.weight", (mixer.key_dim,)
        case Latent():
            if mixer.q_rank:
                yield "attn_q_a_norm.weight", (mixer.q_rank,)
            yield "attn_kv_a_norm.weight", (mixer.kv_rank,)
        case Compressed():
            yield "attn_q_a_norm.weight", (mixer.q_rank,)
            yield "attn_kv_a_norm.weight", (mixer.head_dim,)


def _mixer(mixer: Mixer, hidden: int) -> Iterator[Tensor]:
    match mixer:
        case Grouped():
            tensors = _grouped(mixer, hidden)
        case Latent():
            tensors = _latent(mixer, hidden)
        case Compressed():
            tensors = _compressed(mixer, hidden)
        case DeltaNet():
            tensors = _delta_net(mixer, hidden)
        case Mamba():
            tensors = _mamba(mixer, hidden)
    yield from (Tensor(name, shape, Part.ATTENTION) for name, shape in tensors)
    yield from (Tensor(name, shape, Part.NORM) for name, shape in _mixer_norms(mixer))


def _experts(experts: Experts, hidden: int, vocab: int) -> Iterator[Tensor]:
    count, width, shared = experts.count, experts.width, experts.shared_width
    yield Tensor("ffn_gate_inp.weight", (hidden, count), Part.ROUTER)
    if experts.score_bias:
        yield Tensor("exp_probs_b.bias", (count,), Part.ROUTER)
    if experts.hashed:
        yield Tensor("ffn_gate_tid2eid.weight", (experts.used, vocab), Part.TABLE)
    ups = ("gate", "up") if experts.gated else ("up",)
    for name in ups:
        yield Tensor(f"ffn_{name}_exps.weight", (hidden, width, count), Part.ROUTED)
    yield Tensor("ffn_down_exps.weight", (width, hidden, count), Part.ROUTED)
    if experts.bias:
        yield Tensor("ffn_gate_inp.bias", (count,), Part.ROUTER)
        yield from (Tensor(f"ffn_{name}_exps.bias", (width, count), Part.ROUTED) for name in ups)
        yield Tensor("ffn_down_exps.bias", (hidden, count), Part.ROUTED)
    if shared:
        yield from (Tensor(f"ffn_{name}_shexp.weight", (hidden, shared), Part.SHARED) for name in ups)
        yield Tensor("ffn_down_shexp.weight", (shared, hidden), Part.SHARED)
    if experts.shared_gate:
        yield Tensor("ffn_gate_inp_shexp.weight", (hidden,), Part.ROUTER)


def _feed_forward(feed: FeedForward, hidden: int, vocab: int) -> Iterator[Tensor]:
    if isinstance(feed, Experts):
        yield from _experts(feed, hidden, vocab)
        return
    if not feed.fused:
        yield Tensor("ffn_gate.weight", (hidden, feed.width), Part.DENSE)
    yield Tensor("ffn_up.weight", (hidden, feed.width * (1 + feed.fused)), Part.DENSE)
    yield Tensor("ffn_down.weight", (feed.width, hidden), Part.DENSE)


@lru_cache(maxsize=256)
def block_tensors(geometry: Geometry, block: Block) -> tuple[Tensor, ...]:
    """The tensors of one layer, without `blk.N.` in their names."""
    return tuple(_block_tensors(geometry, block))


def _block_tensors(geometry: Geometry, block: Block) -> Iterator[Tensor]:
    hidden, streams = geometry.hidden, geometry.streams
    if block.mixer:
        yield Tensor("attn_norm.weight", (hidden,), Part.NORM)
        yield from _mixer(block.mixer, hidden)
    if block.feed_forward:
        second = "post_attention_norm" if geometry.architecture in _POST_NORMS else "ffn_norm"
        yield Tensor(
            f"{second if block.mixer or geometry.architecture == 'deci' else 'attn_norm'}.weight",
            (hidden,),
            Part.NORM,
        )
        yield from _feed_forward(block.feed_forward, hidden, geometry.vocab)
    if geometry.architecture == "gemma3":
        yield from (Tensor(f"post_{half}_norm.weight", (hidden,), Part.NORM) for half in ("attention", "ffw"))
    if streams > 1:
        mixes = (2 + streams) * streams
        for half in ("attn", "ffn"):
            yield Tensor(f"hc_{half}_fn.weight", (streams * hidden, mixes), Part.STREAM)
            yield Tensor(f"hc_{half}_base.weight", (mixes,), Part.STREAM)
            yield Tensor(f"hc_{half}_scale.weight", (3,), Part.STREAM)


@lru_cache(maxsize=128)
def outer_tensors(geometry: Geometry) -> tuple[Tensor, ...]:
    """The tensors outside the layers: embedding, final norm, output head, generated tables."""
    hidden, vocab, streams = geometry.hidden, geometry.vocab, geometry.streams
    tensors = [
        Tensor("token_embd.weight", (hidden, vocab), Part.EMBEDDING),
        Tensor("output_norm.weight", (hidden,), Part.NORM),
    ]
    if not geometry.tied:
        tensors.append(Tensor("output.weight", (hidden, vocab), Part.HEAD))
    if geometry.rope_table:
        tensors.append(Tensor("rope_freqs.weight", (geometry.rope_table,), Part.TABLE))
    if streams > 1:
        tensors.append(Tensor("output_hc_fn.weight", (streams * hidden, streams), Part.STREAM))
        tensors.append(Tensor("output_hc_base.weight", (streams,), Part.STREAM))
        tensors.append(Tensor("output_hc_scale.weight", (1,), Part.STREAM))
    return tuple(tensors)


def draft_tensors(geometry: Geometry, block: Block) -> tuple[Tensor, ...]:
    """The tensors of a multi-token-prediction layer: a block, a projection of two vectors to one, three
    norms."""
    hidden = geometry.hidden
    norms = (
        Tensor(f"nextn.{name}.weight", (hidden,), Part.NORM)
        for name in ("enorm", "hnorm", "shared_head_norm")
    )
    joint = Tensor("nextn.eh_proj.weight", (2 * hidden, hidden), Part.ATTENTION)
    return (*block_tensors(geometry, block), joint, *norms)


def file_tensors(geometry: Geometry) -> Iterator[tuple[int, Tensor]]:
    """(layer, tensor) of everything in a GGUF of the model, layer -1 for what is outside; names are whole."""
    yield from ((-1, tensor) for tensor in outer_tensors(geometry))
    for layer, block in enumerate(geometry.blocks):
        yield from ((layer, t._replace(name=f"blk.{layer}.{t.name}")) for t in block_tensors(geometry, block))
    for layer, block in enumerate(geometry.draft if geometry.draft_in_file else (), geometry.layers):
        yield from ((layer, t._replace(name=f"blk.{layer}.{t.name}")) for t in draft_tensors(geometry, block))


class Parameters(NamedTuple):
    """Counts of weights: all, and those one token uses, with and without the input embedding table."""

    total: int
    active: int
    active_without_embedding: int
    draft: int


@lru_cache(maxsize=128)
def parameters(geometry: Geometry) -> Parameters:
    """Parameters from the geometry alone; draft layers are counted apart, tables that are not learned not
    at all."""

    def count(tensors: tuple[Tensor, ...], *parts: Part) -> int:
        return sum(t.values for t in tensors if (t.part in parts if parts else t.part is not Part.TABLE))

    layers = [geometry.pattern.count(kind) for kind in range(len(geometry.kinds))]
    total = active = count(outer_tensors(geometry))
    for repeats, block in zip(layers, geometry.kinds, strict=True):
        tensors = block_tensors(geometry, block)
        everything, routed = count(tensors), count(tensors, Part.ROUTED)
        feed = block.feed_forward
        used = routed * feed.used // feed.count if isinstance(feed, Experts) else 0
        total += repeats * everything
        active += repeats * (everything - routed + used)
    embedding = 0 if geometry.tied else count(outer_tensors(geometry), Part.EMBEDDING)
    draft = sum(count(draft_tensors(geometry, block)) for block in geometry.draft)
    return Parameters(total, active, active - embedding, draft)
