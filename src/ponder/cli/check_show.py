"""How `ponder check` draws: claims by step, then what each method found, with its evidence and its cost."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.blame.values import Blame, Method, Node, Vote, duration
from ponder.check.answers import answer_in, answers
from ponder.check.verdicts import Finding
from ponder.cli.drawing import line
from ponder.cli.screen import clean
from ponder.cli.show_facts import SIGNS
from ponder.core.spent import Spent
from ponder.core.trace import Trace

NAMES: dict[Method, str] = {
    "claims": "by claims", "critic": "by a critic", "rollouts": "by rollouts", "importance": "importance",
}  # fmt: skip
BAR = 20
MOST_EVIDENCE = 4


def draw_head(trace: Trace, target: str, out: Console) -> None:
    """The question, how long the reasoning is, and the answer."""
    out.print(Text(clean(trace.question.strip()) or "(no question)", style="bold"))
    steps = sum(step.part == "reasoning" for step in trace.steps)
    out.print(Text(f"{line(trace.model)} · {steps} steps · trace {trace.id}", style="dim"))
    given = answer_in(trace.answer) or "(no answer)"
    said = Text("Answer: ").append(clean(given))
    if target:
        right = answers(trace.answer, target)
        said.append(
            " ✓ the target" if right else f" ✗ the target is {clean(target)}", "green" if right else "red"
        )
    out.print(said)
    out.print()


def draw_claims(trace: Trace, findings: Sequence[Finding], out: Console, *, every: bool) -> None:
    """A line for each claim that is not simply right, or for every one; then how many there are."""
    counts: Counter[str] = Counter(finding.claim.verdict for finding in findings)
    shown = [finding for finding in findings if every or finding.claim.verdict != "ok"]
    if shown:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("step", justify="right", no_wrap=True)
        table.add_column("claim", no_wrap=True)
        table.add_column("", ratio=1)
        for finding in shown:
            claim = finding.claim
            sign, colour = SIGNS.get(claim.verdict, ("?", "dim"))
            words = " ".join(trace.step_text(trace.steps[finding.step])[claim.start : claim.stop].split())
            text = Text(clean(words))
            if claim.evidence:
                text.append(f"  ({clean(claim.evidence)})", style="dim")
            table.add_row(str(finding.step + 1), Text(f"{sign} {claim.verdict}", style=colour), text)
        out.print(table)
        out.print()
    told = [f"{counts[verdict]} {verdict}" for verdict in dict.fromkeys([*SIGNS, *counts]) if counts[verdict]]
    said = (
        f"{len(findings)} claims: {', '.join(told)}."
        if findings
        else "There is no claim that can be checked."
    )
    out.print(Text(said, style="dim"))


def draw_spent(found: Blame, out: Console) -> None:
    """What a method has really cost."""
    out.print(Text(f"{found.method}: {spent_words(found.spent)}", style="dim"))


def spent_words(spent: Spent) -> str:
    """Tokens sampled and evaluated, those that the cache saved, seconds."""
    return (
        f"{spent.sampled_tokens:,} tokens sampled in {spent.runs} runs, {spent.evaluated_tokens:,} "
        f"evaluated, {spent.cached_tokens:,} taken from the cache, {duration(spent.seconds)}."
    )


def draw_results(trace: Trace, results: Sequence[Blame], out: Console) -> None:
    """The first wrong step by each method, then its evidence."""
    out.print()
    out.print(Text("First wrong step", style="bold"))
    for found in results:
        if found.method == "importance":
            continue
        step = "–" if found.step is None else str(found.step + 1)
        title = Text(f"{NAMES[found.method]:<12} ", style="dim").append(f"{step:>4}", style=_colour(found))
        title.append(f"  {clean(found.sentence)}", style="default")
        out.print(_hanging(title))
        for sentence in found.evidence[:MOST_EVIDENCE] if found.method != "claims" else ():
            out.print(_hanging(Text(" " * 19 + clean(sentence), style="dim")))
        if found.votes:
            out.print(_hanging(Text(" " * 19 + _votes(found.votes), style="dim")))
        if found.nodes:
            out.print(_nodes(trace, found.nodes))
    for found in results:
        if found.method == "importance":
            out.print()
            _draw_importance(found, out)
    steps = [found.step for found in results if found.step is not None and found.method != "importance"]
    if steps:
        fork = f"`ponder fork {trace.id} --at {steps[-1] + 1} --say …`"
        out.print()
        out.print(
            Text(f"`ponder show {trace.id} --step {steps[-1] + 1}` shows it, {fork} corrects it.", "dim")
        )


def _hanging(text: Text) -> Table:
    """A text whose further lines begin below its 20th column."""
    grid = Table.grid(padding=0)
    grid.add_column(width=19, no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_row(text[:19], text[19:])
    return grid


def _votes(votes: Sequence[Vote]) -> str:
    """What each vote named."""
    named = ["?" if not vote.read else "none" if vote.step is None else str(vote.step + 1) for vote in votes]
    return f"votes: {', '.join(named)}"


def _nodes(trace: Trace, nodes: Sequence[Node]) -> Table:
    """Shares of right endings along the steps."""
    last = max((step.index for step in trace.steps if step.part == "reasoning"), default=-1)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("before step", "right", "", "in 95 %"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for node in nodes:
        share = node.right / node.of if node.of else 0.0
        full = round(share * BAR)
        bar = Text("█" * full, style="green").append("░" * (BAR - full), style="dim")
        step = "end" if node.step > last else str(node.step + 1)
        interval = f"{100 * node.low:.0f}–{100 * node.high:.0f} %"
        table.add_row(step, f"{node.right}/{node.of}", bar, interval)
    return table


def _draw_importance(found: Blame, out: Console) -> None:
    """A bar for each step, with its interval and the commonest answers on both sides."""
    out.print(Text("Importance of steps", style="bold"))
    out.print(Text(clean(found.sentence)))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in ("step", "change", "", "90 %", "chance", "p"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    table.add_column("answers before → after", no_wrap=True, ratio=1, overflow="ellipsis")
    for weight in found.weights:
        table.add_row(
            str(weight.step + 1),
            f"{weight.value:.2f}",
            Text("█" * round(weight.value * BAR), style="magenta"),
            f"{weight.low:.2f}–{weight.high:.2f}",
            f"{weight.by_chance:.2f}",
            f"{weight.chance:.3f}",
            Text(clean(f"{weight.before} → {weight.after}")),
        )
    out.print(table)


def _colour(found: Blame) -> str:
    if found.step is None:
        return "green" if found.verdict == "none" else "dim"
    return "bold red" if found.verdict == "found" else "yellow"
