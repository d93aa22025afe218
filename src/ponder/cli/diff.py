"""`ponder diff A B`: what two traces share, their steps side by side after that, their answers and effort."""

import re
from collections.abc import Sequence

import click
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ponder.check.answers import agreement
from ponder.cli.drawing import console, ended, line, shares
from ponder.cli.screen import clean
from ponder.cli.show_facts import Facts
from ponder.cli.show_outline import WIDE, colour_of
from ponder.core.events import Step
from ponder.core.trace import Trace
from ponder.errors import InputError
from ponder.reason.compare import Pair, aligned, shared_tokens
from ponder.reason.effort import effort
from ponder.reason.moves import tokens_by_role
from ponder.store import open_store

_BLANK = re.compile(r"\n\s*\n")
FEW_LINES = 4
"""Lines of a step that are shown without --full."""


@click.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B", default="last")
@click.option("--full", is_flag=True, help="Every word of every step, not only how it begins.")
@click.option("--all", "everything", is_flag=True, help="The steps with the same words too.")
def command(left: str, right: str, full: bool, everything: bool) -> None:
    """Compare the traces A and B (default: the last) from the step where they part.

    Side by side where the terminal is wide enough (100 columns), else one under the other.
    """
    with open_store() as store:
        sides = (Facts(store.bundle(left)), Facts(store.bundle(right)))
    one, other = (side.bundle.trace for side in sides)
    if one.id == other.id:
        raise InputError(f"{left} and {right} are the same trace: `ponder tree {one.id}` lists its branches.")
    out = console()
    shared = shared_tokens(one, other)
    pairs = aligned(one, other, shared)
    out.print(Text(line(one.question) or "(no question)", style="bold"))
    if one.request.messages != other.request.messages:
        out.print(Text(f"{other.id} was asked: {line(other.question)}", style="bold"))
    out.print(Text(_shared(one, other, shared), style="dim"))
    out.print()
    if out.width >= WIDE:
        _beside(sides, pairs, out, full=full, everything=everything)
    else:
        _stacked(sides, pairs, out, full=full, everything=everything)
    out.print(_effort(sides, shared))
    out.print()
    out.print(Text(_agree(one, other), style="dim"))


def _shared(one: Trace, other: Trace, shared: int) -> str:
    """What both begin with, in one line."""
    if not shared:
        return "Nothing is shared: they part at their first token."
    whole = sum(1 for step in one.steps if step.stop <= shared)
    steps = f"steps 1 to {whole}, " if whole > 1 else "step 1, " if whole else ""
    if shared == len(one.tokens) == len(other.tokens):
        return f"They are the same, token by token: {steps}{shared:,} tokens."
    return f"Shared: {steps}{shared:,} tokens. What follows is compared."


def _beside(
    sides: tuple[Facts, Facts], pairs: Sequence[Pair], out: Console, *, full: bool, everything: bool
) -> None:
    """Two columns."""
    width = (out.width - 3) // 2
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for side in sides:
        table.add_column(Text(side.bundle.trace.id, style="cyan"), width=width, no_wrap=False)
    for run in _runs(pairs, everything=everything):
        if len(run) > 1 or (run[0].same and not everything):
            table.add_row(*(Text(text, style="dim") for text in _passed_over(run)))
            table.add_row()
            continue
        cells = [
            _cell(side, step, width, full=full)
            for side, step in zip(sides, (run[0].left, run[0].right), strict=True)
        ]
        table.add_row(*cells)
        table.add_row()
    out.print(table)


def _stacked(
    sides: tuple[Facts, Facts], pairs: Sequence[Pair], out: Console, *, full: bool, everything: bool
) -> None:
    """One under the other, each line behind a mark of its trace."""
    for sign, side, colour in zip("-+", sides, ("red", "green"), strict=True):
        out.print(Text(f"{sign} {side.bundle.trace.id}", style=colour))
    out.print()
    for run in _runs(pairs, everything=everything):
        if len(run) > 1 or (run[0].same and not everything):
            out.print(Text(_passed_over(run)[0], style="dim"))
            continue
        for sign, side, step, colour in zip(
            "-+", sides, (run[0].left, run[0].right), ("red", "green"), strict=True
        ):
            if step is not None:
                grid = Table.grid(padding=(0, 1, 0, 0))
                grid.add_row(Text(sign, style=colour), _cell(side, step, out.width - 2, full=full))
                out.print(grid)
        out.print()


def _runs(pairs: Sequence[Pair], *, everything: bool) -> list[list[Pair]]:
    """The pairs one by one, but those with the same words together."""
    runs: list[list[Pair]] = []
    for pair in pairs:
        if pair.same and not everything and runs and runs[-1][-1].same:
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def _passed_over(run: Sequence[Pair]) -> tuple[str, str]:
    """Steps with the same words, in one line for each side."""
    texts = []
    for steps in ([pair.left for pair in run], [pair.right for pair in run]):
        numbers = [step.index + 1 for step in steps if step is not None]
        several = f"steps {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"step {numbers[0]}"
        texts.append(f"= {several}: the same words")
    return texts[0], texts[1]


def _cell(side: Facts, step: Step | None, width: int, *, full: bool) -> Group | Text:
    """A step: number, role, tokens and marks, then its words, cut to a few lines."""
    if step is None:
        return Text("")
    title = Text(f"{step.index + 1} {line(step.role)}", style=f"bold {colour_of(step.role)}")
    title.append(f" · {step.stop - step.start} tokens", style="not bold dim")
    for origin in side.origins([step]):
        title.append(f" [{origin}]", style="not bold reverse")
    marks = side.marks([step])
    if marks:
        title.append(" ").append_text(marks)
    words = Text(_BLANK.sub("\n", clean(side.bundle.trace.step_text(step).strip())))
    if not full:
        lines = words.wrap(console(), width)
        if len(lines) > FEW_LINES:
            words = Text("\n").join(
                [*lines[: FEW_LINES - 1], Text(f"… {len(lines) - FEW_LINES + 1} more lines", style="dim")]
            )
    return Group(title, words)


def _effort(sides: tuple[Facts, Facts], shared: int) -> Table:
    """What each cost after the fork."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("after the fork" if shared else "")
    rows: list[list[str]] = []
    for side in sides:
        trace = side.bundle.trace
        table.add_column(trace.id, justify="right")
        cost = effort(trace, shared, len(trace.tokens))
        steps = [step for step in trace.steps if step.stop > shared]
        roles = tokens_by_role([step for step in steps if step.part == "reasoning"])
        finish = trace.finish
        rows.append(
            [
                f"{cost.tokens:,}",
                f"{len(steps):,}",
                f"{cost.seconds:.1f}",
                "" if cost.mean_logprob is None else f"{cost.mean_logprob:.2f}",
                "" if cost.mean_entropy is None else f"{cost.mean_entropy:.2f} nats",
                side.marks(steps).plain or "none",
                shares(list(roles.items())[:2]) or "none",
                ended(finish.reason if finish else None, finish.closed_by if finish else None),
            ]
        )
    names = ("tokens", "steps", "seconds", "mean log-probability", "mean entropy", "claims", "most", "end")
    for name, left, right in zip(names, *rows, strict=True):
        table.add_row(Text(name, style="dim"), left, right)
    return table


def _agree(one: Trace, other: Trace) -> str:
    """Whether they come to the same answer."""
    groups = agreement([one.answer, other.answer])
    if None in groups:
        empty = [trace.id for trace, group in zip((one, other), groups, strict=True) if group is None]
        return f"No answer: {' and '.join(empty)}."
    return "The answers agree." if groups[0] == groups[1] else "The answers differ."
