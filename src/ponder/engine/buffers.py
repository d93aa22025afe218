"""What llama.cpp has allocated on which device, read from its log: every version has a line for each buffer.

    load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
    llama_kv_cache:      CUDA0 KV buffer size =    45.00 MiB
    sched_reserve:       CUDA0 compute buffer size =    16.64 MiB

Weights of several files and caches of several kinds have a line each, which add up. Scratch memory may be
reserved again, so its last line counts. Only the last load counts: a dry one may have come before.
"""

import re

from ponder.core.plan import Buffer

LOADING = "loading model tensors"
"""A line that begins a load."""

_BUFFER = re.compile(r"(\S+) +(?:(model|KV|RS|compute|output) +)?buffer size *= *(\d+\.\d+) MiB")
_TOLD = " buffer size "
"""Only lines with this are looked at closely: a log also has very long words."""


def buffers(log: str) -> tuple[Buffer, ...]:
    """The buffers of the last load in a log, one for each device and kind; empty where it tells none."""
    found: dict[tuple[str, str], float] = {}
    lines = log[max(0, log.rfind(LOADING)) :].splitlines()
    for device, kind, mib in (each for line in lines if _TOLD in line for each in _BUFFER.findall(line)):
        key = device, kind or "model"  # older versions do not name the weights' kind
        before = found.get(key, 0.0) if kind not in {"compute", "output"} else 0.0
        found[key] = before + float(mib)
    return tuple(Buffer(*key, round(mib * 2**20)) for key, mib in found.items())
