"""The report of a run: results, the flow of rows, training, traces, the cost, and how to do it again.

Everything is read from the run's folder, so it can be written at any time; what is missing is left out.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ponder.distill.blocks import Block, Code, Curve, Heading, Paragraph, Shown, Table, html, markdown
from ponder.distill.curves import Series
from ponder.distill.results import measured
from ponder.distill.rows import read_json, read_rows
from ponder.distill.running import RECIPE, RUN, Run, State
from ponder.distill.stages.filter import Decision
from ponder.errors import NotFoundError
from ponder.fit.recommend import spelled_s
from ponder.store import Store, open_store

GOOD, BAD = 3, 2
"""Traces shown that were kept, and that were removed for each reason."""


def write_report(run: Run) -> list[Path]:
    """Write `report.html` and `report.md` into the run's folder; raises NotFoundError if nothing is done."""
    states = [state for state in run.states() if state.manifest is not None]
    if not states:
        raise NotFoundError(f"{run.folder} has no stage that is done: `ponder distill run` begins.")
    title = f"{run.recipe.name}: a distillation"
    blocks = list(_blocks(run, states))
    paths = [run.folder / "report.html", run.folder / "report.md"]
    for path, text in zip(paths, (html(title, blocks), markdown(title, blocks)), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def _blocks(run: Run, states: list[State]) -> Iterator[Block]:
    done, total = len(states), len(run.recipe.stages)
    about = f"{run.recipe.about[:1].upper()}{run.recipe.about[1:]}. " if run.recipe.about else ""
    yield Paragraph(about + ("" if done == total else f"{done} of {total} stages are done."))
    yield from measured([state for state in states if state.stage.kind == "evaluate"], _sizes(states))
    yield Heading("From prompts to lessons")
    yield _flow(states)
    yield from _filtering(states)
    yield from _training(states)
    yield from _files(states)
    with open_store(run.folder / "traces.db") as store:
        yield from _traces(states, store)
    yield Heading("Cost")
    yield from _cost(run, states)
    yield Heading("To run it again")
    yield from _again(run, states)


def _counts(state: State) -> Mapping[str, Any]:
    assert state.manifest is not None
    counts: Mapping[str, Any] = state.manifest["counts"]
    return counts


def _sizes(states: list[State]) -> dict[str, int]:
    """The parameters of what each export stage wrote, as far as its training tells."""
    trained = {s.stage.name: _counts(s).get("parameters", 0) for s in states if s.stage.kind == "train"}
    return {s.stage.name: trained.get(s.stage.settings.model, 0) for s in states if s.stage.kind == "export"}


def _flow(states: list[State]) -> Table:
    rows = []
    for state in states:
        counts = _counts(state)
        if "rows" not in counts or state.stage.kind == "evaluate":
            continue
        gone = ", ".join(f"{why}: {number:,}" for why, number in counts.get("removed", {}).items())
        if counts.get("refused"):
            gone = f"longer than n_ctx: {counts['refused']:,}"
        facts = []
        if counts.get("tokens"):
            facts.append(f"{counts['tokens']:,} tokens")
        if counts.get("canaries"):
            caught = ", ".join(f"{how} {found}/{of}" for how, (found, of) in counts["canaries"].items())
            facts.append(f"canaries caught: {caught}")
        if counts.get("doctor"):
            facts.append(f"{counts['doctor']['read_back']:,} lessons read back")
        if counts.get("finished"):
            facts.append(", ".join(f"{why} {number:,}" for why, number in counts["finished"].items()))
        rows.append(
            (state.stage.name, " + ".join(state.stage.needs), f"{counts['rows']:,}", gone, "; ".join(facts))
        )
    return Table(("stage", "from", "rows", "removed", ""), tuple(rows), frozenset({0, 1, 3, 4}))


def _filtering(states: list[State]) -> Iterator[Block]:
    for state in (each for each in states if each.stage.kind == "filter"):
        counts = _counts(state)
        yield Paragraph(
            f"{state.stage.name}: {counts['samples']:,} samples of {counts['prompts']:,} prompts, of which "
            f"{counts['solved_prompts']:,} were solved at least once. A sample may have several reasons."
        )
        rows = [("verdict: " + what, f"{number:,}") for what, number in counts["verdicts"].items()]
        rows += [("reason: " + what, f"{number:,}") for what, number in counts["reasons"].items()]
        yield Table(("", "samples"), tuple(rows))
        audit = counts["audit"]
        sides = [_error_rate(name, audit[name]) for name in ("missed", "granted")]
        yield Paragraph(f"Audit of {audit['drawn']} verdicts against math-verify alone: {'; '.join(sides)}.")


def _error_rate(name: str, side: Mapping[str, Any]) -> str:
    said = {"missed": "called right by it and not by us", "granted": "called wrong by it and right by us"}[
        name
    ]
    low, high = (100 * bound for bound in side["interval"])
    return f"{said}: {side['hits']} of {side['of']} ({low:.1f} to {high:.1f} %)"


def _training(states: list[State]) -> Iterator[Block]:
    trained = [state for state in states if state.stage.kind == "train"]
    if not trained:
        return
    yield Heading("Training")
    lines, rows = [], []
    for state in trained:
        counts = _counts(state)
        log = state.folder / "log.jsonl"
        points = (
            [(row["tokens"], row["loss"]) for row in read_rows(log, dict) if "loss" in row]
            if log.exists()
            else []
        )
        lines += [Series(state.stage.name, tuple(points))] if points else []
        figures = [counts.get(name) for name in ("parameters", "steps", "tokens", "loss")]
        rows.append((state.stage.name, counts["trainer"], *(_figure(each) for each in figures)))
    if lines:
        yield Curve("Loss over the tokens that were read", tuple(lines), "tokens", "loss")
    yield Table(("", "trainer", "parameters", "steps", "tokens", "last loss"), tuple(rows), frozenset({0, 1}))


def _figure(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _files(states: list[State]) -> Iterator[Block]:
    rows = [
        (f"{state.stage.name}/{kind}", f"{file['bytes'] / 1e6:.2f} MB", _doctored(_counts(state)["doctor"]))
        for state in states
        if state.stage.kind == "export"
        for kind, file in _counts(state)["files"].items()
    ]
    if rows:
        yield Heading("Files")
        yield Table(("", "size", "template doctor"), tuple(rows), frozenset({0, 2}))


def _doctored(proof: Mapping[str, Any]) -> str:
    return ", ".join(f"{value} {name}" for name, value in proof.items() if isinstance(value, int))


def _traces(states: list[State], store: Store) -> Iterator[Block]:
    """Some that were kept, and some of each first reason against."""
    filters = [state for state in states if state.stage.kind == "filter"]
    if filters:
        yield Heading("Traces")
    for state in filters:
        shown: dict[str, int] = {}
        for decision in read_rows(state.folder / "decisions.jsonl", Decision):
            why = decision.why[0] if decision.why else ""
            shown[why] = shown.get(why, 0) + 1
            if shown[why] <= (BAD if why else GOOD):
                yield _shown(decision, store)


def _shown(decision: Decision, store: Store) -> Shown:
    trace = store.load(decision.trace)
    verdict = (
        f"{decision.outcome} by {decision.step}, answer {decision.given!r}, should be {decision.target!r}"
    )
    said = f"removed ({', '.join(decision.why)})" if decision.why else "kept"
    return Shown(f"{said}: {verdict} · {decision.trace}", trace.question, trace.reasoning, trace.answer)


def _cost(run: Run, states: list[State]) -> Iterator[Block]:
    rows, wall, cpu = [], 0.0, 0.0
    for state in states:
        assert state.manifest is not None
        known = state.manifest
        wall, cpu = wall + known["seconds"], cpu + known["cpu_seconds"]
        starts = int(known["starts"])
        rows.append(
            (state.stage.name, spelled_s(known["seconds"]), spelled_s(known["cpu_seconds"]), f"{starts}")
        )
    rows.append(("all", spelled_s(wall), spelled_s(cpu), ""))
    yield Table(("stage", "time", "processor (engines not counted)", "starts"), tuple(rows))
    if run.recipe.hourly:
        yield Paragraph(f"At {run.recipe.hourly:g} {run.recipe.currency} an hour: "
                        f"{wall / 3600 * run.recipe.hourly:.2f} {run.recipe.currency}.")  # fmt: skip


def _again(run: Run, states: list[State]) -> Iterator[Block]:
    files = [
        str(state.folder / file["file"])
        for state in states
        if state.stage.kind == "export"
        for file in islice(_counts(state)["files"].values(), 1)
    ]
    lines = [f"ponder distill run {RECIPE} -o FOLDER"]
    lines += [f'ponder ask -m {Path(path).relative_to(run.folder)} "…"' for path in files[-1:]]
    lines += [f"PONDER_HOME={run.folder} ponder show ID   # a trace of this run"]
    yield Code("\n".join(lines))
    yield Code(run.recipe.text, "The recipe")
    starts = read_json(run.folder / RUN)["starts"]
    yield Code(
        json.dumps(starts[-1], indent=1, ensure_ascii=False),
        f"Versions and machine of the last of {len(starts)} starts",
    )
