"""`ponder rm`: delete pulled weights, and what an interrupted download left."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ponder.catalog.library import is_path, leftovers, paths_of, pulled, repos_of, split_name
from ponder.catalog.quantisations import choose, quantisation_of, spelled_size
from ponder.core.paths import typed_path
from ponder.errors import InputError, NotFoundError
from ponder.warm import remove_weights


@click.command()
@click.argument("name")
@click.option("--quant", metavar="Q", default="", help="Which quantisation, where several are here.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(name: str, *, quant: str, yes: bool) -> None:
    """Delete the weights of a model that was pulled, and the caches that it left."""
    paths = _files_of(name, quant)
    size = spelled_size(sum(path.stat().st_size for path in paths))
    what = f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}, {size}"
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(f"nobody is there to be asked about deleting {what}; add --yes.")
        click.confirm(f"Delete {what}?", abort=True)
    click.echo(f"Freed {spelled_size(remove_weights(paths))}.")


def _files_of(name: str, quant: str) -> Sequence[Path]:
    """The files to delete; leftovers of a download go with the weights they would have become."""
    if is_path(name):
        path = typed_path(name)
        if not path.is_file():
            raise NotFoundError(f"{name} does not exist; `ponder models --local` lists what does.")
        return [path]
    name, wanted = split_name(name, quant)
    repos = repos_of(name)
    if not repos:
        raise InputError(f"{name} was not pulled: it came in a Python package, and goes with it.")
    here = [weights for repo in repos for weights in pulled(repo)]
    halves = [path for repo in repos for path in leftovers(repo)]
    if wanted:
        halves = [path for path in halves if quantisation_of(path.name[1:].rsplit(".", 2)[0]) == wanted]
    if not wanted and len(here) > 1:
        names = ", ".join(weights.quantisation for weights in here)
        raise InputError(f"of {name} there are {names} on this machine; name one with --quant.")
    chosen = paths_of(choose(here, wanted, f"of {name} on this machine")) if here else ()
    if not chosen and not halves:
        raise NotFoundError(f"{name} is not on this machine; `ponder models --local` lists what is.")
    return [*chosen, *halves]
