"""`ponder resume`: an interrupted answer goes on exactly where it stopped."""

import click

from ponder.cli import ahead
from ponder.cli.ask import output_options, show
from ponder.cli.screen import Screen
from ponder.opened import reopen
from ponder.session import resume
from ponder.store import open_store
from ponder.warm import put_away


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@output_options
def command(trace_id: str, **shown: bool) -> None:
    """Go on with the trace ID (default: the last) after an interruption, a crash or a kill."""
    with open_store() as store:
        bundle = store.bundle(trace_id)
        trace = bundle.trace
        opened = reopen(bundle.environment, trace.model, *ahead.take())
        try:
            answering = resume(opened, trace, store)
            if not shown["json_lines"]:
                screen = Screen(hide_reasoning=shown["hide_reasoning"])
                screen.past("reasoning", trace.reasoning)
                screen.past("answer", trace.answer)
            show(answering, **shown)
        finally:
            put_away(opened)
