"""Headers that files of published models would have, without their vocabularies."""

from ponder.catalog.header import Header, Tensor, Value
from ponder.catalog.models import find_model
from ponder.fit.configs import from_config
from ponder.fit.mix import tensor_bytes
from ponder.fit.sizes import tensor_types


def header_of(name: str, metadata: dict[str, Value], quant: str = "Q4_K_M") -> Header:
    """The header of a catalogue model; `metadata` is what its architecture needs to be read."""
    tensors = []
    offset = 0
    for tensor, shape, kind in tensor_types(from_config(find_model(name).config), quant):
        tensors.append(Tensor(tensor, shape, kind, offset, tensor_bytes(kind, shape)))
        offset += tensors[-1].bytes
    return Header((), 3, {"general.file_type": 15, **metadata}, tuple(tensors), 32, 0, offset)


def header_of_32b(quant: str = "Q4_K_M") -> Header:
    """DeepSeek-R1-Distill-Qwen-32B."""
    metadata: dict[str, Value] = {
        "general.architecture": "qwen2",
        "general.name": "R1 32B",
        "qwen2.block_count": 64,
        "qwen2.context_length": 131072,
        "qwen2.embedding_length": 5120,
        "qwen2.attention.head_count": 40,
        "qwen2.attention.head_count_kv": 8,
    }
    return header_of("deepseek-r1:32b", metadata, quant)


def header_of_30b_moe() -> Header:
    """Qwen3-30B-A3B: 128 experts in each of 48 layers."""
    metadata: dict[str, Value] = {
        "general.architecture": "qwen3moe",
        "general.name": "Qwen3 30B",
        "qwen3moe.block_count": 48,
        "qwen3moe.context_length": 40960,
        "qwen3moe.embedding_length": 2048,
        "qwen3moe.attention.head_count": 32,
        "qwen3moe.attention.head_count_kv": 4,
        "qwen3moe.attention.key_length": 128,
        "qwen3moe.attention.value_length": 128,
        "qwen3moe.expert_count": 128,
        "qwen3moe.expert_used_count": 8,
    }
    return header_of("qwen3:30b", metadata)
