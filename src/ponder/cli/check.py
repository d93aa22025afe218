"""`ponder check ID`: what is true of a trace's steps, and the first one that is wrong, cheap to dear."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ponder.blame.claims import by_claims
from ponder.blame.critique import REASONING_TOKENS, VOTES, Critique
from ponder.blame.importance import Importance
from ponder.blame.kept import keep, kept
from ponder.blame.rollouts import Rollouts
from ponder.blame.values import Blame, Method
from ponder.check.programs import code_findings
from ponder.check.sandbox import run_python
from ponder.check.verdicts import Finding, check_trace
from ponder.cli.check_live import Finder, follow, worth_it
from ponder.cli.check_show import draw_claims, draw_head, draw_results, draw_spent
from ponder.cli.drawing import console
from ponder.core.trace import Trace
from ponder.errors import InputError
from ponder.opened import Opened, Options, open_model, reopen
from ponder.store import Bundle, Store, open_store
from ponder.store.codec import dumps, encode

Values = dict[str, Any]


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@click.option("--critic", is_flag=True, help="Let a model read the steps and vote on the first wrong one.")
@click.option("--critic-model", default="", metavar="NAME|FILE", help="Which one; default: the trace's own.")
@click.option("--server", default="", metavar="URL", help="The critic is a model of this running server.")
@click.option("--votes", type=click.IntRange(1, 100), default=VOTES, show_default=True)
@click.option(
    "--budget", type=click.IntRange(1), default=REASONING_TOKENS, help="The critic's reasoning tokens."
)
@click.option(
    "--rollouts", is_flag=True, help="Sample endings from chosen steps, and see where they turn bad."
)
@click.option("--answer", default="", metavar="A", help="The right answer; without it agreement decides.")
@click.option("--importance", is_flag=True, help="How much each step changes the answers of endings. Dear.")
@click.option("--step", type=click.IntRange(1), metavar="N", help="With --importance: only this step.")
@click.option(
    "--samples", type=click.IntRange(1, 1000), default=8, show_default=True, help="Endings at a step."
)
@click.option("--keep", "keep_endings", is_flag=True, help="Keep the sampled endings as branches.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Another seed, other samples.")
@click.option("--code", is_flag=True, help="Run Python whose output is claimed, in a sandbox.")
@click.option("--yes", is_flag=True, help="Do not ask before a long job.")
@click.option("--all", "every", is_flag=True, help="Show right claims too.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def command(trace_id: str, **values: Any) -> None:
    """Check the trace ID (default: the last): its claims, and which step went wrong first.

    Claims are checked for nothing. A critic costs a reading for each vote; rollouts and importance sample
    endings. Each tells its cost before and after; Ctrl-C keeps what is known. What was found stays with the
    trace, and `ponder show` tells it.

    \b
    ponder check
    ponder check --critic --critic-model deepseek-r1:14b
    ponder check k7m2p9x --rollouts --answer 42
    """
    wanted = _wanted(values)
    with open_store() as store:
        bundle = store.bundle(trace_id)
        trace = bundle.trace
        findings = check_trace(trace)
        if values["code"]:
            both = (*findings, *code_findings(trace, run_python))
            findings = tuple(sorted(both, key=lambda finding: (finding.step, finding.claim.start)))
        out = console()
        if not values["as_json"]:
            draw_head(trace, values["answer"], out)
            draw_claims(trace, findings, out, every=values["every"])
        results = [by_claims(trace, findings)]
        for found in _dear(store, bundle, wanted, values):
            results.append(found)
            if found.spent.runs and not values["as_json"]:
                draw_spent(found, out)
        for known in kept(bundle.notes):
            if known.method not in {found.method for found in results}:
                results.append(known)
        if values["as_json"]:
            click.echo(dumps(_json(trace, findings, results)))
        else:
            draw_results(trace, results, out)


def _wanted(values: Values) -> tuple[Method, ...]:
    """The dear methods that are asked for, cheap to dear; raises InputError for options without theirs."""
    if values["step"] is not None and not values["importance"]:
        raise InputError(f"--step {values['step']} goes with --importance: give both.")
    if values["keep_endings"] and not (values["rollouts"] or values["importance"]):
        raise InputError("--keep keeps endings: give --rollouts or --importance with it.")
    methods: list[Method] = []
    if values["critic"] or values["critic_model"] or values["server"]:
        methods.append("critic")
    if values["rollouts"]:
        methods.append("rollouts")
    if values["importance"]:
        methods.append("importance")
    return tuple(methods)


def _dear(store: Store, bundle: Bundle, wanted: Sequence[Method], values: Values) -> Iterator[Blame]:
    """Run what costs something, keep what it finds, and give it out; nothing after an interruption."""
    for method in wanted:
        with _model(method, bundle, values) as opened:
            finder = _finder(method, opened, store, bundle.trace, values)
            if not worth_it(method, finder.estimate(), sure=values["yes"]):
                continue
            whole = follow(method, finder)
            found = finder.result()
        if finder.spent.runs:
            keep(store, bundle.trace.id, found)
        yield found
        if not whole:
            click.echo(click.style("Stopped; this is what is known so far.", dim=True), err=True)
            return


def _finder(method: Method, opened: Opened, store: Store, trace: Trace, values: Values) -> Finder:
    kept_in = store if values["keep_endings"] else None
    samples, seed = values["samples"], values["seed"]
    if method == "critic":
        return Critique(opened, trace, votes=values["votes"], budget=values["budget"], seed=seed)
    if method == "rollouts":
        return Rollouts(opened, trace, target=values["answer"], samples=samples, seed=seed, store=kept_in)
    steps = None if values["step"] is None else [trace.step(values["step"]).index]
    return Importance(opened, trace, steps=steps, samples=samples, seed=seed, store=kept_in)


@contextmanager
def _model(method: Method, bundle: Bundle, values: Values) -> Iterator[Opened]:
    """The critic, or the model that wrote the trace; unloaded afterwards."""
    name, server = values["critic_model"], values["server"]
    if method == "critic" and (name or server):
        opened = open_model(name, Options(server=server, api_key=os.environ.get("PONDER_API_KEY", "")))
    else:
        opened = reopen(bundle.environment, bundle.trace.model)
    try:
        yield opened
    finally:
        opened.engine.close()


def _json(trace: Trace, findings: Sequence[Finding], results: Sequence[Blame]) -> dict[str, Any]:
    """Claims with their step (counted from 1) and words, and every result as it is kept."""
    claims = [
        {"step": finding.step + 1, "words": trace.step_text(trace.steps[finding.step])[
            finding.claim.start : finding.claim.stop
        ]} | encode(finding.claim)
        for finding in findings
    ]  # fmt: skip
    return {"trace": trace.id, "claims": claims, "found": encode(tuple(results))}
