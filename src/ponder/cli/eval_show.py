"""How results are printed: tables in the terminal, the same in Markdown, and below them what was fixed."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ponder.cli.columns import Column, lay_out
from ponder.cli.eval_tables import Table, tables
from ponder.cli.screen import clean
from ponder.evaluate.result import Result
from ponder.evaluate.setup import short_name
from ponder.store.codec import dumps, encode

ROOMY = 110
"""From this many columns on nothing is left out of a table."""


def show(out: Console, task: str, results: Sequence[Result]) -> None:
    """The results of one task in the terminal."""
    out.print(Text(task, style="bold"))
    for table in tables(results):
        out.print()
        out.print(Text(table.title, style="bold dim"))
        out.print(_drawn(table, out.width), soft_wrap=True)
    out.print()
    for sentence in held_fixed(results):
        out.print(Text(sentence, style="dim"))


def markdown(task: str, results: Sequence[Result]) -> str:
    """The same as Markdown."""
    lines = [f"## {_cell(task)}", ""]
    for table in tables(results):
        lines += [f"**{_cell(table.title)}**", ""]
        lines += ["| " + " | ".join(map(_cell, table.head)) + " |"]
        lines += ["|" + "|".join(["---", *["---:"] * (len(table.head) - 1)]) + "|"]
        lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
        lines += [""]
    return "\n".join([*lines, *(f"- {_cell(sentence)}" for sentence in held_fixed(results))])


def as_json(results: Sequence[Result]) -> str:
    """Everything, as one JSON list."""
    return dumps([encode(result) for result in results])


def held_fixed(results: Sequence[Result]) -> Iterator[str]:
    """What must be the same where other figures are to be compared with these, sentence by sentence."""
    common = results[0].fixed
    task = f"{clean(common['task'])} {common['task_sha256'][:12]}, {common['problems']} problems"
    yield f"Task {task}; seed {common['seed']}."
    asks, system = common["asks"], common["system"]
    yield f"Added to each question: “{clean(asks)}”" if asks else "Nothing is added to the questions."
    yield f"System message: “{clean(system)}”" if system else "No system message."
    rules = ["the answer must be marked" if common["anchored"] else "unmarked answers count too"]
    rules += [f"tolerance {common['tolerance']:g}"] if common["tolerance"] else []
    yield f"Verifier {common['verifier']} (math-verify for formulae); {', '.join(rules)}."
    for result in results:
        yield from _of_one(result)


def _of_one(result: Result) -> Iterator[str]:
    fixed, found = result.fixed, result.figures
    sampling: dict[str, Any] = fixed["sampling"]
    set_ = {name: value for name, value in sampling.items() if value or name == "temperature"}
    chosen = ", ".join(f"{name} {value}" for name, value in set_.items())
    weights = [fixed["quantisation"], *result.engines]
    weights += [f"template {fixed['template_sha256'][:8]}"] if fixed["template_sha256"] else []
    context = [f"context {fixed['n_ctx']}", f"cache {fixed['kv_type']}", f"{result.slots} at once"]
    think = f"think {fixed['think']}" + ("" if fixed["budget"] is None else f", budget {fixed['budget']}")
    steps = ", ".join(f"{step} {count}" for step, count in found.steps.items())
    counts = [
        f"{found.all.truncated} cut off",
        f"{found.no_answer} without an answer",
        f"{found.unknown} unknown ({found.late} too slow to compare)",
        f"{found.unmarked} right but not marked",
        *([f"{found.resumed} resumed"] if found.resumed else []),
        *([f"{result.missing} of {result.wanted} samples missing"] if result.missing else []),
    ]
    yield (
        f"{result.label}: {clean(short_name(fixed['model']))} ({', '.join(filter(None, weights))}); "
        f"{', '.join(context)}; {think}; {chosen}."
    )
    yield f"{result.label}: decided by {steps}; {', '.join(counts)}. Samples in {result.folder}"


def _drawn(table: Table, width: int) -> Text:
    kept = [at for at in range(len(table.head)) if width >= ROOMY or at not in table.wide]
    columns = [
        Column(table.head[at], right=at not in table.left, most=None if at else max(16, width // 4))
        for at in kept
    ]
    rows = [[clean(row[at]) for at in kept] for row in table.rows]
    return lay_out(columns, rows, width, 2 if width >= ROOMY else 1)


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
