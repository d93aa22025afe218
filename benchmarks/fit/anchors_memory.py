"""What other planners would have said, re-implemented from their published formulas, unfitted.

Only for comparison in these tables; nothing of it is part of the package. Versions read: llmfit 3f44fd3
(1.1.17), whichllm a897551, ggufit 0.3.0, ridgepoint 0.1.2, gguf-parser-go 8dc7a62.
"""

from collections.abc import Callable, Mapping

from ponder.fit.geometry import Geometry, Grouped, Latent
from ponder.fit.memory import cache_bytes
from ponder.fit.runtime import CACHE_TYPES, Runtime
from ponder.fit.tensors import parameters

GIB = 1 << 30
MIB = 1 << 20


def _type_bytes(runtime: Runtime) -> float:
    block, size = CACHE_TYPES[runtime.cache_k]
    return size / block


def llmfit_weights(shape: Geometry) -> float:
    """0.58 bytes per parameter for Q4_K_M; parameters as Hugging Face counts them, draft layer included."""
    counted = parameters(shape)
    copies = 2 * shape.hidden * shape.vocab if shape.draft else 0
    return 0.58 * (counted.total + counted.draft + copies)


def ggufit_weights(shape: Geometry) -> float:
    """0.6 bytes per parameter for Q4_K_M."""
    return 0.6 * parameters(shape).total


def llmfit_cache(shape: Geometry, runtime: Runtime) -> float:
    """2 x layers x kv heads x head size x context; for MLA it takes the configuration's 128 heads of 56."""
    mixer = shape.attention
    if isinstance(mixer, Grouped):
        width = mixer.kv_heads * mixer.key_dim
    elif isinstance(mixer, Latent):
        width = shape.hidden
    else:
        raise TypeError(mixer)
    return 2 * shape.layers * width * runtime.context * _type_bytes(runtime)


def ridgepoint_cache(shape: Geometry, runtime: Runtime) -> float:
    """Heads or latent, exact for the current layout; it does not know the old one (ggufit likewise)."""
    mixer = shape.attention
    if isinstance(mixer, Latent):
        return shape.layers * (mixer.kv_rank + mixer.rope_dim) * runtime.context * _type_bytes(runtime)
    return cache_bytes(shape, runtime)


def gguf_parser_cache(shape: Geometry, runtime: Runtime) -> float:
    """Key and value length per kv head; for MLA 192 + 128 per layer."""
    mixer = shape.attention
    if isinstance(mixer, Latent):
        width = mixer.nope_dim + mixer.rope_dim + mixer.value_dim
        return shape.layers * width * runtime.context * _type_bytes(runtime)
    return cache_bytes(shape, runtime)


def whichllm_cache(shape: Geometry, runtime: Runtime) -> float:
    """3.5 MiB per billion parameters (active x 4 for experts) and 1,024 tokens."""
    counted = parameters(shape)
    billions = (4 * counted.active if shape.experts else counted.total) / 1e9
    return 3.5 * MIB * billions * runtime.context / 1024


CACHES: Mapping[str, Callable[[Geometry, Runtime], float]] = {
    "llmfit": llmfit_cache,
    "whichllm": whichllm_cache,
    "gguf-parser": gguf_parser_cache,
    "ridgepoint, ggufit": ridgepoint_cache,
}

WEIGHTS: Mapping[str, Callable[[Geometry], float]] = {"llmfit": llmfit_weights, "ggufit": ggufit_weights}


def llmfit_scratch(_shape: Geometry, _runtime: Runtime) -> float:
    """A constant of 0.5 GiB."""
    return 0.5 * GIB


def whichllm_scratch(shape: Geometry, runtime: Runtime) -> float:
    """0.4 GB + 0.08 bytes per parameter + 150 MB per 4,096 tokens."""
    return 0.4e9 + 0.08 * parameters(shape).total + 150e6 * runtime.context / 4096


def ggufit_scratch(shape: Geometry, _runtime: Runtime) -> float:
    """0.6 GB + 5 % of the weights."""
    return 0.6e9 + 0.05 * ggufit_weights(shape)


SCRATCH: Mapping[str, Callable[[Geometry, Runtime], float]] = {
    "llmfit": llmfit_scratch,
    "whichllm": whichllm_scratch,
    "ggufit": ggufit_scratch,
}
