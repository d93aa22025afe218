"""Tables of `ponder fit`: everything that runs, one model in all quantisations, machines that would do."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.fit_drawing import SHORT, benchmark_name, brief_s, gigabytes, memory, rate, tokens
from ponder.core.plan import Plan
from ponder.fit.whatif import ORDER, Class

WIDE = 120
"""From this many columns on, more of each plan is shown."""


class Column(NamedTuple):
    """A column: its heading, what it shows of a plan, and whether only wide terminals have it."""

    heading: str
    cell: Callable[[Plan], str | Text]
    right: bool = False
    wide: bool = False


def plans_table(out: Console, plans: Sequence[Plan], benchmark: str, best: Plan | None = None) -> None:
    """One line per plan; the recommended one is marked, and `~` a figure that comes from another edition."""
    known = any(plan.standing for plan in plans)
    wide = out.width >= WIDE
    columns = (
        Column("", lambda plan: Text("▶", style="bold") if plan is best else ""),
        Column("MODEL", lambda plan: plan.model),
        Column("QUANT", lambda plan: plan.quantisation),
        Column("CTX", lambda plan: tokens(plan.n_ctx), right=True),
        Column("UP TO", lambda plan: tokens(plan.most_ctx) if plan.most_ctx else "?", right=True, wide=True),
        Column("WHERE", _where),
        Column("MEMORY", lambda plan: memory(plan, 24 if wide else 9)),
        Column("", _total, right=True, wide=True),
        Column("PREFILL", lambda plan: rate(plan.prefill.tps if plan.prefill else None), True, wide=True),
        Column("TOK/S", lambda plan: rate(plan.decode.tps if plan.decode else None), right=True),
        Column("80 %", _interval, right=True, wide=True),
        Column("ANSWER", _seconds, right=True),
        Column("1 IN 10", lambda plan: brief_s(plan.answer.p90_s) if plan.answer else "?", True, wide=True),
        Column(benchmark_name(benchmark), _score, right=True),
    )
    shown = [column for column in columns if wide or not column.wide]
    _draw(out, shown if known else shown[:-1], plans, best)


def _draw(out: Console, columns: Sequence[Column], plans: Sequence[Plan], best: Plan | None) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(
            column.heading, justify="right" if column.right else "left", no_wrap=True, overflow="ellipsis"
        )
    for plan in plans:
        table.add_row(*(column.cell(plan) for column in columns), style="bold" if plan is best else "")
    out.print(table)


def _where(plan: Plan) -> str:
    return SHORT[plan.placement.kind] if plan.placement else "too big"


def _seconds(plan: Plan) -> str:
    return brief_s(plan.answer.mean_s) if plan.answer else "?"


def _total(plan: Plan) -> str:
    return gigabytes(plan.placement.total_bytes) if plan.placement else gigabytes(plan.file_bytes)


def _interval(plan: Plan) -> str:
    return f"{rate(plan.decode.low_tps)}-{rate(plan.decode.high_tps)}" if plan.decode else ""


def _score(plan: Plan) -> str:
    stands = plan.standing
    return "?" if stands is None else f"{'~' if stands.through else ''}{stands.value:.1f}"


def machines_table(out: Console, found: Sequence[tuple[Class, Plan]]) -> None:
    """The smallest classes of machine that run a model, each quicker than the ones above it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in ("MACHINE", "WHERE"):
        table.add_column(heading, overflow="fold")
    for heading in ("CTX", "TOK/S", "ANSWER"):
        table.add_column(heading, justify="right", no_wrap=True)
    for machine, plan in found:
        speed = rate(plan.decode.tps if plan.decode else None)
        table.add_row(machine.name, _where(plan), tokens(plan.n_ctx), speed, _seconds(plan))
    out.print(table)
    out.print(Text(f"{ORDER}. Each line is at least a tenth quicker than those above it.", style="dim"))
