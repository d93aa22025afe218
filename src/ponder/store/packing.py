"""Tokens as packed columns: about 30 bytes a token, every value exact but the log-probability.

A chunk is one byte of format version, a little-endian uint32 with the count n, and then the columns,
each n values long: id int32 (-1: none), logprob float32, entropy float32, time_s float64, part uint8,
origin uint8, length uint32; the tokens' bytes follow, joined. A missing number is NaN. Log-probabilities
and entropies come back as the nearest float32, which is all that engines compute with.
"""

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, TypeVar

from ponder.core.events import Origin, Part, Token

PARTS: tuple[Part, ...] = ("reasoning", "answer", "tag")
ORIGINS: tuple[Origin, ...] = (
    "model",
    "template",
    "no_think",
    "budget",
    "context",
    "loop",
    "eos",
    "user",
    "correction",
    "extend",
)
"""Stored as positions in these tuples: append new values at the end, never reorder."""

_VERSION = 1
_HEADER = struct.Struct("<BI")
_COLUMNS = "iffdBBI"
_ROW_BYTES = sum(array(code).itemsize for code in _COLUMNS)
_NAN = float("nan")

_Number = TypeVar("_Number", int, float)


def pack(tokens: Sequence[Token]) -> bytes:
    """`tokens`, whose indices follow one another, as one chunk; their first index is not in it.

    Raises ValueError for an id outside [0, 2**31).
    """
    ids = [-1 if token.id is None else token.id for token in tokens]
    if any(token.id is not None and not 0 <= token.id < 2**31 for token in tokens):
        raise ValueError(f"token ids must lie in [0, 2**31), got {min(ids)} to {max(ids)}")
    columns: tuple[Sequence[float], ...] = (
        ids,
        [_NAN if token.logprob is None else token.logprob for token in tokens],
        [_NAN if token.entropy is None else token.entropy for token in tokens],
        [token.time_s for token in tokens],
        [PARTS.index(token.part) for token in tokens],
        [ORIGINS.index(token.origin) for token in tokens],
        [len(token.data) for token in tokens],
    )
    packed = []
    for code, values in zip(_COLUMNS, columns, strict=True):
        column: array[float] = array(code, values)
        packed.append(_little(column).tobytes())
    data = b"".join(token.data for token in tokens)
    return b"".join((_HEADER.pack(_VERSION, len(tokens)), *packed, data))


def unpack(chunk: bytes, start: int) -> list[Token]:
    """The tokens of a chunk, counted from index `start`; raises ValueError if it is not a whole chunk."""
    if len(chunk) < _HEADER.size:
        raise ValueError("a chunk of tokens is shorter than its header")
    version, count = _HEADER.unpack_from(chunk)
    if version != _VERSION:
        raise ValueError(f"a chunk of tokens has the unknown format {version}")
    if len(chunk) < _HEADER.size + count * _ROW_BYTES:
        raise ValueError(f"a chunk of {count} tokens has only {len(chunk)} bytes")
    columns = []
    offset = _HEADER.size
    for code in _COLUMNS:
        column: array[Any] = array(code)
        column.frombytes(chunk[offset : offset + count * column.itemsize])
        columns.append(_little(column))
        offset += count * column.itemsize
    ids, logprobs, entropies, times, parts, origins, lengths = columns
    ends = list(accumulate(lengths, initial=offset))
    if ends[-1] != len(chunk):
        raise ValueError(f"a chunk of {count} tokens has a wrong length of {len(chunk)} bytes")
    if count and (max(parts) >= len(PARTS) or max(origins) >= len(ORIGINS)):
        raise ValueError("a chunk of tokens names an unknown part or origin")
    return list(
        map(
            Token,
            range(start, start + count),
            (None if token_id < 0 else token_id for token_id in ids),
            (chunk[begin:end] for begin, end in pairwise(ends)),
            (PARTS[part] for part in parts),
            (ORIGINS[origin] for origin in origins),
            map(_known, logprobs),
            times,
            map(_known, entropies),
        )
    )


def _known(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value


def pack_ids(ids: Sequence[int]) -> bytes:
    """Token ids as little-endian int32."""
    return _little(array("i", ids)).tobytes()


def unpack_ids(data: bytes) -> tuple[int, ...]:
    """The inverse of `pack_ids`."""
    ids = array("i")
    ids.frombytes(data)
    return tuple(_little(ids))


def _little(column: "array[_Number]") -> "array[_Number]":
    """`column` with its bytes in little-endian order, whatever the machine's."""
    if sys.byteorder == "big":
        column.byteswap()
    return column
