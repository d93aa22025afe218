"""`ponder audit`: how often the verifier of an evaluation is wrong, by a second opinion."""

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from ponder.check.chance import Share
from ponder.cli.columns import Column, lay_out
from ponder.cli.drawing import console, line
from ponder.cli.eval_tables import percent
from ponder.core.paths import typed_path
from ponder.errors import InputError
from ponder.evaluate.audit import (
    DRAWN,
    Audit,
    Opinion,
    audit,
    by_marks,
    by_math_verify,
    drawn,
    leniently,
    write_sheet,
)
from ponder.evaluate.folder import read_folder, read_problems
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.statistics.intervals import Interval
from ponder.store.codec import dumps, encode
from ponder.store.database import default_path

MOST_SHOWN = 40
OUTCOMES = ("right", "wrong", "unknown")


@click.command()
@click.argument("folder", required=False, default="")
@click.option("--by", "other", default="math-verify", show_default=True, metavar="NAME|SHEET",
              help="Second opinion: math-verify, lenient, or a marked sheet.")  # fmt: skip
@click.option("--draw", type=click.IntRange(1), default=DRAWN, show_default=True, help="Verdicts to look at.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Which ones are drawn.")
@click.option(
    "--sheet", metavar="FILE.jsonl", help="Write the drawn answers there, to be marked by a person."
)
@click.option("--json", "json_wanted", is_flag=True, help="Everything as JSON.")
def command(folder: str, **values: Any) -> None:
    """Audit the verdicts of the evaluation in FOLDER (default: the last one): where a second opinion differs,
    and error rates with intervals.
    """
    path = typed_path(folder) if folder else _last()
    with read_folder(path) as kept:
        problems = read_problems(path)
        samples = drawn(list(kept.samples.values()), values["draw"], values["seed"])
    if not samples:
        raise InputError(f"{path} holds no samples yet: let `ponder eval` ask some.")
    if values["sheet"]:
        write_sheet(Path(values["sheet"]), samples, problems)
        click.echo(f"{len(samples)} answers in {values['sheet']}: set `right` to true or false, then "
                   f"`ponder audit {path} --by {values['sheet']}`.")  # fmt: skip
        return
    with Symbolic(2) as symbolic:
        found = audit(samples, problems, _opinion(values["other"], symbolic))
    if values["json_wanted"]:
        click.echo(dumps(encode(found) | {"missed": encode(found.missed), "granted": encode(found.granted)}))
        return
    _show(found, values["other"])


def _opinion(name: str, symbolic: Symbolic) -> Opinion:
    if name == "math-verify":
        return by_math_verify(symbolic)
    return leniently if name == "lenient" else by_marks(Path(name))


def _last() -> Path:
    """The folder of the evaluation that was written to last."""
    folders = sorted(
        (default_path().parent / "evals").glob("*/samples.jsonl"), key=lambda file: file.stat().st_mtime
    )
    if not folders:
        raise InputError("there is no evaluation: make one with `ponder eval MODEL --task …`.")
    return folders[-1].parent


def _show(found: Audit, other: str) -> None:
    out = console()
    rows = [[mine, *(str(sum(each.sample.outcome == mine and each.other == its for each in found.drawn))
                     for its in OUTCOMES)] for mine in OUTCOMES]  # fmt: skip
    head = [
        Column("verdict"),
        *(Column(f"{other}: {its}", right=True) for its in OUTCOMES),
    ]
    out.print(lay_out(head, rows, out.width, 2), soft_wrap=True)
    out.print()
    out.print(f"Of what {other} calls right, not right here: {_share(found.missed)}.")
    out.print(f"Of what {other} calls wrong, right here: {_share(found.granted)}.")
    for step, share in found.by_step().items():
        out.print(Text(f"{step}: disputed {_share(share)}", style="dim"))
    disputed = found.disputed
    if not disputed:
        out.print("No verdict is disputed.")
        return
    out.print()
    columns = [Column("trace"), Column("here"), Column("step"), Column(other), Column("target", share=1),
               Column("given", share=1)]  # fmt: skip
    told = [[each.sample.trace, each.sample.outcome, each.sample.step, each.other, line(each.problem.target),
             line(each.sample.given)] for each in disputed[:MOST_SHOWN]]  # fmt: skip
    out.print(lay_out(columns, told, out.width, 2), soft_wrap=True)
    if len(disputed) > MOST_SHOWN:
        out.print(f"… and {len(disputed) - MOST_SHOWN} more (--json has all).")


def _share(share: Share) -> str:
    shown = percent(Interval(share.value, *share.interval())) if share.of else "–"
    return f"{share.hits} of {share.of}, {shown}"
