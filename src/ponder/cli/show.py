"""`ponder show ID`: the question, an outline of the steps with what each cost, and the answer."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.drawing import ROLE_COLOURS, bars, console, ended, line, when
from ponder.cli.screen import clean
from ponder.core.events import Token
from ponder.core.trace import Trace
from ponder.errors import InputError, NotFoundError
from ponder.reason.effort import Effort, effort, effort_by_role, effort_by_step, first_answer
from ponder.store import open_store
from ponder.store.export.outline import Stretch, outline


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@click.option("--step", "number", type=int, metavar="N", help="One step in full.")
@click.option("--full", is_flag=True, help="Every word of the reasoning.")
@click.option("--tokens", is_flag=True, help="The table of tokens (with --step, of that step).")
def command(trace_id: str, number: int | None, full: bool, tokens: bool) -> None:
    """Show the trace ID (default: the last): its steps, and where its tokens and seconds went."""
    with open_store() as store:
        trace = store.load(trace_id)
    out = console()
    stretches = outline(trace)
    if number is not None:
        stretch = _find(trace, stretches, number)
        if tokens:
            _table(trace.tokens[stretch.start : stretch.stop])
        else:
            _step(out, stretch, effort(trace, stretch.start, stretch.stop))
    elif tokens:
        _table(trace.tokens)
    else:
        _whole(out, trace, stretches, full=full)


def _find(trace: Trace, stretches: Iterable[Stretch], number: int) -> Stretch:
    """The step that a person calls `number`, counted from 1."""
    if not trace.steps:
        raise InputError(f"Trace {trace.id} has no steps: `ponder show {trace.id} --full` prints its text.")
    for stretch in stretches:
        if stretch.step is not None and stretch.step.index == number - 1:
            return stretch
    raise NotFoundError(f"Trace {trace.id} has the steps 1 to {len(trace.steps)}, no {number}.")


def _whole(out: Console, trace: Trace, stretches: tuple[Stretch, ...], *, full: bool) -> None:
    """Question, facts, reasoning as an outline or in full, answer, notes."""
    out.print(Text(clean(trace.question.strip()) or "(no question)", style="bold"))
    out.print(_facts(trace), style="dim")
    reasoning = [stretch for stretch in stretches if stretch.part == "reasoning"]
    if reasoning:
        out.print()
        if full:
            costs = dict(zip(trace.steps, effort_by_step(trace), strict=True))
            for stretch in reasoning:
                rough = Effort(stretch.tokens, stretch.seconds)
                _step(out, stretch, costs[stretch.step] if stretch.step else rough)
        else:
            out.print(_outline(reasoning, out.width))
            out.print()
            _where(out, trace)
    out.print()
    out.print(Text(clean(trace.answer) or "(no answer)", style="default" if trace.answer else "dim"))
    for note in trace.finish.notes if trace.finish else ():
        out.print(Text(clean(note), style="yellow"))


def _facts(trace: Trace) -> Text:
    """One line: model, when, tokens, seconds, speed, how it ended, id."""
    usage = trace.finish.usage if trace.finish else None
    seconds = usage.total_s if usage else trace.tokens[-1].time_s if trace.tokens else 0.0
    facts = [line(trace.model), when(trace.created), f"{len(trace.tokens):,} tokens", f"{seconds:.1f} s"]
    if usage and usage.decode_tps:
        facts.append(f"{usage.decode_tps:.1f} tok/s")
    finish = trace.finish
    facts.append(ended(finish.reason if finish else None, finish.closed_by if finish else None))
    if trace.parent is not None:
        facts.append(f"branch of {clean(trace.parent)} at token {trace.fork_index:,}")
    return Text(" · ".join([*facts, f"trace {trace.id}"]))


def _outline(stretches: list[Stretch], width: int) -> Table:
    """A line for each step: number, role, bars, tokens, seconds, how it begins."""
    cells, gap = (10, 1) if width < 100 else (24, 2)
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    table.add_column("step", justify="right", no_wrap=True, style="dim")
    table.add_column("role", no_wrap=True)
    table.add_column("▀tok ▄sec" if cells < 12 else "▀ tokens  ▄ seconds", no_wrap=True, width=cells)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, ratio=1, overflow="ellipsis")
    tokens, seconds = sum(s.tokens for s in stretches), sum(s.seconds for s in stretches) or 1.0
    most = max(max(s.tokens / tokens, s.seconds / seconds) for s in stretches)
    for stretch in stretches:
        step = stretch.step
        colour = _colour(stretch)
        who = Text("".join(f"[{origin}] " for origin in stretch.origins), style="reverse")
        table.add_row(
            str(step.index + 1) if step else "",
            Text(line(step.role) if step else "–", style=colour),
            bars(stretch.tokens / tokens / most, stretch.seconds / seconds / most, cells, colour),
            f"{stretch.tokens:,}",
            f"{stretch.seconds:.1f}",
            Text.assemble(who, (line(stretch.text), "default")),
        )
    return table


def _where(out: Console, trace: Trace) -> None:
    """Shares by role, and how early the answer was there."""
    roles = {role: cost for role, cost in effort_by_role(trace).items() if role != "answer"}
    whole = sum(cost.tokens for cost in roles.values())
    if len(roles) > 1:
        shares = [f"{role} {100 * cost.tokens / whole:.0f} %" for role, cost in roles.items()]
        out.print(Text(" · ".join(map(line, shares)), style="dim"))
    first = first_answer(trace)
    step = next((s for s in trace.steps if first and s.start <= first.index < s.stop), None)
    if first and step:
        share = f"{100 * first.share_after:.0f} % of the reasoning"
        out.print(Text(f"The answer was there in step {step.index + 1}; {share} came after it.", style="dim"))


def _step(out: Console, stretch: Stretch, cost: Effort) -> None:
    """One step in full, under a line of what it is and what it cost."""
    step = stretch.step
    name = f"Step {step.index + 1} · {line(step.role)}" if step else "Between steps"
    title = Text(name, style=f"bold {_colour(stretch)}")
    if step and step.rule:
        title.append(f" · by {line(step.rule)}", style="not bold dim")
    for origin in stretch.origins:
        title.append(f" [{origin}]", style="reverse")
    out.print(title)
    out.print(_cost(cost), style="dim")
    out.print(Text(clean(stretch.text.strip())))
    out.print()


def _colour(stretch: Stretch) -> str:
    """The colour of a stretch's role."""
    return ROLE_COLOURS.get(stretch.step.role, "default") if stretch.step else "default"


def _cost(cost: Effort) -> Text:
    """One line: tokens, seconds, speed, how sure the model was."""
    facts = [f"{cost.tokens:,} tokens", f"{cost.seconds:.1f} s"]
    if cost.speed_tps:
        facts.append(f"{cost.speed_tps:.1f} tok/s")
    if cost.mean_logprob is not None:
        facts.append(f"mean log-probability {cost.mean_logprob:.2f}")
    if cost.mean_entropy is not None:
        facts.append(f"mean entropy {cost.mean_entropy:.2f} nats")
    return Text(" · ".join(facts))


def _table(tokens: Iterable[Token]) -> None:
    """Every token with all that is known of it; plain lines, because there may be thousands."""
    click.echo("  index       id part      origin      logprob entropy      time  text")
    for token in tokens:
        known = [f"{token.index:>7}", f"{'' if token.id is None else token.id:>8}"]
        known += [f"{token.part:<9}", f"{token.origin:<10}"]
        known += [f"{'' if token.logprob is None else f'{token.logprob:.3f}':>8}"]
        known += [f"{'' if token.entropy is None else f'{token.entropy:.3f}':>7}"]
        click.echo(f"{' '.join(known)} {token.time_s:>9.3f}  {_shown(token.data)}")


def _shown(data: bytes) -> str:
    """Text in quotation marks, with escapes for line ends, controls and bytes that are not UTF-8."""
    text = data.decode("utf-8", "backslashreplace")
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{"".join(escaped)}"'
