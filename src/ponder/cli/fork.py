"""`ponder fork`: go on with a trace from one of its steps, corrected, as a new branch."""

from dataclasses import replace
from typing import Any

import click

from ponder.cli import ahead
from ponder.cli.ask import output_options, show
from ponder.cli.options import sampling_of, sampling_options
from ponder.cli.steering import steering_of, steering_options
from ponder.core.request import CorrectionKind, Request, Sampling, Steering
from ponder.core.trace import Trace
from ponder.errors import InputError
from ponder.opened import reopen
from ponder.session import fork
from ponder.steer.correct import WAIT
from ponder.store import open_store
from ponder.warm import put_away

TEXTS: tuple[CorrectionKind, ...] = ("say", "replace", "note")
WISHES = (*TEXTS, "delete", "answer_now", "reroll_answer", "think_more")


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@click.option("--at", type=click.IntRange(1), metavar="N", help="The step to leave before; the rest goes.")
@click.option("--say", metavar="TEXT", help="Go on from this, in the model's own voice.")
@click.option("--replace", metavar="TEXT", help="This is the whole step instead.")
@click.option("--note", metavar="TEXT", help="A remark from outside, marked as one.")
@click.option("--delete", is_flag=True, help="Without this step: the model may not begin it the same way.")
@click.option("--answer-now", is_flag=True, help="Close the reasoning before step N and answer.")
@click.option("--reroll-answer", is_flag=True, help="Keep the whole reasoning; answer again.")
@click.option("--think-more", is_flag=True, help="Keep the whole reasoning, and go on with it.")
@click.option("--budget", type=click.IntRange(1), help="Most reasoning tokens, those kept included.")
@steering_options
@sampling_options
@output_options
def command(trace_id: str, **values: Any) -> None:
    """Leave the trace ID (default: the last) before step N, and go on from there as a new branch.

    Everything before the step stays, the old line is kept beside the new one. Without a correction the model
    goes on by itself, with another seed.
    """
    with open_store() as store:
        bundle = store.bundle(trace_id)
        request = _asked(bundle.trace, values)
        opened = reopen(bundle.environment, bundle.trace.model, *ahead.take())
        try:
            answering = fork(opened, bundle.trace, request, store)
            if not values["json_lines"]:
                click.echo(click.style(_kept(bundle.trace, answering.fork_index), dim=True), err=True)
            shown = {name: values[name] for name in ("hide_reasoning", "json_lines", "verbose")}
            show(answering, **shown)
        finally:
            put_away(opened)


def _kept(trace: Trace, index: int) -> str:
    """What a branch has of the trace that it leaves at token `index`."""
    whole = sum(step.stop <= index for step in trace.steps)
    steps = f"steps 1 to {whole} stay" if whole > 1 else "step 1 stays" if whole else "nothing stays"
    return f"Branch of {trace.id}: {steps} ({index:,} tokens)."


def _asked(trace: Trace, values: dict[str, Any]) -> Request:
    """The branch's request; raises InputError for wishes that contradict each other."""
    wishes = [name for name in WISHES if values[name] not in {None, False}]
    if len(wishes) > 1:
        named = " and ".join("--" + name.replace("_", "-") for name in wishes[:2])
        raise InputError(f"{named} exclude each other: give one correction at a time.")
    request = _forked(trace, values, wishes[0] if wishes else "none")
    if values["budget"] is not None or values["think_more"]:
        request = replace(request, budget=values["budget"])
    sampling, steering = sampling_of(values), steering_of(values)
    return replace(
        request,
        sampling=_laid_over(request.sampling, sampling) if sampling != Sampling() else request.sampling,
        steering=steering if steering != Steering() else request.steering,
    )


def _forked(trace: Trace, values: dict[str, Any], wish: str) -> Request:
    at = values["at"]
    if wish in {"reroll_answer", "think_more"}:
        if at is not None:
            raise InputError(f"--at {at} and --{wish.replace('_', '-')} exclude each other: leave --at out.")
        if wish == "reroll_answer":
            return trace.fork_at(trace.answer_start)
        if not trace.reasoning:
            raise InputError(f"trace {trace.id} has no reasoning to go on with: ask again with --think.")
        return trace.fork_at(trace.reasoning_end, "say", WAIT)
    if at is None:
        raise InputError(f"at which step? Give --at N; `ponder show {trace.id}` counts them.")
    if wish in TEXTS:
        return trace.fork(at, wish, values[wish])
    return trace.fork(at, "delete" if wish == "delete" else "answer" if wish == "answer_now" else "none")


def _laid_over(below: Sampling, above: Sampling) -> Sampling:
    """`below` with whatever `above` says."""
    given = {name: getattr(above, name) for name in Sampling.__dataclass_fields__ if name != "logit_bias"}
    return replace(below, **{name: value for name, value in given.items() if value is not None})
