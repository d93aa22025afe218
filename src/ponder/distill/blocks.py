"""What a report is made of, and how it is written: once as one self-contained HTML page, once as Markdown.

Texts that a model wrote are escaped in both. The page needs no network, no script and no other file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ponder.distill.curves import Series, drawn

STYLE = """
:root{color-scheme:light dark;--ink:#1a1a1a;--dim:#666;--line:#ddd;--page:#fff;--soft:#f5f5f4;--mark:#2563a8}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e6;--dim:#9a9a98;--line:#3a3a38;--page:#161615;--soft:#222220;--mark:#7fb2e5}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}p{margin:.5rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}
th{font-weight:500;color:var(--dim);text-align:right}td{text-align:right}
th,td{padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.left{text-align:left}pre{background:var(--soft);padding:.8rem;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
details{margin:.4rem 0;border:1px solid var(--line);border-radius:4px;padding:.4rem .8rem}summary{cursor:pointer}
.dim{color:var(--dim)}svg{max-width:100%;height:auto}svg text{fill:var(--ink);font-size:11px}figure{margin:1rem 0}
figcaption{color:var(--dim);font-size:.9rem}
"""  # noqa: E501 - a style sheet


@dataclass(frozen=True, slots=True)
class Heading:
    """A section begins."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the columns `left` begin at the left, the others are figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over a common axis; `logarithmic` for the x axis."""

    title: str
    series: tuple[Series, ...]
    x: str
    y: str
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace: what was said of it, and its texts."""

    title: str
    question: str
    reasoning: str
    answer: str


@dataclass(frozen=True, slots=True)
class Code:
    """What to type, or a file."""

    text: str
    title: str = ""


Block = Heading | Paragraph | Table | Curve | Shown | Code


def html(title: str, blocks: Sequence[Block]) -> str:
    """One page."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def markdown(title: str, blocks: Sequence[Block]) -> str:
    """One text; its curves are tables of a few points."""
    return f"# {title}\n\n" + "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Table):
        rows = "".join(_row(row, block.left, "td") for row in block.rows)
        return f'<div class="wide"><table>{_row(block.head, block.left, "th")}{rows}</table></div>'
    if isinstance(block, Curve):
        picture = drawn(block.series, block.x, block.y, logarithmic=block.logarithmic)
        return f"<figure>{picture}<figcaption>{escape(block.title)}</figcaption></figure>"
    if isinstance(block, Shown):
        texts = escape(block.question), escape(block.reasoning), escape(block.answer)
        inner = "<p>{}</p><pre>{}</pre><p>{}</p>".format(*texts)
        return f"<details><summary>{escape(block.title)}</summary>{inner}</details>"
    code = f"<pre>{escape(block.text)}</pre>"
    return f"<details><summary>{escape(block.title)}</summary>{code}</details>" if block.title else code


def _row(cells: Sequence[str], left: frozenset[int], tag: str) -> str:
    made = (
        f"<{tag}{' class=left' if at in left else ''}>{escape(cell)}</{tag}>" for at, cell in enumerate(cells)
    )
    return f"<tr>{''.join(made)}</tr>"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}"
    if isinstance(block, Paragraph):
        return _plain(block.text)
    if isinstance(block, Table):
        marks = " | ".join("---" if at in block.left else "---:" for at in range(len(block.head)))
        rows = [" | ".join(_cell(cell) for cell in row) for row in (block.head, *block.rows)]
        return "\n".join(f"| {row} |" for row in (rows[0], marks, *rows[1:]))
    if isinstance(block, Curve):
        points = tuple((line.label, _points(line)) for line in block.series)
        table = _markdown(Table(("", f"{block.x}: {block.y}"), points, frozenset({0, 1})))
        return f"{block.title}\n\n{table}"
    if isinstance(block, Shown):
        text = f"{block.question}\n\n{block.reasoning}\n\n{block.answer}"
        return f"**{_plain(block.title)}**\n\n{_fenced(text)}"
    return _fenced(block.text)


def _points(line: Series) -> str:
    """At most eight points, the first and the last among them."""
    last = len(line.points) - 1
    chosen = sorted({round(at * last / 7) for at in range(8)})
    return "; ".join(f"{line.points[at][0]:,.0f}: {line.points[at][1]:.3g}" for at in chosen)


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|").replace("\n", " ")


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("\n", " ")


def _fenced(text: str) -> str:
    """In a fence that is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
