"""Lines in an SVG picture: an axis each way with round numbers, and a label at each line's end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 56, 130, 14, 40
COLOURS = ("#2563a8", "#b4532a", "#2f8f5b", "#8b4fa0", "#a08a1f", "#c0476f", "#4a7f8c", "#6b6b6b")


@dataclass(frozen=True, slots=True)
class Series:
    """One line; `points` in the order of x, with `bars` the lower and upper bound of each where known."""

    label: str
    points: tuple[tuple[float, float], ...]
    bars: tuple[tuple[float, float], ...] = ()


def drawn(lines: Sequence[Series], x: str, y: str, *, logarithmic: bool = False) -> str:
    """The picture; an empty text where there is nothing to draw."""
    xs = [point[0] for line in lines for point in line.points]
    ys = [
        v for line in lines for v in (*(p[1] for p in line.points), *(b for pair in line.bars for b in pair))
    ]
    if not xs:
        return ""
    across = _Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, logarithmic=logarithmic)
    up = _Scale(min(0.0, *ys), max(ys), HEIGHT - BOTTOM, TOP)
    parts = [_axes(across, up, x, y)]
    for number, line in enumerate(lines):
        parts.append(_line(line, across, up, COLOURS[number % len(COLOURS)]))
    parts.append(_labels(lines, across, up))
    said = escape(f"{y} by {x}: {', '.join(line.label for line in lines)}")
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
    return f'<svg {size} role="img" aria-label="{said}">{"".join(parts)}</svg>'


class _Scale:
    """From values to places, linear or logarithmic."""

    def __init__(
        self, low: float, high: float, start: float, stop: float, *, logarithmic: bool = False
    ) -> None:
        self.logarithmic = logarithmic and low > 0
        self.low, self.high = low, high if high > low else low + 1
        self._start, self._stop = start, stop

    def at(self, value: float) -> float:
        """The place of a value."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self._start + (value - low) / (high - low) * (self._stop - self._start)

    def ticks(self) -> list[float]:
        """Round numbers; on a logarithmic scale 1, 2 and 5 times powers of ten."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        else:
            raw = (self.high - self.low) / 5
            power = 10.0 ** math.floor(math.log10(raw))
            step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
            found = [
                step * number
                for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
            ]
        return [value for value in found if self.low <= value <= self.high * 1.000001]


def _axes(across: _Scale, up: _Scale, x: str, y: str) -> str:
    parts = []
    for value in up.ticks():
        place = up.at(value)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place:.1f}" y2="{place:.1f}" stroke="#8884"/>'
            f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    foot = HEIGHT - BOTTOM + 16
    parts += [
        f'<text x="{across.at(value):.1f}" y="{foot}" text-anchor="middle">{_short(value)}</text>'
        for value in across.ticks()
    ]
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x)}</text>'
    )
    parts.append(f'<text x="4" y="{TOP - 3}">{escape(y)}</text>')
    return "".join(parts)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _line(line: Series, across: _Scale, up: _Scale, colour: str) -> str:
    places = [(across.at(x), up.at(y)) for x, y in line.points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.8"/>']
    if line.bars or len(places) < 12:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    for (x, _), (low, high) in zip(places, line.bars, strict=False):
        ends = f'y1="{up.at(low):.1f}" y2="{up.at(high):.1f}"'
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}"/>')
    return "".join(parts)


def _labels(lines: Sequence[Series], across: _Scale, up: _Scale) -> str:
    """At the lines' ends, moved apart where they would lie on each other."""
    ends = sorted((up.at(line.points[-1][1]), at) for at, line in enumerate(lines) if line.points)
    parts, last = [], -99.0
    for place, at in ends:
        last = max(place + 4, last + 13)
        x = across.at(lines[at].points[-1][0]) + 7
        colour, label = COLOURS[at % len(COLOURS)], escape(lines[at].label[:24])
        parts.append(f'<text x="{x:.1f}" y="{last:.1f}" style="fill:{colour}">{label}</text>')
    return "".join(parts)
