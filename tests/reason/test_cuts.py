"""Where a text may be cut: structure is respected, and the pieces it comes in do not matter."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.reason.cuts import Cut, CutFinder
from ponder.reason.markers import MARKERS, starts_with_marker


def cuts(data: bytes, at: tuple[int, ...] = ()) -> list[Cut]:
    finder = CutFinder()
    bounds = sorted({0, len(data), *at})
    found = [cut for start, stop in pairwise(bounds) for cut in finder.feed(data[start:stop])]
    return found + finder.finish()


SIGNS = {"paragraph": "¶", "line": "↵", "sentence": "·"}


def with_signs(text: str) -> str:
    """`text` with a sign before each cut but the first: which kind, and `!` for a marker."""
    data = text.encode()
    for cut in reversed(cuts(data)):
        if cut.position:
            sign = SIGNS[cut.kind] + "!" * cut.marked
            data = data[: cut.position] + sign.encode() + data[cut.position :]
    return data.decode()


@pytest.mark.parametrize(
    "expected",
    [
        "One.\n\n¶Two.",
        "One.\n \n\n  ¶Two.",
        "Is it 3.14? ·No. 5 is e.g. Five vs. Six. ·It is.",
        "It is 2. ·!Wait, no... ·!hmm, J. Smith! ·(Yes)",
        "a\n↵!Wait, b\n↵c",
        "So:\n\nx = 2\n\n¶y",
        "We get\n\n$$x = 2.\n\nSo$$\n\n¶!Then",
        "We get\n\\[x\n\nWait\\]\n↵!Then",
        "a $$x$$ b. ·!So c",
        "```py\na. So\n\nb\n```\n↵!Then c",
        "Text.\n\n¶```\na\n\nb\n```",
        "- a. So b\n  Wait\n\n  c\n↵- d\n\n¶e",
        "1. One. Then\n↵2. Two",
        "# Title\n\nText\n\n¶**Bold**\nText",
        "等等。·!不对！·!所以是三。",
        "So the point is B. ·!Then",
        "an unclosed $$ " + "x " * 3000 + "\n\n¶!So it ends.",
    ],
)
def test_structure(expected: str) -> None:
    plain = expected.translate(dict.fromkeys(map(ord, "¶↵·"))).replace("!Wait", "Wait")
    for marker in ("hmm", "Then", "So", "不对", "所以"):
        plain = plain.replace("!" + marker, marker)
    assert with_signs(plain) == expected


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_is_found_at_a_sentence_start(marker: str) -> None:
    assert starts_with_marker(f"{marker} it is".encode())
    assert starts_with_marker(marker.encode())
    assert [cut.marked for cut in cuts(f"It is. {marker} it was".encode())] == [False, True]


@pytest.mark.parametrize("text", ["Sort", "Nowhere", "Thence", "Butter", "waiter", "Firstborn", "it is"])
def test_a_word_that_begins_like_a_marker_is_none(text: str) -> None:
    assert not starts_with_marker(text.encode())


ALPHABET = (
    *("\n", "\n\n", " ", "  ", ". ", "? ", "。", "…", '."', ": ", ":\n", "- ", "1. ", "# ", "**", "a", "Z"),
    *(
        "$$",
        "$",
        "\\[",
        "\\]",
        "\\",
        "```",
        "`",
        "So",
        "Wait, ",
        "e.g. ",
        "No. ",
        "5",
        "等等",
        "\t",
        "\udcff",
    ),
)
texts = st.lists(st.sampled_from(ALPHABET), max_size=60).map("".join)


@given(texts, st.data())
def test_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", errors="surrogateescape")
    at = data.draw(st.sets(st.integers(0, len(raw))))
    assert cuts(raw, tuple(at)) == cuts(raw) == cuts(raw, tuple(range(len(raw))))


@given(st.binary(max_size=300), st.data())
def test_any_bytes(raw: bytes, data: st.DataObject) -> None:
    found = cuts(raw, tuple(data.draw(st.sets(st.integers(0, len(raw))))))
    assert found == cuts(raw)
    positions = [cut.position for cut in found]
    assert positions == sorted(set(positions))
    assert all(0 <= position < len(raw) for position in positions)


@pytest.mark.parametrize("unit", [b" ", b"\n", b"a", b". ", b"$$", b"```\n", b"- ", b"\xff", b"So. "])
def test_long_lines_keep_the_buffer_small(unit: bytes) -> None:
    finder = CutFinder()
    for _ in range(3000):
        finder.feed(unit * 4)
    assert len(finder._buffer) < 2500
