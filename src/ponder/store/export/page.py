"""A trace as one HTML file that needs nothing else and lets nothing else in.

The model's words are hostile input: everything is escaped, no attribute holds a word of it, and a content
security policy forbids scripts, forms, frames and every address, so that the page could not call out even
if an escape were missing. Only the style sheet, known by its hash, is allowed.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from ponder.core.request import Message
from ponder.core.trace import Trace
from ponder.store.export.outline import Stretch, describe_end, outline
from ponder.store.values import Bundle

ROLES = (
    "restate", "plan", "recall", "compute", "check", "doubt",
    "backtrack", "branch", "consolidate", "answer", "other",
)  # fmt: skip
"""The roles that have a colour; any other is shown like `other`."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def to_html(bundle: Bundle) -> str:
    """The whole document, readable without scripts, light or dark as the reader's system is."""
    trace = bundle.trace
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    stretches = outline(trace)
    body = "".join(
        (
            _question(trace.request.messages),
            _facts(trace),
            _answer(trace),
            _reasoning([stretch for stretch in stretches if stretch.part == "reasoning"]),
            _footer(bundle),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(_line(trace.question, 80) or 'Trace ' + trace.id)}</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _question(messages: tuple[Message, ...]) -> str:
    """The last question, and what was said before it folded away."""
    asked = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    question = messages[asked].content if asked >= 0 else ""
    before = [message for i, message in enumerate(messages) if i != asked]
    title = f'<h1 dir="auto">{_text(question)}</h1>\n' if len(question) <= 240 else (
        f'<h1>Question</h1>\n<div class="words" dir="auto">{_text(question)}</div>\n'
    )  # fmt: skip
    if not before:
        return title
    turns = "".join(
        f'<p class="who">{_text(m.role)}</p><div class="words" dir="auto">{_text(m.content)}</div>'
        for m in before
    )
    return f'{title}<details class="context"><summary>Also given to the model</summary>{turns}</details>\n'


def _facts(trace: Trace) -> str:
    """What ran, when, at what cost, and how it ended."""
    usage = trace.finish.usage if trace.finish else None
    when = datetime.fromtimestamp(trace.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts = [("Model", trace.model), ("Asked", when), ("Tokens", f"{len(trace.tokens):,}")]
    if usage is not None:
        facts += [("Seconds", f"{usage.total_s:.1f}"), ("Tokens/s", f"{usage.decode_tps:.1f}")]
    facts.append(("Ended", describe_end(trace)))
    if trace.parent is not None:
        facts.append(("Branch of", f"{trace.parent}, at token {trace.fork_index:,}"))
    items = "".join(f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{items}</dl>\n'


def _reasoning(stretches: list[Stretch]) -> str:
    """Two strips that show where tokens and seconds went, then every step, folded."""
    if not stretches:
        return ""
    tokens = [float(stretch.tokens) for stretch in stretches]
    seconds = [stretch.seconds for stretch in stretches]
    strips = _strip("tokens", stretches, tokens) + _strip("seconds", stretches, seconds)
    roles = dict.fromkeys(_role(stretch) for stretch in stretches)
    legend = "".join(f'<li class="{role}">{role}</li>' for role in ROLES if role in roles)
    rows = "".join(
        _step(stretch, _share(stretch.tokens, max(tokens)), _share(stretch.seconds, max(seconds)))
        for stretch in stretches
    )
    return (
        f'<section>\n<h2>Reasoning</h2>\n<div class="strips">{strips}</div>\n'
        f'<ul class="legend">{legend}</ul>\n<div class="steps">{rows}</div>\n</section>\n'
    )


def _strip(name: str, stretches: Iterable[Stretch], amounts: list[float]) -> str:
    """One bar in which every step has the width of its share."""
    whole = sum(amounts)
    if whole <= 0:
        return ""
    left, bars = 0.0, []
    for stretch, amount in zip(stretches, amounts, strict=True):
        width = 1000 * amount / whole
        bars.append(f'<rect class="{_role(stretch)}" x="{left:.2f}" width="{width:.2f}" height="10"/>')
        left += width
    return (
        f'<span>{name}</span><svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img">'
        f"<title>Where the {name} went</title>{''.join(bars)}</svg>"
    )


def _step(stretch: Stretch, tokens_share: float, seconds_share: float) -> str:
    """One line of the outline that opens to the step's words."""
    number = "" if stretch.step is None else str(stretch.step.index + 1)
    label = "between" if stretch.step is None else stretch.step.role
    who = "".join(f'<b class="origin">{_text(origin)}</b>' for origin in stretch.origins)
    return (
        f'<details class="{_role(stretch)}"><summary><span class="number">{number}</span>'
        f'<span class="role">{_text(label)}</span>'
        f'<span class="preview" dir="auto">{who}{_text(_line(stretch.text, 160))}</span>'
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="presentation">'
        f'<rect class="tokens" width="{tokens_share:.2f}" height="4"/>'
        f'<rect class="seconds" y="6" width="{seconds_share:.2f}" height="4"/></svg>'
        f'<span class="cost">{stretch.tokens:,}</span><span class="cost">{stretch.seconds:.1f} s</span>'
        f'</summary><div class="words" dir="auto">{_text(stretch.text.strip())}</div></details>\n'
    )


def _answer(trace: Trace) -> str:
    """The answer, and what the run had to say about itself."""
    words = _text(trace.answer) or "<em>There is none.</em>"
    notes = "".join(f"<li>{_text(note)}</li>" for note in (trace.finish.notes if trace.finish else ()))
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    card = f'<div class="final words" dir="auto">{words}</div>'
    return f"<section>\n<h2>Answer</h2>\n{card}{listed}\n</section>\n"


def _footer(bundle: Bundle) -> str:
    """What is needed to run it again."""
    trace = bundle.trace
    facts = [
        ("trace", trace.id),
        ("engine", trace.engine),
        ("n_ctx", trace.n_ctx),
        *bundle.environment.items(),
    ]
    items = "".join(f"<div><dt>{_text(str(k))}</dt><dd>{_text(str(v))}</dd></div>" for k, v in facts)
    again = f'<summary>To run it again</summary><dl class="facts">{items}</dl>'
    return f"<footer><details>{again}</details></footer>\n"


def _role(stretch: Stretch) -> str:
    """The class that colours a stretch; never a word of the model's or of a file's."""
    role = stretch.step.role if stretch.step else "other"
    return role if role in ROLES else "other"


def _share(amount: float, most: float) -> float:
    """`amount` in percent of `most`."""
    return 100 * amount / most if most > 0 else 0.0


def _line(text: str, most: int) -> str:
    """The first line of a text, cut to `most` characters."""
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= most else line[: most - 1] + "…"


def _text(text: str) -> str:
    """Escaped for use between tags, control characters and lone surrogates replaced."""
    clean = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return html.escape(clean, quote=True)


@cache
def _style() -> str:
    """The style sheet that lies beside this module."""
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")
