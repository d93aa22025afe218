"""What vLLM needs: the bytes of safetensors weights, and the pool that remains for its cache.

vLLM takes a fixed share of each GPU, loads the weights, measures the peak of one full batch, and gives the
whole rest to a pool of cache blocks; how many tokens that holds decides how many requests can run. Bits per
weight of a format are those of its specification; which matrices stay in 16 bit is a convention of each
format.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ponder.errors import InputError
from ponder.fit.geometry import Geometry, Grouped, Latent
from ponder.fit.tensors import Part, Tensor, block_tensors, outer_tensors

BLOCK_TOKENS = 16
NON_TORCH_BYTES = 1 << 28
"""CUDA context and communication buffers per GPU: 0.25 GiB in vLLM's own log (R1-Distill-Qwen-14B, 2 x RTX
4090)."""


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """Bits of a matrix weight (scales included); `experts_only`: everything but routed experts stays in 16
    bit.

    Embedding, output head, norms, routers and biases are 16 bit in all formats. `uncertainty` is the share
    by which repositories of the same format differ.
    """

    bits: float
    uncertainty: float
    source: str
    experts_only: bool = False


FORMATS: Mapping[str, WeightFormat] = {
    "BF16": WeightFormat(
        16, 0.015, "safetensors, 2 bytes per weight; vLLM's log for a 14B is 1.4 % above it"
    ),
    "FP8": WeightFormat(
        8 + 32 / 128**2, 0.03, "e4m3, one F32 scale per 128 x 128 block (DeepSeek-V3 README_WEIGHTS)"
    ),
    "W8A8": WeightFormat(8, 0.03, "compressed-tensors, one scale per output channel"),
    "GPTQ": WeightFormat(4.125, 0.03, "4 bit, one F16 scale per 128 weights, symmetric"),
    "AWQ": WeightFormat(4.15625, 0.03, "4 bit, one F16 scale and one 4-bit zero point per 128 weights"),
    "MXFP4": WeightFormat(
        4.25, 0.03, "e2m1, one 8-bit scale per 32 weights (OCP MX); gpt-oss stores experts so", True
    ),
    "NVFP4": WeightFormat(4.5, 0.05, "e2m1, one e4m3 scale per 16 weights"),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights of a model in a format: `bytes` in all, of which `routed` are experts; `uncertainty_bytes`
    either way."""

    bytes: int
    routed: int
    uncertainty_bytes: int


def checkpoint(geometry: Geometry, weight_format: str) -> Checkpoint:
    """Bytes of the weights that vLLM loads (draft layers left out).

    Raises InputError for a format that is not in FORMATS.
    """
    if weight_format not in FORMATS:
        raise InputError(f"There is no weight format {weight_format!r}; choose one of {', '.join(FORMATS)}.")
    scheme = FORMATS[weight_format]
    bits = dict.fromkeys((True, False), 0.0)
    groups = [(1, outer_tensors(geometry))]
    groups += [
        (geometry.pattern.count(i), block_tensors(geometry, block)) for i, block in enumerate(geometry.kinds)
    ]
    for repeats, tensors in groups:
        for tensor in tensors:
            bits[tensor.part is Part.ROUTED] += repeats * tensor.values * _bits(tensor, scheme)
    total = round((bits[True] + bits[False]) / 8)
    return Checkpoint(total, round(bits[True] / 8), round(total * scheme.uncertainty))


def _bits(tensor: Tensor, scheme: WeightFormat) -> float:
    if tensor.part is Part.TABLE:
        return 0.0
    outside = {Part.EMBEDDING, Part.HEAD, Part.NORM, Part.ROUTER}
    quantised = len(tensor.shape) > 1 and tensor.part not in outside and not tensor.name.endswith("bias")
    if scheme.experts_only and tensor.part is not Part.ROUTED:
        quantised = False
    return scheme.bits if quantised else 16.0


def token_bytes(geometry: Geometry, parallel_gpus: int = 1, value_bytes: float = 2) -> int:
    """Cache bytes of one token of context on each of `parallel_gpus` GPUs (tensor parallel), windows not
    counted.

    Key/value heads are shared out, and repeated when there are more GPUs than heads; the latent of MLA is
    kept whole on every GPU.
    """
    total = 0.0
    for kind, block in enumerate(geometry.kinds):
        match block.mixer:
            case Grouped(window=0) as mixer:
                heads = max(1, -(-mixer.kv_heads // parallel_gpus))
                values = heads * (mixer.key_dim + mixer.value_dim)
            case Latent() as mixer:
                values = mixer.kv_rank + mixer.rope_dim + mixer.index_dim
            case _:
                values = 0
        total += geometry.pattern.count(kind) * values * value_bytes
    return round(total)


SAMPLED_REQUESTS = 256
"""Requests that vLLM's profiling run samples for at once (max_num_seqs)."""

ACTIVATION_UNCERTAINTY_BYTES = 1 << 30
"""How far the peak of a batch may be off: one log (R1-Distill-Qwen-14B, 2 x RTX 4090) implies 1.5 GiB."""


def activation_bytes(geometry: Geometry, batch_tokens: int, parallel_gpus: int = 1) -> int:
    """Peak of one batch on a GPU: residual and feed-forward rows in 16 bit, and the sampler's tables.

    The sampler holds logits, probabilities and sorted values in F32 and their order in 64 bit: 20 bytes per
    vocabulary entry and request. An estimate: vLLM measures its own peak.
    """
    experts = geometry.experts
    width = max(geometry.dense_width, experts.used * experts.width if experts else 0)
    rows = batch_tokens * (4 * geometry.hidden + 3 * width // parallel_gpus) * 2
    return rows + 20 * geometry.vocab * min(batch_tokens, SAMPLED_REQUESTS)


@dataclass(frozen=True, slots=True)
class Pool:
    """One GPU's cache pool: `bytes` of it, and the `tokens` it holds.

    Negative bytes mean that the weights do not fit. `uncertainty_bytes` is how far `bytes` may be off.
    """

    weights: int
    activation: int
    bytes: int
    tokens: int
    context: int
    uncertainty_bytes: int

    @property
    def requests(self) -> float:
        """How many requests of the full context fit at once, as vLLM prints it."""
        return self.tokens / self.context

    @property
    def least_tokens(self) -> int:
        """Tokens it holds if everything that is unsure turns out at its worst."""
        sure = max(0, self.bytes - self.uncertainty_bytes)
        return int(self.tokens * sure / self.bytes) // BLOCK_TOKENS * BLOCK_TOKENS if self.bytes > 0 else 0


@dataclass(frozen=True, slots=True)
class Server:
    """A vLLM server: memory of each GPU in bytes, how many share every layer, and vLLM's own settings."""

    gpu_bytes: int
    gpus: int = 1
    utilisation: float = 0.9
    batch_tokens: int = 2048
    value_bytes: float = 2

    def __post_init__(self) -> None:
        if not 0 < self.utilisation <= 1:
            raise InputError(
                f"gpu_memory_utilization = {self.utilisation} is impossible; give a share such as 0.9."
            )
        if self.gpus < 1 or self.gpu_bytes < 1 or self.batch_tokens < 1:
            raise InputError(
                "A vLLM server needs at least one GPU with memory and a batch of at least one token."
            )


def pool(geometry: Geometry, weight_format: str, server: Server, context: int) -> Pool:
    """What remains for the cache: utilisation x memory - weights / GPUs - peak of a batch - the driver.

    Raises InputError for an unknown format or a context below one token.
    """
    if context < 1:
        raise InputError(f"context = {context} is impossible; give at least one token.")
    loaded = checkpoint(geometry, weight_format)
    weights = loaded.bytes // server.gpus
    activation = activation_bytes(geometry, server.batch_tokens, server.gpus)
    free = int(server.gpu_bytes * server.utilisation) - weights - activation - NON_TORCH_BYTES
    block_bytes = BLOCK_TOKENS * token_bytes(geometry, server.gpus, server.value_bytes)
    tokens = max(0, free) // block_bytes * BLOCK_TOKENS if block_bytes else 0
    unsure = loaded.uncertainty_bytes // server.gpus + ACTIVATION_UNCERTAINTY_BYTES
    return Pool(weights, activation, free, tokens, context, unsure)
