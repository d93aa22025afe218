"""A small decoder in the shape of Qwen2 or Llama, with the weight names of transformers.

Attention with rotary positions, keys and values shared by groups of heads; a gated feed-forward; embeddings
shared with the output. Qwen2 has biases on q, k, v, Llama none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Cache = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a student. `feed` is the width inside the feed-forward, a multiple of 32 for Q8_0; `kv_heads`
    0 means as many as heads; `family` is qwen2 or llama.
    """

    vocabulary: int
    width: int = 256
    layers: int = 6
    heads: int = 8
    feed: int = 704
    n_ctx: int = 2048
    rope_theta: float = 10000.0
    eps: float = 1e-6
    family: str = "qwen2"
    kv_heads: int = 0

    @property
    def rotary(self) -> int:
        """Numbers of a head that are turned by the position."""
        return self.width // self.heads


class Norm(nn.Module):
    """Root mean square norm."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.kv_heads = shape.heads, shape.kv_heads or shape.heads
        groups, biased = self.heads // self.kv_heads, shape.family == "qwen2"
        self.q_proj, self.k_proj, self.v_proj = (
            nn.Linear(shape.width, shape.width // each, bias=biased) for each in (1, groups, groups)
        )
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(batch, length, width) → the same, with the keys and values so far, (batch, heads, length, ·)."""
        batch, length, width = x.shape
        per_head = width // self.heads
        q, k, v = (
            each(x).view(batch, length, -1, per_head).transpose(1, 2)
            for each in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = _turned(q, *turn), _turned(k, *turn)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        out = functional.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            is_causal=mask is None and past is None,
            enable_gqa=self.kv_heads < self.heads,
        )
        return self.o_proj(out.transpose(1, 2).reshape(batch, length, width)), (k, v)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Feed(nn.Module):
    """Gated feed-forward (SwiGLU)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(shape.width, shape.feed, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(shape.feed, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention, then feed-forward, each on a normed residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.width, shape.eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.width, shape.eps)
        self.mlp = Feed(shape)


class Inner(nn.Module):
    """Embeddings, layers, last norm."""

    def __init__(self, shape: Shape, layer: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(layer(at) for at in range(shape.layers))
        self.norm = Norm(shape.width, shape.eps)


class Student(nn.Module):
    """Token ids → the last hidden state; `logits` turns that into scores of the next token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Inner(shape, self._layer)
        self._begin()
        per_head = shape.rotary
        rates = shape.rope_theta ** (-torch.arange(0, per_head, 2, dtype=torch.float64) / per_head)
        angles = torch.arange(shape.n_ctx, dtype=torch.float64)[:, None] * rates
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def _layer(self, at: int) -> nn.Module:  # noqa: ARG002
        """Layer `at`; in this family all are alike."""
        return Layer(self.shape)

    def _begin(self) -> None:
        """Random weights, those that write into the residual smaller the deeper the student."""
        shape = self.shape
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = (
                    0.02 / (2 * shape.layers) ** 0.5 * 2
                    if name.endswith(("o_proj.weight", "down_proj.weight"))
                    else 0.02
                )
                nn.init.normal_(weight, std=scale * (256 / shape.width) ** 0.5)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(
        self,
        ids: Tensor,
        cache: Cache | None = None,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:
        """(batch, length) → hidden (batch, length, width) and the cache. `positions` (batch, length) and
        `mask`, True where a key is seen, serve generation; without them the ids begin at 0 and see
        what precedes them.
        """
        x = self.model.embed_tokens(ids)
        cos, sin = self.get_buffer("cos"), self.get_buffer("sin")
        if positions is None:
            turn = cos[: ids.shape[1]], sin[: ids.shape[1]]
        else:
            turn = cos[positions][:, None], sin[positions][:, None]
        out: Cache = []
        for at, layer in enumerate(self.model.layers):
            mixed, kept = layer.self_attn(layer.input_layernorm(x), turn, cache[at] if cache else None, mask)
            x = x + mixed
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            out.append(kept)
        return self.model.norm(x), out

    def logits(self, hidden: Tensor) -> Tensor:
        """(…, width) → (…, vocabulary)."""
        return functional.linear(hidden, self.model.embed_tokens.weight)
