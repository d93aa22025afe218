"""A local file on this machine: its plan, and what of it an engine must be told.

`ponder ask` and `ponder fit` mean the same Plan. It is made before the engine starts where something depends
on it: with a GPU, or near the limit of memory. A small file on a machine without a GPU can lie in one way
only, so the engine starts first, and the plan is made when its answer is compared with it.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from ponder.catalog.header import Header
from ponder.core.model import Model
from ponder.errors import FileFormatError, InputError
from ponder.fit.guard import (
    LEAST_CTX,
    available_bytes,
    is_far_below,
    needed_bytes,
    plain_cache_bytes,
    refusal,
)

if TYPE_CHECKING:  # loaded when a plan is made, not before the engine starts
    from ponder.core.plan import Compared, Plan, Taken
    from ponder.fit.here import Here
    from ponder.fit.readings import Gpu

DEFAULT_CTX = 16384
"""Context in tokens where nobody says otherwise, at least; `quality.ROOM_TOKENS`, without loading that."""

TASK = "maths"
"""Of all kinds of question this one decides how long a context must be when nobody says what is asked."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What an engine must be told of a plan; see Placement for llama.cpp's names of the numbers.

    `gpu_layers` None: llama.cpp places the layers itself, since no plan can be made. `flash`: fused
    attention, which the plan's memory counts on; else llama.cpp decides.
    """

    n_ctx: int
    kv_type: str = "f16"
    gpu_layers: int | None = 0
    cpu_expert_layers: int = 0
    tensor_split: tuple[int, ...] = ()
    flash: bool = True


def launch_of(plan: "Plan") -> Launch:
    """The part of a plan that its engine needs; raises InputError for one that fits nowhere."""
    placement = plan.placement
    if placement is None:
        raise InputError(f"{plan.model} {plan.quantisation} has no place on this machine; see `ponder fit`.")
    return Launch(
        plan.n_ctx, plan.kv_type, placement.gpu_layers, placement.cpu_expert_layers, placement.tensor_split
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person said of a run: context in tokens (None: choose) and the type of the KV cache."""

    n_ctx: int | None = None
    kv_type: str = "f16"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A GGUF file: its header, what it is called, and its model if the catalogue knows it."""

    header: Header
    name: str
    model: Model | None = None


class Local:
    """One local file, to be run on this machine.

    `gpus` are those that the engine can use, in its order; asked for only where the system shows any.
    """

    def __init__(self, file: LocalFile, wanted: Wanted, gpus: Callable[[], "Sequence[Gpu]"]) -> None:
        self.file = file
        self.wanted = wanted
        self._gpus = gpus
        self._free_bytes = available_bytes()
        self._seen: Sequence[Gpu] | None = None
        self._here: Here | None = None
        self._tried = False

    @property
    def gpus(self) -> "Sequence[Gpu]":
        """The GPUs that count, none where the system shows none."""
        if self._seen is None:
            self._seen = tuple(self._gpus()) if may_have_gpu() else ()
        return self._seen

    def launch(self) -> Launch:
        """What to tell the engine.

        Raises InputError for a context the model was not made for, MemoryLimitError with the needed and the
        free bytes and what to do instead.
        """
        header, wanted = self.file.header, self.wanted
        n_ctx = wanted.n_ctx or default_ctx(self.file)
        checked(wanted.n_ctx, header.n_ctx_train)
        free = self._free_bytes
        if not self.gpus and (free is None or is_far_below(header, n_ctx, free)):
            return Launch(n_ctx, wanted.kv_type)
        here = self.here()
        return self._blind(n_ctx, free) if here is None else launch_of(here.plan)

    def cache_bytes(self, n_tokens: int) -> int:
        """About the most that the cache of so many tokens takes."""
        return plain_cache_bytes(self.file.header, n_tokens)

    def here(self) -> "Here | None":
        """The file's plan with what was free when it was opened; None where the file has parts that are not
        known. Raises as `launch` does.
        """
        if not self._tried:
            self._tried = True
            make = import_module("ponder.fit.here").plan_here
            with suppress(FileFormatError):  # an architecture that is not known here may be to llama.cpp
                self._here = make(self.file, self.wanted, self.gpus, self._free_bytes)
        return self._here

    def compared(self, taken: "Taken", tps: float | None, depth: float) -> "tuple[Compared, ...]":
        """What an engine took and reached (at a mean depth in tokens) against the plan, if there is one."""
        here = self.here()
        if here is None:
            return ()
        rate = None if tps is None else here.decode(tps, depth)
        return (*here.memory(taken), *([rate] if rate else []))

    def _blind(self, n_ctx: int, free: int | None) -> Launch:
        """Without a plan: an estimate for RAM, and llama.cpp's own choice where there are GPUs."""
        header, kv_type = self.file.header, self.wanted.kv_type
        there = (free or 0) + sum(gpu.free_bytes or 0 for gpu in self.gpus)
        while self.wanted.n_ctx is None and n_ctx // 2 >= LEAST_CTX:
            if needed_bytes(header, n_ctx, kv_type) <= there:
                break
            n_ctx //= 2
        needed = needed_bytes(header, n_ctx, kv_type)
        if free is not None and needed > there:
            raise refusal(header, replace(self.wanted, n_ctx=n_ctx), needed, there)
        return Launch(n_ctx, kv_type, gpu_layers=None if self.gpus else 0, flash=False)


def default_ctx(file: LocalFile) -> int:
    """The context to plan with where nobody says: DEFAULT_CTX, or what nine of ten answers need if more.

    The same as the plan's own choice (`Planner.enough`), without loading what makes plans.
    """
    n_ctx, most = DEFAULT_CTX, file.header.n_ctx_train or DEFAULT_CTX
    if most < 2 * n_ctx or file.model is None:
        return min(n_ctx, most)
    quality = import_module("ponder.fit.quality")
    wanted = quality.room_tokens(quality.reasoning_length(file.model.id, TASK))
    while n_ctx < wanted and 2 * n_ctx <= most:
        n_ctx *= 2
    return n_ctx


def checked(wanted: int | None, n_ctx_train: int) -> None:
    """Raise InputError for a context that the model was not made for."""
    if wanted is not None and (wanted < 1 or (n_ctx_train and wanted > n_ctx_train)):
        raise InputError(f"--ctx {wanted} is not possible: this model takes 1 to {n_ctx_train} tokens.")


def may_have_gpu() -> bool:
    """Whether the system shows anything that could be a GPU: device nodes and drivers' tools; in no time."""
    if not sys.platform.startswith("linux"):
        return True
    signs = ("/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
    return any(Path(sign).exists() for sign in signs) or which("nvidia-smi") is not None
