"""The speed of a placed model as a formula of depth, so that a whole answer is one evaluation.

One token at depth d takes `fixed_s` + sum of rate x min(d, window); the seconds of many tokens are its
integral, in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ponder.core.hardware import Device
from ponder.fit.place import Placed
from ponder.fit.speed import stage_parts_s, token_time_s
from ponder.fit.work import Stage, Work, at_depth, between


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one token: `fixed_s`, and `rates` of (seconds per token of depth, window; 0: no window)."""

    fixed_s: float
    rates: tuple[tuple[float, int], ...]

    def token_s(self, depth: float) -> float:
        """Seconds of one token with `depth` tokens before it."""
        return self.fixed_s + at_depth(self.rates, depth)

    def writing_s(self, tokens: float, depth: float = 0.0) -> float:
        """Seconds of `tokens` tokens, the first of them at `depth`."""
        end = depth + tokens
        grown = sum(rate * (_area(end, window) - _area(depth, window)) for rate, window in self.rates)
        return self.fixed_s * tokens + grown


def _area(depth: float, window: int) -> float:
    """Integral of min(x, window) from 0 to depth."""
    if not window or depth <= window:
        return depth * depth / 2
    return window * window / 2 + window * (depth - window)


def pace(stages: Sequence[Stage]) -> Pace:
    """The pace of these stages, one after another, with the hops between them."""
    rates: dict[int, float] = {}
    for stage in stages:
        whole = at_depth(stage.cache, 1.0)
        scale = stage_parts_s(stage, 1.0)[2] / whole if whole else 0.0
        for rate, window in stage.cache:
            rates[window] = rates.get(window, 0.0) + rate * scale
    return Pace(token_time_s(stages), tuple((rate, window) for window, rate in rates.items()))


def batched(stages: Sequence[Stage], batch: int) -> tuple[Stage, ...]:
    """The same stages writing one token of each of `batch` requests: weights are read once for all of them,
    experts as often as they are chosen, and every request brings its own cache.
    """
    if batch == 1:
        return tuple(stages)
    found = []
    for stage in stages:
        read = stage.batch_bytes(batch)
        weights = stage.weights * read / stage.weight_bytes if stage.weight_bytes else 0.0
        cache = tuple((rate * batch, window) for rate, window in stage.cache)
        found.append(replace(stage, weight_bytes=read, weights=weights, cache=cache))
    return tuple(found)


def stages_of(placed: Placed, work: Work) -> tuple[Stage, ...]:
    """The stages of a layout, in the order of the work: what is in RAM last."""
    layout, layers, found = placed.layout, work.layers, []
    for place, share in enumerate(placed.placement.shares[: len(layout.gpus)]):
        first, stop = layout.bounds[place : place + 2]
        if stop > first or place == len(layout.gpus) - 1:
            held = range(max(first, min(stop, layout.experts)), stop)
            last = place == len(layout.gpus) - 1
            found.append(_stage(work, share.device, range(first, stop), held, head=last))
    start = layout.start if layout.gpus else layers
    experts = range(max(start, layout.experts) if layout.gpus else layers)
    ram = placed.placement.shares[-1].device
    if start or between(work.sizes.routed, experts):
        found.append(_stage(work, ram, range(start), experts, head=not layout.gpus))
    return tuple(found)


def _stage(work: Work, device: Device, layers: range, routed: range, *, head: bool) -> Stage:
    """Attention and dense parts of `layers`, and the experts of `routed`, on one device."""
    stage = work.stage(device, layers, routed=False, head=head)
    experts = between(work.sizes.routed, routed)
    if not experts:
        return stage
    read = stage.weight_bytes + experts * work.sizes.used_share
    beside = sum(1 for i in routed if i not in layers and work.sizes.routed[i])
    return replace(
        stage,
        weight_bytes=read,
        weights=read / work.bytes_per_weight,
        layers=stage.layers + beside,
        routed_bytes=float(experts),
    )
