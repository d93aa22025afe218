"""Muon in fp32: momentum whose matrix is made orthogonal before the step (Jordan et al. 2024).

torch has one too, but it works in bfloat16, which many processors are slow at.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""The quintic of the Newton-Schulz iteration, Jordan's coefficients."""


class Muon(torch.optim.Optimizer):
    """For matrices only. The step is scaled to the size that AdamW's would have (Liu et al. 2025), so that
    one learning rate serves both.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], momentum: float = 0.95, weight_decay: float = 0.05
    ) -> None:
        super().__init__(matrices, {"lr": 1e-3, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One update of every matrix; equal shapes go through the iteration together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in shapes.items():
                moved = torch.stack([self._moved(each, group["momentum"]) for each in matrices])
                scale = 0.2 * max(shape) ** 0.5 * group["lr"]
                for matrix, direction in zip(matrices, orthogonal(moved), strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=scale)

    def _moved(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        gradient = matrix.grad
        assert gradient is not None
        state = self.state[matrix]
        average = state.setdefault("momentum", torch.zeros_like(matrix))
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def orthogonal(matrices: Tensor, iterations: int = 5) -> Tensor:
    """(count, rows, columns) → about the nearest orthogonal matrices, singular values within 0.7 to 1.2."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.mT
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x.mT if tall else x
