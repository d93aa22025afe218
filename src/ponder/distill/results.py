"""What the evaluations of a run found, as tables and figures of its report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ponder.distill.blocks import Block, Curve, Heading, Paragraph, Table
from ponder.distill.curves import Series
from ponder.distill.rows import read_json
from ponder.distill.running import State
from ponder.distill.work import reference

Found = Mapping[str, Any]
"""One row of `results.json`: `label`, `task` and the encoded result."""
_HEAD = ("", "accuracy (95 %)", "tokens", "reasoning", "cut off", "loops", "unknown", "right/1k tokens")
_PAIRED = ("paired by problem", "points (95 %)", "problems", "gained", "lost", "chance")


def measured(states: Sequence[State], sizes: Mapping[str, int]) -> Iterator[Block]:
    """The tables of each evaluation; `sizes` are the parameters of what export stages wrote."""
    for state in states:
        found: list[Found] = read_json(state.folder / "results.json")
        compared: list[Mapping[str, Any]] = read_json(state.folder / "compared.json")
        models = {model.label: model.model for model in state.stage.settings.models}
        for task in dict.fromkeys(row["task"] for row in found):
            rows = [row for row in found if row["task"] == task]
            yield Heading(f"{task}" if len(states) == 1 else f"{task} ({state.stage.name})")
            yield from _of_task(rows, [each for each in compared if each["task"] == task])
            yield from _scaling(rows, models, sizes)


def _of_task(rows: Sequence[Found], compared: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    figures = [(row["label"], row["result"]["figures"]) for row in rows]
    head: tuple[str, ...] = (
        "",
        "accuracy (95 %)",
        "tokens",
        "reasoning",
        "cut off",
        "loops",
        "unknown",
        "right/1k tokens",
    )
    yield Table(head, tuple(_figures(label, each) for label, each in figures))
    fixed = rows[0]["result"]["fixed"]
    first = figures[0][1]
    sampling = ", ".join(f"{name} {value}" for name, value in _set(fixed["sampling"]))
    yield Paragraph(
        f"{first['problems']:,} problems with {first['samples']} samples each; intervals are clustered by "
        f"problem. {sampling}; seed {fixed['seed']}; verifier {fixed['verifier']}."
    )
    if compared:
        yield Table(_PAIRED, tuple(_pair(each) for each in compared))
    if any(each["levels"] for _, each in figures):
        levels = list(dict.fromkeys(level["level"] for _, each in figures for level in each["levels"]))
        cells = tuple((label, *(_at_level(each, level) for level in levels)) for label, each in figures)
        yield Table(("accuracy by level", *levels), cells)
    if any(each["at"] for _, each in figures):
        yield Table(("", "k", "pass@k", "pass^k", "cons@k"), tuple(_at_k(figures)))


def _set(sampling: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What was chosen, of all that can be."""
    names = ("temperature", "top_p", "top_k", "min_p", "max_tokens")
    return [(name, sampling[name]) for name in names if sampling.get(name) is not None]


def _figures(label: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    lengths = each["all"]
    return (
        label,
        interval(each["accuracy"]),
        f"{lengths['mean']:,.0f}",
        f"{each['reasoning_tokens']:,.0f}",
        f"{lengths['truncated']:,}",
        f"{lengths['looped']:,}",
        f"{each['unknown']:,}",
        f"{each['per_1000']['value']:.2f}",
    )


def _pair(each: Mapping[str, Any]) -> tuple[str, ...]:
    found, test = each["against"], each["against"]["test"]
    last = (f"{test['gained']}", f"{test['lost']}", f"{test['chance']:.3g}") if test else ("", "", "")
    return (f"{each['second']} − {each['first']}", points(found["accuracy"]), f"{found['problems']:,}", *last)


def _at_level(each: Mapping[str, Any], level: str) -> str:
    return next((interval(row["accuracy"]) for row in each["levels"] if row["level"] == level), "")


def _at_k(figures: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, ...]]:
    for label, each in figures:
        for row in each["at"]:
            cons = interval(row["cons"]) if row["cons"] else ""
            yield label, f"{row['k']}", interval(row["pass_any"]), interval(row["pass_all"]), cons


def _scaling(rows: Sequence[Found], models: Mapping[str, str], sizes: Mapping[str, int]) -> Iterator[Block]:
    """Accuracy by size, where there are students of three sizes or more: one line for each family of labels,
    which is the label without its last word.
    """
    families: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for row in rows:
        name = models[row["label"]]
        size = sizes.get(reference(name)[0], 0) if name.startswith("@") else 0
        if size:
            family = row["label"].rpartition(" ")[0] or row["label"]
            families.setdefault(family, []).append((size, row["result"]["figures"]["accuracy"]))
    lines = []
    for family, points_ in families.items():
        points_.sort(key=lambda each: each[0])
        if len({size for size, _ in points_}) >= 3:
            values = tuple((size, 100 * each["value"]) for size, each in points_)
            bars = tuple((100 * each["low"], 100 * each["high"]) for _, each in points_)
            lines.append(Series(family, values, bars))
    if lines:
        title = "Accuracy by size of the student, with 95 % intervals"
        yield Curve(title, tuple(lines), "parameters", "%", logarithmic=True)


def interval(value: Mapping[str, float]) -> str:
    """62.5 % (51.0 to 73.9)."""
    return f"{100 * value['value']:.1f} % ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def points(value: Mapping[str, float]) -> str:
    """+12.5 (+3.1 to +21.9)."""
    return f"{100 * value['value']:+.1f} ({100 * value['low']:+.1f} to {100 * value['high']:+.1f})"
