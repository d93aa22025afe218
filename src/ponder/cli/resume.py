"""`ponder resume`: an interrupted answer goes on exactly where it stopped."""

import click

from ponder.cli import ahead
from ponder.cli.ask import output_options, show
from ponder.cli.screen import Screen
from ponder.opened import reopen
from ponder.session import resume
from ponder.store import open_store


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@output_options
def command(trace_id: str, hide_reasoning: bool, json_lines: bool) -> None:
    """Go on with the trace ID (default: the last) after an interruption, a crash or a kill."""
    with open_store() as store:
        bundle = store.bundle(trace_id)
        trace = bundle.trace
        opened = reopen(bundle.environment, trace.model, ahead.take())
        try:
            answering = resume(opened, trace, store)
            if not json_lines:
                screen = Screen(hide_reasoning=hide_reasoning)
                screen.past("reasoning", trace.reasoning)
                screen.past("answer", trace.answer)
            show(answering, hide_reasoning=hide_reasoning, json_lines=json_lines)
        finally:
            opened.engine.close()
