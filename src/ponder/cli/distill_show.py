"""How a run of a recipe is shown in a terminal: its plan, its progress, and what its stages counted."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from ponder.cli.columns import Column, lay_out
from ponder.distill.recipe import Stage, missing
from ponder.distill.running import Run, State, Watch
from ponder.distill.work import Expected, Told
from ponder.fit.recommend import spelled_s

EVERY_S = 10.0
"""How often a line comes where standard error is no terminal."""
LOOK_S = 2.0
QUIET_S = 60.0
"""A stage that has told nothing for so long may have been killed."""


def said_of_plan(console: Console, run: Run) -> None:
    """Every stage with what it will make and take, and the sum."""
    recipe = run.recipe
    rows = []
    low = high = cost = 0.0
    unknown = []
    for state, expected in run.expected():
        rows.append([_mark(state), state.stage.name, state.stage.kind, _number(expected.rows),
                     _number(expected.tokens), _time(expected), expected.why])  # fmt: skip
        if state.manifest is None:
            low, high = low + (expected.low_s or 0), high + (expected.high_s or 0)
            cost += expected.cost
            unknown += [state.stage.name] if expected.low_s is None else []
    columns = [Column(""), Column("stage"), Column("kind"), Column("rows", right=True),
               Column("tokens", right=True), Column("time"), Column("", share=1)]  # fmt: skip
    console.print(Text(f"{recipe.name}: {recipe.about}" if recipe.about else recipe.name, style="bold"))
    console.print(lay_out(columns, rows, console.width, 2))
    if all(state.manifest is not None for state in run.states()):
        console.print(Text("All stages are done.", style="dim"))
    else:
        console.print(Text(_sum(run, (low, high, cost), unknown), style="dim"))
    for path in missing(recipe):
        console.print(Text(f"Missing: {path}", style="red"))
    console.print(Text(f"Folder: {run.folder}", style="dim"))


def _sum(run: Run, sums: tuple[float, float, float], unknown: list[str]) -> str:
    (low, high, cost), each = sums, run.recipe.hourly / 3600
    said = f"To do: {spelled_s(low)} to {spelled_s(high)}"
    if each or cost:
        said += f", {low * each + cost:,.2f} to {high * each + cost:,.2f} {run.recipe.currency}"
    if unknown:
        said += f", and {', '.join(unknown)}, whose time shows after the first answers"
    return said + "."


def _mark(state: State) -> str:
    return "✓" if state.manifest is not None else "…" if state.progress is not None else "·"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value else ""


def _time(expected: Expected) -> str:
    if expected.low_s is None or expected.high_s is None:
        return "?"
    if expected.why == "done":
        return spelled_s(expected.low_s)
    return f"{spelled_s(expected.low_s)} – {spelled_s(expected.high_s)}"


@contextmanager
def watching(run: Run) -> Iterator[Watch]:
    """Bars of the stages on standard error, or a line now and then where that is no terminal."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TaskProgressColumn(),
               TimeRemainingColumn(), TextColumn("{task.fields[said]}"))  # fmt: skip
    longest = max(len(stage.name) for stage in run.recipe.stages)
    shown, begun = [0.0], dict[str, tuple[float, float]]()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def watch(stage: Stage, told: Told) -> None:
            now = time.monotonic()
            first = stage.name not in begun
            begun.setdefault(stage.name, (now, told.done))
            if stage.name not in tasks:
                tasks[stage.name] = bars.add_task(stage.name.ljust(longest), total=told.total, said="")
            bars.update(tasks[stage.name], completed=told.done, total=told.total, said=told.said)
            ended = told.done >= told.total
            if not console.is_terminal and (first or ended or now - shown[0] > EVERY_S):
                shown[0] = now
                click.echo(f"{stage.name}: {_share(told)}{_left(told, begun[stage.name], now)}", err=True)

        yield watch


def _share(told: Told) -> str:
    share = f"{100 * told.done / max(told.total, 1e-9):.0f} %"
    return f"{share} {told.said}".rstrip()


def _left(told: Told, begun: tuple[float, float], now: float) -> str:
    since, at = begun
    done = told.done - at
    if done <= 0 or told.done >= told.total or now - since < 1:
        return ""
    return f", about {spelled_s((now - since) / done * (told.total - told.done))} left"


def said_of_status(console: Console, run: Run, *, watch: bool) -> None:
    """Every stage: what it counted, how far it is, or that it waits."""
    while True:
        states = run.states()
        columns = [Column(""), Column("stage"), Column("time", right=True), Column("", share=1)]
        rows = [[_mark(state), state.stage.name, _spent(state), _news(state)] for state in states]
        console.print(lay_out(columns, rows, console.width, 2))
        if not watch or all(state.manifest is not None for state in states):
            return
        time.sleep(LOOK_S)
        console.print()


def _spent(state: State) -> str:
    known: Mapping[str, Any] = state.manifest or state.progress or {}
    return spelled_s(known["seconds"]) if known else ""


def _news(state: State) -> str:
    if state.manifest is not None:
        return in_words(state.manifest["counts"])
    if state.progress is None:
        return "waits"
    known = state.progress
    quiet = time.time() - known["at"]
    said = _share(Told(known["done"], known["total"], known["said"]))
    return said + (
        f" (nothing heard for {spelled_s(quiet)}: run goes on from here)" if quiet > QUIET_S else ""
    )


_SAID: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("rows", lambda n: f"{n:,} rows"),
    ("removed", lambda r: "removed: " + ", ".join(f"{w} {n}" for w, n in r.items()) if r else ""),
    ("finished", lambda r: ", ".join(f"{w} {n}" for w, n in r.items())),
    ("tokens", lambda n: f"{n:,} tokens"),
    ("refused", lambda n: f"{n} refused" if n else ""),
    ("loss", lambda x: f"loss {x:.3f}"),
    ("files", lambda f: ", ".join(f"{k} {v['bytes'] / 1e6:.1f} MB" for k, v in f.items())),
    ("accuracy", lambda a: ", ".join(f"{k} {100 * v:.0f} %" for k, v in a.items())),
)


def in_words(counts: Mapping[str, Any]) -> str:
    """What a stage counted, in short."""
    return ", ".join(said for name, say in _SAID if name in counts and (said := say(counts[name])))
