"""`/api/chat`, `/api/generate`, `/api/tags`, `/api/show`, `/api/ps` and `/api/version`."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.core.request import Begun, Message, Sampling, Think
from ponder.core.request import Request as Asked
from ponder.serve.asking import LINES, Stream, begun, body_of, party_of, while_there
from ponder.serve.generating import Count, answers, count_of, stream
from ponder.serve.live import Live
from ponder.serve.models import Offer
from ponder.serve.ollama.requests import OllamaChat, OllamaGenerate, OllamaShow, Options
from ponder.serve.openai.orders import ANY_OBJECT, EFFORTS, SEEDS, schema_text
from ponder.serve.openai.shapes import reason_of
from ponder.serve.operations import Operation
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Order
from ponder.serve.service import service_of
from ponder.serve.texts import Delta, Texts

Json = dict[str, Any]


class OllamaShape:
    """Lines of JSON; `chat` has messages, else there is `response`."""

    def __init__(self, model: str, *, chat: bool) -> None:
        self._model = model
        self._chat = chat
        self._last: tuple[Live, Texts] | None = None

    def first(self, index: int, live: Live) -> bytes:
        """Nothing."""
        del index, live
        return b""

    def delta(self, index: int, delta: Delta) -> bytes:
        """A line with text."""
        del index
        return self._line(self._text(delta.reasoning, delta.answer) | {"done": False})

    def last(self, index: int, live: Live, texts: Texts) -> bytes:
        """Nothing yet: the last line needs the count."""
        del index
        self._last = live, texts
        return b""

    def idle(self) -> bytes:
        """An empty line, which clients pass over."""
        return b"\n"

    def end(self, count: Count) -> bytes:
        """The line with the numbers."""
        if self._last is None:
            return b""
        return self._line(self._text("", "") | self.numbers(*self._last, count))

    def error(self, refusal: Refusal) -> bytes:
        """A line with an error, which clients raise."""
        return (json.dumps({"error": refusal.message}) + "\n").encode()

    def whole(self, live: Live, delta: Delta, texts: Texts) -> Json:
        """The answer in one piece."""
        text = self._text(delta.reasoning, delta.answer)
        return self._about() | text | self.numbers(live, texts, count_of(live))

    def numbers(self, live: Live, texts: Texts, count: Count) -> Json:
        """How it ended, and how long it took, in nanoseconds."""
        usage = live.finish.usage if live.finish else None
        times = (usage.total_s, usage.prefill_s, usage.decode_s) if usage else (0.0, 0.0, 0.0)
        total, prefill, decode = (int(seconds * 1e9) for seconds in times)
        return {
            "done": True,
            "done_reason": reason_of(live, texts),
            "total_duration": total,
            "load_duration": 0,
            "prompt_eval_count": count.prompt,
            "prompt_eval_duration": prefill,
            "eval_count": count.completion,
            "eval_duration": decode,
        }

    def _about(self) -> Json:
        return {"model": self._model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}

    def _text(self, reasoning: str, answer: str) -> Json:
        thinking = {"thinking": reasoning} if reasoning else {}
        if self._chat:
            return {"message": {"role": "assistant", "content": answer} | thinking}
        return {"response": answer} | thinking

    def _line(self, data: Json) -> bytes:
        return (json.dumps(self._about() | data) + "\n").encode()


async def chat(request: Request) -> Response:
    """Answer a conversation."""
    asked = await body_of(request, OllamaChat)
    if not asked.messages:
        return await _load(request, asked.model, {"message": {"role": "assistant", "content": ""}})
    messages = [Message(m.role, m.content, m.thinking or "") for m in asked.messages]
    begun_with = None
    if messages[-1].role == "assistant" and len(messages) > 1:
        last = messages.pop()
        begun_with = Begun(last.reasoning, last.content or None)
    return await _answer(request, asked, messages, begun_with)


async def generate(request: Request) -> Response:
    """Answer one prompt, or with `raw` go on with a text."""
    asked = await body_of(request, OllamaGenerate)
    if not asked.prompt.strip():
        return await _load(request, asked.model, {"response": ""})
    if asked.raw:
        return await _answer(request, asked, [Message("text", asked.prompt)], None)
    system = [Message("system", asked.system)] if asked.system else []
    return await _answer(request, asked, [*system, Message("user", asked.prompt)], None)


async def _answer(
    request: Request, asked: OllamaChat | OllamaGenerate, messages: list[Message], start: Begun | None
) -> Response:
    service = service_of(request)
    options = asked.options or Options()
    think: Think = "auto" if asked.think is None else "on" if asked.think else "off"
    budget = EFFORTS[asked.think] if isinstance(asked.think, str) else None
    wanted = Asked(
        tuple(messages),
        think=think,
        budget=budget,
        sampling=_sampling(options, asked.format),
        begun=start,
    )
    raw = messages[0].role == "text"
    order = Order(asked.model, wanted, service.settings.keep, options.stop or (), raw, party_of(request))
    shape = OllamaShape(asked.model, chat=isinstance(asked, OllamaChat))
    if asked.stream is not False:
        return Stream(await begun(request, stream(service.runs, [order], shape)), LINES)
    ((live, delta, texts),) = await while_there(request, answers(service.runs, [order]))
    return JSONResponse(shape.whole(live, delta, texts))


def _sampling(options: Options, wanted: str | Mapping[str, object] | None) -> Sampling:
    schema = "" if not wanted else schema_text(ANY_OBJECT if wanted == "json" else dict(wanted), "format")  # type: ignore[arg-type]
    most = options.num_predict
    return Sampling(
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        min_p=options.min_p,
        seed=None if options.seed is None else options.seed % SEEDS,
        max_tokens=most if most and most > 0 else None,
        json_schema=schema,
        logprobs=False,
    )


async def _load(request: Request, model: str, empty: Json) -> Response:
    """Nothing is asked: the model is loaded."""
    models = service_of(request).models
    models.leave(await while_there(request, models.take(model)))
    about = {"model": model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    return JSONResponse(about | empty | {"done": True, "done_reason": "load"})


async def tags(request: Request) -> Response:
    """The models there are."""
    offers = await service_of(request).models.offers()
    return JSONResponse({"models": [_model(offer) for offer in offers.values()]})


async def running(request: Request) -> Response:
    """The models that are loaded."""
    offers = await service_of(request).models.offers()
    loaded = service_of(request).models.loaded
    return JSONResponse({"models": [_model(offers[name]) for name in loaded if name in offers]})


def _model(offer: Offer) -> Json:
    return {
        "name": offer.name,
        "model": offer.name,
        "modified_at": datetime.fromtimestamp(offer.created, UTC).isoformat(),
        "size": offer.local.bytes if offer.local else 0,
        "digest": hashlib.sha256(offer.opens.encode()).hexdigest(),
        "details": _details(offer),
    }


def _details(offer: Offer) -> Json:
    local = offer.local
    model = local.model if local else None
    return {
        "format": "gguf",
        "family": local.header.architecture if local else "",
        "families": None,
        "parameter_size": f"{model.parameters / 1e9:.1f}B" if model else "",
        "quantization_level": local.quantisation if local else "",
    }


async def show(request: Request) -> Response:
    """One model."""
    asked = await body_of(request, OllamaShow)
    offer = await service_of(request).models.find(asked.model or asked.name)
    local = offer.local
    reasons = local is None or local.model is None or local.model.thinks != "never"
    return JSONResponse(
        {
            "details": _details(offer),
            "template": local.header.template if local else "",
            "model_info": {"general.architecture": local.header.architecture} if local else {},
            "capabilities": ["completion", *(["thinking"] if reasons else [])],
        }
    )


async def tell_version(request: Request) -> Response:
    """The version: ponder's own."""
    del request
    return JSONResponse({"version": version("ponder")})


OPERATIONS = (
    Operation("POST", "/api/chat", chat, "Answer a conversation (Ollama).", OllamaChat, stream=LINES),
    Operation("POST", "/api/generate", generate, "Answer a prompt (Ollama).", OllamaGenerate, stream=LINES),
    Operation("GET", "/api/tags", tags, "The models there are (Ollama)."),
    Operation("GET", "/api/ps", running, "The models that are loaded (Ollama)."),
    Operation("POST", "/api/show", show, "One model (Ollama).", OllamaShow),
    Operation("GET", "/api/version", tell_version, "The version (Ollama)."),
)
