"""What a running model holds beside its weights: cache, recurrent state, scratch buffer, output, driver.

The cache follows llama.cpp's allocation exactly, for every attention of `geometry`; weights, cache and
scratch of one device then add up, with the overhead of its driver as a constant of stated uncertainty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ponder.fit.compute import graph_bytes
from ponder.fit.geometry import Compressed, DeltaNet, Geometry, Grouped, Latent, Mamba, Mixer
from ponder.fit.runtime import Runtime, cache_row_bytes
from ponder.fit.scratch import Scratch

MIB = 1 << 20
_FLOAT = 4
_FINE = 4


@dataclass(frozen=True, slots=True)
class Backend:
    """What a device loses to its driver once llama.cpp uses it, and by how much that varies."""

    overhead_bytes: int
    uncertainty_bytes: int
    source: str


BACKENDS: Mapping[str, Backend] = {
    "cpu": Backend(0, 0, "llama.cpp's buffers are ordinary memory; checked against its log"),
    "cuda": Backend(
        460 * MIB, 150 * MIB, "CUDA context: 0.3 to 0.6 GiB, not part of llama.cpp's own figures"
    ),
    "rocm": Backend(460 * MIB, 300 * MIB, "no measurement; taken as for CUDA with twice the uncertainty"),
    "vulkan": Backend(300 * MIB, 300 * MIB, "no measurement; between none and the CUDA context"),
    "sycl": Backend(300 * MIB, 300 * MIB, "no measurement; between none and the CUDA context"),
    "metal": Backend(150 * MIB, 150 * MIB, "no measurement; unified memory has no separate context"),
}
"""Backend name → overhead per device."""

STAGED_EXPERT_TENSORS = 2
"""Expert tensors of one layer that a GPU has room for while it prefills with experts in RAM: llama.cpp
copies them over one after the other (RTX 4090, Qwen3-30B-A3B F16, 34 of 48 layers' experts in RAM: 898 MiB
of scratch, of which 92 MiB are the graph and 768 MiB two expert tensors; a single run)."""


@lru_cache(maxsize=8192)
def mixer_bytes(mixer: Mixer | None, runtime: Runtime) -> int:
    """Bytes that one layer with this mixer keeps: its cache in all streams, or its recurrent state.

    Rules of llama.cpp's llama-kv-cache*.cpp and llama-memory-recurrent.cpp; layers pad to whole blocks of
    the type.
    """
    cells = runtime.cells * runtime.streams
    match mixer:
        case Grouped():
            keys, values = mixer.kv_heads * mixer.key_dim, mixer.kv_heads * mixer.value_dim
            row = cache_row_bytes(runtime.cache_k, keys) + cache_row_bytes(runtime.cache_v, values)
            return row * runtime.window_cells(mixer.window) * runtime.streams
        case Latent(absorbed=True):
            row = cache_row_bytes(runtime.cache_k, mixer.kv_rank + mixer.rope_dim)
            return cells * (row + cache_row_bytes(runtime.cache_k, mixer.index_dim))
        case Latent():
            keys = mixer.heads * (mixer.nope_dim + mixer.rope_dim)
            values = mixer.heads * mixer.value_dim
            return cells * (cache_row_bytes(runtime.cache_k, keys) + cache_row_bytes(runtime.cache_v, values))
        case Compressed():
            return _compressed_bytes(mixer, runtime) * runtime.parallel
        case DeltaNet():
            keys, values = mixer.key_heads * mixer.head_dim, mixer.value_heads * mixer.head_dim
            return _state_bytes(mixer.conv, values + 2 * keys, values * mixer.head_dim) * runtime.parallel
        case Mamba():
            inner = mixer.heads * mixer.head_dim
            channels = inner + 2 * mixer.groups * mixer.state
            return _state_bytes(mixer.conv, channels, inner * mixer.state) * runtime.parallel
    return 0


def _state_bytes(conv: int, channels: int, state: int) -> int:
    """The last `conv - 1` inputs of the convolution, and the recurrent state, in F32."""
    return _FLOAT * ((conv - 1) * channels + state)


def _compressed_bytes(mixer: Compressed, runtime: Runtime) -> int:
    """Per sequence: the window, one entry per `ratio` tokens, index keys, and the compressors' running
    state."""
    key = cache_row_bytes(runtime.cache_k, mixer.head_dim)
    per_sequence = Runtime(
        runtime.cells, ubatch=runtime.ubatch, batch=runtime.batch, full_window=runtime.full_window
    )
    size = key * per_sequence.window_cells(mixer.window)
    if not mixer.ratio:
        return size
    entries = -(-(runtime.cells // mixer.ratio) // 256) * 256
    size += key * entries
    if mixer.ratio == _FINE:
        state = 2 * mixer.ratio * 2 * (mixer.head_dim + mixer.index_dim)
        size += cache_row_bytes(runtime.cache_k, mixer.index_dim) * entries
    else:
        state = mixer.ratio * mixer.head_dim
    return size + 2 * _FLOAT * state


def cache_by_layer(geometry: Geometry, runtime: Runtime) -> tuple[int, ...]:
    """Bytes of cache and recurrent state of every layer, in order; draft layers have none."""
    kinds = [
        mixer_bytes(kind.mixer, runtime) + _padding_bytes(geometry, kind.mixer, runtime)
        for kind in geometry.kinds
    ]
    return tuple(kinds[kind] for kind in geometry.pattern)


def cache_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Bytes of the whole cache, recurrent state included."""
    kinds = [
        mixer_bytes(kind.mixer, runtime) + _padding_bytes(geometry, kind.mixer, runtime)
        for kind in geometry.kinds
    ]
    return sum(size * geometry.pattern.count(kind) for kind, size in enumerate(kinds))


def _padding_bytes(geometry: Geometry, mixer: Mixer | None, runtime: Runtime) -> int:
    """Without flash attention llama.cpp gives layers that have no attention a value cache as wide as the
    others."""
    other = geometry.attention
    if mixer or runtime.flash or geometry.architecture != "deci" or not isinstance(other, Grouped):
        return 0
    row = cache_row_bytes(runtime.cache_v, other.kv_heads * other.value_dim)
    return row * runtime.cells * runtime.streams


def cache_bytes_per_token(geometry: Geometry, runtime: Runtime) -> float:
    """Bytes that one more token of context costs, averaged between half and full context."""
    half = Runtime(max(1, runtime.cells // 2), runtime.cache_k, runtime.cache_v)
    full = Runtime(runtime.cells, runtime.cache_k, runtime.cache_v)
    return (cache_bytes(geometry, full) - cache_bytes(geometry, half)) / (full.cells - half.cells or 1)


def compute_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Scratch memory of one device that computes whole layers; see `compute.graph_bytes` for how it is
    found."""
    return graph_bytes(geometry, runtime)


def output_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Host memory for the logits of one token per sequence."""
    return _FLOAT * geometry.vocab * runtime.parallel


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What one device must hold, in bytes; `uncertainty` is how much more than the total it may be."""

    weights: int
    cache: int
    compute: int
    overhead: int
    uncertainty: int

    @property
    def total(self) -> int:
        """The expected use."""
        return self.weights + self.cache + self.compute + self.overhead

    @property
    def worst(self) -> int:
        """The most it is expected to use: what must be free for a safe "fits"."""
        return self.total + self.uncertainty


def device_memory(
    backend: str, *, weights: int, cache: int, scratch: Scratch, staged: int = 0, split: bool = False
) -> DeviceMemory:
    """The memory of one device of a backend of BACKENDS, which holds these bytes.

    `staged` is the largest expert tensor that stays in RAM while this device prefills, else 0; `split`: all
    layers are spread over several GPUs. Other builds than today's may reserve the logits of a whole batch;
    on a GPU scratch may differ from the CPU's, which is known exactly, by 5 % or 64 MiB.
    """
    driver = BACKENDS[backend]
    expected, slack = on_device(scratch, STAGED_EXPERT_TENSORS * staged, split, gpu=backend != "cpu")
    return DeviceMemory(weights, cache, expected, driver.overhead_bytes, driver.uncertainty_bytes + slack)


_SLACK_BYTES, _SLACK_PART = 64 * MIB, 20


def on_device(scratch: Scratch, beside: int, split: bool, *, gpu: bool = True) -> tuple[int, int]:
    """(expected, how much more at worst) bytes of scratch with `beside` bytes of staged experts."""
    copied = scratch.copied if split else 0
    expected = scratch.server + beside + copied
    slack = max(_SLACK_BYTES, expected // _SLACK_PART) if gpu else 0
    return expected, max(slack, scratch.most + copied - expected)
