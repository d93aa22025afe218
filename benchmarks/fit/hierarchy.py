"""Hierarchical robust least squares in log time: few measurements per class, many classes.

Every constant is global value x family x generation, each factor with a prior that pulls it to 1. A class
with one machine so stays near its family, and an unmeasured class is its family. Rows of one machine weigh
less each, and a Huber loss keeps a few bad rows from moving everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Constants = Mapping[str, Array]
NOISE = 0.08
HUBER = 0.2


@dataclass(frozen=True)
class Prior:
    """Prior mean of the global value, and standard deviations (log) of global, family and generation.

    `means` and `spreads` replace those of a family's factor.
    """

    mean: float
    spread: float
    family: float = 0.0
    generation: float = 0.0
    means: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)


class Fitter:
    """One law, its rows and its constants.

    `classes` holds (family, generation) per element of the law's arrays; `law` turns constants per element
    into log time per row; `target` is the measured log time, `machines` what each row was measured on.
    """

    def __init__(
        self,
        *,
        priors: Mapping[str, Prior],
        classes: Sequence[tuple[str, str]],
        law: Callable[[Constants], Array],
        target: Array,
        machines: Sequence[str],
        weight: Array,
    ) -> None:
        self.priors, self.law, self.target = priors, law, target
        self.machines, self.weight = np.array(machines), weight
        self.keys: list[tuple[str, str]] = []
        means, spreads = [], []
        for name, prior in priors.items():
            groups = [("", np.log(prior.mean), prior.spread)]
            if prior.family:
                groups += [
                    (g, np.log(prior.means.get(g, 1.0)), prior.family * prior.spreads.get(g, 1.0))
                    for g in sorted({family for family, _ in classes})
                ]
            if prior.generation:
                groups += [
                    (g, 0.0, prior.generation) for g in sorted({generation for _, generation in classes})
                ]
            for group, mean, spread in groups:
                self.keys.append((group, name))
                means.append(mean)
                spreads.append(spread)
        self.mean, self.spread = np.array(means), np.array(spreads)
        self.where = {key: number for number, key in enumerate(self.keys)}
        self.index = {
            name: np.array(
                [[self.where[g, name] for g in ("", *pair) if (g, name) in self.where] for pair in classes]
            )
            for name in priors
        }

    def log_time(self, values: Array) -> Array:
        """The law's log seconds per row."""
        return self.law({name: np.exp(values[index].sum(axis=1)) for name, index in self.index.items()})

    def fit(self, used: Array, steps: int = 14, start: Array | None = None) -> Array:
        """Log constants that fit the rows with `used` = 1, by damped Gauss-Newton."""
        values = self.mean.copy() if start is None else start.copy()
        for _ in range(steps):
            now = self.log_time(values)
            error = now - self.target
            weight = self.weight * np.minimum(1.0, HUBER / np.maximum(np.abs(error), 1e-9)) * used / NOISE**2
            slopes = np.empty((len(self.target), len(values)))
            for number in range(len(values)):
                moved = values.copy()
                moved[number] += 1e-4
                slopes[:, number] = (self.log_time(moved) - now) / 1e-4
            normal = slopes.T @ (slopes * weight[:, None]) + np.diag(self.spread**-2)
            gradient = slopes.T @ (weight * error) + (values - self.mean) / self.spread**2
            values = values - np.clip(np.linalg.solve(normal, gradient), -0.5, 0.5)
        return values

    def left_out(self, values: Array, sources: Sequence[str] = ()) -> Array:
        """Log (predicted / measured rate) of every row, its machine (or its source) left out of the fit.

        Without a machine the fit starts from all rows' `values`; without a source, which may be most of the
        rows, from the priors.
        """
        errors = np.zeros(len(self.target))
        groups = np.array(sources) if sources else self.machines
        for group in sorted(set(groups)):
            inside = groups == group
            used = (~inside).astype(float)
            fitted = self.fit(used, steps=14) if sources else self.fit(used, steps=4, start=values)
            errors[inside] = (self.target - self.log_time(fitted))[inside]
        return errors

    def constants_of(self, values: Array, *groups: str) -> dict[str, float]:
        """Global value times the factors of `groups` (family, generation) for every constant."""
        keys = dict.fromkeys(("", *groups))
        return {
            name: float(
                np.exp(sum(values[self.where[key, name]] for key in keys if (key, name) in self.where))
            )
            for name in self.priors
        }


def machine_weight(machines: Sequence[object]) -> Array:
    """One over the square root of a machine's rows: many rows say more than one, but not in proportion."""
    counts: dict[object, int] = {}
    for machine in machines:
        counts[machine] = counts.get(machine, 0) + 1
    return np.array([counts[machine] ** -0.5 for machine in machines])
