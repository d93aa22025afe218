"""A small DeepSeek-V3: latent attention, experts, and a module that predicts the token after the next."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.experts import Experts
from ponder.distill.latent import LatentAttention
from ponder.distill.student import Feed, Norm, Student


class DeepseekLayer(nn.Module):
    """Latent attention, then a plain feed-forward or experts, each on a normed residual."""

    def __init__(self, shape: DeepseekShape, *, dense: bool) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.width, shape.eps)
        self.self_attn = LatentAttention(shape)
        self.post_attention_layernorm = Norm(shape.width, shape.eps)
        self.mlp = Feed(shape) if dense else Experts(shape)


class Further(nn.Module):
    """From the hidden state at t and the token at t + 1 to a hidden state that predicts t + 2.

    It is the multi-token prediction of V3 (report, section 2.2), with the names of its released weights.
    """

    def __init__(self, shape: DeepseekShape) -> None:
        super().__init__()
        self.enorm, self.hnorm = Norm(shape.width, shape.eps), Norm(shape.width, shape.eps)
        self.eh_proj = nn.Linear(2 * shape.width, shape.width, bias=False)
        self.block = DeepseekLayer(shape, dense=shape.layers <= shape.dense)
        self.norm = Norm(shape.width, shape.eps)

    def forward(self, hidden: Tensor, following: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """`hidden` and the embeddings of the tokens after it, both (batch, length, width) → the same."""
        x = self.eh_proj(torch.cat((self.enorm(following), self.hnorm(hidden)), -1))
        x = x + self.block.self_attn(self.block.input_layernorm(x), turn, None, None)[0]
        x = x + self.block.mlp(self.block.post_attention_layernorm(x))
        return self.norm(x)  # type: ignore[no-any-return]


class Deepseek(Student):
    """Token ids → the last hidden state, as every Student."""

    shape: DeepseekShape

    def __init__(self, shape: DeepseekShape) -> None:
        super().__init__(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.mtp = Further(shape) if shape.mtp else None
        self._begin()

    def _layer(self, at: int) -> nn.Module:
        return DeepseekLayer(self.shape, dense=at < self.shape.dense)

    def logits(self, hidden: Tensor) -> Tensor:
        """(…, width) → (…, vocabulary)."""
        return self.lm_head(hidden)  # type: ignore[no-any-return]

    def further(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """`hidden` of all but the last of `ids` (batch, length) → hidden states whose logits are of the
        token after the next, (batch, length - 2, width).
        """
        if self.mtp is None:
            raise RuntimeError("this student has no module that predicts further")
        length = ids.shape[1] - 2
        turn = self.get_buffer("cos")[:length], self.get_buffer("sin")[:length]
        return self.mtp(hidden[:, :length], self.model.embed_tokens(ids[:, 1:-1]), turn)  # type: ignore[no-any-return]

    @property
    def routed(self) -> list[Experts]:
        """The layers that have experts, in order; that of the further module last."""
        return [each for each in self.modules() if isinstance(each, Experts)]

    def watch(self, real: Tensor | None) -> None:
        """Count loads in the passes to come over ids whose mask of tokens that are no padding is `real`,
        (batch, length); None stops that.
        """
        for name, each in self.named_modules():
            if isinstance(each, Experts):
                ahead = 1 if name.startswith("mtp.") else 0
                each.real = None if real is None else real[:, ahead:-1]

    def active(self) -> int:
        """Parameters that work on one token, embeddings and the further module left out."""
        used = self.shape.used / self.shape.experts
        return round(
            sum(
                weight.numel() * (used if ".experts." in name else 1.0)
                for name, weight in self.named_parameters()
                if not name.startswith("mtp.") and "embed_tokens" not in name
            )
        )


def loss_further(student: Deepseek, hidden: Tensor, ids: Tensor, learn: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of the token after the next over what is to be learned, and the share of these places
    where its greedy token is the one that the student itself will choose: how often a draft is accepted.
    """
    further = student.further(hidden, ids)
    wanted = learn[:, 2:]
    scores = student.logits(further[wanted])
    with torch.no_grad():
        own = student.logits(hidden[:, 1:][wanted]).argmax(-1)
    return functional.cross_entropy(scores, ids[:, 2:][wanted]), (scores.argmax(-1) == own).float().mean()
