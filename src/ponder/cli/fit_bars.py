"""Quality against seconds in the terminal: two bars a model, the better and the quicker with one look."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.fit_drawing import benchmark_name, brief_s, filled
from ponder.core.plan import Plan
from ponder.fit.recommend import seconds, value


def bars(out: Console, plans: Sequence[Plan], benchmark: str, best: Plan | None) -> None:
    """The score from 0 to 100, and the seconds of a mean answer on a logarithmic scale. Models without a
    figure or a time are left out, and counted.
    """
    drawn = [plan for plan in plans if plan.standing and plan.answer]
    width = max(8, (out.width - 48) // 2)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for heading in ("", "MODEL", benchmark_name(benchmark), "", "ANSWER", ""):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    if drawn:
        low, high = (math.log(pick(seconds(plan) for plan in drawn)) for pick in (min, max))
        for plan in drawn:
            share = (math.log(seconds(plan)) - low) / (high - low) if high > low else 0.0
            mark = "~" if plan.standing and plan.standing.through else ""
            table.add_row(
                Text("▶" if plan is best else "", style="bold"),
                plan.model,
                Text(filled(value(plan) / 100, width), style="blue"),
                f"{mark}{value(plan):.1f}",
                Text(filled(0.04 + 0.96 * share, width), style="yellow"),
                brief_s(seconds(plan)),
                style="bold" if plan is best else "",
            )
        out.print(table)
    left_out = len(plans) - len(drawn)
    if left_out:
        out.print(Text(f"{left_out} more fit, without a figure or a time that is known.", style="dim"))
