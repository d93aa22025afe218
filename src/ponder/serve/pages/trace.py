"""Trace: the outline of a reasoning, each step in full, what is true of it, and where it can be left.

The page holds the first line and the bars of each step, or of each group where there are many; a group's
rows come when it is opened (`rows`, without the script `?open=FIRST`), a step's words, tokens and claims
likewise (`steps/N`). So a long trace opens as quickly as a short one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ponder.blame import Blame
from ponder.check.claim import Claim
from ponder.core.events import Step, Token
from ponder.core.trace import Trace
from ponder.errors import NotFoundError
from ponder.reason.effort import repeated_share
from ponder.serve.pages.blame import at_steps, chips, section
from ponder.serve.pages.frame import page
from ponder.serve.pages.live import watched
from ponder.serve.pages.prose import prose
from ponder.serve.pages.reading import READINGS, SIGNS, STRIP_CELLS, Reading
from ponder.serve.searching import forkable, known
from ponder.serve.service import service_of
from ponder.serve.templates import part, render
from ponder.store import Summary
from ponder.store.export import FORMATS, export

SHADES = (0.9, 0.5, 0.2, 0.05)
"""Least probabilities of the shades 0 to 3; what is less likely than all is 4."""
MEDIA = {"md": "text/markdown", "json": "application/json", "jsonl": "application/jsonl", "html": "text/html"}
_SECTION = "Traces"


@dataclass(frozen=True, slots=True)
class Shaded:
    """A token's text with its shade: 0 (expected) to 4 (a surprise), `other` for what the model did not
    write, empty where nothing is known.
    """

    text: str
    shade: str
    hint: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What leaving a trace before a step keeps and costs; seconds None where this trace tells no speed."""

    kept_steps: int
    kept_tokens: int
    evaluated_tokens: int
    evaluating_s: float | None
    speed_tps: float | None
    rest_tokens: int
    rest_s: float | None


async def show(request: Request) -> Response:
    """`GET /traces/{id}`: the trace as it is kept, or as it is being written."""
    live = service_of(request).runs.find(request.path_params["id"])
    if live is not None and not live.done:
        return watched(request, live)
    reading = await run_in_threadpool(READINGS.of, service_of(request).store, request.path_params["id"])
    values = await section(request, reading)
    return await run_in_threadpool(_kept, request, reading, values)


def _kept(request: Request, reading: Reading, blame: dict[str, Any]) -> Response:
    if request.query_params.get("claims"):
        _ = reading.claims
    trace = reading.trace
    return page(
        request,
        "trace.html",
        _SECTION,
        trace.question[:80] or f"Trace {trace.id}",
        reading=reading,
        trace=trace,
        answer=prose(trace.answer),
        cells=STRIP_CELLS,
        signs=SIGNS,
        formats=tuple(FORMATS),
        sentences=tuple(sentences(reading)),
        forkable=forkable(trace),
        branches=with_depth(reading.family),
        opened=_number(request.query_params.get("open", "")),
        blame=blame,
        blamed=chips(blame["found"]),
    )


def _number(text: str) -> int:
    """The number that a query holds, 0 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def rows(request: Request) -> Response:
    """`GET /traces/{id}/rows?first=A&last=B`: the outline's rows from step A to step B; all without them."""
    reading = READINGS.of(service_of(request).store, request.path_params["id"])
    first, last = (_number(request.query_params.get(name, "")) for name in ("first", "last"))
    steps = [step for step in reading.steps if first <= step.index + 1 <= (last or 10**9)]
    blamed = chips(_found(request, reading))
    return render("parts/some_rows.html", reading=reading, rows=reading.rows(steps), blamed=blamed)


def _found(request: Request, reading: Reading) -> Sequence[Blame]:
    """What is known of the first wrong step; by claims only where they are known."""
    return known(reading.trace, service_of(request).store.notes(reading.trace.id), reading.findings)


def with_depth(family: Sequence[Summary]) -> list[tuple[Summary, int]]:
    """Each trace of a family with how many branchings lie above it."""
    depths: dict[str, int] = {}
    for each in family:
        depths[each.id] = depths[each.parent] + 1 if each.parent in depths else 0
    return [(each, depths[each.id]) for each in family]


def sentences(reading: Reading) -> Iterator[str]:
    """What is worth knowing about a reasoning, a sentence each."""
    trace = reading.trace
    first = reading.first
    if first is not None and (step := reading.step_of(first.index)):
        yield (
            f"The answer was there in step {step.index + 1}; {first.tokens_after:,} tokens, "
            f"{100 * first.share_after:.0f} % of the reasoning, came after it."
        )
    if reading.checked:  # of a long trace it comes with the claims
        repeated = repeated_share([token for token in trace.tokens if token.part == "reasoning"])
        if repeated >= 0.01:
            yield f"{100 * repeated:.0f} % of the reasoning repeats what was written before."
    if trace.finish is not None:
        yield from trace.finish.notes


async def marks(request: Request) -> Response:
    """`GET /traces/{id}/marks`: every step's verdicts, for a page that was sent before they were known."""
    reading = await run_in_threadpool(READINGS.of, service_of(request).store, request.path_params["id"])
    told = await run_in_threadpool(_marks, reading)
    blame = await section(request, reading)
    html = part("parts/blame.html", **blame)
    return JSONResponse(told | {"blame": html, "chips": chips(blame["found"])})


def _marks(reading: Reading) -> dict[str, object]:
    steps = {
        str(step.index + 1): {SIGNS[verdict]: found[verdict] for verdict in SIGNS if found[verdict]}
        for step in reading.steps
        if (found := reading.verdicts(step.index))
    }
    claims = part("parts/claims.html", reading=reading, signs=SIGNS)
    worth = part("parts/known.html", sentences=tuple(sentences(reading)))
    flags = part("parts/flags.html", reading=reading, cells=STRIP_CELLS)
    return {"steps": steps, "claims": claims, "known": worth, "flags": flags}


def step(request: Request) -> Response:
    """`GET /traces/{id}/steps/{number}`: a step in full; with `?part=1` only what goes into the outline."""
    reading = READINGS.of(service_of(request).store, request.path_params["id"])
    trace = reading.trace
    found = trace.step(request.path_params["number"])
    values = detail(reading, found) | {"blames": at_steps(_found(request, reading)).get(found.index, ())}
    if request.query_params.get("part"):
        return render("parts/step.html", **values, alone=False)
    return page(request, "step.html", _SECTION, f"Step {found.index + 1}", **values, alone=True)


def detail(reading: Reading, found: Step) -> dict[str, object]:
    """What the step's template needs."""
    trace = reading.trace
    tokens = trace.tokens[found.start : found.stop]
    text = trace.step_text(found)
    return {
        "reading": reading,
        "trace": trace,
        "step": found,
        "text": text,
        "words": prose(text),
        "tokens": tuple(shaded(tokens)),
        "effort": reading.costs[found.index],
        "repeated": reading.repeated[found.index],
        "claims": tuple(_claims(reading.claims.get(found.index, ()), text)),
        "signs": SIGNS,
        "cost": cost_of(trace, found),
        "forkable": forkable(trace),
        "last": len(trace.steps),
    }


def _claims(claims: Sequence[Claim], text: str) -> Iterator[tuple[Claim, str]]:
    for claim in claims:
        yield claim, " ".join(text[claim.start : claim.stop].split())


def shaded(tokens: Sequence[Token]) -> Iterator[Shaded]:
    """The tokens as text with shades; one that ends inside a character is joined with the next."""
    pending = b""
    for token in tokens:
        pending += token.data
        try:
            text, pending = pending.decode(), b""
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and len(pending) < 8:
                continue
            text, pending = pending.decode("utf-8", "replace"), b""
        yield Shaded(text, _shade(token), _hint(token))
    if pending:
        yield Shaded(pending.decode("utf-8", "replace"), "", "")


def _shade(token: Token) -> str:
    if token.origin != "model":
        return "other"
    if token.logprob is None:
        return ""
    chance = math.exp(min(0.0, token.logprob))
    return str(next((shade for shade, least in enumerate(SHADES) if chance >= least), len(SHADES)))


def _hint(token: Token) -> str:
    if token.origin != "model":
        return f"token {token.index:,}, by {token.origin}"
    if token.logprob is None:
        return f"token {token.index:,}"
    known = f"token {token.index:,}: {100 * math.exp(min(0.0, token.logprob)):.1f} %, log-probability "
    entropy = "" if token.entropy is None else f", entropy {token.entropy:.2f} nats"
    return f"{known}{token.logprob:.2f}{entropy}"


def cost_of(trace: Trace, found: Step) -> Cost:
    """What a branch from before a step keeps, and what it will cost at this trace's own speeds."""
    usage = trace.finish.usage if trace.finish else None
    evaluated = len(trace.prompt_ids) + found.start
    reading_tps = usage.prefill_tps if usage else 0.0
    writing_tps = usage.decode_tps if usage else 0.0
    rest = len(trace.tokens) - found.start
    return Cost(
        kept_steps=found.index,
        kept_tokens=found.start,
        evaluated_tokens=evaluated,
        evaluating_s=evaluated / reading_tps if reading_tps else None,
        speed_tps=writing_tps or None,
        rest_tokens=rest,
        rest_s=rest / writing_tps if writing_tps else None,
    )


def exported(request: Request) -> Response:
    """`GET /traces/{id}/export/{form}`: the trace as a file."""
    form = request.path_params["form"]
    if form not in FORMATS:
        raise NotFoundError(f"there is no export format {form[:20]!r}: choose one of {', '.join(FORMATS)}.")
    bundle = service_of(request).store.bundle(request.path_params["id"])
    name = f"{bundle.trace.id}.{form}"
    return Response(
        export([bundle], form),
        media_type=f"{MEDIA[form]}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = [
    Route("/traces/{id}", show),
    Route("/traces/{id}/marks", marks),
    Route("/traces/{id}/rows", rows),
    Route("/traces/{id}/steps/{number:int}", step),
    Route("/traces/{id}/export/{form}", exported),
]
