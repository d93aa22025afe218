"""A feed-forward of many experts, few of them used for a token (DeepSeek-V3, section 2.1.2 of its report).

A token's affinity to an expert is a sigmoid. A bias that no gradient touches is added for choosing only: it
falls where an expert has more than its share of a step's tokens and rises where it has less, so that the load
evens out without a loss that pulls at the model.
"""

from dataclasses import replace
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.student import Feed


class Router(nn.Module):
    """Chooses the experts of a token. `e_score_correction_bias` is moved by `balance` alone."""

    def __init__(self, shape: DeepseekShape) -> None:
        super().__init__()
        self.used, self.scale = shape.used, shape.scale
        self.weight = nn.Parameter(torch.empty(shape.experts, shape.width))
        self.register_buffer("e_score_correction_bias", torch.zeros(shape.experts))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(tokens, width) → the chosen experts and their weights, (tokens, used), and all affinities."""
        affinity = functional.linear(x, self.weight).sigmoid()
        chosen = (affinity.detach() + self.get_buffer("e_score_correction_bias")).topk(self.used).indices
        weights = affinity.gather(-1, chosen)
        return chosen, self.scale * weights / weights.sum(-1, keepdim=True), affinity

    @torch.no_grad()
    def balance(self, load: Tensor, rate: float) -> None:
        """One step of the bias by ±`rate` from `load`, the tokens that each expert had."""
        self.get_buffer("e_score_correction_bias").add_((load.mean() - load).sign(), alpha=rate)


class Experts(nn.Module):
    """The routed experts and the shared one.

    After a forward pass with `real` set (a mask of the tokens that count, padding left out) `load` holds the
    tokens of each expert and `imbalance` the loss that pulls them together within a sequence.
    """

    def __init__(self, shape: DeepseekShape) -> None:
        super().__init__()
        inner = replace(shape, feed=shape.expert_feed)
        self.gate = Router(shape)
        self.experts = nn.ModuleList(Feed(inner) for _ in range(shape.experts))
        self.shared_experts = Feed(inner)
        self.real: Tensor | None = None
        self.load = torch.zeros(shape.experts)
        self.imbalance = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        tokens = x.reshape(-1, x.shape[-1])
        chosen, weights, affinity = self.gate(tokens)
        if self.real is not None:
            self._count(chosen.view(*x.shape[:-1], -1), affinity.view(*x.shape[:-1], -1), self.real)
        order = chosen.flatten().argsort(stable=True)  # by expert
        sizes = chosen.flatten().bincount(minlength=len(self.experts)).tolist()
        parts = tokens[order // self.gate.used].split(sizes)
        done = torch.cat([expert(part) for expert, part in zip(self.experts, parts, strict=True)])
        back = done[order.argsort()].view(len(tokens), self.gate.used, -1)
        return (self.shared_experts(tokens) + (back * weights[..., None]).sum(1)).view_as(x)

    def _count(self, chosen: Tensor, affinity: Tensor, real: Tensor) -> None:
        """The load, and V3's sequence-wise loss (equations 17 to 20), here before its factor."""
        hits = functional.one_hot(chosen, len(self.experts)).sum(-2) * real[..., None]
        self.load = hits.sum((0, 1)).float()
        length = real.sum(-1, keepdim=True).clamp(min=1)
        share = hits.sum(1) * len(self.experts) / (self.gate.used * length)
        wanted = (affinity / affinity.sum(-1, keepdim=True) * real[..., None]).sum(1) / length
        self.imbalance = (share * wanted).sum(-1).mean()


def evenness(load: Tensor) -> float:
    """Entropy of a load over its largest: 1 where all experts have the same, 0 where one has all."""
    share = load.double() / load.sum().clamp(min=1)
    return float(-(share * share.clamp(min=1e-12).log()).sum() / log(len(load)))


def overload(load: Tensor) -> float:
    """How much more than its share the busiest expert has, in shares: 0 is even."""
    return float(load.max() / load.double().mean().clamp(min=1e-12) - 1)
