"""Training a DeepSeek-V3-shaped student: the loop of `train` with what transformers leaves out.

After each step the bias of every router moves against the load; a module learns to predict one token further;
the log tells how evenly the experts are loaded. The plan's `moe` may change the factors. Type
`python -m ponder.distill.moe FOLDER` to begin or to go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from ponder.distill.deepseek import Deepseek, loss_further
from ponder.distill.experts import evenness, overload
from ponder.distill.lessons import Lesson
from ponder.distill.train import Run, padded, run_main
from ponder.errors import InputError


@dataclass(frozen=True, slots=True)
class Factors:
    """As the V3 report has them (section 4.2), turned from tokens of pre-training to shares of a stage.

    The bias moves by `bias_rate` a step up to the share `bias_until`; `further` weighs the loss of the token
    after the next, `further_late` from the share `late` on; `even` weighs the sequence-wise balance loss.
    """

    bias_rate: float = 0.001
    bias_until: float = 0.966
    further: float = 0.3
    further_late: float = 0.1
    late: float = 0.676
    even: float = 0.0001

    def at(self, share: float) -> tuple[float, float]:
        """The bias rate and the weight of the further loss at a share of a stage."""
        rate = self.bias_rate if share < self.bias_until else 0.0
        return rate, self.further if share < self.late else self.further_late


class MoeRun(Run):
    """A run whose student has experts."""

    student: Deepseek

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if not isinstance(self.student, Deepseek):
            raise InputError(
                f"{folder}/run.json: the shape has no family deepseek3; use ponder.distill.train."
            )
        self.factors = factors(self.plan.get("moe", {}))
        self._sums: dict[str, float] = {}
        self._loads = [torch.zeros_like(layer.load) for layer in self.student.routed]
        self._steps = 0

    def _learn(self, batch: list[Lesson], rate: float) -> float:
        stage = self.stages[self.stage]
        bias_rate, further = self.factors.at(self.step / stage.steps)
        student, (ids, learn, real) = self.student, padded(batch)
        student.watch(real)
        hidden, _ = student(ids[:, :-1])
        wanted = learn[:, 1:]
        main = functional.cross_entropy(student.logits(hidden[wanted]), ids[:, 1:][wanted])
        loss, seen = main, {"loss": float(main.detach())}
        if student.mtp is not None:
            ahead, accepted = loss_further(student, hidden, ids, learn)
            loss = loss + further * ahead
            seen |= {"further_loss": float(ahead.detach()), "accepted": float(accepted)}
        imbalance = torch.stack([layer.imbalance for layer in student.routed]).mean()
        self._update(loss + self.factors.even * imbalance, rate)
        for at, layer in enumerate(student.routed):
            layer.gate.balance(layer.load, bias_rate)
            self._loads[at] += layer.load
        student.watch(None)
        self._steps += 1
        for name, value in seen.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        return seen["loss"]

    def _log(self, **what: float) -> None:
        """The means since the last row, and the load of each layer's experts, evenest 1."""
        means = {name: value / self._steps for name, value in self._sums.items()}
        for at, load in enumerate(self._loads):
            means |= {f"evenness_{at}": evenness(load), f"overload_{at}": overload(load)}
            load.zero_()
        self._sums, self._steps = {}, 0
        super()._log(**{**what, **means})


def factors(row: Mapping[str, Any]) -> Factors:
    """The factors of a plan. Raises InputError where one has no such name."""
    unknown = set(row) - set(Factors.__slots__)
    if unknown:
        raise InputError(f"moe has no factor {min(unknown)!r}; it has {', '.join(Factors.__slots__)}.")
    return Factors(**row)


if __name__ == "__main__":
    run_main(MoeRun)
