"""`ponder import FILE`: keep reasoning that was written elsewhere, to look at and to check it."""

import click

from ponder.cli.texts import read_text
from ponder.core.paths import typed_path
from ponder.errors import FileFormatError
from ponder.foreign import read_solutions, trace_of
from ponder.store import Bundle, Store, open_store
from ponder.store.export import is_exported, read_json


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--question", default="", metavar="TEXT", help="What was asked, where the file does not say.")
@click.option("--model", "-m", default="", metavar="NAME", help="Who wrote it, where the file does not say.")
def command(file: str, *, question: str, model: str) -> None:
    """Keep the reasoning in FILE (- is stdin) as traces, for `ponder show`, `check` and the pages.

    A trace of `ponder export --format json` comes back as it was. All else is kept as text: one answer with
    think tags, or JSON Lines with `messages`, `steps`, or `question` and `response` in each row.

    \b
    ponder import answer.txt --question "How many r are in strawberry?"
    ponder import traces.jsonl
    """
    text = read_text(str(typed_path(file)))
    with open_store() as store:
        if is_exported(text):
            click.echo(f"Kept as {store.put(read_json(text))}.")
            return
        kept = _keep(store, text, file, (model, question))
    if len(kept) == 1:
        click.echo(f"Kept as {kept[0]}, as text: `ponder show {kept[0]}`, `ponder check {kept[0]}`.")
    else:
        click.echo(f"Kept {len(kept)} traces, as text, from {kept[0]} to {kept[-1]}: `ponder traces`.")


def _keep(store: Store, text: str, file: str, said: tuple[str, str]) -> list[str]:
    """Keep every solution; all are read before the first is kept."""
    traces = [trace_of(solution, *said) for solution in read_solutions(text, file)]
    if not traces:
        raise FileFormatError(f"{file} holds no solution: give JSON Lines with one in each row.")
    return [store.put(Bundle(trace)) for trace in traces]
