"""Attention through a latent (MLA, DeepSeek-V2): of a token one short vector and one rotary key are kept.

While a text is read at once keys and values are expanded for every head; when it is continued the query is
brought into the latent instead, so that the cache holds `kv_lora + rope` numbers a token and layer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.student import Norm


class LatentAttention(nn.Module):
    """Causal self-attention over latents, with the weight names of transformers."""

    def __init__(self, shape: DeepseekShape) -> None:
        super().__init__()
        self.shape = shape
        head = shape.nope + shape.rope
        self.q_a_proj = nn.Linear(shape.width, shape.q_lora, bias=False)
        self.q_a_layernorm = Norm(shape.q_lora, shape.eps)
        self.q_b_proj = nn.Linear(shape.q_lora, shape.heads * head, bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(shape.width, shape.kv_lora + shape.rope, bias=False)
        self.kv_a_layernorm = Norm(shape.kv_lora, shape.eps)
        self.kv_b_proj = nn.Linear(shape.kv_lora, shape.heads * (shape.nope + shape.value), bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.value, shape.width, bias=False)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(batch, length, width) → the same, with the latents (batch, length, kv_lora) and the turned keys
        (batch, length, rope) so far.
        """
        shape = self.shape
        batch, length, _ = x.shape
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)))
        q = q.view(batch, length, shape.heads, -1).transpose(1, 2)
        plain, turned = q.split((shape.nope, shape.rope), -1)
        turned = turned_pairs(turned, *turn)
        latent, key = self.kv_a_proj_with_mqa(x).split((shape.kv_lora, shape.rope), -1)
        latent = self.kv_a_layernorm(latent)
        key = turned_pairs(key[:, None], *turn)[:, 0]
        if past is None:
            out = self._expanded(plain, turned, (latent, key), mask)
        else:
            latent, key = torch.cat((past[0], latent), 1), torch.cat((past[1], key), 1)
            out = self._absorbed(plain, turned, (latent, key), mask)
        return self.o_proj(out.transpose(1, 2).reshape(batch, length, -1)), (latent, key)

    def _expanded(
        self, plain: Tensor, turned: Tensor, kept: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        shape, (latent, key) = self.shape, kept
        batch, length, _ = latent.shape
        both = self.kv_b_proj(latent).view(batch, length, shape.heads, -1).transpose(1, 2)
        keys, values = both.split((shape.nope, shape.value), -1)
        keys = torch.cat((keys, key[:, None].expand(-1, shape.heads, -1, -1)), -1)
        return functional.scaled_dot_product_attention(
            torch.cat((plain, turned), -1), keys, values, attn_mask=mask, is_causal=mask is None
        )

    def _absorbed(
        self, plain: Tensor, turned: Tensor, kept: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        shape, (latent, key) = self.shape, kept
        weights = self.kv_b_proj.weight.view(shape.heads, shape.nope + shape.value, shape.kv_lora)
        for_keys, for_values = weights.split((shape.nope, shape.value), 1)
        scores = (plain @ for_keys) @ latent[:, None].mT + turned @ key[:, None].mT
        scores = scores * (shape.nope + shape.rope) ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        return (scores.softmax(-1) @ latent[:, None]) @ for_values.mT


def turned_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(…, length, rope) turned by the position, neighbours as pairs as in DeepSeek's own weights.

    `cos` and `sin` hold every angle twice, one half after the other.
    """
    half = x.shape[-1] // 2
    cos, sin = cos[..., :half], sin[..., :half]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
