"""GGUF headers cut, flipped and lied in at random: always a proper refusal, in little time and memory."""

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ponder.catalog.gguf import parse_header, read_header
from ponder.catalog.header import Header
from ponder.errors import FileFormatError
from tests.catalog.forge import Forge, string, value


def attempt(data: bytes) -> Header | None:
    """The header, or None if it is refused in the proper way; anything else fails the test."""
    try:
        return parse_header(data)
    except FileFormatError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(Forge().header())))
def test_any_truncation_is_refused_properly(length: int) -> None:
    header = attempt(Forge().header()[:length])
    assert (header is None) == (length < len(Forge().unpadded()))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(Forge().header()) - 1), st.integers(0, 255)), min_size=1, max_size=6
    )
)
@example([(8, 255), (15, 255)])
def test_any_flipped_bytes_are_refused_properly(flips: list[tuple[int, int]]) -> None:
    data = bytearray(Forge().header())
    for place, byte in flips:
        data[place] = byte
    attempt(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_are_refused_properly(tail: bytes) -> None:
    attempt(b"GGUF" + struct.pack("<I", 3) + tail)
    attempt(tail)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64 - 1), st.sampled_from([8, 16, 24]))
def test_any_claimed_count_costs_little(count: int, place: int) -> None:
    data = bytearray(Forge().header())
    data[place : place + 8] = struct.pack("<Q", count)
    tracemalloc.start()
    attempt(bytes(data))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2e6


@pytest.mark.parametrize(
    ("kind", "count", "what"),
    [
        ("string", 2**22, "the key '' stands twice"),
        ("string", 10**9, "a list claims 1,000,000,000 texts"),
        ("u32", 10**9, "longer than 134,217,728 bytes"),
    ],
)
def test_endless_lists_in_a_huge_file_cost_little(tmp_path: Path, kind: str, count: int, what: str) -> None:
    claim = string("k") + value(f"array:{kind}", [])[:8] + struct.pack("<Q", count)
    path = tmp_path / "m.gguf"
    with path.open("wb") as file:
        file.write(Forge(tensors=(), n_entries=60_000, entries=(claim,)).header())
        file.truncate(20 * 10**9)
    with pytest.raises(FileFormatError, match=what):
        read_header(path)
