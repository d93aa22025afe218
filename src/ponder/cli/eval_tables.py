"""The tables of an evaluation, made once for the terminal and for Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ponder.evaluate.result import Result
from ponder.evaluate.statistics.intervals import Interval
from ponder.evaluate.statistics.lengths import Lengths
from ponder.evaluate.statistics.summary import Against, Figures

Row = tuple[str, ...]
MOST_LEVELS = 24


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; its first column is text, the others are figures. `wide` columns are left out where
    there is little room, `left` ones begin at the left.
    """

    title: str
    head: Row
    rows: tuple[Row, ...]
    wide: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset({0})


def tables(results: Sequence[Result]) -> Iterator[Table]:
    """The tables of all results of one task."""
    yield _accuracy(results)
    if any(result.against for result in results):
        yield _differences(results)
    if any(result.figures.at for result in results):
        yield _at_k(results)
    yield _lengths(results)
    if any(result.figures.cuts for result in results):
        yield _cuts(results)
    if any(result.figures.levels for result in results):
        yield _levels(results)
    for result in results:
        if result.by_level and result.fixed["think"] == "off":
            yield _when_to_think(result)


def percent(interval: Interval) -> str:
    """62.5 % (51.0 to 73.9)."""
    low, high = (f"{100 * bound:.1f}" for bound in (interval.low, interval.high))
    return f"{100 * interval.value:.1f} % ({low} to {high})"


def points(interval: Interval) -> str:
    """+12.5 points (+3.1 to +21.9)."""
    low, high = (f"{100 * bound:+.1f}" for bound in (interval.low, interval.high))
    return f"{100 * interval.value:+.1f} ({low} to {high})"


def _accuracy(results: Sequence[Result]) -> Table:
    head = ("", "accuracy (95 %)", "right/1k tok", "right/min", "tokens", "reasoning", "s/answer", "unknown")
    rows = tuple(
        (
            result.label,
            percent(result.figures.accuracy),
            f"{result.figures.per_1000.value:.3g}",
            f"{60 * result.figures.per_s:.3g}",
            f"{result.figures.all.mean:,.0f}",
            f"{result.figures.reasoning_tokens:,.0f}",
            f"{result.figures.seconds:.3g}",
            _of(result.figures.unknown, result.figures.all.samples),
        )
        for result in results
    )
    first = results[0].figures
    title = f"{first.problems} problems × {first.samples} sample{'s' if first.samples > 1 else ''}"
    return Table(title, head, rows, frozenset({3, 5, 7}))


def _differences(results: Sequence[Result]) -> Table:
    head: Row = ("less the first", "points (95 %)", "tokens", "s/answer")
    if all(result.against is None or result.against.test for result in results):
        head += ("gained", "lost", "by chance")
    rows = []
    for result in results:
        other = result.against
        if other is not None:
            changes = points(other.accuracy), f"{other.tokens:+,.0f}", f"{other.seconds:+.3g}"
            rows.append((result.label, *changes, *_tested(other)))
    paired = next(result.against.problems for result in results if result.against)
    return Table(f"differences, paired on {paired} problems", head, tuple(rows), frozenset({2}))


def _tested(other: Against) -> Row:
    if other.test is None:
        return ()
    return str(other.test.gained), str(other.test.lost), f"{100 * other.test.chance:.2g} %"


def _at_k(results: Sequence[Result]) -> Table:
    rows = []
    for result in results:
        for at in result.figures.at:
            cons = percent(at.cons) if at.cons is not None else ""
            rows.append((result.label, str(at.k), percent(at.pass_any), percent(at.pass_all), cons))
    head = ("", "k", "pass@k: any right", "pass^k: all right", "cons@k: majority right")
    return Table("several samples", head, tuple(rows), frozenset({3}))


def _lengths(results: Sequence[Result]) -> Table:
    rows = []
    for result in results:
        found = result.figures
        for name, lengths in (("all", found.all), ("right", found.right), ("wrong", found.wrong)):
            if lengths.samples:
                rows.append((f"{result.label}, {name}", *_row(lengths)))
    head = ("", "samples", "mean", "median", "p90", "p99", "cut off", "loops", "no think")
    return Table("tokens of an output", head, tuple(rows))


def _row(lengths: Lengths) -> Row:
    sizes = (f"{size:,.0f}" for size in (lengths.mean, lengths.median, lengths.p90, lengths.p99))
    ends = (_of(count, lengths.samples) for count in (lengths.truncated, lengths.looped, lengths.empty))
    return str(lengths.samples), *sizes, *ends


def _cuts(results: Sequence[Result]) -> Table:
    rows = tuple(
        (result.label, f"{100 * cut.share:.0f} %", f"{cut.tokens:,.0f}", percent(cut.accuracy),
         "█" * round(20 * cut.accuracy.value) or "▏")
        for result in results
        for cut in result.figures.cuts
    )  # fmt: skip
    head = ("answer forced after", "of its reasoning", "tokens", "accuracy (95 %)", "")
    return Table("by reasoning budget", head, rows, left=frozenset({0, 4}))


def _levels(results: Sequence[Result]) -> Table:
    """Accuracy and seconds by level, side by side; with two ways of asking, what the second one changes."""
    names = sorted({level.level for result in results for level in result.figures.levels})
    rows = []
    for name in names[:MOST_LEVELS]:
        row: list[str] = [name or "–"]
        for result in results:
            row += _level(result.figures, name)
        rows.append(tuple(row))
    head = [f"{len(names)} levels" + (f", {MOST_LEVELS} shown" if len(names) > MOST_LEVELS else "")]
    for result in results:
        head += [result.label, "s/answer"]
    return Table("by level", tuple(head), tuple(rows))


def _when_to_think(result: Result) -> Table:
    """What reasoning gains at each level, and what it costs: the other way round than the differences."""
    rows = []
    for name, off in result.by_level[:MOST_LEVELS]:
        gain = Interval(0 - off.accuracy.value, 0 - off.accuracy.high, 0 - off.accuracy.low)
        advice = "think" if gain.low > 0 else "answer at once" if gain.high < 0 else "no difference shown"
        rows.append((name or "all", points(gain), f"{-off.seconds:+.3g}", f"{-off.tokens:+,.0f}", advice))
    head = ("level", "gained by thinking, points (95 %)", "s/answer", "tokens", "so")
    model = result.label.removesuffix(", no thinking")
    return Table(f"when to think: {model}", head, tuple(rows), frozenset({3}), frozenset({0, 4}))


def _level(found: Figures, name: str) -> Row:
    level = next((each for each in found.levels if each.level == name), None)
    return ("", "") if level is None else (percent(level.accuracy), f"{level.seconds:.3g}")


def _of(count: int, total: int) -> str:
    """0, or a count with its share."""
    return f"{count} ({100 * count / total:.0f} %)" if count else "0"
