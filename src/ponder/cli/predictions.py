"""What became of a plan's predictions, in words: in full when asked for, else only what was wrong."""

from collections.abc import Iterator
from importlib import import_module

from ponder.core.plan import Compared
from ponder.fit.launch import may_have_gpu
from ponder.opened import Opened

LONG_S = 20.0
"""An answer that is written for so long is worth a faster engine."""


def surprises(compared: tuple[Compared, ...], *, everything: bool = False) -> Iterator[str]:
    """A sentence for each prediction that did not come true; with `everything` for the others too."""
    for each in compared:
        real, low, high = (_spelled(each.what, value) for value in (each.real, each.low, each.high))
        if each.right:
            if everything:
                planned = _spelled(each.what, each.predicted)
                yield f"{each.what} {real}, as planned ({planned}; {low} to {high})."
        elif each.what == "decode":
            advice = (
                "measure again with `ponder fit --calibrate` if that stays so"
                if each.calibrated
                else "`ponder fit --calibrate` measures it once, for all later plans"
            )
            yield f"decode {real} is not the {low} to {high} that `ponder fit` predicts here: {advice}."
        else:
            yield f"{each.what} {real} is not the {low} to {high} that was planned; please report it."


def idle_gpu(opened: Opened, decode_s: float) -> str:
    """A sentence where a GPU stood idle for a long time because the engine cannot use it; else empty."""
    if opened.local is None or decode_s < LONG_S or opened.facts["gpu_layers"] or opened.local.gpus:
        return ""
    if not may_have_gpu():
        return ""
    name = next((gpu.name for gpu, _ in import_module("ponder.fit.probe").graphics()), "")
    return (
        f"{name} stood idle: the built-in engine has no support for it. Give a llama-server that has with "
        "--llama-server, or $PONDER_LLAMA_SERVER."
        if name
        else ""
    )


def plan_line(opened: Opened) -> str:
    """What the engine is told: placement, context, cache and threads."""
    facts = opened.facts
    if opened.local is None:
        return f"plan: a server's; context {facts['n_ctx']}"
    parts = []
    layers = int(facts["gpu_layers"])
    if layers:
        parts.append("llama.cpp places the layers" if layers < 0 else f"{layers} layers on GPUs (-ngl)")
    else:
        parts.append("CPU only")
    if facts["tensor_split"]:
        parts.append(f"split {facts['tensor_split']} (-ts)")
    if facts["cpu_expert_layers"]:
        parts.append(f"experts of {facts['cpu_expert_layers']} layers in RAM (--n-cpu-moe)")
    parts += [f"context {facts['n_ctx']}", f"cache {facts['kv_type']}", f"{facts['threads']} threads"]
    return "plan: " + ", ".join(parts)


def _spelled(what: str, value: float) -> str:
    if what == "decode":
        return f"{value:.3g} tok/s"
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"
