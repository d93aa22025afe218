"""Markdown enough to tell a quoted tag: where lines begin, where code is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.reason.quoting import Quoting


def after(text: str, size: int = 1000) -> tuple[bool, bool, bool, bool, bytes]:
    """What is known after `text`, fed in pieces of `size` bytes."""
    here, data = Quoting(), text.encode()
    for start in range(0, len(data), size):
        here.advance(data[start : start + size])
    here.settle()
    return here.blank, here.written, bool(here.fenced), bool(here.inline), here.awaited


@pytest.mark.parametrize(
    ("text", "blank", "fenced", "inline"),
    [
        ("", True, False, False),
        (" \n ", True, False, False),
        ("a", False, False, False),
        ("a\n", True, False, False),
        ("a `b", False, False, True),
        ("a `b` c", False, False, False),
        ("a ``b ` c", False, False, True),
        ("a `b\n", True, False, False),
        ("```\nb", False, True, False),
        ("- x ```py\nb\n", True, True, False),
        ("```\nb\n```\n", True, False, False),
        ("````\n```\n", True, True, False),
        ("```b``` c", False, False, False),
    ],
)
def test_lines_and_code(text: str, blank: bool, fenced: bool, inline: bool) -> None:
    found = after(text)
    assert (found[0], found[2], found[3]) == (blank, fenced, inline)
    assert found == after(text, 1)


@pytest.mark.parametrize(
    ("text", "awaited"), [('a "', b'"'), ("a “", "”".encode()), ("`", b"`"), ("a ", b""), ("«", "»".encode())]
)
def test_the_closing_mark_that_is_awaited(text: str, awaited: bytes) -> None:
    assert after(text)[4] == awaited
    assert after(text, 1)[4] == awaited


@given(st.text(alphabet="a `\n\"“'»"), st.integers(1, 5))
def test_pieces_do_not_matter(text: str, size: int) -> None:
    assert after(text, size) == after(text)
