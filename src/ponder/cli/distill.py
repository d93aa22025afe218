"""`ponder distill`: from a recipe to a measured student: plan, run, look at it, report."""

import os
import signal
import sys
from pathlib import Path

import click
from rich.console import Console

from ponder.cli.distill_show import said_of_plan, said_of_status, watching
from ponder.cli.drawing import console
from ponder.distill.recipe import find_recipe, shipped
from ponder.distill.report import write_report
from ponder.distill.running import Run, default_folder, open_run
from ponder.distill.work import Stopped
from ponder.errors import InputError

folder_option = click.option(
    "-o", "--output", metavar="FOLDER", help="The run's folder; default: one of the recipe's name."
)


@click.group()
def command() -> None:
    """Teach a small model a large one's reasoning, by a RECIPE: a TOML file, or one that ponder has."""


@command.command()
@click.argument("recipe")
@folder_option
def plan(recipe: str, output: str | None) -> None:
    """What RECIPE would do here: stages, rows, tokens, time and cost, without beginning anything."""
    said_of_plan(console(), _run_of(recipe, output))


@command.command()
@click.argument("recipe")
@folder_option
@click.option("--until", metavar="STAGE", default="", help="Only this stage and those it needs.")
@click.option("--again", metavar="STAGE", multiple=True, help="Do this stage again although it is done.")
def run(recipe: str, output: str | None, until: str, again: tuple[str, ...]) -> None:
    """Run RECIPE, or go on with it: what is done stays done, after Ctrl-C or a kill it goes on at the row."""
    chosen = _run_of(recipe, output)
    for name in again:
        chosen.forget(name)
    if until:
        chosen.recipe.stage(until)
    said_of_plan(Console(stderr=True, highlight=False, markup=False, emoji=False), chosen)
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        if stopping:
            os._exit(130)  # asked twice: what is kept is kept
        stopping = True

    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, stop)
    try:
        with watching(chosen) as watch:
            chosen.run(watch, lambda: stopping, until)
    except Stopped:
        click.echo("Stopped: the same command goes on from here.", err=True)
        sys.exit(130)
    if not until:
        paths = write_report(chosen)
        click.echo(f"The report: {paths[0]}")


@command.command()
@click.argument("recipe")
@folder_option
@click.option("--watch", is_flag=True, help="Look again every two seconds until it ends.")
def status(recipe: str, output: str | None, watch: bool) -> None:
    """How far the run of RECIPE, or the run in that folder, is."""
    said_of_status(console(), _existing(recipe, output), watch=watch)


@command.command()
@click.argument("recipe")
@folder_option
def report(recipe: str, output: str | None) -> None:
    """Write the report of the run of RECIPE, or of the run in that folder: report.html and report.md."""
    for path in write_report(_existing(recipe, output)):
        click.echo(path)


@command.command()
def recipes() -> None:
    """The recipes that come with ponder."""
    for name in shipped():
        click.echo(f"{name:22} {find_recipe(name).about}")


def _run_of(recipe: str, output: str | None) -> Run:
    found = find_recipe(recipe)
    return Run(found, Path(output).expanduser() if output else default_folder(found))


def _existing(recipe: str, output: str | None) -> Run:
    path = Path(recipe).expanduser()
    if path.is_dir():
        if output:
            raise InputError(f"the run's folder is named twice ({recipe} and {output}): name it once.")
        return open_run(path)
    return open_run(_run_of(recipe, output).folder)
