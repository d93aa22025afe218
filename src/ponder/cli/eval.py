"""`ponder eval`: how good a model is on a task, with intervals, and what that cost."""

import sys
from typing import Any

import click

from ponder.cli.drawing import console
from ponder.cli.eval_arms import Bench, arms_of, run_all
from ponder.cli.eval_show import as_json, markdown, show
from ponder.cli.options import (
    model_options,
    options_of,
    sampling_options,
    stacked,
    think_options,
)
from ponder.cli.steering import request_of, steering_options
from ponder.core.paths import typed_path
from ponder.errors import InputError
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup
from ponder.evaluate.tasks.find import Wanted, find_task
from ponder.opened import default_model
from ponder.store import open_store
from ponder.store.database import default_path

task_options = stacked(
    click.option("-t", "--task", "tasks", multiple=True, metavar="FILE|NAME",
                 help="A JSONL file, gym:NAME or world:NAME; several may be given."),
    click.option("-n", "--samples", type=click.IntRange(1, 10_000), default=1, show_default=True,
                 help="Samples of each problem."),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="Only N problems, drawn by the seed."),
    click.option("--ask", "asks", metavar="TEXT", help="Added to each question, not the task's own text."),
)  # fmt: skip
comparison_options = stacked(
    click.option("--against", multiple=True, metavar="MODEL", help="Compare with this model, paired."),
    click.option("--when-to-think", is_flag=True, help="With and without reasoning, side by side, by level."),
    click.option("--by-budget", is_flag=True, help="Force answers after 25, 50, 75 % of the reasoning too."),
    click.option("--cuts", metavar="25,50", help="As --by-budget, after these per cent of the reasoning."),
)  # fmt: skip
scoring_options = stacked(
    click.option("--anchored", is_flag=True, help='Count only marked answers (a box, "answer:").'),
    click.option("--tolerance", type=click.FloatRange(0, 0.5), default=0.0, metavar="SHARE",
                 help="How far a number may be off, as a share of the right one."),
)  # fmt: skip


@click.command()
@click.argument("name", metavar="[MODEL]", default="")
@task_options
@comparison_options
@scoring_options
@model_options
@think_options
@steering_options
@sampling_options
@click.option("--slots", type=click.IntRange(1, 64), help="Samples at once; default: what fits, up to 4.")
@click.option(
    "-o", "--output", metavar="FOLDER", help="Where evaluations are kept; default: ponder's data folder."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Tables in Markdown.")
@click.option("--json", "json_wanted", is_flag=True, help="Everything as JSON.")
def command(name: str, **values: Any) -> None:
    """Evaluate MODEL (default: as for `ponder ask`) on tasks: accuracy with intervals, lengths, cost.

    Every sample is kept with its trace; after Ctrl-C, a kill or with a larger -n the same command goes on
    where it stopped, and when nothing is missing it only prints the figures.
    """
    if not values["tasks"]:
        raise InputError("there is no task: give one with --task, such as --task gym:basic_arithmetic.")
    if name and values["model"] and name != values["model"]:
        raise InputError(f"the model is named twice ({name} and {values['model']}): name it once.")
    setup = setup_of(values)
    wanted = Wanted(values["limit"], setup.seed, values["asks"])
    tasks = [find_task(task, wanted) for task in dict.fromkeys(values["tasks"])]
    options = options_of(values, n_parallel=values["slots"] or 0)
    model = name or values["model"] or ("" if options.server else default_model())
    arms = arms_of(model, values["against"], setup.request.think, both_ways=values["when_to_think"])
    base = typed_path(values["output"] or default_path().parent / "evals")
    with Symbolic(2) as symbolic, open_store() as store:
        verifier = Verifier(Cascade(symbolic, anchored=setup.anchored, tolerance=setup.tolerance))
        found = run_all(arms, tasks, Bench(options, setup, verifier, store, base))
    results = [result for each in found.values() for result in each]
    if values["json_wanted"]:
        click.echo(as_json(results))
    for task, each in found.items():
        if each and values["as_markdown"]:
            click.echo(markdown(task, each) + "\n")
        elif each and not values["json_wanted"]:
            show(console(), task, each)
            click.echo()
    if any(result.missing for result in results) or not results:
        sys.exit(130)


def setup_of(values: dict[str, Any]) -> Setup:
    """How tasks are asked, out of the command's parameters; raises InputError for cuts that are none."""
    seed = values["seed"] or 0
    return Setup(
        request_of(values),
        values["samples"],
        seed,
        values["system"],
        _cuts(values["cuts"]) if values["cuts"] else (0.25, 0.5, 0.75) if values["by_budget"] else (),
        anchored=values["anchored"],
        tolerance=values["tolerance"],
    )


def _cuts(text: str) -> tuple[float, ...]:
    try:
        cuts = sorted({float(part.strip().rstrip("%")) / 100 for part in text.split(",")})
    except ValueError:
        cuts = [-1.0]
    if not all(0 <= cut < 1 for cut in cuts):
        raise InputError(f"--cuts {text} are no per cent from 0 to 99: write --cuts 25,50,75.")
    return tuple(cuts)
