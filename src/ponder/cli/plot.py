"""A picture of the choice: published quality against seconds per answer, for everything that fits."""

from collections.abc import Sequence
from html import escape
from importlib import import_module
from pathlib import Path

from ponder.core.plan import Plan
from ponder.errors import InputError, StorageError
from ponder.fit.chart import Chart, Dot, chart
from ponder.fit.recommend import spelled_s


def write_plot(path: Path, plans: Sequence[Plan], task: str, best: Plan | None) -> None:
    """Write an SVG or a PNG file; raises InputError for another ending, without what draws a PNG, or when
    nothing can be drawn.
    """
    ending = path.suffix.lower()
    if ending not in {".svg", ".png"}:
        raise InputError(f"--plot {path} is neither SVG nor PNG; name it {path.stem}.svg or {path.stem}.png.")
    drawn = chart(plans, task, best)
    if drawn is None:
        raise InputError(f"there is nothing to plot: no model that fits has a published figure for {task}.")
    try:
        picture = svg(drawn, task, best)
        path.write_bytes(_png(picture, path, drawn) if ending == ".png" else picture.encode())
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def _png(picture: str, path: Path, drawn: Chart) -> bytes:
    """The picture in pixels, twice as many as its size says, for sharp screens."""
    try:
        render = import_module("resvg_py").svg_to_bytes
    except ImportError as error:
        raise InputError(
            f"--plot {path} needs a renderer: type `pip install 'ponder[plot]'`, or write {path.stem}.svg."
        ) from error
    return bytes(render(svg_string=picture, width=round(2 * drawn.frame.width)))


def svg(drawn: Chart, task: str, best: Plan | None) -> str:
    """The picture as a file of its own."""
    frame = drawn.frame
    floor, end = frame.height - frame.bottom, frame.width - frame.right
    parts = [*_frame(drawn, task)]
    for tick in drawn.across:
        parts.append(_line(tick.at, frame.top, tick.at, floor))
        parts.append(_text(tick.at, floor + 20, tick.words, "middle"))
    for tick in drawn.up:
        parts.append(_line(frame.left, tick.at, end, tick.at))
        parts.append(_text(frame.left - 8, tick.at + 4, tick.words, "end"))
    for dot in drawn.dots:
        parts += _dot(dot, best=dot.plan is best)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _frame(drawn: Chart, task: str) -> list[str]:
    width, height = drawn.frame.width, drawn.frame.height
    title = f"{escape(drawn.benchmark)} against seconds per answer ({task})"
    style = 'font-family="system-ui, sans-serif" font-size="13" fill="#222"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {style}>',
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
        f'<text x="{drawn.frame.left:g}" y="28" font-size="17">{title}</text>',
        _text(width / 2, height - 16, "mean time to an answer on this machine", "middle"),
    ]


def _dot(dot: Dot, *, best: bool) -> list[str]:
    colour, radius = ("#c2410c", 7) if best else ("#2563eb", 4.5)
    words = f"{dot.plan.model} {dot.plan.quantisation}, {spelled_s(dot.seconds)}"
    circle = f'<circle cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.8">'
    parts = [f"{circle}<title>{escape(words)}</title></circle>"]
    if dot.label_x is not None:
        parts.append(_text(dot.label_x, dot.label_y, dot.plan.model, dot.anchor))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
