"""What the header of a GGUF file says: metadata, the table of tensors, and what follows from both."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from ponder.catalog.ggml import FILE_TYPES

_GUESSED = 1024  # llama.cpp adds this bit to a file type that it worked out itself
_SPECIAL_PREFIX, _SPECIAL_SUFFIX = "tokenizer.ggml.", "_token_id"


@dataclass(frozen=True, slots=True)
class Array:
    """A large array that was skipped: `count` elements of `kind`, from byte `offset` of the first file."""

    kind: str
    count: int
    offset: int


Scalar = int | float | str
Value = Scalar | tuple[Scalar, ...] | Array


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` fastest dimension first, `offset` from the start of its file's data section.

    `type` is ggml's name, such as `Q4_K`; `part` counts the files of a split model from 0.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    bytes: int
    part: int = 0

    @property
    def parameters(self) -> int:
        """How many weights it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """The checked header of one model, of all its files when it is split.

    `paths` are the files in order (empty when it was read from bytes). `data_offset` is where the data
    of the first file begin. `file_bytes` is the size of all files together; for a bare header it is
    the size that the file must have.
    """

    paths: tuple[Path, ...]
    version: int
    metadata: Mapping[str, Value] = field(hash=False, repr=False)
    tensors: tuple[Tensor, ...] = field(hash=False, repr=False)
    alignment: int
    data_offset: int
    file_bytes: int

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the architecture, such as `qwen2`."""
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        """The name its makers gave it; may be empty. It comes from the file: never use it as a path."""
        return self.text("general.name")

    @property
    def n_ctx_train(self) -> int:
        """The longest context it was trained for, in tokens."""
        return self.number("context_length")

    @property
    def n_layers(self) -> int:
        """How many blocks it has."""
        return self.number("block_count")

    @property
    def vocabulary_size(self) -> int:
        """How many tokens it knows; 0 for a file without a vocabulary."""
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        return tokens.count if isinstance(tokens, Array) else len(tokens) if isinstance(tokens, tuple) else 0

    @property
    def template(self) -> str:
        """The chat template (Jinja); empty when there is none."""
        return self.text("tokenizer.chat_template")

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Ids of special tokens by short name: `bos`, `eos`, `padding`, `eot` …; ids outside the
        vocabulary are left out.
        """
        size = self.vocabulary_size
        found = {
            key.removeprefix(_SPECIAL_PREFIX).removesuffix(_SPECIAL_SUFFIX): value
            for key, value in self.metadata.items()
            if key.startswith(_SPECIAL_PREFIX) and key.endswith(_SPECIAL_SUFFIX) and isinstance(value, int)
        }
        return {name: value for name, value in found.items() if 0 <= value < size}

    @property
    def quantisation(self) -> str:
        """llama.cpp's name of the mix, such as `Q4_K_M`; the commonest tensor type if it names none."""
        file_type = self.metadata.get("general.file_type")
        if isinstance(file_type, int) and (file_type & ~_GUESSED) in FILE_TYPES:
            return FILE_TYPES[file_type & ~_GUESSED]
        weights: Counter[str] = Counter()
        for tensor in self.tensors:
            weights[tensor.type] += tensor.parameters
        return weights.most_common(1)[0][0] if weights else "unknown"

    @property
    def parameters(self) -> int:
        """How many weights all tensors hold."""
        return sum(tensor.parameters for tensor in self.tensors)

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors, padding not counted."""
        return sum(tensor.bytes for tensor in self.tensors)

    def text(self, key: str) -> str:
        """The text under a full key; empty when it is missing or no text."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """The integer under a key of its architecture (`block_count`); 0 when missing or no integer."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) else 0
