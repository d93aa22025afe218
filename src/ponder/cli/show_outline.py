"""The outline of a trace: a line for each step or group of steps, and where in it something happened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from ponder.cli.columns import Column, lay_out
from ponder.cli.drawing import ROLE_COLOURS, bars, line, numbered, role_strip, shares
from ponder.cli.show_facts import Facts
from ponder.core.events import Step
from ponder.reason.effort import Effort
from ponder.reason.moves import Group, folded, moves, overview
from ponder.store.export.outline import outline

SINGLE_LINES, MOST_LINES = 80, 48
"""So many steps get a line each; where there are more, they are grouped into so many lines."""
WIDE = 100
"""From so many columns on there is room for every figure."""
INTERVENTIONS = {
    "none": "generated anew from here",
    "delete": "a step was deleted here",
    "budget": "closed: budget reached",
    "context": "closed: context nearly full",
    "loop": "closed: it repeated itself",
    "eos": "closed: the model stopped",
    "user": "closed: the answer was asked for",
    "no_think": "reasoning switched off",
}
"""What was done, by the kind of an intervention or the origin of the tokens that it wrote."""
QUIET = frozenset({"none", "delete"})
CLOSERS = frozenset(INTERVENTIONS) - QUIET


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a group of steps, some that are folded away, or (without steps) something that happened."""

    at: int
    steps: tuple[Step, ...] = ()
    shown: bool = True
    text: Text = field(default_factory=Text)
    sign: str = "◆"


def rows(facts: Facts, steps: Sequence[Step], view: str, wanted: Callable[[Step], bool] | None) -> list[Row]:
    """The lines of some neighbouring steps. `view`: steps, moves, or overview (as fine as there is room).

    With `wanted`, its steps one by one and the others folded.
    """
    groups: Sequence[tuple[bool, Group]]
    if wanted is not None:
        groups = folded(steps, wanted)
    elif view == "steps":
        groups = [(True, Group((step,))) for step in steps]
    else:
        groups = [
            (True, group)
            for group in (moves(steps) if view == "moves" else overview(steps, SINGLE_LINES, MOST_LINES))
        ]
    lines = [
        Row(group.start, group.steps, shown, _words(facts, group.steps) if shown else _summed(group))
        for shown, group in groups
    ]
    whole = steps == facts.steps
    first, last = (0 if whole else steps[0].start), (2**62 if whole else steps[-1].stop)
    other = [row for row in (*_happened(facts), *_loose(facts)) if first <= row.at < last]
    return sorted([*other, *lines], key=lambda row: (row.at, bool(row.steps)))


def outline_table(facts: Facts, lines: Sequence[Row], out: Console) -> Text:
    """The rows as a table as wide as the terminal, with the columns that say something."""
    wide = out.width >= WIDE
    grouped = [row.steps for row in lines if row.steps]
    costs = iter(facts.cost_of(grouped))
    drawn = [(row, next(costs) if row.steps else Effort()) for row in lines]
    known = _columns(facts, drawn, wide=wide)
    many = any(len(row.steps) > 1 for row in lines)
    cells = min(24, (out.width - 76) // 2) if wide else 9
    title = "▀ tokens  ▄ seconds" if cells > 18 else "▀tok ▄sec"
    columns = [
        Column("steps" if many else "step", right=True),
        Column("role"),
        Column("roles" if many else title, most=cells),
        *(Column(name, right=True) for name, _ in known),
        Column("", share=1),
    ]
    scale = _Scale(drawn, cells, coloured=out.color_system is not None)
    cut: list[list[str | Text]] = []
    for row, cost in drawn:
        if row.steps:
            begin = [Text(numbered(row.steps), style="dim"), _role(row, wide=wide)]
            bar = scale.bar(row, cost, many=many)
            values = [value(row, cost) for _, value in known]
            cut.append([*begin, bar, *values, row.text])
        else:
            cut.append(["", Text(row.sign, style="bold"), "", *("" for _ in known), row.text])
    return lay_out(columns, cut, out.width, 2 if wide else 1)


class _Scale:
    """Lengths of the bars: the longest line fills its cells."""

    def __init__(self, drawn: Sequence[tuple[Row, Effort]], cells: int, *, coloured: bool) -> None:
        shown = [cost for row, cost in drawn if row.steps and row.shown]
        self._tokens = sum(cost.tokens for cost in shown) or 1
        self._seconds = sum(cost.seconds for cost in shown) or 1.0
        self._most = max((max(self._shares(cost)) for cost in shown), default=1.0) or 1.0
        self._cells, self._coloured = cells, coloured

    def bar(self, row: Row, cost: Effort, *, many: bool) -> Text:
        """Tokens and seconds as a double bar; of several steps, their roles as long as their tokens."""
        tokens, seconds = (min(1.0, share / self._most) for share in self._shares(cost))
        if not row.shown:
            return Text("")
        if many:
            length = max(1, round(tokens * self._cells))
            return role_strip(row.steps, length, coloured=self._coloured)
        return bars(tokens, seconds, self._cells, colour_of(row.steps[0].role))

    def _shares(self, cost: Effort) -> tuple[float, float]:
        return cost.tokens / self._tokens, cost.seconds / self._seconds


Figure = tuple[str, Callable[[Row, Effort], str | Text]]


def _columns(facts: Facts, drawn: Sequence[tuple[Row, Effort]], *, wide: bool) -> list[Figure]:
    """Title and value of every column between the bars and the words; those that are empty are left out."""
    columns: list[Figure] = [
        ("tokens", lambda _, cost: f"{cost.tokens:,}"),
        ("seconds" if wide else "sec", lambda _, cost: f"{cost.seconds:.1f}"),
    ]
    if wide and any(cost.mean_logprob is not None for _, cost in drawn):
        columns.append(("logprob", lambda _, cost: _number(cost.mean_logprob)))
    if any(cost.mean_entropy is not None for _, cost in drawn):
        columns.append(("entropy" if wide else "nats", lambda _, cost: _number(cost.mean_entropy)))
    if wide and any(facts.repeated_share(row.steps) > 0.005 for row, _ in drawn if row.steps):
        columns.append(("again", lambda row, _: _percent(facts.repeated_share(row.steps))))
    if any(facts.marks(row.steps) for row, _ in drawn if row.steps):
        columns.append(("claims" if wide else "✓✗", lambda row, _: facts.marks(row.steps, brief=not wide)))
    return columns


def colour_of(role: str) -> str:
    """The colour of a role."""
    return ROLE_COLOURS.get(role, "default")


def _role(row: Row, *, wide: bool) -> Text:
    """A row's role; of several, the one that most of its tokens have, and their share or only a plus."""
    group = Group(row.steps)
    if not row.shown:
        return Text("…", style="dim")
    role, tokens = next(iter(group.tokens_by_role.items()))
    text = Text(line(role), style=colour_of(role))
    if len(group.tokens_by_role) > 1:
        text.append(f" {100 * tokens / group.tokens:.0f} %" if wide else " +")
    return text


def _words(facts: Facts, steps: tuple[Step, ...]) -> Text:
    """How the steps begin, after who else wrote in them and which branches leave there."""
    text = Text("".join(f"[{origin}] " for origin in facts.origins(steps)), style="reverse")
    for branch in facts.leaving(steps[0].start, steps[-1].stop):
        text.append(f"↳{branch.id} ", style="cyan not reverse")
    return text.append(line(facts.bundle.trace.step_text(steps[0])), style="default not reverse")


def _summed(group: Group) -> Text:
    """What is folded away, in a few words."""
    count = len(group.steps)
    said = f"{count} step{'s' if count > 1 else ''}: {shares(group.tokens_by_role.items())}"
    return Text(said, style="dim")


def _loose(facts: Facts) -> list[Row]:
    """Reasoning outside steps, such as the last words of a run that was cut off."""
    stretches = outline(facts.bundle.trace)
    loose = [s for s in stretches if s.step is None and s.part == "reasoning" and s.text.strip()]
    return [Row(s.start, text=Text(line(s.text)), sign="–") for s in loose]


def _happened(facts: Facts) -> list[Row]:
    """What was done to the reasoning besides writing in it: a line each."""
    trace = facts.bundle.trace
    found: dict[int, str] = {}
    before = ""
    for token in trace.tokens:
        if token.origin in CLOSERS and token.origin != before:
            found[token.index] = INTERVENTIONS[token.origin]
        before = token.origin
    for note in facts.bundle.notes:
        index = note.data.get("index")
        if note.kind == "intervention" and isinstance(index, int):
            kind = str(note.data.get("kind", ""))
            if kind in QUIET:
                found[index] = INTERVENTIONS[kind]
    lines = [Row(at, text=Text(line(said), style="bold")) for at, said in found.items()]
    if trace.parent is not None:
        said = f"branch of {line(trace.parent)} from here"
        lines.append(Row(trace.fork_index, text=Text(said, style="cyan")))
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share > 0.005 else ""
