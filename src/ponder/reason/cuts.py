"""Where a text may be cut into steps, found while it arrives: the beginnings of paragraphs, lines, sentences.

A fold over the bytes of one part of an output. It knows as much Markdown as it needs to stay out of code
blocks, display mathematics and list items, and as much English and Chinese as it needs to find sentences.
Whatever it reports depends only on the bytes, not on the pieces in which they came: it waits for the
`_AHEAD` bytes that follow a place before it decides. Broken UTF-8 is as good as any text.
"""

import re
from typing import Literal, NamedTuple

from ponder.reason.markers import LONGEST, starts_with_marker

CutKind = Literal["paragraph", "line", "sentence"]

_AHEAD = LONGEST + 16
_BEHIND = 48
_KEPT = 16
_INDENT_MAX = 1024
_PATIENCE_BYTES = {b"```": 40_000, b"\\]": 4_000, b"$$": 4_000}
"""A block that is not closed within so many bytes was not meant as one."""

_SPACE = re.compile(rb"[ \t\r\f\v]*")
_ITEM = re.compile(rb"(?:[-*+]|\xe2\x80\xa2|\d{1,3}[.)])[ \t]")
_SENTENCE_END = (
    rb"[.!?][\"')\]*_]{0,3}[ \t]{1,4}(?=\S)"
    rb"|(?:\xe2\x80\xa6|\xe3\x80\x82|\xef\xbc\x81|\xef\xbc\x9f)"
    rb"(?:\xe2\x80\x9d|\xe3\x80\x8d|\xef\xbc\x89)?[ \t]{0,4}"
)
_EVENT = re.compile(rb"\n|(?<!\\)\\\[|\$\$|" + _SENTENCE_END)
_BLOCK_EVENT = {b"\\]": re.compile(rb"\n|\\\]"), b"$$": re.compile(rb"\n|\$\$"), b"```": re.compile(rb"\n")}
_BLOCKS = {b"\\[": b"\\]", b"$$": b"$$"}
_ABBREVIATION = re.compile(
    rb"(?:^|[^A-Za-z])(?:e\.g|i\.e|cf|vs|approx|resp|eq|Eq|[Ff]ig|Sec|Ch|Thm|Dr|Mr|Mrs|Ms|Prof|St)\.\s+$"
)
_INITIAL = re.compile(rb"(?:^|[^A-Za-z])(?:[A-Z]|etc|al)\.\s+$")
_NUMBER_SIGN = re.compile(rb"(?:^|[^A-Za-z])(?:[Nn]o|[Nn]os|pp?)\.\s+$")
_BEGINS = re.compile(rb"[\"'*(_]{0,3}[A-Z0-9$\\\x80-\xff]")
_INTRODUCES = (b":", "：".encode())
_BOLD_ENDS = (b"**", b"**:", b"**.")


class Cut(NamedTuple):
    """A place where a step may begin: byte offset of its first character, and whether with a marker."""

    position: int
    kind: CutKind
    marked: bool


class CutFinder:
    """Feed bytes, get the cuts that have become certain; `finish` gives the rest."""

    def __init__(self) -> None:
        self._buffer = b""
        self._base = 0  # offset of the buffer's first byte
        self._at = 0  # what is before is done
        self._line_start = True
        self._after_blank = False
        self._block = b""  # what will close the block we are in
        self._block_end = 0
        self._in_item = False
        self._joined = False  # the line before introduces this one
        self._heading = b""  # how the line begins, if like a heading

    def feed(self, data: bytes) -> list[Cut]:
        """The cuts that `data` made certain."""
        self._buffer += data
        return self._scan(final=False)

    def finish(self) -> list[Cut]:
        """The cuts left when nothing follows."""
        return self._scan(final=True)

    def _scan(self, *, final: bool) -> list[Cut]:
        cuts: list[Cut] = []
        while self._begin_line(cuts, final) if self._line_start else self._inside_line(cuts, final):
            pass
        surplus = self._at - _BEHIND
        if surplus > 256:
            self._buffer = self._buffer[surplus:]
            self._base += surplus
            self._at -= surplus
        return cuts

    def _window(self, start: int, size: int, *, final: bool) -> bytes | None:
        """The `size` bytes from `start`, or up to the end of the line; None if they are not all here."""
        text = self._buffer[start : start + size]
        line, newline, _ = text.partition(b"\n")
        return line if newline or final or len(text) == size else None

    def _begin_line(self, cuts: list[Cut], final: bool) -> bool:
        """Decide what the line at hand is; False if that takes more bytes."""
        start = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
        if start == len(self._buffer):
            self._at = max(self._at, start - _INDENT_MAX)
            return False
        head = self._window(start, _AHEAD, final=final)
        if head is None:
            return False
        if not head:
            self._after_blank = True
            self._at = start + 1
            return True
        indent = start - self._at
        self._line_start = False
        self._at = start
        if not self._continues_block(head):
            self._open_line(cuts, head, indent)
        self._after_blank = self._joined = False
        return True

    def _continues_block(self, head: bytes) -> bool:
        if self._block and self._base + self._at > self._block_end:
            self._block = b""
        if self._block == b"```" and head.startswith(b"```"):
            self._block = b""
            self._at += 3
            return True
        return bool(self._block)

    def _open_line(self, cuts: list[Cut], head: bytes, indent: int) -> None:
        """A line that is not inside a block begins with `head`."""
        item = _ITEM.match(head)
        inside = self._in_item and indent >= 2
        self._in_item = inside or item is not None
        if not (inside or self._joined or head.startswith(tuple(_BLOCKS))):
            kind: CutKind = "paragraph" if self._after_blank else "line"
            cuts.append(Cut(self._base + self._at, kind, not item and starts_with_marker(head)))
        self._heading = head[:1] if head.startswith((b"#", b"**")) else b""
        if item:
            self._at += item.end()
        elif head.startswith(b"```"):
            self._at += 3
            self._open_block(b"```")

    def _open_block(self, close: bytes) -> None:
        self._block = close
        self._block_end = self._base + self._at + _PATIENCE_BYTES[close]

    def _inside_line(self, cuts: list[Cut], final: bool) -> bool:
        """Find the next thing in this line; False if there is none yet."""
        found = (_BLOCK_EVENT[self._block] if self._block else _EVENT).search(self._buffer, self._at)
        if found is None:
            self._at = max(self._at, len(self._buffer) - _KEPT)
            return False
        start, stop = found.span()
        text = found[0]
        if text == b"\n":
            self._end_line(start)
        elif self._block:
            self._block = b""
        elif text in _BLOCKS:
            self._at = stop
            self._open_block(_BLOCKS[text])
        else:
            if self._window(start, _KEPT + _AHEAD, final=final) is None:
                return False
            self._sentence(cuts, stop)
        self._at = stop
        return True

    def _end_line(self, stop: int) -> None:
        line = self._buffer[max(0, stop - _BEHIND) : stop].rstrip()
        bold = self._heading == b"*" and line.endswith(_BOLD_ENDS)
        self._joined = not self._block and (line.endswith(_INTRODUCES) or bold or self._heading == b"#")
        self._heading = b""
        self._line_start = True

    def _sentence(self, cuts: list[Cut], start: int) -> None:
        """A sentence may begin at `start`."""
        head = self._window(start, _AHEAD, final=True)
        if self._in_item or not head:
            return
        before = self._buffer[max(0, start - _BEHIND) : start]
        marked = starts_with_marker(head)
        numbered = _NUMBER_SIGN.search(before) and head[:1].isdigit()
        initial = _INITIAL.search(before) and not marked
        if numbered or initial or _ABBREVIATION.search(before) or not (marked or _BEGINS.match(head)):
            return
        cuts.append(Cut(self._base + start, "sentence", marked))
