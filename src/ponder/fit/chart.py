"""The picture of a choice: published quality against seconds per answer, as places on a plane.

Only geometry: whoever draws it (a file of the terminal, a page) gives it its colours.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ponder.core.plan import Plan
from ponder.fit.recommend import spelled_s
from ponder.fit.standing import benchmark_of

_TICKS_S = (1, 3, 10, 30, 60, 180, 600, 1800, 3600, 4 * 3600, 12 * 3600, 48 * 3600)
_LETTER = 7.0
"""Width of a letter of a name, in the units of the plane."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of the picture and its margins, in its own units."""

    width: float = 960
    height: float = 560
    left: float = 70
    right: float = 30
    top: float = 50
    bottom: float = 60


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what stands there."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One plan. Its model's name begins or ends (`anchor`) at `label_x`; None where there is no room."""

    plan: Plan
    x: float
    y: float
    seconds: float
    score: float
    label_x: float | None = None
    label_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """Seconds on a logarithmic axis to the right, the score upwards."""

    frame: Frame
    benchmark: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    dots: tuple[Dot, ...]


def chart(
    plans: Sequence[Plan], task: str, best: Plan | None = None, frame: Frame | None = None
) -> Chart | None:
    """The chart of the plans that have both a standing and a time; None if none has.

    Names stand at the first dots of a model that have room for them; that of `best` always does.
    """
    frame = frame or Frame()
    drawn = [
        (plan, plan.answer.mean_s, plan.standing.value) for plan in plans if plan.answer and plan.standing
    ]
    if not drawn:
        return None
    low_s, high_s = min(s for _, s, _ in drawn) / 1.3, max(s for _, s, _ in drawn) * 1.3
    low = math.floor(min(score for *_, score in drawn) / 5) * 5 - 1
    high = min(101.0, math.ceil(max(score for *_, score in drawn) / 5) * 5 + 1)

    def x(seconds: float) -> float:
        share = math.log(seconds / low_s) / math.log(high_s / low_s)
        return round(frame.left + share * (frame.width - frame.left - frame.right), 1)

    def y(score: float) -> float:
        share = (score - low) / (high - low)
        return round(frame.height - frame.bottom - share * (frame.height - frame.bottom - frame.top), 1)

    step = 5 if high - low < 45 else 10
    marks = range(math.ceil(low / step) * step, int(high) + 1, step)
    dots = [Dot(plan, x(seconds), y(score), seconds, score) for plan, seconds, score in drawn]
    return Chart(
        frame,
        benchmark_of(task),
        tuple(Tick(x(tick), spelled_s(tick)) for tick in _TICKS_S if low_s <= tick <= high_s),
        tuple(Tick(y(mark), str(mark)) for mark in marks),
        tuple(_labelled(dots, best, frame)),
    )


def _labelled(dots: Sequence[Dot], best: Plan | None, frame: Frame) -> list[Dot]:
    """The dots with names where there is room; the best one chooses first, and has its name in any case."""
    taken: list[Box] = [(dot.x - 6, dot.y - 6, dot.x + 6, dot.y + 6) for dot in dots]
    labelled, named = list(dots), set[str]()
    for number in sorted(range(len(dots)), key=lambda number: dots[number].plan is not best):
        dot = dots[number]
        if dot.plan.model in named:
            continue
        found = next((place for place in _places(dot, frame) if not _any(taken, place[0])), None)
        if found is None and dot.plan is best:
            found = next(iter(_places(dot, frame)), None)
        if found is not None:
            box, anchor = found
            taken.append(box)
            named.add(dot.plan.model)
            at = box[0] if anchor == "start" else box[2]
            labelled[number] = replace(dot, label_x=round(at, 1), label_y=round(box[3] - 3, 1), anchor=anchor)
    return labelled


def _places(dot: Dot, frame: Frame) -> Iterator[tuple[Box, str]]:
    """Where a dot's name could stand, the best place first."""
    width = _LETTER * len(dot.plan.model)
    for up in (-3, 5, 18, -12):
        right = (dot.x + 9, dot.y + up - 12, dot.x + 9 + width, dot.y + up + 2)
        left = (dot.x - 9 - width, right[1], dot.x - 9, right[3])
        if right[2] < frame.width:
            yield right, "start"
        if left[0] > frame.left:
            yield left, "end"


def _any(boxes: Iterable[Box], box: Box) -> bool:
    """Whether one of `boxes` overlaps `box`."""
    return any(a[0] < box[2] and box[0] < a[2] and a[1] < box[3] and box[1] < a[3] for a in boxes)
