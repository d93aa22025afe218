"""The shape of a language model: a row of blocks, each a mixer (attention or a recurrence) and a
feed-forward.

Everything exact about memory follows from it: the tensors and their sizes, the parameters read per token,
the cache. Layers that are alike share one `Block`; `pattern` says which layer is of which kind.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grouped:
    """Attention with `kv_heads` shared key/value heads; `window` is how far it looks back (0: everything).

    `bias`: q, k and v have one. `head_norms`: q and k are normalised per head. `fused`: one tensor holds q, k
    and v. `gated`: q is twice as wide, one half gates the output. `sinks`: one learned logit per head, and an
    output bias (gpt-oss).
    """

    heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    window: int = 0
    bias: bool = False
    head_norms: bool = False
    fused: bool = False
    gated: bool = False
    sinks: bool = False


@dataclass(frozen=True, slots=True)
class Latent:
    """Multi-head latent attention of DeepSeek-V2/V3: keys and values are projections of one small vector.

    `absorbed` files hold `attn_k_b` and `attn_v_b`, and the cache keeps `kv_rank + rope_dim` numbers per
    token; older files hold one `attn_kv_b` and cache every head. `q_rank` 0: queries are not compressed. An
    indexer (V3.2) has `index_heads` heads of `index_dim` and caches one key per token.
    """

    heads: int
    q_rank: int
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    absorbed: bool = True
    index_heads: int = 0
    index_dim: int = 0


@dataclass(frozen=True, slots=True)
class Compressed:
    """Attention of DeepSeek-V4: a sliding window plus one compressed entry per `ratio` tokens (0: window
    only)."""

    heads: int
    head_dim: int
    q_rank: int
    output_groups: int
    output_rank: int
    ratio: int
    window: int
    index_heads: int
    index_dim: int


@dataclass(frozen=True, slots=True)
class DeltaNet:
    """Gated delta net of Qwen3.5: linear attention with a constant state of `value_heads` square matrices."""

    key_heads: int
    value_heads: int
    head_dim: int
    conv: int


@dataclass(frozen=True, slots=True)
class Mamba:
    """Mamba-2 mixer of Nemotron-H: a constant state of `heads * head_dim * state` numbers."""

    heads: int
    head_dim: int
    groups: int
    state: int
    conv: int


@dataclass(frozen=True, slots=True)
class Dense:
    """One gated feed-forward of `width`; `fused`: gate and up are one tensor (Phi-3)."""

    width: int
    fused: bool = False


@dataclass(frozen=True, slots=True)
class Experts:
    """A router and `count` experts of `width`, `used` of them per token, beside a shared one of
    `shared_width`.

    `gated`: experts have a gate matrix. `bias`: every projection has one (gpt-oss). `score_bias`: the
    router has a correction per expert. `shared_gate`: the shared expert is scaled by a learned gate.
    `hashed`: experts are looked up by token id (first layers of V4).
    """

    count: int
    used: int
    width: int
    shared_width: int = 0
    gated: bool = True
    bias: bool = False
    score_bias: bool = False
    shared_gate: bool = False
    hashed: bool = False


Mixer = Grouped | Latent | Compressed | DeltaNet | Mamba
FeedForward = Dense | Experts


@dataclass(frozen=True, slots=True)
class Block:
    """One layer; either half may be missing (Nemotron has layers without attention)."""

    mixer: Mixer | None
    feed_forward: FeedForward | None


@dataclass(frozen=True, slots=True)
class Geometry:
    """A model as far as memory and speed are concerned; counts are values, not bytes.

    `architecture` is llama.cpp's name. `kinds[pattern[i]]` is layer i. `tied`: the output head is the
    embedding. `draft` holds the multi-token-prediction layers, and `draft_in_file` whether a GGUF keeps
    them. `rope_table` is the length of a generated `rope_freqs` tensor. `streams` is the number of residual
    streams (V4 has 4).
    """

    architecture: str
    hidden: int
    vocab: int
    context: int
    kinds: tuple[Block, ...]
    pattern: tuple[int, ...]
    tied: bool = False
    draft: tuple[Block, ...] = ()
    draft_in_file: bool = False
    rope_table: int = 0
    streams: int = 1

    @property
    def layers(self) -> int:
        """Layers of the model itself, without draft layers."""
        return len(self.pattern)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The block of every layer, in order."""
        return tuple(self.kinds[kind] for kind in self.pattern)

    @property
    def attention(self) -> Mixer | None:
        """The attention of the first layer that has one, the recurrent mixer if there is none."""
        mixers = [kind.mixer for kind in self.kinds if kind.mixer]
        return next(
            (mixer for mixer in mixers if not isinstance(mixer, DeltaNet | Mamba)),
            mixers[0] if mixers else None,
        )

    @property
    def experts(self) -> Experts | None:
        """The experts of the first layer that has some; None for a dense model."""
        return next((k.feed_forward for k in self.kinds if isinstance(k.feed_forward, Experts)), None)

    @property
    def heads(self) -> int:
        """Query heads of its attention."""
        mixer = self.attention
        return mixer.value_heads if isinstance(mixer, DeltaNet) else mixer.heads if mixer else 0

    @property
    def dense_width(self) -> int:
        """Width of the widest ordinary feed-forward, 0 if every layer has experts."""
        return max((k.feed_forward.width for k in self.kinds if isinstance(k.feed_forward, Dense)), default=0)


def in_layers(blocks: list[Block]) -> tuple[tuple[Block, ...], tuple[int, ...]]:
    """Fold a list of layers into (`kinds`, `pattern`)."""
    kinds = list(dict.fromkeys(blocks))
    return tuple(kinds), tuple(kinds.index(block) for block in blocks)
