"""Columns of text, laid out once for all rows: a table of hundreds of lines in the time of one print.

Where a table has few rows, rich's own is used; this one costs about a tenth of it for each cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

LEAST_FLEXIBLE = 6


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `share` of what is left over it gets; 0: as wide as its widest cell, at most `most`."""

    title: str
    right: bool = False
    share: int = 0
    most: int | None = None


Cell = str | Text


def lay_out(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, gap: int) -> Text:
    """Title and rows as lines of at most `width` cells; what is too long ends in an ellipsis."""
    texts = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = _widths(columns, texts, width, gap)
    head = [Text(column.title, style="dim") for column in columns]
    lines = [_line(columns, row, widths, gap) for row in (head, *texts)]
    return Text("\n").join(lines)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int, gap: int) -> list[int]:
    widths = []
    for place, column in enumerate(columns):
        natural = max([cell_len(column.title), *(row[place].cell_len for row in rows)])
        widths.append(0 if column.share else min(natural, column.most or natural))
    left = width - sum(widths) - gap * (len(columns) - 1)
    shares = sum(column.share for column in columns) or 1
    for place, column in enumerate(columns):
        if column.share:
            widths[place] = max(LEAST_FLEXIBLE, left * column.share // shares)
    return widths


def _line(columns: Sequence[Column], cells: Sequence[Text], widths: Sequence[int], gap: int) -> Text:
    line = Text()
    blank = 0
    for column, cell, width in zip(columns, cells, widths, strict=True):
        if cell.cell_len > width:
            cell = cell.copy()  # noqa: PLW2901 - a cell may stand in several tables
            cell.truncate(width, overflow="ellipsis")
        rest = width - cell.cell_len
        line.append(" " * (blank + (rest if column.right else 0)))
        line.append_text(cell)
        blank = gap + (0 if column.right else rest)
    return line
