"""Read the header of a GGUF file, and trust nothing in it.

Only the header is read, never the weights. Every count and length is held against the bytes that are
there before anything is allocated, and long string arrays (the vocabulary) are stepped over, so that
a header with 150,000 tokens takes some tens of milliseconds. What a header says is then checked by
`ponder.catalog.soundness`, before native code sees the file.

Layout (version 2 and 3, little endian): `GGUF`, u32 version, u64 tensors, u64 entries; entries of key,
u32 kind, value; tensor records of name, u32 dimensions, u64 each, u32 type, u64 offset; padding; data.
Strings are a u64 length and UTF-8.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from ponder.catalog.ggml import TENSOR_TYPES
from ponder.catalog.header import Array, Header, Scalar, Tensor, Value
from ponder.catalog.soundness import (
    check_metadata,
    check_parts,
    check_tensors,
    damaged,
    part_paths,
    recognise,
    shown,
)
from ponder.errors import FileFormatError

MAX_HEADER_BYTES = 128 * 2**20
"""Longer headers are refused; the largest real ones (256k tokens) take about 20 MB."""
MAX_ENTRIES = 65_536
MAX_KEY_BYTES = 65_535
MAX_NAME_BYTES = 63  # llama.cpp's GGML_MAX_NAME without its final zero
MAX_DIMENSIONS = 4
MAX_LIST = 2**22
"""Longer lists of texts are refused; real vocabularies and merges stay under 2**19."""
MAX_NUMBERS, MAX_TEXTS = 512, 64
"""Arrays up to this long become tuples (per-layer values, tags), longer ones stay in the file."""


class CutHeaderError(FileFormatError):
    """The bytes end before the header does; with more of the file it may be read."""


_FIRST_READ_BYTES = 2**20
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_STRING, _ARRAY = 8, 9
_SCALARS = {
    kind: (name, struct.Struct(f"<{code}"))
    for kind, name, code in (
        (0, "u8", "B"),
        (1, "i8", "b"),
        (2, "u16", "H"),
        (3, "i16", "h"),
        (4, "u32", "I"),
        (5, "i32", "i"),
        (6, "f32", "f"),
        (7, "bool", "?"),
        (10, "u64", "Q"),
        (11, "i64", "q"),
        (12, "f64", "d"),
    )
}


def read_header(path: Path | str, *, whole: bool = True) -> Header:
    """The checked header of the GGUF file at `path`, of all its parts if it is one part of a split model.

    With `whole` False the weights, and the other parts, may be missing: the file is only a header.
    Raises FileFormatError, one sentence, for anything that is not a sound language model.
    """
    paths = part_paths(Path(path)) if whole else (Path(path),)
    parts = [_read_part(each, whole=whole) for each in paths]
    if whole:
        check_parts(paths, [part.metadata for part in parts], sum(len(part.tensors) for part in parts))
    return _header(str(path), paths, parts)


def parse_header(data: bytes, name: str = "the header") -> Header:
    """The checked header in `data`, the first bytes of a GGUF file (say, of a range request).

    The weights may be missing. `name` is what errors call it. Raises FileFormatError, of the kind
    CutHeaderError when the header is longer than `data`.
    """
    return parse_headers([data], name)


def parse_headers(parts: Sequence[bytes], name: str = "the header") -> Header:
    """Like `parse_header`, for the first bytes of every file of a split model, in order."""
    cursors = [_Cursor(data, name, len(data)) for data in parts]
    return _header(name, (), [_parse(cursor, file_bytes=None) for cursor in cursors])


def read_vocabulary(path: Path | str) -> list[bytes]:
    """The tokens of a GGUF file in the order of their ids, as stored (byte-level BPE not undone)."""
    header = read_header(path, whole=False)
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, Array):
        return [str(token).encode() for token in tokens] if isinstance(tokens, tuple) else []
    with Path(path).open("rb") as file:
        file.seek(tokens.offset)
        data = file.read(header.data_offset - tokens.offset)
    cursor = _Cursor(data, str(path), len(data))
    return [cursor.string() for _ in range(tokens.count)]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one file holds, before it is put together with the others."""

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    alignment: int
    data_offset: int
    file_bytes: int


class _Cursor:
    """Reads onward through a header, and fetches more of the file only when it must."""

    def __init__(self, data: bytes, name: str, limit: int, file: BinaryIO | None = None) -> None:
        self.data, self.name, self.limit = bytearray(data), name, limit
        self.pos = 0
        self._file = file

    def reach(self, stop: int) -> None:
        """Make the bytes up to `stop` present, or raise."""
        if stop <= len(self.data):
            return
        if MAX_HEADER_BYTES < stop <= self.limit:
            raise damaged(self.name, f"its header is longer than {MAX_HEADER_BYTES:,} bytes")
        if stop <= self.limit and self._file is not None:
            wanted = min(max(stop, 2 * len(self.data)), self.limit, MAX_HEADER_BYTES)
            self.data += self._file.read(wanted - len(self.data))
        if stop > len(self.data):
            raise CutHeaderError(
                f"{self.name} is damaged: it ends inside its header ({self.limit:,} bytes are there, at "
                f"least {stop:,} are needed); delete it and download it again."
            )

    def read(self, layout: struct.Struct) -> int:
        """The next number (a float or a truth value where `layout` says so)."""
        start = self.pos
        self.pos += layout.size
        self.reach(self.pos)
        value: int = layout.unpack_from(self.data, start)[0]
        return value

    def string(self, most: int = MAX_HEADER_BYTES, what: str = "a text") -> bytes:
        """The next string, of at most `most` bytes."""
        length = self.read(_U64)
        if length > most:
            raise damaged(self.name, f"{what} claims to be {length:,} bytes long")
        start = self.pos
        self.pos += length
        self.reach(self.pos)
        return bytes(self.data[start : self.pos])

    def skip(self, count: int, size: int) -> None:
        """Step over `count` values of `size` bytes."""
        self.reach(self.pos + count * size)
        self.pos += count * size

    def skip_strings(self, count: int) -> None:
        """Step over `count` strings; this loop is nearly all the time a header takes."""
        if count > MAX_LIST or self.pos + count * _U64.size > self.limit:
            raise damaged(self.name, f"a list claims {count:,} texts")
        pos, left, unpack = self.pos, count, _U64.unpack_from
        while left:
            self.reach(pos + _U64.size)
            data = self.data
            try:
                while left:
                    pos += 8 + unpack(data, pos)[0]
                    left -= 1
            except (struct.error, OverflowError):
                continue  # past the bytes at hand: fetch more, or find that the file ends
        self.reach(pos)
        self.pos = pos


def _read_part(path: Path, *, whole: bool) -> _Part:
    name = str(path)
    try:
        with path.open("rb") as file:
            status = path.stat()
            if not S_ISREG(status.st_mode):
                raise FileFormatError(f"{name} is not a regular file; give the path of a GGUF file.")
            start = file.read(_FIRST_READ_BYTES)
            cursor = _Cursor(start, name, status.st_size, file)
            return _parse(cursor, file_bytes=status.st_size if whole else None)
    except FileNotFoundError:
        raise FileFormatError(
            f"{name} does not exist; `ponder models --local` lists the weights that are here."
        ) from None
    except OSError as error:
        raise FileFormatError(
            f"{name} cannot be read ({error.strerror}); give the path of a GGUF file."
        ) from error


def _parse(cursor: _Cursor, *, file_bytes: int | None) -> _Part:
    name = cursor.name
    recognise(name, bytes(cursor.data[:512]))
    cursor.pos = 4
    version = cursor.read(_U32)
    if version not in {2, 3}:
        kind = "a big-endian file" if version in {2 << 24, 3 << 24} else f"GGUF version {version}"
        raise FileFormatError(f"{name} is {kind}, but llama.cpp reads versions 2 and 3; get a newer file.")
    n_tensors, n_entries = cursor.read(_U64), cursor.read(_U64)
    for count, what, least in ((n_tensors, "tensors", 24), (n_entries, "entries", 13)):
        if count > MAX_ENTRIES or count * least > cursor.limit:
            raise damaged(name, f"it claims {count:,} {what}")
    metadata = _metadata(cursor, n_entries)
    tensors = tuple(_tensor(cursor) for _ in range(n_tensors))
    alignment = _alignment(name, metadata)
    start = -(-cursor.pos // alignment) * alignment
    data_bytes = check_tensors(name, tensors, alignment, None if file_bytes is None else file_bytes - start)
    return _Part(version, metadata, tensors, alignment, start, file_bytes or start + data_bytes)


def _metadata(cursor: _Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = _text(cursor, MAX_KEY_BYTES, "a key")
        if key in metadata:
            raise damaged(cursor.name, f"the key {shown(key)} stands twice in it")
        kind = cursor.read(_U32)
        metadata[key] = _array(cursor, key) if kind == _ARRAY else _scalar(cursor, kind, key)
    return metadata


def _text(cursor: _Cursor, most: int, what: str) -> str:
    data = cursor.string(most, what)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise damaged(cursor.name, f"{what} is not UTF-8 ({shown(data)})") from None


def _scalar(cursor: _Cursor, kind: int, key: str) -> Scalar:
    if kind == _STRING:
        return cursor.string(what=f"the text of {shown(key)}").decode(errors="replace")
    if kind not in _SCALARS:
        raise damaged(cursor.name, f"the key {shown(key)} has the unknown kind {kind}")
    return cursor.read(_SCALARS[kind][1])


def _array(cursor: _Cursor, key: str) -> Value:
    kind, count = cursor.read(_U32), cursor.read(_U64)
    if kind not in _SCALARS and kind != _STRING:
        what = "an array of arrays" if kind == _ARRAY else f"an array of the unknown kind {kind}"
        raise damaged(cursor.name, f"the key {shown(key)} holds {what}")
    if count <= (MAX_TEXTS if kind == _STRING else MAX_NUMBERS):
        return tuple(_scalar(cursor, kind, key) for _ in range(count))
    offset = cursor.pos
    if kind == _STRING:
        cursor.skip_strings(count)
        return Array("string", count, offset)
    name, layout = _SCALARS[kind]
    cursor.skip(count, layout.size)
    return Array(name, count, offset)


def _tensor(cursor: _Cursor) -> Tensor:
    name = _text(cursor, MAX_NAME_BYTES, "a tensor's name")
    n_dimensions = cursor.read(_U32)
    if not 1 <= n_dimensions <= MAX_DIMENSIONS:
        raise damaged(cursor.name, f"the tensor {shown(name)} has {n_dimensions:,} dimensions")
    shape = tuple(cursor.read(_U64) for _ in range(n_dimensions))
    kind, offset = cursor.read(_U32), cursor.read(_U64)
    if kind not in TENSOR_TYPES:
        raise FileFormatError(
            f"{cursor.name} stores {shown(name)} in type {kind}, which llama.cpp does not know "
            "(a fork such as ik_llama.cpp may have made it); choose another quantisation."
        )
    type_name, block, block_bytes = TENSOR_TYPES[kind]
    weights = prod(shape)
    if not 0 < weights < 2**63 or shape[0] % block:
        raise damaged(
            cursor.name, f"the tensor {shown(name)} has the impossible shape {shape} for {type_name}"
        )
    return Tensor(name, shape, type_name, offset, weights // block * block_bytes)


def _alignment(name: str, metadata: Mapping[str, Value]) -> int:
    value = metadata.get("general.alignment", 32)
    if not isinstance(value, int) or not 1 <= value <= 2**20 or value & (value - 1):
        raise damaged(name, f"its alignment is {shown(value)}, not a power of two")
    return value


def _header(name: str, paths: tuple[Path, ...], parts: Iterable[_Part]) -> Header:
    first, *others = parts
    tensors = list(first.tensors)
    for number, part in enumerate(others, start=1):
        tensors += (replace(tensor, part=number) for tensor in part.tensors)
    header = Header(
        paths=paths,
        version=first.version,
        metadata=first.metadata,
        tensors=tuple(tensors),
        alignment=first.alignment,
        data_offset=first.data_offset,
        file_bytes=first.file_bytes + sum(part.file_bytes for part in others),
    )
    check_metadata(name, header)
    return header
