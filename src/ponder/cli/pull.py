"""`ponder pull`: download a model, with a bar on a terminal and plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from ponder.catalog.library import pulled, split_name
from ponder.catalog.pull import Offer, look_up, pull
from ponder.catalog.quantisations import DEFAULT, choose, spelled_size
from ponder.core.model import Weights

JUMP_BYTES = 2**26
"""More than this at once was there before; it would make a wrong speed."""
REPORT_S = 10.0
"""How often a plain line tells the progress."""


@click.command()
@click.argument("name")
@click.option("--quant", metavar="Q", default="", help=f"A quantisation, such as Q8_0; else {DEFAULT}.")
@click.option("--list", "only_list", is_flag=True, help="List the quantisations and their sizes.")
def command(name: str, *, quant: str, only_list: bool) -> None:
    """Download a model of the catalogue, or of any Hugging Face repository OWNER/NAME with GGUF files.

    A download that was interrupted goes on where it stopped. HF_ENDPOINT names a mirror.
    """
    name, wanted = split_name(name, quant)
    offer = look_up(name)
    weights = choose(offer.weights, wanted, f"in {offer.repo}")
    if only_list:
        _list(offer, weights)
        return
    if not wanted and weights.quantisation != DEFAULT:
        click.echo(f"There is no {DEFAULT}; taking {weights.quantisation}, the nearest.", err=True)
    click.echo(f"{weights.quantisation} from {offer.repo}, {_spelled(weights)}", err=True)
    try:
        with _progress(weights.bytes) as on_bytes:
            local = pull(offer, weights, on_bytes)
    except KeyboardInterrupt:
        click.echo("Stopped; the same command goes on from here.", err=True)
        raise
    click.echo(local.paths[0])
    click.echo(f'Ask it: ponder ask --model {local.name} "…"', err=True)


def _list(offer: Offer, chosen: Weights) -> None:
    here = {weights.files for weights in pulled(offer.repo)}
    width = max(len(weights.quantisation) for weights in offer.weights)
    click.echo(click.style(f"{offer.repo}:", bold=True))
    for weights in offer.weights:
        mark = "  on this machine" if weights.files in here else "  taken" if weights is chosen else ""
        click.echo(f"  {weights.quantisation.ljust(width)}  {_spelled(weights)}{mark}")


def _spelled(weights: Weights) -> str:
    count = len(weights.files)
    return spelled_size(weights.bytes).rjust(8) + (f" in {count} files" if count > 1 else "")


@contextmanager
def _progress(total_bytes: int) -> Iterator[Callable[[int], None]]:
    """A function that shows how many bytes are there."""
    if not sys.stderr.isatty():
        yield _Lines(total_bytes)
        return
    columns = (BarColumn(None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total_bytes)

        def show(count: int) -> None:
            if count - bar.tasks[0].completed > JUMP_BYTES:
                bar.reset(task, completed=count)
            bar.update(task, completed=count)

        yield show


class _Lines:
    """Progress where there is no terminal: a line every REPORT_S seconds, and one at the end."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes, self._told_s = total_bytes, time.monotonic()

    def __call__(self, count: int) -> None:
        if time.monotonic() - self._told_s >= REPORT_S or count == self._total_bytes:
            self._told_s = time.monotonic()
            share = 100 * count // self._total_bytes
            click.echo(f"{spelled_size(count)} of {spelled_size(self._total_bytes)} ({share} %)", err=True)
