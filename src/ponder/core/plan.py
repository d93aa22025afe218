"""One model on one machine: where its bytes lie, how fast it writes, how long an answer is, and why.

A plan is a value: the terminal, the engine's settings and the command line to type are all read from it.
What is not known is None, and `missing` says what would have to be known.
"""

from dataclasses import dataclass
from typing import Literal

from ponder.core.hardware import Device

PlacementKind = Literal[
    "one GPU",
    "layer split",  # several GPUs, each holds some layers
    "tensor parallel",  # several GPUs, each holds a part of every layer
    "layers in RAM",
    "experts in RAM",
    "CPU only",
    "unified memory",
    "paged from disk",  # the file is larger than the memory: experts are read again and again
]


@dataclass(frozen=True, slots=True)
class Share:
    """What one device holds of a model, in bytes, and the most it could.

    `layers` counts layers of which it holds attention and cache, `expert_layers` those of whose routed
    experts it holds. `overhead_bytes` is the driver's, `uncertainty_bytes` how far the sum may be off.
    `margin_bytes` is what should stay free for others.
    """

    device: Device
    layers: int
    expert_layers: int
    weights_bytes: int
    cache_bytes: int
    compute_bytes: int
    overhead_bytes: int
    uncertainty_bytes: int
    capacity_bytes: int
    margin_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """The expected use."""
        return self.weights_bytes + self.cache_bytes + self.compute_bytes + self.overhead_bytes

    @property
    def worst_bytes(self) -> int:
        """The most it is expected to use."""
        return self.total_bytes + self.uncertainty_bytes

    @property
    def fits(self) -> bool:
        """Whether even the worst case is within its memory."""
        return self.worst_bytes <= self.capacity_bytes


@dataclass(frozen=True, slots=True)
class Placement:
    """How a model is laid out, with llama.cpp's own numbers for it.

    `gpu_layers` is `-ngl` (the output head counts as a layer), `cpu_expert_layers` is `--n-cpu-moe`,
    `tensor_split` is `-ts`, one number for each GPU of the machine (empty if it has one). `paged_bytes`
    find no room in RAM and stay on disk.
    """

    kind: PlacementKind
    shares: tuple[Share, ...]
    gpu_layers: int = 0
    cpu_expert_layers: int = 0
    tensor_split: tuple[int, ...] = ()
    paged_bytes: int = 0

    @property
    def fits(self) -> bool:
        """Whether every device has room for its share in the worst case."""
        return all(share.fits for share in self.shares)

    @property
    def tight(self) -> bool:
        """Whether it fits only because less than the usual margin stays free."""
        return any(share.worst_bytes > share.capacity_bytes - share.margin_bytes for share in self.shares)

    @property
    def total_bytes(self) -> int:
        """The expected use of all devices together."""
        return sum(share.total_bytes for share in self.shares)


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens per second, with the bounds that hold in 80 of 100 cases."""

    tps: float
    low_tps: float
    high_tps: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds to an answer of a kind of task: of mean length, and of one that only a tenth exceeds.

    Lengths in tokens come from `source`; `note` says so where another model or benchmark stands in.
    """

    task: str
    prompt_tokens: int
    mean_tokens: float
    p90_tokens: float
    mean_s: float
    low_s: float
    high_s: float
    p90_s: float
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """One published figure of the model, at full precision."""

    benchmark: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How good a model is on a kind of task: percent of `benchmark`, the one that models are compared on.

    `published` is the figure as `source` has it, on `edition`. Where that is another edition, `value` was
    worked out `through` models that took both.
    """

    benchmark: str
    value: float
    edition: str
    published: float
    source: str
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a plan with its arithmetic in words, and where its inputs are from."""

    name: str
    value: float
    unit: str
    arithmetic: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A model, a quantisation and a context on a machine.

    `model` is what a person types, `id` the catalogue's name (empty for a model it does not know).
    `n_ctx` is the context of each of `batch` requests that run at once; `most_ctx` the longest of the usual
    ones that the same placement has room for (0: unknown). `quality` are published figures for the task,
    `standing` the one that models are compared by (None: unknown). `correction` is the factor of a
    calibration of this machine, 1.0 without one. `placement` is None where nothing fits; then `missing` says
    what is too small. `notes` are facts beside the numbers, a sentence each.
    """

    model: str
    id: str
    quantisation: str
    file_bytes: int
    n_ctx: int
    kv_type: str
    engine: str
    batch: int
    placement: Placement | None
    decode: Rate | None = None
    prefill: Rate | None = None
    answer: Wait | None = None
    quality: tuple[Quality, ...] = ()
    standing: Standing | None = None
    correction: float = 1.0
    missing: tuple[str, ...] = ()
    most_ctx: int = 0
    notes: tuple[str, ...] = ()
    why: tuple[Figure, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it runs from memory, none of it paged from disk."""
        return self.placement is not None and self.placement.fits and not self.placement.paged_bytes


@dataclass(frozen=True, slots=True)
class Buffer:
    """One allocation as an engine logs it: on `CUDA0` or `CPU_Mapped`, of a kind such as `model` or `KV`."""

    device: str
    kind: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a loaded model takes: RAM of the engine's process in bytes, and its buffers (empty: not told).

    `slots` conversations have a cache each, of the size that was planned.
    """

    ram_bytes: int
    buffers: tuple[Buffer, ...] = ()
    slots: int = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """A prediction and what became of it: `RAM` or the buffers of a device in bytes, `decode` in tokens per
    second. `calibrated`: it rests on a measurement of this machine.
    """

    what: str
    predicted: float
    low: float
    high: float
    real: float
    calibrated: bool = False

    @property
    def right(self) -> bool:
        """Whether reality is within the prediction's range."""
        return self.low <= self.real <= self.high
