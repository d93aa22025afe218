"""One plan in full: memory of each device, speed, seconds to an answer, quality, what to type, and why."""

from collections.abc import Iterable
from textwrap import wrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.fit_drawing import bar, gigabytes, holder, spoken_rate, tokens
from ponder.core.plan import Figure, Plan
from ponder.fit.command import ask_line, command, unknown_weights
from ponder.fit.recommend import Worth, spelled_s

LABEL = 10


def plan_in_full(out: Console, plan: Plan, worth: Worth | None) -> None:
    """Everything but the arithmetic."""
    out.print(Text.assemble((f"{plan.model} {plan.quantisation}", "bold"), (_placed(plan), "dim")))
    if plan.placement is None:
        say(out, "", f"does not fit. Too small: {'; '.join(plan.missing)}.")
        return
    _devices(out, plan)
    if plan.decode and plan.prefill:
        words = (
            f"writes {spoken_rate(plan.decode.tps)} (80 of 100 such machines: "
            f"{spoken_rate(plan.decode.low_tps, plan.decode.high_tps)}), reads "
            f"{spoken_rate(plan.prefill.tps)} ({spoken_rate(plan.prefill.low_tps, plan.prefill.high_tps)})"
        )
        if plan.batch > 1:
            words += f"; each of {plan.batch} requests, {spoken_rate(plan.decode.tps * plan.batch)} together"
        if plan.correction != 1.0:
            words += f"; corrected by {plan.correction:.2f}, as measured on this machine"
        say(out, "speed", words)
    _answer(out, plan)
    if plan.quality:
        first = {each.benchmark: each for each in reversed(plan.quality) if each.metric != "cons@64"}
        figures = ", ".join(f"{name} {first[name].value:g}" for name in reversed(first))
        say(out, "quality", f"{figures} (published, at full precision; {_source(plan.quality[0].source)})")
    if worth is not None:
        say(out, "worth it", worth.sentence)
    for note in plan.notes:
        say(out, "", note + ".")
    if plan.missing:
        say(out, "unknown", "; ".join(plan.missing))
    if plan.placement.tight:
        say(out, "tight", "it fits, but less than 1 GiB of a GPU stays free; close what else uses it.")
    out.print()
    if unknown_weights(plan):
        say(out, "unknown", unknown_weights(plan))
    out.print(Text(command(plan), style="cyan"), soft_wrap=True)
    if plan.engine == "llama.cpp":
        out.print(Text(ask_line(plan), style="cyan"), soft_wrap=True)


def _placed(plan: Plan) -> str:
    if plan.placement is None:
        return ""
    words = (
        f"  {gigabytes(plan.file_bytes)}, context {tokens(plan.n_ctx)} {plan.kv_type}, {plan.placement.kind}"
    )
    if plan.placement.paged_bytes:
        words += f" ({gigabytes(plan.placement.paged_bytes)} are read again and again)"
    return words


def _devices(out: Console, plan: Plan) -> None:
    """A bar for each device, with what it holds."""
    assert plan.placement is not None
    table = Table.grid(padding=(0, 1, 0, 0))
    for share in plan.placement.shares:
        held = f"{share.layers} layers" if share.layers else ""
        if share.expert_layers and share.expert_layers != share.layers:
            held += (", " if held else "") + f"experts of {share.expert_layers}"
        size = f"{share.total_bytes / 1e9:.1f} of {gigabytes(share.capacity_bytes)}"
        width = 40 if out.width >= 120 else 20
        name = holder(share)
        table.add_row(
            Text(name if len(name) <= 24 else name[:23] + "…", style="dim"),
            bar(share.total_bytes / max(1, share.capacity_bytes), width),
            size,
            held,
        )
    out.print(table)
    total = {
        "weights": sum(share.weights_bytes for share in plan.placement.shares),
        "cache": sum(share.cache_bytes for share in plan.placement.shares),
        "scratch": sum(share.compute_bytes for share in plan.placement.shares),
        "driver": sum(share.overhead_bytes for share in plan.placement.shares),
    }
    say(out, "memory", ", ".join(f"{name} {gigabytes(size)}" for name, size in total.items()))


def _answer(out: Console, plan: Plan) -> None:
    wait = plan.answer
    if wait is None:
        return
    words = (
        f"{spelled_s(wait.mean_s)} for a question of {wait.task} ({spelled_s(wait.low_s)} to "
        f"{spelled_s(wait.high_s)}; {wait.mean_tokens:,.0f} tokens), one in ten takes more than "
        f"{spelled_s(wait.p90_s)}"
    )
    say(out, "answer", words + (f" ({wait.note})" if wait.note else ""))
    if plan.n_ctx < wait.prompt_tokens + wait.p90_tokens:
        longest = f"{wait.p90_tokens + wait.prompt_tokens:,.0f}"
        say(
            out,
            "",
            f"A context of {tokens(plan.n_ctx)} cuts long answers off: one in ten takes {longest} tokens.",
        )


def say(out: Console, label: str, sentence: str) -> None:
    """A labelled sentence, wrapped with a hanging indent."""
    width = max(40, min(out.width, 110)) - LABEL
    for number, line in enumerate(wrap(sentence, width, break_on_hyphens=False)):
        head = (label if number == 0 else "").ljust(LABEL)
        out.print(Text.assemble((head, "dim"), line))


def _source(source: str) -> str:
    return source.partition(" (")[0].removeprefix("github:")


def arithmetic(out: Console, figures: Iterable[Figure]) -> None:
    """Every number with how it came about and where its inputs are from."""
    for figure in figures:
        unit = figure.unit
        out.print(Text.assemble(f"{figure.name}: ", (f"{figure.value:,.4g} {unit}", "bold")))
        for line in wrap(f"= {figure.arithmetic}", max(40, min(out.width, 110)) - 4):
            out.print(Text("    " + line))
        if figure.source:
            for line in wrap(figure.source, max(40, min(out.width, 110)) - 4):
                out.print(Text("    " + line, style="dim"))
