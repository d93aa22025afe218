"""Where a reasoning's tokens and seconds went: its roles, along the way and in sum, and what is wrong."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.drawing import ROLE_LETTERS, bars, line, role_strip
from ponder.cli.screen import clean
from ponder.cli.show_facts import SIGNS, Facts
from ponder.cli.show_outline import WIDE, colour_of
from ponder.core.trace import Trace
from ponder.reason.effort import first_answer, repeated_share

WORTH_A_STRIP = 9
"""From so many steps on the way through the roles is drawn."""
REPEATED = 0.01


def draw_where(facts: Facts, out: Console) -> None:
    """The strip, the table of roles, and a sentence for each thing worth knowing."""
    if len(facts.steps) >= WORTH_A_STRIP:
        out.print(role_strip(facts.steps, out.width, coloured=out.color_system is not None))
        marks = _marks(facts, out.width)
        if marks.plain.strip():
            out.print(marks)
        out.print()
    out.print(_roles(facts, out))
    for sentence in sentences(facts):
        out.print(Text(clean(sentence), style="dim"))


def sentences(facts: Facts) -> list[str]:
    """Claims, the first appearance of the answer, repetition, and where branches leave."""
    trace, said = facts.bundle.trace, []
    counts = facts.verdicts(facts.steps)
    if sum(counts[verdict] for verdict in SIGNS):
        named = {"ok": "right", "wrong": "wrong (✗)", "wrong-then-fixed": "wrong and then repaired (↺)"}
        parts = [f"{counts[verdict]} {name}" for verdict, name in named.items() if counts[verdict]]
        checked = sum(counts[verdict] for verdict in named)
        said.append(f"{checked} claim{'s' if checked != 1 else ''} checked: {', '.join(parts)}.")
    said += [f"⚑ {blame.method}: {blame.sentence}" for blame in facts.blames]
    first = first_answer(trace)
    if first is not None:
        step = facts.step_at(first.index)
        where = f"in step {step.index + 1}" if step else f"at token {first.index:,}"
        said.append(
            f"The answer was there {where}; {first.tokens_after:,} tokens, "
            f"{100 * first.share_after:.0f} % of the reasoning, came after it."
        )
    repeated = repeated_share([token for token in trace.tokens if token.part == "reasoning"])
    if repeated >= REPEATED:
        said.append(f"{100 * repeated:.0f} % of the reasoning repeats what was written before.")
    if len(facts.family) > 1:
        said.append(f"One of {len(facts.family)} branches: `ponder tree {trace.id}` shows them.")
    return said


def _roles(facts: Facts, out: Console) -> Table:
    """A line for each role: how many steps, tokens and seconds."""
    wide = out.width >= WIDE
    coloured = out.color_system is not None
    tokens = sum(step.stop - step.start for step in facts.steps) or 1
    seconds = sum(facts.cost[step.index].seconds for step in facts.steps) or 1.0
    table = Table(box=None, pad_edge=False, padding=(0, 2 if wide else 1, 0, 0), header_style="dim")
    for name in ("role", "steps", "tokens", "", "seconds", ""):
        table.add_column(name, justify="left" if name == "role" else "right", no_wrap=True)
    cells = 40 if wide else 24
    table.add_column("▀ tokens  ▄ seconds", no_wrap=True, width=cells)
    sums: dict[str, tuple[int, int, float]] = {}
    for step in facts.steps:
        count, size, time_s = sums.get(step.role, (0, 0, 0.0))
        cost = facts.cost[step.index]
        sums[step.role] = (count + 1, size + cost.tokens, time_s + cost.seconds)
    most = (
        max((max(size / tokens, time_s / seconds) for _, size, time_s in sums.values()), default=1.0) or 1.0
    )
    for role, (count, size, time_s) in sorted(sums.items(), key=lambda item: -item[1][1]):
        letter = "" if coloured else f"{ROLE_LETTERS.get(role, '·')} "
        table.add_row(
            Text(letter + line(role), style=colour_of(role)),
            f"{count:,}",
            f"{size:,}",
            f"{100 * size / tokens:.0f} %",
            f"{time_s:.1f}",
            f"{100 * time_s / seconds:.0f} %",
            bars(size / tokens / most, time_s / seconds / most, cells, colour_of(role)),
        )
    return table


def _marks(facts: Facts, width: int) -> Text:
    """Under the strip: where claims are wrong, where somebody wrote, where the answer was there first."""
    places: dict[int, tuple[str, str]] = {}
    whole = sum(step.stop - step.start for step in facts.steps) or 1
    done, at = 0, dict[int, int]()
    for step in facts.steps:
        at[step.index] = min(width - 1, done * width // whole)
        done += step.stop - step.start
    for step in facts.steps:
        verdicts = facts.verdicts([step])
        if verdicts["wrong"]:
            places[at[step.index]] = ("✗", "bold red")
        elif verdicts["wrong-then-fixed"]:
            places.setdefault(at[step.index], ("↺", "yellow"))
        if any(blame.step == step.index for blame in facts.blames):
            places[at[step.index]] = ("⚑", "bold red")
        if facts.origins([step]):
            places[at[step.index]] = ("◆", "bold")
    first = _first_step(facts, facts.bundle.trace)
    if first in at:
        places[at[first]] = ("▲", "bright_magenta")
    text = Text()
    for cell in range(max(places, default=-1) + 1):
        sign, colour = places.get(cell, (" ", "default"))
        text.append(sign, style=colour)
    return text


def _first_step(facts: Facts, trace: Trace) -> int | None:
    """Index of the step in which the answer was there first."""
    first = first_answer(trace)
    step = facts.step_at(first.index) if first else None
    return step.index if step else None
