"""`ponder show ID`: the question, an outline of the steps with what each cost, and the answer."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ponder.cli.drawing import ROLE_COLOURS, console, ended, line, when
from ponder.cli.screen import clean
from ponder.cli.show_facts import Facts
from ponder.cli.show_outline import SINGLE_LINES, outline_table, rows
from ponder.cli.show_step import draw_claims, draw_shaded, draw_step, print_tokens
from ponder.cli.show_where import draw_where
from ponder.core.events import Step
from ponder.core.trace import Trace
from ponder.errors import InputError, NotFoundError
from ponder.store import open_store
from ponder.store.export.outline import Stretch, outline

KINDS = (*ROLE_COLOURS, "other")
"""What --only and --fold take, besides `wrong` and `changed`."""


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@click.option("--step", "number", type=int, metavar="N", help="One step in full, with its claims.")
@click.option("--steps", "span", metavar="A-B", help="Only the steps A to B: a closer look.")
@click.option(
    "--only", metavar="ROLES", help="These roles step by step, the rest folded; also wrong, changed."
)
@click.option("--fold", metavar="ROLES", help="Fold these roles away, such as other,branch.")
@click.option(
    "--by",
    "view",
    type=click.Choice(["overview", "moves", "steps"]),
    default="overview",
    help=f"A line for each step, or each run of one role; default: above {SINGLE_LINES} steps, groups.",
)
@click.option("--full", is_flag=True, help="Every word of the reasoning.")
@click.option("--tokens", is_flag=True, help="The table of tokens (with --step, of that step).")
@click.option("--shade", is_flag=True, help="The words, shaded by how little the model expected them.")
def command(trace_id: str, number: int | None, **options: Any) -> None:
    """Show the trace ID (default: the last): its steps, and where its tokens and seconds went.

    \b
    ponder show                         an overview, and the answer
    ponder show --steps 120-180         a closer look at a part of it
    ponder show --only check,wrong      every check, every step with a wrong claim
    ponder show --step 7 --shade        one step, shaded by surprise

    Marks: ✗ a wrong claim, ↺ wrong and repaired later, ✓ right ones; ⚑ where `ponder check` put the first
    wrong step; [correction] who wrote in the model's place; ↳ branches that leave; ◆ what was done here.
    """
    with open_store() as store:
        facts = Facts(store.bundle(trace_id), store.tree(trace_id))
    out = console()
    trace = facts.bundle.trace
    stretches = outline(trace)
    if number is not None:
        _one(facts, _find(trace, stretches, number), out, **options)
    elif options["tokens"]:
        print_tokens(trace.tokens)
    elif options["shade"]:
        draw_shaded(trace.tokens, out)
    else:
        _whole(facts, stretches, out, options)


def _one(facts: Facts, stretch: Stretch, out: Console, *, tokens: bool, shade: bool, **_: object) -> None:
    """One step: in full, as a table, or shaded."""
    part = facts.bundle.trace.tokens[stretch.start : stretch.stop]
    if tokens:
        print_tokens(part)
    elif shade:
        draw_shaded(part, out)
    else:
        draw_step(facts, stretch, out)


def _find(trace: Trace, stretches: Sequence[Stretch], number: int) -> Stretch:
    """The step that a person calls `number`, counted from 1."""
    if not trace.steps:
        raise InputError(f"Trace {trace.id} has no steps: `ponder show {trace.id} --full` prints its text.")
    for stretch in stretches:
        if stretch.step is not None and stretch.step.index == number - 1:
            return stretch
    raise NotFoundError(f"Trace {trace.id} has the steps 1 to {len(trace.steps)}, no {number}.")


def _whole(facts: Facts, stretches: Sequence[Stretch], out: Console, options: dict[str, Any]) -> None:
    """Question, facts, reasoning as an outline or in full, answer, notes."""
    trace = facts.bundle.trace
    out.print(Text(clean(trace.question.strip()) or "(no question)", style="bold"))
    out.print(_facts(trace), style="dim")
    reasoning = [stretch for stretch in stretches if stretch.part == "reasoning"]
    if options["full"]:
        out.print()
        for stretch in reasoning:
            draw_step(facts, stretch, out)
    elif reasoning:
        part = _span(trace, facts.steps, options["span"])
        out.print()
        out.print(outline_table(facts, rows(facts, part, options["view"], _wanted(facts, options)), out))
        if part != facts.steps:
            return
        if facts.steps:
            out.print()
            draw_where(facts, out)
    out.print()
    _answer(facts, out)


def _answer(facts: Facts, out: Console) -> None:
    """The answer, what is wrong in it, and what the run had to tell."""
    trace = facts.bundle.trace
    out.print(Text(clean(trace.answer) or "(no answer)", style="default" if trace.answer else "dim"))
    for step in trace.steps:
        if step.part == "answer":
            draw_claims(facts, step, trace.step_text(step), out, only=frozenset({"wrong"}))
    for note in trace.finish.notes if trace.finish else ():
        out.print(Text(clean(note), style="yellow"))


def _span(trace: Trace, steps: tuple[Step, ...], span: str | None) -> tuple[Step, ...]:
    """The steps that `A-B` (or `A`) means; all without it."""
    if span is None:
        return steps
    found = re.fullmatch(r"\s*(\d{1,9})\s*(?:(?:-|–|\.\.|:)\s*(\d{1,9})\s*)?", span)
    if found is None:
        raise InputError(f"--steps {span} is no range of steps: write it like --steps 120-180.")
    first, last = int(found[1]), int(found[2] or found[1])
    part = tuple(step for step in steps if first <= step.index + 1 <= last)
    if not part:
        raise NotFoundError(f"Trace {trace.id} has the reasoning steps 1 to {len(steps)}, none in {span}.")
    return part


def _wanted(facts: Facts, options: dict[str, Any]) -> Callable[[Step], bool] | None:
    """Which steps --only and --fold leave unfolded; None where neither is given."""
    only, fold = _kinds("--only", options["only"]), _kinds("--fold", options["fold"])
    if only is None and fold is None:
        return None

    def wanted(step: Step) -> bool:
        kinds = {step.role if step.role in KINDS else "other"}
        kinds |= {"wrong"} if facts.verdicts([step])["wrong"] else set()
        kinds |= {"changed"} if facts.origins([step]) else set()
        return (only is None or bool(kinds & only)) and (fold is None or not kinds & fold)

    return wanted


def _kinds(option: str, text: str | None) -> set[str] | None:
    """The names in a list with commas; raises InputError for one that is none."""
    if text is None:
        return None
    named = {name.strip().lower() for name in text.split(",") if name.strip()}
    known = {*KINDS, "wrong", "changed"}
    if not named or named - known:
        strange = ", ".join(sorted(named - known)) or "nothing"
        raise InputError(
            f"{option} cannot be {strange}: choose from {', '.join((*KINDS, 'wrong', 'changed'))}."
        )
    return named


def _facts(trace: Trace) -> Text:
    """One line: model, when, tokens, seconds, speed, how it ended, id."""
    usage = trace.finish.usage if trace.finish else None
    seconds = usage.total_s if usage else trace.tokens[-1].time_s if trace.tokens else 0.0
    facts = [line(trace.model), when(trace.created), f"{len(trace.tokens):,} tokens", f"{seconds:.1f} s"]
    if usage and usage.decode_tps:
        facts.append(f"{usage.decode_tps:.1f} tok/s")
    finish = trace.finish
    facts.append(ended(finish.reason if finish else None, finish.closed_by if finish else None))
    if trace.tokens and trace.tokens[-1].id is None:
        facts.append("text, no token ids")
    if trace.parent is not None:
        facts.append(f"branch of {clean(trace.parent)} at token {trace.fork_index:,}")
    return Text(" · ".join([*facts, f"trace {trace.id}"]))
