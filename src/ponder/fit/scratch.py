"""How much scratch memory the builds of llama.cpp reserve for one and the same graph.

Today's `llama-server` keeps the logits of the last token of each sequence. Other programs and older builds
keep those of a whole batch, and GPUs that share the layers keep several copies of a batch's inputs.
"""

from dataclasses import dataclass

from ponder.fit.compute import graph_bytes, windows
from ponder.fit.geometry import Geometry
from ponder.fit.runtime import Runtime

_FLOAT = 4
COPIES = 4
"""Copies of each batch's inputs that llama.cpp keeps when several GPUs hold all layers, so that they can work
on different batches (GGML_SCHED_MAX_COPIES): so many are in flight at most."""


def logits_peak_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Bytes at the head when logits of every token of a batch are reserved, not of the last ones alone.

    `llama-server` reserves one row per sequence (its n_outputs_max). Builds before that setting, llama-bench
    and ik_llama.cpp reserve them all: the logs of benchmarks/fit/logs.py agree to 0.1 MiB.
    """
    return _FLOAT * runtime.tokens * (geometry.vocab + 2 * geometry.hidden)


def copied_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Bytes that a GPU of a layer split holds beside its graph: all copies of its masks and of its input row.

    The masks lie under the logits on one GPU, but a copy is never given back: ik_llama.cpp issue 398 logs 140
    MiB more per GPU at 32,768 tokens (4 masks of 32 MiB, 3 rows of 4 MiB).
    """
    value = 2 if runtime.flash else _FLOAT
    masks = sum(value * runtime.window_cells(window) for window in windows(geometry))
    return runtime.tokens * (COPIES * masks + (COPIES - 1) * _FLOAT * geometry.hidden)


@dataclass(frozen=True, slots=True)
class Scratch:
    """Bytes of a device's scratch buffer: in today's `llama-server`; the most of any build, whose logits are
    reserved for a whole batch; and what a GPU of a layer split holds beside either.
    """

    server: int
    most: int
    copied: int


def scratch(geometry: Geometry, runtime: Runtime) -> Scratch:
    """The scratch memory of one device that computes whole layers."""
    server = graph_bytes(geometry, runtime)
    most = max(server, logits_peak_bytes(geometry, runtime))
    return Scratch(server, most, copied_bytes(geometry, runtime))
