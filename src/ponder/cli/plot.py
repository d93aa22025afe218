"""A picture of the choice: published quality against seconds per answer, for everything that fits."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ponder.core.plan import Plan
from ponder.errors import InputError, StorageError
from ponder.fit.recommend import spelled_s, value
from ponder.fit.standing import benchmark_of

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 960, 560, 70, 60, 50, 30
_TICKS_S = (1, 3, 10, 30, 60, 180, 600, 1800, 3600, 4 * 3600, 12 * 3600, 48 * 3600)


def write_plot(path: Path, plans: Sequence[Plan], task: str, best: Plan | None) -> None:
    """Write an SVG file; raises InputError for another ending, or when nothing can be drawn."""
    if path.suffix.lower() != ".svg":
        raise InputError(
            f"--plot {path} cannot be drawn: only SVG is written, which browsers show; "
            f"name it {path.stem}.svg."
        )
    benchmark = benchmark_of(task)
    drawn = [plan for plan in plans if plan.answer and plan.standing]
    if not drawn:
        raise InputError(f"there is nothing to plot: no model that fits has a published figure for {task}.")
    try:
        path.write_text(svg(drawn, benchmark, task, best), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def svg(plans: Sequence[Plan], benchmark: str, task: str, best: Plan | None) -> str:
    """The picture: seconds on a logarithmic axis to the right, the score upwards."""
    times = [plan.answer.mean_s for plan in plans if plan.answer]
    scores = [value(plan) for plan in plans]
    low_s, high_s = min(times) / 1.3, max(times) * 1.3
    low, high = math.floor(min(scores) / 5) * 5 - 1, min(101.0, math.ceil(max(scores) / 5) * 5 + 1)

    def x(seconds: float) -> float:
        share = math.log(seconds / low_s) / math.log(high_s / low_s)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(score: float) -> float:
        return HEIGHT - BOTTOM - (score - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    parts = [*_frame(benchmark, task)]
    for tick in (tick for tick in _TICKS_S if low_s <= tick <= high_s):
        parts.append(_line(x(tick), TOP, x(tick), HEIGHT - BOTTOM))
        parts.append(_text(x(tick), HEIGHT - BOTTOM + 20, spelled_s(tick), "middle"))
    step = 5 if high - low < 45 else 10
    for tick in range(math.ceil(low / step) * step, int(high) + 1, step):
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick)))
        parts.append(_text(LEFT - 8, y(tick) + 4, str(tick), "end"))
    parts += _dots(plans, [(x(t), y(s)) for t, s in zip(times, scores, strict=True)], best)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _frame(benchmark: str, task: str) -> list[str]:
    title = f"{escape(benchmark)} against seconds per answer ({task})"
    style = 'font-family="system-ui, sans-serif" font-size="13" fill="#222"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {style}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="28" font-size="17">{title}</text>',
        _text(WIDTH / 2, HEIGHT - 16, "mean time to an answer on this machine", "middle"),
    ]


def _dots(plans: Sequence[Plan], places: Sequence[tuple[float, float]], best: Plan | None) -> list[str]:
    """A dot for each plan with its name once, at the first dot of the model that has room for it."""
    parts: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for plan, (across, up) in zip(plans, places, strict=True):
        colour, radius = ("#c2410c", 7) if plan is best else ("#2563eb", 4.5)
        words = f"{plan.model} {plan.quantisation}, {spelled_s(plan.answer.mean_s if plan.answer else 0)}"
        parts.append(
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.8">'
            f"<title>{escape(words)}</title></circle>"
        )
        label = (across + 8, up - 6, 7.0 * len(plan.model))
        if plan is best or not any(
            abs(label[1] - b) < 14 and a < label[0] + label[2] and label[0] < a + c for a, b, c in taken
        ):
            taken.append(label)
            anchor = "start" if label[0] + label[2] < WIDTH else "end"
            parts.append(_text(label[0] if anchor == "start" else across - 8, label[1], plan.model, anchor))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
