"""`ponder tree ID`: all branches of a trace, what was changed where, their cost, and who answers the same."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.text import Text

from ponder.blame.kept import kept
from ponder.check.answers import agreement
from ponder.check.verdicts import check_trace
from ponder.cli.columns import Column, lay_out
from ponder.cli.drawing import brief_answer, console, ended, line, when
from ponder.cli.show_facts import verdict_marks
from ponder.cli.show_outline import WIDE
from ponder.core.request import Steering
from ponder.store import Store, Summary, open_store
from ponder.store.codec import dumps, encode

CHECKED_TOKENS = 60_000
"""A family of at most so many tokens, shared ones counted each time, is claim-checked unasked."""
CHANGES = {
    "none": "generated anew",
    "say": "",
    "replace": "replaced: ",
    "note": "note: ",
    "delete": "deleted",
    "answer": "asked for the answer",
}
"""What a correction of each kind is called; its words follow."""
FLAG = "first wrong step"
"""Beside the verdicts of its claims: the number of the step that a critic or sampled endings found."""
GROUP_COLOURS = ("green", "yellow", "magenta", "cyan", "red", "blue")


@click.command()
@click.argument("trace_id", metavar="ID", default="last")
@click.option("--claims", is_flag=True, help="Check the claims of every branch, however long they are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a branch, nothing cut.")
def command(trace_id: str, claims: bool, as_json: bool) -> None:
    """Show all branches of the trace that ID (default: the last) belongs to.

    `step` is where a branch left the line above it; tokens and seconds are its own, without what it shares;
    so are its claims (✗ wrong, ↺ wrong and repaired, ✓ right); ⚑7 is the step that `ponder check` found. The
    letter says who answers the same: A is the answer of most.
    """
    with open_store() as store:
        family = store.tree(trace_id)
        checked = claims or sum(summary.tokens for summary in family) <= CHECKED_TOKENS
        verdicts = _verdicts(store, family) if checked else {}
    groups = agreement([summary.answer for summary in family])
    if as_json:
        for summary, group in zip(family, groups, strict=True):
            verdict = {"claims": verdicts.get(summary.id)} if checked else {}
            click.echo(dumps(encode(asdict(summary) | {"agreement": group} | verdict)))
        return
    out = console()
    out.print(Text(line(family[0].question) or "(no question)", style="bold"))
    out.print(Text(f"{line(family[0].model)} · {when(family[0].created)}", style="dim"))
    out.print()
    out.print(_table(family, groups, verdicts, out))
    out.print()
    for sentence in _sentences(family, groups, checked=checked):
        out.print(Text(sentence, style="dim"))


def _verdicts(store: Store, family: Sequence[Summary]) -> dict[str, Counter[str]]:
    """Id → how many claims of the branch's own steps have which verdict, and the first wrong step."""
    found: dict[str, Counter[str]] = {}
    for summary in family:
        if not summary.deleted:
            bundle = store.bundle(summary.id)
            trace = bundle.trace
            own = [finding for finding in check_trace(trace) if finding.step >= summary.shared_steps]
            found[summary.id] = Counter(str(finding.claim.verdict) for finding in own)
            named = [b.step for b in kept(bundle.notes) if b.method != "claims" and b.step is not None]
            if named:
                found[summary.id][FLAG] = named[-1] + 1
    return found


def _table(
    family: Sequence[Summary],
    groups: Sequence[int | None],
    verdicts: dict[str, Counter[str]],
    out: Console,
) -> Text:
    """A line for each branch under the one that it left."""
    wide = out.width >= WIDE
    marks = [_marks(verdicts.get(summary.id, Counter()), wide=wide) for summary in family]
    marked = any(marks)
    columns = [
        Column("branch"),
        Column("step", right=True),
        Column("changed", share=3),
        Column(""),
        Column("answer", share=3 if wide else 2),
        Column("tokens", right=True),
        Column("seconds" if wide else "sec", right=True),
        *([Column("claims" if wide else "✓✗", right=True)] if marked else []),
        Column("end", most=20 if wide else 9),
    ]
    rows: list[list[str | Text]] = []
    parents = {summary.id: summary for summary in family}
    for summary, guide, group, mark in zip(family, guides(family), groups, marks, strict=True):
        rows.append(
            [
                Text(guide, style="dim").append(
                    summary.id, style="dim" if summary.deleted else "cyan not dim"
                ),
                _step(summary),
                changed(summary, parents.get(summary.parent or "")),
                _letter(group),
                brief_answer(summary.answer),
                f"{summary.own_tokens:,}",
                "" if summary.deleted else f"{summary.seconds:.1f}",
                *([mark] if marked else []),
                "deleted" if summary.deleted else ended(summary.reason, summary.closed_by, short=not wide),
            ]
        )
    return lay_out(columns, rows, out.width, 2 if wide else 1)


def _marks(counts: Counter[str], *, wide: bool) -> Text:
    """The verdicts of a branch, behind the step that was found to be the first wrong one."""
    text = verdict_marks(counts, brief=not wide)
    if not counts[FLAG]:
        return text
    return Text(f"⚑{counts[FLAG]}", style="bold red").append(" " if text else "").append_text(text)


def guides(family: Sequence[Summary]) -> list[str]:
    """For each trace of a family in order the lines that lead to it from the one it left."""
    children: dict[str | None, list[str]] = {}
    for summary in family[1:]:
        children.setdefault(summary.parent, []).append(summary.id)
    last = {names[-1] for names in children.values()}
    stems: dict[str, str] = {family[0].id: ""}
    drawn = [""]
    for summary in family[1:]:
        stem = stems.get(summary.parent or "", "")
        end = summary.id in last
        drawn.append(stem + ("└ " if end else "├ "))
        stems[summary.id] = stem + ("  " if end else "│ ")
    return drawn


def changed(summary: Summary, parent: Summary | None) -> Text:
    """What made a branch of `parent`, in a few words."""
    correction = summary.correction
    if summary.parent is None:
        return Text("")
    if correction is None:
        return Text(f"from token {summary.fork_index:,}", style="dim")
    pushes = ", ".join(_pushes(summary, parent))
    said = "" if pushes and correction.kind == "none" else CHANGES.get(correction.kind, correction.kind)
    words = f"“{line(correction.text)}”" if correction.text.strip() else ""
    if pushes and (said or words):
        pushes = f" · {pushes}"
    return Text(said, style="dim").append(words, style="default not dim").append(pushes)


def _pushes(summary: Summary, parent: Summary | None) -> Iterator[str]:
    """How a branch is pushed otherwise than its parent."""
    own, before = summary.steering, parent.steering if parent else Steering()
    for word, bias in own.favour:
        if (word, bias) not in before.favour:
            yield f"no “{line(word)}”" if bias == -math.inf else f"“{line(word)}” {bias:+g}"
    if own.extend != before.extend:
        yield f"extended {own.extend}×"
    if own.soft_budget not in {None, before.soft_budget}:
        yield f"soft budget {own.soft_budget:,}"
    if summary.budget is not None and summary.budget != (parent.budget if parent else None):
        yield f"budget {summary.budget:,}"


def _step(summary: Summary) -> str:
    """The number of the step at which a branch left; empty where it is not known."""
    return (
        ""
        if summary.parent is None or summary.own_tokens == summary.tokens
        else f"{summary.shared_steps + 1}"
    )


def _letter(group: int | None) -> Text:
    """The group of an answer: A, B, …; a point above Z."""
    if group is None:
        return Text("")
    letter = chr(ord("A") + group) if group < 26 else "·"
    return Text(letter, style=f"bold {GROUP_COLOURS[group % len(GROUP_COLOURS)]}")


def _sentences(family: Sequence[Summary], groups: Sequence[int | None], *, checked: bool) -> list[str]:
    """How the answers agree, and what sharing saved."""
    said = []
    answers: dict[int, str] = {}
    for summary, group in zip(family, groups, strict=True):
        if group is not None:
            answers.setdefault(group, brief_answer(summary.answer))
    parts = []
    for group in sorted(answers)[:4]:
        words = answers[group] if len(answers[group]) <= 40 else answers[group][:39] + "…"
        parts.append(f"{_letter(group).plain} ×{groups.count(group)} {words}")
    if parts:
        said.append("Answers: " + " · ".join(parts) + (" · …" if len(answers) > 4 else ""))
    own = sum(summary.own_tokens for summary in family)
    whole = sum(summary.tokens for summary in family if not summary.deleted)
    count = sum(not summary.deleted for summary in family)
    plural = "es" if count != 1 else ""
    said.append(f"{count} branch{plural}, {own:,} tokens kept for {whole:,}: what is shared is kept once.")
    if not checked:
        said.append("Claims are not checked in so large a tree: `--claims` does it.")
    if len(family) > 1:
        said.append(f"`ponder diff {family[0].id} {family[-1].id}` compares two of them.")
    return said
