"""A trace as a Markdown document in which the model's text cannot become HTML or fetch an image.

Reasoning stands in code fences. The answer stays Markdown: its own fences are written anew, so that every
reader sees the same ones, and outside them `<` and `![` lose their meaning.
"""

import re
from datetime import UTC, datetime

from ponder.core.trace import Trace
from ponder.store.export.outline import Stretch, describe_end, outline
from ponder.store.values import Bundle

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def to_markdown(bundle: Bundle) -> str:
    """Question, reasoning step by step with its cost, answer, and how to repeat it."""
    trace = bundle.trace
    parts = [f"# {_plain(_line(trace.question)) or 'A trace'}", _facts(trace)]
    if len(trace.question) > len(_line(trace.question)):
        parts += ["## Question", _fenced(trace.question)]
    stretches = outline(trace)
    reasoning = [stretch for stretch in stretches if stretch.part == "reasoning"]
    if reasoning:
        parts.append("## Reasoning")
        for stretch in reasoning:
            parts += [_heading(stretch), _fenced(stretch.text.strip())]
    parts += ["## Answer", _answer(trace.answer) or "*There is none.*"]
    if trace.finish is not None and trace.finish.notes:
        parts += ["## Notes", "\n".join(f"- {_plain(_line(note, 500))}" for note in trace.finish.notes)]
    if bundle.environment:
        facts = "\n".join(f"{key}: {value}" for key, value in bundle.environment.items())
        parts += ["## Environment", _fenced(facts)]
    return "\n\n".join(parts) + "\n"


def _facts(trace: Trace) -> str:
    """One line: model, when, tokens, seconds, how it ended, id."""
    seconds = trace.finish.usage.total_s if trace.finish else trace.tokens[-1].time_s if trace.tokens else 0.0
    when = datetime.fromtimestamp(trace.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = [
        f"Answered by {_line(trace.model)}",
        when,
        f"{len(trace.tokens)} tokens",
        f"{seconds:.1f} s",
        describe_end(trace),
    ]
    if trace.parent is not None:
        facts.append(f"branch of {_line(trace.parent)} at token {trace.fork_index}")
    return _plain(" · ".join([*facts, f"trace {_line(trace.id)}"]))


def _heading(stretch: Stretch) -> str:
    """The title of one step."""
    name = (
        "Between steps" if stretch.step is None else f"{stretch.step.index + 1} · {_line(stretch.step.role)}"
    )
    who = f" · by {', '.join(stretch.origins)}" if stretch.origins else ""
    return f"### {_plain(name)} · {stretch.tokens} tokens · {stretch.seconds:.1f} s{who}"


def _answer(text: str) -> str:
    """Markdown in which every fence is closed and nothing outside them is HTML or an image."""
    out: list[str] = []
    body: list[str] | None = None
    fence = language = ""
    for line in _clean(text).split("\n"):
        found = _FENCE.match(line)
        if body is None and found:
            fence, language, body = found[1], found[2], []
        elif body is None:
            out.append(_safe(line))
        elif found and found[1].startswith(fence) and not line.strip(" \t" + fence[0]):
            out.append(_fenced("\n".join(body), language))
            body = None
        else:
            body.append(line)
    if body is not None:
        out.append(_fenced("\n".join(body), language))
    return "\n".join(out).strip()


def _fenced(text: str, language: str = "text") -> str:
    """A fence longer than any run of backticks in it, so that nothing inside can end it."""
    text = _clean(text).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _safe(text: str) -> str:
    """`text` as Markdown without raw HTML, autolinks or images."""
    return text.replace("<", "&lt;").replace("![", "!\\[")


def _plain(text: str) -> str:
    """One line of text in which no character is Markdown."""
    return re.sub(r"([\\`*_\[\]<>#~|])", r"\\\1", text)


def _line(text: str, most: int = 120) -> str:
    """The first line of a text, cut to `most` characters."""
    line = next(iter(_clean(text).strip().splitlines()), "")
    return line if len(line) <= most else line[: most - 1] + "…"


def _clean(text: str) -> str:
    """Without control characters and lone surrogates; every line end is a newline."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
