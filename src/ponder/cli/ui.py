"""`ponder ui`: the pages, in your browser."""

from typing import Any

import click

from ponder.cli.serve import run, serve_options


@click.command()
@serve_options
def command(**values: Any) -> None:
    """Serve as `ponder serve` does, and open the pages in a browser."""
    run(values, browse=True)
