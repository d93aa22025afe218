"""`ponder replay ID`: the same seeds, the same interventions: the same tokens?"""

import click

from ponder.cli import ahead
from ponder.opened import reopen
from ponder.replaying import replay
from ponder.store import open_store
from ponder.warm import put_away


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
def command(trace_id: str) -> int:
    """Run the trace ID (default: the last) again, as it is kept, and say whether the same tokens come."""
    with open_store() as store:
        bundle = store.bundle(trace_id)
        opened = reopen(bundle.environment, bundle.trace.model, *ahead.take())
        try:
            found = replay(opened, bundle)
        finally:
            put_away(opened)
    if found.differs_at is None:
        click.echo(f"Trace {bundle.trace.id}: all {found.tokens} tokens came again.")
        return 0
    click.echo(
        f"Trace {bundle.trace.id}: after {found.tokens - 1} equal tokens, token {found.differs_at} came out "
        "otherwise. Another build or machine rounds differently; so does reading a prefix that was written."
    )
    return 1
