"""How long an evaluation will take, before it starts and while it runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ponder.evaluate.running import Evaluation
from ponder.evaluate.sample import Sample
from ponder.fit.recommend import spelled_s
from ponder.opened import Opened

ENOUGH = 5
"""Samples from which a mean says something."""
EVERY_S = 30.0
"""How often a line comes where standard error is no terminal."""


def forecast(opened: Opened, todo: int, known: Sequence[Sample], most: int, *, thinks: bool) -> str:
    """How long `todo` samples of at most `most` tokens take: by samples that are there, or by the plan."""
    if len(known) >= ENOUGH:
        each = sum(sample.seconds for sample in known) / len(known)
        return f"about {spelled_s(each * todo / opened.n_parallel)}, as the {len(known)} samples before took."
    here = opened.local.here() if opened.local is not None else None
    plan = here.plan if here is not None else None
    if plan is None or plan.decode is None:
        return f"at most {most:,} tokens each; how fast this model writes is not known."
    rate = f"{plan.decode.tps:.3g} tokens/s ({plan.decode.low_tps:.3g} to {plan.decode.high_tps:.3g})"
    at_most = f"at most {spelled_s(todo * most / plan.decode.tps)} at {rate}"
    if plan.answer is None or not thinks or plan.answer.mean_tokens > most:
        return f"{at_most}, the rate of one at a time that is planned here."
    low, high = (spelled_s(todo * seconds) for seconds in (plan.answer.low_s, plan.answer.high_s))
    return (
        f"{low} to {high} with {plan.answer.mean_tokens:,.0f} tokens each, as {plan.answer.source} has them; "
        f"{at_most}, one at a time."
    )


@contextmanager
def progress(evaluation: Evaluation, label: str, todo: int) -> Iterator[Callable[[Sample], None]]:
    """A bar on standard error, or a line now and then; called with each sample."""
    console = Console(stderr=True)
    right, done, begun, shown = 0, 0, time.monotonic(), time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        room = max(12, get_terminal_size().columns - 66)
        task = bar.add_task(label[:room], total=todo, said="")

        def take(sample: Sample) -> None:
            nonlocal right, done, shown
            right, done = right + sample.right, done + 1
            now = time.monotonic()
            rate = evaluation.pace.tokens / max(0.001, now - begun)
            said = f"{100 * right / done:.0f} % right · {rate:.0f} tok/s"
            bar.update(task, advance=1, said=said)
            if not console.is_terminal and (now - shown > EVERY_S):
                shown = now
                left = spelled_s((now - begun) / done * (todo - done))
                click.echo(f"{label}: {done} of {todo}, {said}, about {left} left", err=True)

        yield take
