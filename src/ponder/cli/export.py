"""`ponder export ID`: a trace as a file for reading, keeping or training."""

from pathlib import Path
from typing import Any

import click

from ponder.cli.export_training import Choice, examples, pairs
from ponder.errors import InputError, StorageError
from ponder.store import open_store
from ponder.store.export import FORMATS, export
from ponder.store.export.training import FORMS


@click.command()
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), help="Default: FILE's ending, else md.")
@click.option("-o", "--output", metavar="FILE", type=Path, help="Default: standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("--pairs", "as_pairs", is_flag=True, help="Corrections as preference pairs (JSON lines).")
@click.option("--sft", "as_sft", is_flag=True, help="Prompt, kept reasoning and corrected tail (JSON lines).")
@click.option("--form", type=click.Choice(list(FORMS)), default="conversational", help="Form of those rows.")
@click.option(
    "--prefer",
    type=click.Choice(["branch", "parent", "claims"]),
    default="branch",
    help="The chosen side: the corrected one (default), the original, or the one with fewer wrong claims.",
)
@click.option(
    "--answer", default="", metavar="TEXT", help="The right answer: the side that has it is chosen."
)
@click.option("--unfinished", is_flag=True, help="Originals that were cut off may be the rejected side.")
def command(names: tuple[str, ...], kind: str | None, output: Path | None, force: bool, **rows: Any) -> None:
    """Write the trace ID (default: the last); with jsonl, --pairs or --sft, any number of them.

    md and html are for reading, json keeps everything (`ponder import` reads it), jsonl is one
    line of OpenAI messages with reasoning_content a trace, for training.

    --pairs writes (prompt, chosen, rejected) for each branch, or for all branches that left a trace; --sft
    writes (prompt, completion). --form conversational (default) has messages, text the rendered prompt and
    the tails after the fork, ids their tokens. Nothing is cut: a side without a whole answer is refused.
    """
    data = _written(names or ("last",), kind, output, **rows).encode()
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


def _written(
    names: tuple[str, ...],
    kind: str | None,
    output: Path | None,
    *,
    as_pairs: bool,
    as_sft: bool,
    **rows: Any,
) -> str:
    """What goes into the file."""
    ending = output.suffix.lstrip(".").lower() if output else "md"
    with open_store() as store:
        if as_pairs or as_sft:
            if (as_pairs and as_sft) or kind not in {None, "jsonl"}:
                raise InputError("choose one of --pairs, --sft and --format: they write different files.")
            choice = Choice(rows["prefer"], rows["answer"], rows["unfinished"])
            return (pairs if as_pairs else examples)(store, names, rows["form"], choice)
        if rows != {"form": "conversational", "prefer": "branch", "answer": "", "unfinished": False}:
            raise InputError("--form, --prefer, --answer and --unfinished go with --pairs or --sft: add one.")
        bundles = [store.bundle(name) for name in names]
    return export(bundles, kind or (ending if ending in FORMATS else "md"))
