"""`ponder export ID`: a trace as a file for reading, keeping or training."""

from pathlib import Path

import click

from ponder.errors import InputError, StorageError
from ponder.store import open_store
from ponder.store.export import FORMATS, export


@click.command()
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: FILE's ending, else md.")
@click.option("-o", "--output", metavar="FILE", type=Path, help="Default: standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def command(names: tuple[str, ...], form: str | None, output: Path | None, force: bool) -> None:
    """Write the trace ID (default: the last); with jsonl, any number of them.

    md and html are for reading, json keeps everything (`ponder traces --import` reads it), jsonl is one
    line of OpenAI messages with reasoning_content a trace, for training.
    """
    if form is None:
        ending = output.suffix.lstrip(".").lower() if output else "md"
        form = ending if ending in FORMATS else "md"
    with open_store() as store:
        bundles = [store.bundle(name) for name in names or ("last",)]
    data = export(bundles, form).encode()
    if output is None:
        click.echo(data, nl=False)
        return
    try:
        with output.open("wb" if force else "xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise InputError(f"{output} exists: add --force to overwrite it, or choose another name.") from error
    except OSError as error:
        raise StorageError(f"{output} cannot be written ({error.strerror}): choose another place.") from error
    click.echo(f"Wrote {output} ({len(data):,} bytes).", err=True)
