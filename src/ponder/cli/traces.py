"""`ponder traces`: what was asked before, newest first; search it, delete from it, mend it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from ponder.cli.drawing import console, ended, line, when
from ponder.errors import InputError, StorageError
from ponder.store import Store, Summary, open_store, rescue
from ponder.store.codec import dumps
from ponder.store.database import default_path


@click.command()
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="List at most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, nothing cut.")
@click.option("--delete", is_flag=True, help="Delete the traces whose IDs follow.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@click.option("--check", is_flag=True, help="Read the whole store and say whether it is sound.")
@click.option("--set-aside", is_flag=True, help="Rename a damaged store, and save from it what can be read.")
def command(words: tuple[str, ...], limit: int, **options: object) -> None:
    """List the kept traces, or those that contain every word of QUERY (parts of words count).

    \b
    ponder traces strawberry
    ponder traces --delete k7m2p9x 3fw0c1d
    """
    actions = [name for name in ("delete", "check", "set_aside") if options[name]]
    if len(actions) > 1:
        raise InputError("Choose one of --delete, --check and --set-aside.")
    if actions == ["set_aside"]:
        _set_aside()
        return
    with open_store() as store:
        match actions:
            case ["delete"]:
                _delete(store, words, sure=bool(options["yes"]))
            case ["check"]:
                click.echo(f"{store.path} is sound: {store.check()} traces, every token readable.")
            case _:
                _list(store, " ".join(words), limit, as_json=bool(options["as_json"]))


def _list(store: Store, query: str, limit: int, *, as_json: bool) -> None:
    """The table, or the lines of JSON."""
    found = store.list(query, limit + 1)
    if as_json:
        for summary in found[:limit]:
            click.echo(dumps(asdict(summary)))
        return
    if not found:
        what = f"No trace contains {query!r}." if query else 'Nothing is kept yet: try `ponder ask "…"`.'
        click.echo(what)
        return
    out = console()
    out.print(_table(found[:limit], out.width))
    if len(found) > limit:
        out.print(f"The newest {limit} are shown; `--limit {4 * limit}` shows more.", style="dim")


def _table(summaries: Sequence[Summary], width: int) -> Table:
    """One line for each trace, as wide as the terminal."""
    narrow = width < 100
    gap = 1 if narrow else 2
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    table.add_column("id", style="cyan", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("model", no_wrap=True, max_width=16 if narrow else 32, overflow="ellipsis")
    table.add_column("question", no_wrap=True, ratio=1, overflow="ellipsis")
    for name in ("tokens", "sec" if narrow else "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("end", no_wrap=True, max_width=10 if narrow else 22, overflow="ellipsis")
    for summary in summaries:
        branch = Text(f"↳ {summary.parent} ", style="dim") if summary.parent else Text()
        table.add_row(
            summary.id,
            when(summary.created),
            Text(line(Path(summary.model).stem if "/" in summary.model else summary.model)),
            branch.append(line(summary.question), style="default"),
            f"{summary.tokens:,}",
            f"{summary.seconds:.1f}",
            ended(summary.reason, summary.closed_by, short=narrow),
        )
    return table


def _delete(store: Store, names: Sequence[str], *, sure: bool) -> None:
    """Delete after showing what; all names are looked up before the first goes."""
    if not names:
        raise InputError("Which traces? Put their IDs after --delete; `ponder traces` lists them.")
    traces = {trace.id: trace for trace in (store.load(name) for name in names)}
    for trace in traces.values():
        click.echo(f"{trace.id}  {line(trace.question)[:60]}", err=True)
    count = "this trace" if len(traces) == 1 else f"these {len(traces)} traces"
    try:
        sure = sure or click.confirm(f"Delete {count} for good?", err=True)
    except click.Abort as abort:
        raise InputError(
            "Nothing was deleted, because nobody said yes: add --yes to skip the question."
        ) from abort
    if not sure:
        click.echo("Nothing was deleted.")
        return
    for trace_id in traces:
        store.delete(trace_id)
    click.echo(f"Deleted {', '.join(traces)}.")


def _set_aside() -> None:
    """Rename the damaged store and say what was saved."""
    try:
        with open_store():
            raise InputError("The store opens without a fault; `ponder traces --check` reads all of it.")
    except StorageError:
        rescued = rescue(default_path())
    click.echo(f"The damaged store is now {rescued.aside}.")
    click.echo(f"Saved into a new one: {len(rescued.kept)} traces.")
    if rescued.lost:
        click.echo(f"Could not be read: {', '.join(rescued.lost)}.")
