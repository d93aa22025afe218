"""A trace that is being written: what its page shows, what keeps it so, and the hand in it."""

import json
from collections.abc import Sequence
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.check.claims import claims_in
from ponder.core.events import Step, Token
from ponder.core.request import CorrectionKind
from ponder.core.trace import text_of
from ponder.errors import InputError, NotFoundError
from ponder.reason.effort import Effort
from ponder.serve.asking import EVENTS, Stream, party_of
from ponder.serve.continuing import Change, leave, take_up
from ponder.serve.following import Place, event, follow
from ponder.serve.live import Live
from ponder.serve.pages.excerpt import excerpt
from ponder.serve.pages.fields import choice_field, text_field, whole_field
from ponder.serve.pages.frame import form_of, page
from ponder.serve.pages.prose import prose
from ponder.serve.pages.reading import SIGNS, VOICES, Row
from ponder.serve.service import service_of
from ponder.serve.templates import ENVIRONMENT

SPEED_TOKENS = 48
"""Over so many last tokens the shown speed is taken."""
LONGEST_BAR = 120
"""Tokens that fill a bar, until a step is longer: the longest step is not known while it runs."""
MOST_TEXT = 100_000
KINDS: tuple[CorrectionKind, ...] = ("replace", "say", "note", "delete", "none", "answer")
HANDS = ("pause", "go_on", "answer_now", "think_more", "stop")


def watched(request: Request, live: Live) -> Response:
    """The page of a trace that is being written, as far as it is; the stream goes on from there."""
    trace = live.answering.so_far()
    rows = [row_of(trace.tokens, step) for step in trace.steps if step.part == "reasoning"]
    stop = trace.steps[-1].stop if trace.steps else 0
    tail = trace.tokens[stop:]
    return page(
        request,
        "live.html",
        "Ask",
        trace.question[:80] or "Ask",
        trace=trace,
        rows=rows,
        answer=[prose(trace.step_text(step)) for step in trace.steps if step.part == "answer"],
        now={"reasoning": text_of(tail, "reasoning"), "answer": text_of(tail, "answer")},
        after=Place(stop, len(trace.steps)),
        state=state_of(live, done=live.done),
    )


async def events(request: Request) -> Response:
    """`GET /traces/{id}/events`: the stream from `after` or `Last-Event-ID` on; 204 if there is none.

    204 tells a browser not to come again: the page then loads the trace as it is kept.
    """
    live = service_of(request).runs.find(request.path_params["id"])
    if live is None:
        return Response(status_code=204)
    place = Place.read(request.headers.get("last-event-id") or request.query_params.get("after", ""))
    return Stream(follow(live, Shown(place)), EVENTS)


class Shown:
    """A living run as its page tells it: HTML of finished steps, text after them, the panel's state."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._state: object = None

    def news(self, live: Live, *, over: bool) -> bytes:
        """The next message; the first one is whole, and says how soon to come again if it is the last."""
        first = self._state is None
        data, self._place = news(live, self._place, whole=first)
        state = state_of(live, done=over)
        if not data and state == self._state:
            return b""
        self._state = state
        return (b"retry: 800\n" if first else b"") + event(self._place, data | {"state": state})

    def end(self, live: Live) -> bytes:
        """Nothing: the state said it."""
        del live
        return b""


def news(live: Live, place: Place, *, whole: bool) -> tuple[dict[str, Any], Place]:
    """What has come since `place`, and where that leads: rows of finished steps, and the text after them.

    The text is only what was added, or all that follows the last step (`tail`) where a step has ended or
    `whole` is wished for.
    """
    steps, tokens = live.run.steps, live.tokens
    count, total = len(steps), len(tokens)
    stop = steps[count - 1].stop if count else 0
    data: dict[str, Any] = {}
    if count > place.steps:
        data["steps"] = [_step(tokens, steps[index], live) for index in range(place.steps, count)]
    fresh = whole or count > place.steps or place.tokens < stop
    start = stop if fresh else place.tokens
    end = _whole_characters(tokens, start, total)
    if fresh or end > start:
        data["tail" if fresh else "add"] = {
            part: text for part in ("reasoning", "answer") if (text := text_of(tokens[start:end], part))
        }
    return data, Place(max(end, stop), count)


def _whole_characters(tokens: Sequence[Token], start: int, stop: int) -> int:
    """The end of a range of tokens that does not end inside a character, if its beginning can be told."""
    for end in range(stop, max(start, stop - 4), -1):
        try:
            b"".join(token.data for token in tokens[max(start, end - 4) : end]).decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                continue
        return end
    return stop


def state_of(live: Live, *, done: bool) -> dict[str, Any]:
    """What the panel shows: what the run does, how fast, and how much of its budget is used."""
    tokens, fold, prefill = live.tokens, live.run.fold, live.prefill
    doing = "reasoning" if fold.in_reasoning else "answering"
    if done:
        doing = "done"
    elif live.paused is not None:
        doing = "paused"
    elif not tokens or (prefill is not None and prefill.done < prefill.total):
        doing = "reading"
    return {
        "doing": doing,
        "tokens": len(tokens),
        "reasoning": fold.reasoning_tokens,
        "budget": live.run.request.budget,
        "more": live.run.interventions.can_extend,
        "tps": round(_speed(tokens), 1),
        "seconds": round(tokens[-1].time_s, 1) if tokens else 0.0,
        "prompt": [prefill.done, prefill.total] if prefill else None,
        "notes": list(live.run.notes),
        "error": live.error.message if live.error else "",
        "next": live.branch,
    }


def _speed(tokens: Sequence[Token]) -> float:
    last = tokens[-SPEED_TOKENS:]
    passed = last[-1].time_s - last[0].time_s if len(last) > 1 else 0.0
    return (len(last) - 1) / passed if passed > 0 else 0.0


def _step(tokens: Sequence[Token], step: Step, live: Live) -> dict[str, Any]:
    """A finished step: its row for the outline, or its words for the answer."""
    own = tokens[step.start : step.stop]
    text = text_of(own)
    if step.part == "answer":
        return {"number": step.index + 1, "part": "answer", "html": str(prose(text))}
    row = row_of(tokens, step)
    counts: dict[str, int] = dict.fromkeys(SIGNS, 0)
    for claim in claims_in(text):
        if claim.verdict in counts:
            counts[claim.verdict] += 1
    module: Any = ENVIRONMENT.get_template("parts/rows.html").module
    html = str(module.row(row, live.trace_id, counts))
    return {"number": step.index + 1, "part": "reasoning", "html": html}


def row_of(tokens: Sequence[Token], step: Step) -> Row:
    """The row of a step while the trace is written."""
    own = tokens[step.start : step.stop]
    before = tokens[step.start - 1].time_s if step.start else own[0].time_s
    seconds = max(0.0, own[-1].time_s - before)
    speed = _speed(tokens[: step.stop]) or 1.0
    origins = dict.fromkeys(token.origin for token in own if token.origin in VOICES)
    return Row(
        step,
        excerpt(text_of(own[:80]), 180),
        Effort(len(own), seconds),
        min(100.0, 100 * len(own) / LONGEST_BAR),
        min(100.0, 100 * seconds * speed / LONGEST_BAR),
        tuple(origins),
        (),
    )


# ------------------------------------------------------------------ the person's hand


async def hand(request: Request) -> Response:
    """`POST /traces/{id}/do`: pause, go on, answer now, think more, stop."""
    name = request.path_params["id"]
    live = service_of(request).runs.find(name)
    wish = choice_field(await form_of(request), "do", HANDS)
    if live is not None and not live.done:
        getattr(live, wish)()
    elif live is None and wish != "stop":
        raise NotFoundError(f"trace {name[:20]} is not being written any more: reload its page.")
    return _answered(request, name)


async def correct(request: Request) -> Response:
    """`POST /traces/{id}/correct`: leave a trace before a step, as a branch; one that runs ends there."""
    service, form = service_of(request), await form_of(request)
    at = whole_field(form, "step", 1, 10**7)
    if at is None:
        raise InputError("which step? Choose one in the outline.")
    kind = cast("CorrectionKind", choice_field(form, "kind", KINDS))
    text = text_field(form, "text", MOST_TEXT) if kind in {"replace", "say", "note"} else ""
    child = await leave(service, request.path_params["id"], Change(at, kind, text), party_of(request))
    return _answered(request, child.trace_id)


async def go_on(request: Request) -> Response:
    """`POST /traces/{id}/resume`: go on with a trace that was interrupted."""
    service = service_of(request)
    live = await take_up(service, request.path_params["id"], party_of(request))
    return _answered(request, live.trace_id)


def _answered(request: Request, name: str) -> Response:
    """Where to look next: an address for the script, a redirect for a form."""
    address = f"/traces/{name}"
    if request.headers.get("accept", "").startswith("application/json"):
        return Response(json.dumps({"next": address}), media_type="application/json")
    return RedirectResponse(address, 303)


ROUTES = [
    Route("/traces/{id}/events", events),
    Route("/traces/{id}/do", hand, methods=["POST"]),
    Route("/traces/{id}/correct", correct, methods=["POST"]),
    Route("/traces/{id}/resume", go_on, methods=["POST"]),
]
