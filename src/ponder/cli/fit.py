"""`ponder fit`: will it run here, how fast, how long is an answer, and which one should I take?"""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ponder.cli.drawing import console
from ponder.cli.fit_bars import bars
from ponder.cli.fit_drawing import described
from ponder.cli.fit_list import machines_table, plans_table
from ponder.cli.fit_measure import calibrate
from ponder.cli.fit_one import arithmetic, plan_in_full, say
from ponder.cli.fit_options import (
    machine_of,
    machine_options,
    name_and_quant,
    subject_of,
    wish_of,
    wish_options,
)
from ponder.cli.fit_rows import as_csv, as_json
from ponder.cli.plot import write_plot
from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.errors import InputError
from ponder.fit.choice import among_models, among_quantisations, parameters_of
from ponder.fit.explain import explained
from ponder.fit.plan import Planner, Wish
from ponder.fit.pooled import PooledPlanner
from ponder.fit.recommend import Recommendation, one_per_model, our_choices, worth
from ponder.fit.standing import benchmark_of
from ponder.fit.subject import Subject, everything
from ponder.fit.whatif import smallest_machines
from ponder.fit.words import in_plain_words


@click.command()
@click.argument("model", required=False, default="")
@machine_options
@wish_options
@click.option("--patience", type=click.FloatRange(0.01), metavar="MINUTES",
              help="How long a mean answer may take.")  # fmt: skip
@click.option("--all", "everything_shown", is_flag=True, help="Every quantisation, not one per model.")
@click.option("--find", is_flag=True, help="The smallest machines that run MODEL.")
@click.option("--explain", is_flag=True, help="Every number's arithmetic, and the nearest measurements.")
@click.option("--why", is_flag=True, help="What the numbers mean, in plain words.")
@click.option("--calibrate", "calibrating", is_flag=True, help="Measure a model here; predictions use it.")
@click.option("--json", "json_wanted", is_flag=True, help="Plans as JSON.")
@click.option("--csv", "csv_wanted", is_flag=True, help="Plans as CSV.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg|FILE.png",
              help="A picture: quality against seconds.")  # fmt: skip
@click.option("--bars", is_flag=True, help="The same in the terminal, as bars.")
def command(model: str, **values: Any) -> None:
    """What runs on this machine, or on another one: MODEL is a name, a GGUF file, a repository, or a
    config.json; without it, everything there is.
    """
    name, values["quant"] = name_and_quant(model, values["quant"])
    wish = wish_of(values)
    out = console()
    if values["find"]:
        _find(out, name, wish)
        return
    machine, here = machine_of(values)
    if values["calibrating"]:
        if not here:
            raise InputError("--calibrate measures this machine; leave --gpu, --ram and --machine out.")
        for line in calibrate(model):
            click.echo(line)
        return
    plans, best, subject = _plans(name, machine, wish, _patience_s(values))
    chosen = best.plan if best else plans[0] if len(plans) == 1 else None
    if values["plot"]:
        write_plot(values["plot"], plans, wish.task, chosen)
    if values["json_wanted"] or values["csv_wanted"]:
        if subject is not None and values["explain"]:
            plans = [explained(_planner(machine, wish), subject, plan) for plan in plans]
        click.echo((as_json if values["json_wanted"] else as_csv)(plans, chosen))
        return
    out.print(Text(("This machine: " if here else "Machine: ") + described(machine), style="dim"))
    _show(out, plans, best, subject, (machine, wish, values))


def _patience_s(values: dict[str, Any]) -> float | None:
    return None if values["patience"] is None else float(values["patience"]) * 60


def _planner(machine: Hardware, wish: Wish) -> Planner:
    return PooledPlanner(machine, wish) if wish.engine == "vllm" else Planner(machine, wish)


def _plans(
    name: str, machine: Hardware, wish: Wish, patience_s: float | None
) -> tuple[list[Plan], Recommendation | None, Subject | None]:
    """The plans of a model, or of all of them; the recommended one; and the model."""
    if not name:
        choice = among_models(machine, wish, everything(), patience_s)
        return list(choice.plans), choice.best, None
    subject = subject_of(name)
    planner = _planner(machine, wish)
    if isinstance(planner, PooledPlanner):
        return [planner.pooled(subject)], None, subject
    choice = among_quantisations(planner, subject, patience_s)
    plans = list(choice.plans)
    if len(plans) == 1 or not any(plan.placement for plan in plans):
        return plans[:1], None, subject
    return plans, choice.best, subject


def _show(
    out: Console,
    plans: list[Plan],
    best: Recommendation | None,
    subject: Subject | None,
    asked: tuple[Hardware, Wish, dict[str, Any]],
) -> None:
    machine, wish, values = asked
    if not plans:
        raise InputError(
            "nothing in the catalogue fits this machine with these wishes; give a shorter --context, or see "
            "`ponder fit MODEL --find`."
        )
    sizes = parameters_of(everything() if subject is None else [subject])
    listed = one_per_model(plans, sizes) if subject is None and not values["everything_shown"] else plans
    if values["bars"]:
        bars(out, listed, benchmark_of(wish.task), best.plan if best else None)
        out.print()
    elif len(listed) > 1:
        plans_table(out, listed, benchmark_of(wish.task), best.plan if best else None)
        out.print()
    chosen = best.plan if best else plans[0] if len(plans) == 1 else None
    if chosen is None:
        return
    if best is not None:
        say(out, "take", f"{chosen.model} {chosen.quantisation}: {best.reason}.")
        out.print()
    if subject is None:
        subject = next(each for each in everything() if each.name == chosen.model)
    planner = _planner(machine, wish)
    gained = None if isinstance(planner, PooledPlanner) else worth(planner, subject, chosen)
    plan_in_full(out, planner.noted(subject, chosen), gained)
    if values["explain"]:
        out.print()
        arithmetic(out, explained(planner, subject, chosen).why)
        arithmetic(out, our_choices(wish.task, _patience_s(values)) if best is not None else ())
    if values["why"]:
        for paragraph in in_plain_words(subject, chosen):
            out.print()
            out.print(Text(paragraph))


def _find(out: Console, name: str, wish: Wish) -> None:
    if not name:
        raise InputError("--find needs a model: type `ponder fit deepseek-r1:32b --find`.")
    subject = subject_of(name)
    found = smallest_machines(subject, wish)
    if not found:
        raise InputError(f"no machine that is known here runs {name} from memory with these wishes.")
    out.print(Text(f"{name} {found[0][1].quantisation}", style="bold"))
    machines_table(out, found)
