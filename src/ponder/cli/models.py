"""`ponder models`: what exists, what is on this machine, and one model in full."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import click

from ponder.catalog.library import Local, scan
from ponder.catalog.models import (
    PACKAGED,
    all_models,
    find_model,
    known_model,
    short_licence,
    spelled_count,
)
from ponder.catalog.quantisations import spelled_size
from ponder.core.model import Model, SamplingDefaults

WIDE = 130
"""From this many columns on a model takes one line."""
HERE, THERE, NOWHERE = (
    "On this machine:",
    "To be had with `ponder pull NAME`:",
    "No GGUF repository is known of:",
)


class Line(NamedTuple):
    """A model in the list; the fields are its columns, `good_for` is the last or stands below."""

    name: str
    parameters: str
    reasons: str
    licence: str
    here: str
    good_for: str
    section: str = HERE


@click.command()
@click.argument("name", metavar="[NAME|WORD]", required=False, default="")
@click.option("--local", "only_local", is_flag=True, help="Only what is on this machine.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every fact the catalogue holds.")
def command(name: str, *, only_local: bool, as_json: bool) -> None:
    """List the models there are, or those in which WORD stands, or tell all about NAME."""
    found = scan()
    weights = found.weights
    models = [model for model in all_models() if _matches(model, name.lower())]
    unknown = [local for local in weights if local.model is None and name in local.name]
    if name and not models and not unknown:
        models = [find_model(name)]
    exact = known_model(name) if name else None
    if only_local:
        models = [model for model in models if _weights_of(model, weights)]
    elif exact is None and name and len(models) == 1 and not unknown:
        exact = models[0]
    if as_json:
        click.echo(json.dumps([*_rows(models, unknown, weights)], ensure_ascii=False, indent=1))
    elif exact is not None and not only_local:
        _show(exact, _weights_of(exact, weights))
        others = [model.called for model in models if model is not exact]
        click.echo(_wrapped("see also", ", ".join(others)) if others else "", nl=bool(others))
    else:
        _list([_line(model, _weights_of(model, weights)) for model in models] + [*map(_own_line, unknown)])
    for fault in found.faults:
        click.echo(click.style(fault, fg="yellow"), err=True)


def _matches(model: Model, word: str) -> bool:
    texts = (model.id, *model.aliases, model.hf_repo, model.licence, model.good_for, model.thinks)
    return any(word in text.lower() for text in texts)


def _weights_of(model: Model, weights: Iterable[Local]) -> list[Local]:
    return [local for local in weights if local.model is model]


def _line(model: Model, here: Sequence[Local]) -> Line:
    size = spelled_count(model.parameters)
    if model.active_parameters < model.parameters:
        size += f", {spelled_count(model.active_parameters)} active"
    section = HERE if here else THERE if model.gguf_repos or model.id in PACKAGED else NOWHERE
    licence = short_licence(model.licence)
    return Line(model.called, size, model.thinks, licence, _spelled_here(here), model.good_for, section)


def _own_line(local: Local) -> Line:
    return Line(
        local.name, spelled_count(local.header.parameters), "", "", _spelled_here([local]), local.header.name
    )


def _list(lines: Sequence[Line]) -> None:
    if not lines:
        click.echo("Nothing of that is on this machine; `ponder models` lists what there is.")
    for section in (HERE, THERE, NOWHERE):
        if part := [line for line in lines if line.section == section]:
            click.echo(click.style(section, bold=True))
            _table(part)


def _table(lines: Sequence[Line]) -> None:
    heading = Line("NAME", "PARAMETERS", "REASONS", "LICENCE", "HERE" if lines[0].here else "", "GOOD FOR")
    widths = [max(len(line[column]) for line in (heading, *lines)) for column in range(5)]
    left = sum(width + 2 for width in widths if width)
    columns = _columns()
    for line in (heading, *lines):
        cells = "".join(cell.ljust(width + 2) for cell, width in zip(line, widths, strict=False) if width)
        if columns >= WIDE:
            text = textwrap.shorten(line.good_for, columns - left, placeholder=" …")
            click.echo(click.style(f"{cells}{text}".rstrip(), dim=line is heading))
        else:
            click.echo(click.style(cells.rstrip(), dim=line is heading))
            if line is not heading and line.good_for:
                click.echo(
                    click.style(textwrap.indent(textwrap.fill(line.good_for, columns - 2), "  "), dim=True)
                )


def _spelled_here(here: Iterable[Local]) -> str:
    return ", ".join(f"{local.quantisation} {spelled_size(local.bytes)}" for local in here)


def _columns() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10**6


def _show(model: Model, here: Sequence[Local]) -> None:
    """One model in full."""
    click.echo(click.style(model.id, bold=True))
    click.echo(_wrapped("", model.good_for))
    for label, text in _facts(model, here):
        if text:
            click.echo(_wrapped(label, text))


def _facts(model: Model, here: Sequence[Local]) -> Iterator[tuple[str, str]]:
    yield "names", ", ".join(filter(None, (*model.aliases, model.hf_repo)))
    active = f", {spelled_count(model.active_parameters)} active per token"
    yield (
        "parameters",
        spelled_count(model.parameters) + (active if model.active_parameters < model.parameters else ""),
    )
    yield "context", f"{model.n_ctx_train:,} tokens"
    yield (
        "reasons",
        model.thinks + (f", between {model.tags.open!r} and {model.tags.close!r}" if model.tags else ""),
    )
    yield "switch", model.switch
    yield "begins with", repr(model.prefill) if model.prefill else ""
    yield "sampling", _spelled_sampling(model.sampling) or "no advice known"
    if model.sampling_no_think is not None:
        yield "", f"without reasoning: {_spelled_sampling(model.sampling_no_think)}"
    yield "licence", model.licence
    yield "released", ", on ".join(text for text in (model.released, model.base_model) if text)
    for index, sentence in enumerate(model.advice):
        yield "" if index else "advice", sentence
    for index, repo in enumerate(model.gguf_repos):
        guess = "" if repo in model.seen_repos else " (guessed from a naming convention, may not exist)"
        yield "" if index else "repositories", repo + guess
    for index, local in enumerate(here):
        size = spelled_size(local.bytes)
        yield "" if index else "here", f"{local.quantisation}, {size}: {local.paths[0]}"
    if model.gguf_repos:
        yield "to have it", f"ponder pull {model.called}"
    for index, (what, source) in enumerate(model.sources.items()):
        yield "" if index else "sources", f"{what.replace('_', ' ')}: {source}"


def _spelled_sampling(sampling: SamplingDefaults) -> str:
    values = asdict(sampling).items()
    return ", ".join(f"{name} {value:g}" for name, value in values if value is not None)


def _wrapped(label: str, text: str) -> str:
    width = min(_columns(), 110) if sys.stdout.isatty() else 10**6
    indent = 16
    filled = textwrap.fill(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return click.style(f"  {label}".ljust(indent), dim=True) + filled[indent:]


def _rows(
    models: Iterable[Model], unknown: Iterable[Local], weights: Sequence[Local]
) -> Iterator[dict[str, Any]]:
    for model in models:
        yield asdict(model) | {"here": [_row(local) for local in _weights_of(model, weights)]}
    for local in unknown:
        yield {"id": local.name, "parameters": local.header.parameters, "here": [_row(local)]}


def _row(local: Local) -> dict[str, Any]:
    return {
        "name": local.name,
        "quantisation": local.quantisation,
        "bytes": local.bytes,
        "repo": local.repo,
        "paths": [str(path) for path in local.paths],
    }
