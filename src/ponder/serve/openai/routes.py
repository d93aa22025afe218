"""`/v1/models`, `/v1/chat/completions` and `/v1/completions`."""

from functools import reduce
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.serve.asking import EVENTS, Stream, begun, body_of, party_of, while_there
from ponder.serve.generating import Count, answers, choices, count_of, stream
from ponder.serve.models import Offer
from ponder.serve.openai.orders import chat_order, completion_orders
from ponder.serve.openai.requests import ChatRequest, CompletionRequest
from ponder.serve.openai.shapes import ChatShape, CompletionShape
from ponder.serve.operations import Operation
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Order
from ponder.serve.service import service_of

Json = dict[str, Any]


async def chat(request: Request) -> Response:
    """Answer a conversation."""
    asked = await body_of(request, ChatRequest)
    keep = service_of(request).settings.keep and asked.store is not False
    order = chat_order(asked, party_of(request, asked.user or ""), keep=keep)
    shape = ChatShape(
        logprobs=bool(asked.logprobs), usage=_usage(asked), reasoning=asked.include_reasoning is not False
    )
    return await _answer(request, choices(order, asked.n or 1), shape, streamed=bool(asked.stream))


async def complete(request: Request) -> Response:
    """Go on with a text."""
    asked = await body_of(request, CompletionRequest)
    keep = service_of(request).settings.keep and asked.store is not False
    orders = completion_orders(asked, party_of(request, asked.user or ""), keep=keep)
    shape = CompletionShape(logprobs=asked.logprobs is not None, usage=_usage(asked), echo=bool(asked.echo))
    each = [choice for order in orders for choice in choices(order, asked.n or 1)]
    return await _answer(request, each, shape, streamed=bool(asked.stream))


def _usage(asked: ChatRequest | CompletionRequest) -> bool:
    if asked.stream_options is not None and not asked.stream:
        raise Refusal(400, "stream_options needs stream: true.", parameter="stream_options")
    return bool(asked.stream_options and asked.stream_options.include_usage)


async def _answer(request: Request, orders: list[Order], shape: ChatShape, *, streamed: bool) -> Response:
    runs = service_of(request).runs
    if streamed:
        return Stream(await begun(request, stream(runs, orders, shape)), EVENTS)
    found = await while_there(request, answers(runs, orders))
    pairs = zip(found, orders, strict=True)
    counts = (count_of(live, order) for (live, _, _), order in pairs)
    count = reduce(Count.__add__, counts, Count())
    return JSONResponse(shape.whole(found, count))


async def list_models(request: Request) -> Response:
    """The models that can be asked for."""
    offers = await service_of(request).models.offers()
    return JSONResponse({"object": "list", "data": [_model(offer) for offer in offers.values()]})


async def show_model(request: Request) -> Response:
    """One of them."""
    return JSONResponse(_model(await service_of(request).models.find(request.path_params["name"])))


def _model(offer: Offer) -> Json:
    local = offer.local
    about = {"id": offer.name, "object": "model", "created": offer.created, "owned_by": "ponder"}
    if local is None:
        return about
    return about | {
        "meta": {
            "bytes": local.bytes,
            "quantisation": local.quantisation,
            "n_ctx_train": local.header.n_ctx_train,
            "parameters": local.model.parameters if local.model else None,
            "thinks": local.model.thinks if local.model else None,
        }
    }


OPERATIONS = (
    Operation("GET", "/v1/models", list_models, "The models of this server."),
    Operation("GET", "/v1/models/{name:path}", show_model, "One model.", errors=(404,)),
    Operation("POST", "/v1/chat/completions", chat, "Answer a conversation.", ChatRequest, stream=EVENTS),
    Operation("POST", "/v1/completions", complete, "Go on with a text.", CompletionRequest, stream=EVENTS),
)
