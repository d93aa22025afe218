"""Where in a Markdown text we are: at the start of a line, inside code, behind a quotation mark.

A think tag that is only text may be quoted by the model ("it ends with `</think>`"). This fold over bytes
knows enough of Markdown to tell. It may be cut anywhere: feeding a text in any pieces leaves it the same.
"""

import re

_PIECE = re.compile(rb"`+|\n|[^`\n]+")
_CLOSING = {
    b"`": b"`",
    b'"': b'"',
    b"'": b"'",
    "“".encode(): "”".encode(),
    "‘".encode(): "’".encode(),
    "«".encode(): "»".encode(),
    "「".encode(): "」".encode(),
}
_TAIL = 3


class Quoting:
    """The state after the bytes so far.

    `blank`: the line holds only white space yet. `written`: anything but white space was written.
    `fenced` is the length of the run of backticks that opened the code block we are in, `inline` of the one
    that opened inline code, else 0. Both hold after `settle`, to be called where other text begins.
    """

    __slots__ = ("_run", "_same_line", "blank", "fenced", "inline", "tail", "written")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start of a text."""
        self.blank = True
        self.written = False
        self.fenced = 0
        self.inline = 0
        self.tail = b""
        self._run = 0
        self._same_line = False

    @property
    def awaited(self) -> bytes:
        """The mark that would close the quotation whose opening mark was the last character, else b""."""
        for opening, closing in _CLOSING.items():
            if self.tail.endswith(opening):
                return closing
        return b""

    def plain(self, data: bytes) -> None:
        """Advance over bytes that hold neither a newline nor a backtick, nor follow one."""
        self.tail = (self.tail + data)[-_TAIL:]
        if self.blank and data and not data.isspace():
            self.blank = False
            self.written = True

    def advance(self, data: bytes) -> None:
        """Advance over any bytes."""
        for piece in _PIECE.findall(data):
            if piece[0] == 0x60:
                self._run += len(piece)
            else:
                self.settle()
            if piece == b"\n":
                self.blank, self.inline, self._same_line = True, 0, False
                self.tail = (self.tail + piece)[-_TAIL:]
            else:
                self.plain(piece)

    @property
    def pending(self) -> bool:
        """A run of backticks has not ended yet."""
        return self._run > 0

    def settle(self) -> None:
        """A run of backticks has ended: three or more toggle a block, fewer toggle inline code."""
        run, self._run = self._run, 0
        if self.fenced:
            if run >= self.fenced or (run >= 3 and self._same_line):
                self.fenced = 0
        elif run >= 3:
            self.fenced, self.inline, self._same_line = run, 0, True
        elif run and self.inline in {0, run}:
            self.inline = run - self.inline
