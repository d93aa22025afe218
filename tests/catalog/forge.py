"""Writes GGUF files byte by byte, sound or broken in one chosen way."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

KINDS = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?"), "u64": (10, "<Q")}


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def value(kind: str, content: Any) -> bytes:
    """A metadata value with its kind: `u32`, `string`, or `array:u32` …"""
    if kind.startswith("array:"):
        element = kind.removeprefix("array:")
        code = 8 if element == "string" else KINDS[element][0]
        bodies = [value(element, each)[4:] for each in content]
        return struct.pack("<IIQ", 9, code, len(content)) + b"".join(bodies)
    if kind == "string":
        return struct.pack("<I", 8) + string(content)
    code, layout = KINDS[kind]
    return struct.pack("<I", code) + struct.pack(layout, content)


def entry(key: str | bytes, kind: str, content: Any) -> bytes:
    return string(key) + value(kind, content)


def tensor(name: str, shape: Sequence[int], kind: int = 0, offset: int = 0) -> bytes:
    dimensions = struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
    return string(name) + dimensions + struct.pack("<IQ", kind, offset)


BASE: Mapping[str, tuple[str, Any]] = {
    "general.architecture": ("string", "llama"),
    "general.name": ("string", "forged"),
    "general.file_type": ("u32", 0),
    "llama.block_count": ("u32", 2),
    "llama.context_length": ("u32", 512),
    "llama.embedding_length": ("u32", 8),
    "llama.rope.freq_base": ("f32", 10000.0),
    "tokenizer.ggml.model": ("string", "gpt2"),
    "tokenizer.ggml.tokens": ("array:string", [f"t{n}" for n in range(100)]),
    "tokenizer.ggml.token_type": ("array:i32", [1] * 100),
    "tokenizer.ggml.bos_token_id": ("u32", 0),
    "tokenizer.ggml.eos_token_id": ("u32", 1),
    "tokenizer.ggml.padding_token_id": ("u32", 4_000_000_000),
    "tokenizer.chat_template": ("string", "{{ messages }}<think>"),
}

TENSORS = (
    ("token_embd.weight", (8, 100), 0),
    ("blk.0.ffn.weight", (8, 3), 0),
    ("output.weight", (8, 100), 0),
)


@dataclass(frozen=True)
class Forge:
    """What goes into the file; `entries` and `records` are raw bytes appended after the sound ones."""

    metadata: Mapping[str, tuple[str, Any]] = field(default_factory=lambda: dict(BASE))
    tensors: Sequence[tuple[str, Sequence[int], int]] = TENSORS
    entries: tuple[bytes, ...] = ()
    records: tuple[bytes, ...] = ()
    magic: bytes = b"GGUF"
    version: int = 3
    n_tensors: int | None = None
    n_entries: int | None = None
    data_bytes: int | None = None
    alignment: int = 32

    def with_(self, **metadata: tuple[str, Any]) -> "Forge":
        """With metadata added or replaced; dots in keys are written as two underscores."""
        new = {key.replace("__", "."): content for key, content in metadata.items()}
        return replace(self, metadata={**self.metadata, **new})

    def without(self, *keys: str) -> "Forge":
        return replace(self, metadata={k: v for k, v in self.metadata.items() if k not in keys})

    def header(self) -> bytes:
        """The header and its padding."""
        data = self.unpadded()
        return data + bytes(-len(data) % self.alignment)

    def unpadded(self) -> bytes:
        """The header alone, for tensors of type F32 laid out one after the other."""
        entries = [entry(key, *content) for key, content in self.metadata.items()] + list(self.entries)
        offset, records = 0, []
        for name, shape, kind in self.tensors:
            records.append(tensor(name, shape, kind, offset))
            offset += self._padded(4 * _product(shape))
        records += self.records
        n_tensors = len(records) if self.n_tensors is None else self.n_tensors
        n_entries = len(entries) if self.n_entries is None else self.n_entries
        head = self.magic + struct.pack("<IQQ", self.version, n_tensors, n_entries)
        return head + b"".join(entries) + b"".join(records)

    def bytes(self) -> bytes:
        size = sum(self._padded(4 * _product(shape)) for _, shape, _ in self.tensors)
        return self.header() + bytes(size if self.data_bytes is None else self.data_bytes)

    def _padded(self, size: int) -> int:
        return -(-size // self.alignment) * self.alignment


def _product(shape: Sequence[int]) -> int:
    product = 1
    for n in shape:
        product *= n
    return product
