"""One step in full, its claims with their evidence, and its tokens as a table or shaded by surprise."""

import math
from collections.abc import Iterable

import click
from rich.console import Console
from rich.text import Text

from ponder.check.claim import Claim
from ponder.cli.drawing import line
from ponder.cli.screen import clean
from ponder.cli.show_facts import SIGNS, Facts
from ponder.cli.show_outline import colour_of
from ponder.core.events import Step, Token
from ponder.errors import InputError
from ponder.reason.effort import Effort
from ponder.store.export.outline import Stretch

SHADES = ((0.9, "default"), (0.5, "on grey19"), (0.2, "on dark_goldenrod"), (0.05, "black on orange3"))
"""Least probability of a token and its shade; what is less likely than all of them is red."""
SURPRISE = "white on red"


def draw_step(facts: Facts, stretch: Stretch, out: Console) -> None:
    """A title with role and rule, what it cost, its words, its claims."""
    step = stretch.step
    name = f"Step {step.index + 1} · {line(step.role)}" if step else "Between steps"
    title = Text(name, style=f"bold {colour_of(step.role) if step else 'default'}")
    if step and step.rule:
        title.append(f" · by {line(step.rule)}", style="not bold dim")
    for origin in stretch.origins:
        title.append(f" [{origin}]", style="reverse")
    out.print(title)
    cost = facts.cost[step.index] if step else Effort(stretch.tokens, stretch.seconds)
    out.print(cost_line(cost, facts.repeated[step.index] if step else 0.0), style="dim")
    out.print(Text(clean(stretch.text.strip())))
    if step is not None:
        draw_claims(facts, step, stretch.text, out)
        for sentence in findings(facts, step):
            out.print(Text(f"  {clean(sentence)}"))
    out.print()


def findings(facts: Facts, step: Step) -> list[str]:
    """What a critic, sampled endings and resampling have found about one step."""
    said = []
    for blame in facts.blames:
        if blame.step == step.index:
            said.append(f"⚑ {blame.method}: {blame.sentence}")
        votes = [vote for vote in blame.votes if vote.step == step.index]
        said += [f"  vote: {line(vote.sentence)}" for vote in votes if vote.sentence]
        said += [
            f"endings from here: {node.right} of {node.of} right ({node.low:.0%} to {node.high:.0%})"
            for node in blame.nodes
            if node.step == step.index
        ]
        said += [
            f"importance {weight.value:.2f} ({weight.low:.2f} to {weight.high:.2f}; "
            f"{weight.by_chance:.2f} by chance)"
            for weight in blame.weights
            if weight.step == step.index
        ]
    return said


def draw_claims(
    facts: Facts, step: Step, text: str, out: Console, only: frozenset[str] | None = None
) -> None:
    """A line for each claim (with one of the verdicts `only`): verdict, words, what should stand there."""
    for claim in facts.claims.get(step.index, ()):
        if only is None or claim.verdict in only:
            out.print(_claim(claim, text))


def _claim(claim: Claim, text: str) -> Text:
    sign, colour = SIGNS.get(claim.verdict, ("?", "dim"))
    shown = Text(f"  {sign} {claim.verdict}", style=colour)
    words = " ".join(clean(text[claim.start : claim.stop]).split())
    shown.append(f"  {words}", style="default not bold")
    if claim.evidence:
        shown.append(f"  ({clean(claim.evidence)})", style="dim not bold")
    return shown


def cost_line(cost: Effort, repeated: float = 0.0) -> Text:
    """One line: tokens, seconds, speed, how sure the model was, how much of it was there before."""
    facts = [f"{cost.tokens:,} tokens", f"{cost.seconds:.1f} s"]
    if cost.speed_tps:
        facts.append(f"{cost.speed_tps:.1f} tok/s")
    if cost.mean_logprob is not None:
        facts.append(f"mean log-probability {cost.mean_logprob:.2f}")
    if cost.mean_entropy is not None:
        facts.append(f"mean entropy {cost.mean_entropy:.2f} nats")
    if repeated > 0.005:
        facts.append(f"{100 * repeated:.0f} % repeats")
    return Text(" · ".join(facts))


def draw_shaded(tokens: Iterable[Token], out: Console) -> None:
    """The words on a ground that shows how little the model expected them; who else wrote is reversed."""
    if out.color_system is None:
        raise InputError("shading needs a terminal with colours: `--tokens` prints the numbers instead.")
    legend = Text("probability  ", style="dim")
    for least, shade in SHADES:
        legend.append(f" ≥ {least} ", style=shade)
    out.print(legend.append(" less ", style=SURPRISE).append(" not the model's ", style="reverse"))
    text, pending = Text(), b""
    for token in tokens:
        pending += token.data
        try:
            piece, pending = pending.decode(), b""
        except UnicodeDecodeError as error:
            if error.end < len(pending) and error.reason != "unexpected end of data":
                piece, pending = pending.decode("utf-8", "replace"), b""
            else:
                continue
        text.append(clean(piece), style=_shade(token))
    out.print(text.append(clean(pending.decode("utf-8", "replace"))))


def _shade(token: Token) -> str:
    """The ground of one token."""
    if token.origin != "model":
        return "reverse"
    if token.logprob is None:
        return "default"
    chance = math.exp(min(0.0, token.logprob))
    return next((shade for least, shade in SHADES if chance >= least), SURPRISE)


def print_tokens(tokens: Iterable[Token]) -> None:
    """Every token with all that is known of it; plain lines, because there may be thousands."""
    click.echo("  index       id part      origin      logprob entropy      time  text")
    for token in tokens:
        known = [f"{token.index:>7}", f"{'' if token.id is None else token.id:>8}"]
        known += [f"{token.part:<9}", f"{token.origin:<10}"]
        known += [f"{'' if token.logprob is None else f'{token.logprob:.3f}':>8}"]
        known += [f"{'' if token.entropy is None else f'{token.entropy:.3f}':>7}"]
        click.echo(f"{' '.join(known)} {token.time_s:>9.3f}  {_shown(token.data)}")


def _shown(data: bytes) -> str:
    """Text in quotation marks, with escapes for line ends, controls and bytes that are not UTF-8."""
    text = data.decode("utf-8", "backslashreplace")
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{"".join(escaped)}"'
