"""Traces over HTTP: list, read, ask, fork, steer, follow, check, export, delete."""

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.check.verdicts import check_trace
from ponder.core.request import Message, Sampling, Steering
from ponder.core.request import Request as Asked
from ponder.core.trace import Trace
from ponder.serve.asking import EVENTS, Stream, body_of, party_of, query_of, while_there
from ponder.serve.continuing import Change, leave, take_up
from ponder.serve.following import Place, follow
from ponder.serve.live import Live
from ponder.serve.operations import Operation
from ponder.serve.own.events import Told, recall, state_of, token_json
from ponder.serve.own.requests import Ask, Control, ExportQuery, Fork, OneQuery, TraceQuery
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Order
from ponder.serve.service import service_of
from ponder.store.codec import encode
from ponder.store.export import export
from ponder.store.values import Bundle

Json = dict[str, Any]

MEDIA = {
    "md": "text/markdown",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "html": "text/html",
}


def _id(request: Request) -> str:
    return str(request.path_params["id"])


async def _bundle(request: Request) -> Bundle:
    return await asyncio.to_thread(service_of(request).store.bundle, _id(request))


def _live(request: Request) -> Live:
    live = service_of(request).runs.find(_id(request))
    if live is None or live.done:
        raise Refusal(409, f"trace {_id(request)[:40]} does not run here just now: fork it, or resume it.")
    return live


async def list_traces(request: Request) -> Response:
    """The kept traces, newest first."""
    wanted, service = query_of(request, TraceQuery), service_of(request)
    found = await asyncio.to_thread(service.store.list, wanted.query or None, wanted.limit)
    rows = [encode(each) | {"state": _state(request, each.id, each.reason)} for each in found]
    return JSONResponse({"traces": rows})


def _state(request: Request, name: str, reason: str | None) -> str:
    live = service_of(request).runs.find(name)
    return state_of(live, live.finish) if live else "interrupted" if reason is None else "done"


async def ask(request: Request) -> Response:
    """Ask; the answer is the trace's id, and the stream of its events tells the rest."""
    asked = await body_of(request, Ask)
    if asked.messages[-1].role != "user" or not asked.messages[-1].content.strip():
        raise Refusal(400, "the last message must be the user's question.", parameter="messages")
    steering = Steering(
        asked.steering.extend, asked.steering.soft_budget, tuple((asked.steering.favour or {}).items())
    )
    wanted = Asked(
        tuple(Message(turn.role, turn.content, turn.reasoning) for turn in asked.messages),
        think=asked.think,
        budget=asked.budget,
        sampling=Sampling(**asdict(asked.sampling)),
        steering=steering,
    )
    order = Order(asked.model, wanted, party=party_of(request))
    live = await while_there(request, service_of(request).runs.start(order))
    return _started(live)


def _started(live: Live) -> Response:
    name = live.trace_id
    return JSONResponse({"id": name, "events": f"/api/ponder/traces/{name}/events"}, 201)


async def show(request: Request) -> Response:
    """One trace: what was asked, its steps with their texts, how it ended."""
    wanted = query_of(request, OneQuery)
    bundle = await _bundle(request)
    return JSONResponse(await asyncio.to_thread(_trace_json, request, bundle, tokens=wanted.tokens))


def _trace_json(request: Request, bundle: Bundle, *, tokens: bool) -> Json:
    trace = bundle.trace
    live = service_of(request).runs.find(trace.id)
    whole = {
        "id": trace.id,
        "created": trace.created,
        "model": trace.model,
        "engine": trace.engine,
        "n_ctx": trace.n_ctx,
        "request": encode(trace.request),
        "reasoning": trace.reasoning,
        "answer": trace.answer,
        "steps": [_step(trace, at) for at in range(len(trace.steps))],
        "token_count": len(trace.tokens),
        "finish": encode(trace.finish) if trace.finish else None,
        "state": state_of(live, trace.finish),
        "parent": trace.parent,
        "fork_index": trace.fork_index,
        "environment": dict(bundle.environment),
        "notes": [encode(note) for note in bundle.notes],
    }
    return whole | ({"tokens": _tokens(trace, 0, len(trace.tokens))} if tokens else {})


def _step(trace: Trace, at: int) -> Json:
    step = trace.steps[at]
    times = [token.time_s for token in trace.tokens[max(0, step.start - 1) : step.stop]]
    seconds = max(0.0, times[-1] - times[0]) if times else 0.0
    row: Json = encode(step)
    return row | {"text": trace.step_text(step), "tokens": step.stop - step.start, "seconds": seconds}


def _tokens(trace: Trace, start: int, stop: int) -> list[Json]:
    return [token_json(t, t.data.decode("utf-8", "replace")) for t in trace.tokens[start:stop]]


async def show_step(request: Request) -> Response:
    """One step (counted from 1) with its tokens."""
    trace = (await _bundle(request)).trace
    step = trace.step(request.path_params["number"])
    row = _step(trace, trace.steps.index(step))
    return JSONResponse(row | {"tokens": _tokens(trace, step.start, step.stop)})


async def claims(request: Request) -> Response:
    """What the steps claim and what is true of it."""
    trace = (await _bundle(request)).trace
    found = await asyncio.to_thread(check_trace, trace)
    return JSONResponse({"claims": [encode(each.claim) | {"step": each.step + 1} for each in found]})


async def tree(request: Request) -> Response:
    """All branches of a trace's family."""
    found = await asyncio.to_thread(service_of(request).store.tree, _id(request))
    return JSONResponse({"branches": [encode(each) for each in found]})


async def events(request: Request) -> Response:
    """The trace as it grows, from `Last-Event-ID` on."""
    at = Place.read(request.headers.get("last-event-id", ""))
    live = service_of(request).runs.find(_id(request))
    if live is not None:
        return Stream(follow(live, Told(at)), EVENTS)
    return Stream(recall(await _bundle(request), at), EVENTS)


async def control(request: Request) -> Response:
    """Steer a running trace."""
    wanted, live = await body_of(request, Control), _live(request)
    actions = {
        "pause": live.pause,
        "go_on": live.go_on,
        "answer_now": live.answer_now,
        "think_more": live.think_more,
        "stop": live.stop,
    }
    actions[wanted.action]()
    return JSONResponse({"state": state_of(live, live.finish)})


async def branch(request: Request) -> Response:
    """Correct a step and go on from there, as a new trace."""
    wanted, service = await body_of(request, Fork), service_of(request)
    change = Change(wanted.step, wanted.kind, wanted.text, wanted.budget)
    work = leave(service, _id(request), change, party_of(request))
    return _started(await while_there(request, work))


async def go_on(request: Request) -> Response:
    """Go on with a trace that was cut off, exactly where it stopped."""
    work = take_up(service_of(request), _id(request), party_of(request))
    return _started(await while_there(request, work))


async def save(request: Request) -> Response:
    """The trace as a file; no browser shows it in place."""
    kind, bundle = query_of(request, ExportQuery).format, await _bundle(request)
    text = await asyncio.to_thread(export, [bundle], kind)
    name = f'attachment; filename="{bundle.trace.id}.{kind}"'
    return Response(text, media_type=MEDIA[kind], headers={"Content-Disposition": name})


async def delete(request: Request) -> Response:
    """Delete a trace for good; its branches stay whole."""
    service = service_of(request)
    live = service.runs.find(_id(request))
    if live is not None and not live.done:
        raise Refusal(409, f"trace {_id(request)[:40]} is still being written: stop it first.")
    await asyncio.to_thread(service.store.delete, _id(request))
    return JSONResponse({"deleted": _id(request)})


PATH = "/api/ponder/traces/{id}"
OPERATIONS = (
    Operation("GET", "/api/ponder/traces", list_traces, "Kept traces.", query=TraceQuery),
    Operation("POST", "/api/ponder/traces", ask, "Ask.", Ask, status=201),
    Operation("GET", PATH, show, "One trace.", query=OneQuery, errors=(404,)),
    Operation("DELETE", PATH, delete, "Delete a trace.", errors=(404, 409)),
    Operation("GET", PATH + "/steps/{number:int}", show_step, "One step.", errors=(404,)),
    Operation("GET", PATH + "/claims", claims, "What is claimed, and true.", errors=(404,)),
    Operation("GET", PATH + "/tree", tree, "All branches.", errors=(404,)),
    Operation("GET", PATH + "/events", events, "The stream of events.", stream=EVENTS, errors=(404,)),
    Operation("GET", PATH + "/export", save, "A file.", None, "text/markdown", 200, ExportQuery, (404,)),
    Operation("POST", PATH + "/control", control, "Steer a running trace.", Control, errors=(404, 409)),
    Operation("POST", PATH + "/fork", branch, "Correct a step.", Fork, status=201, errors=(404, 409)),
    Operation("POST", PATH + "/resume", go_on, "Go on with it.", status=201, errors=(404, 409, 502, 503)),
)  # fmt: skip
