"""`ponder.ask` for Python programs: one call opens the model, keeps the run, and streams its events.

The engine of the last call stays loaded for the next one, and unloads itself when it is not used.
"""

import atexit
import os
from collections.abc import Sequence
from dataclasses import replace

from ponder.core.request import CorrectionKind, Message, Request, Sampling, Steering, Think
from ponder.errors import InputError
from ponder.opened import Opened, Options, open_model, reopen
from ponder.session import Answering, start
from ponder.session import fork as branch
from ponder.store import Bundle, Store, open_store
from ponder.warm import put_away

_loaded: dict[object, Opened] = {}
_stores: dict[str, Store] = {}


def ask(
    question: str | Sequence[Message],
    *,
    model: str = "",
    think: Think = "auto",
    budget: int | None = None,
    sampling: Sampling | None = None,
    options: Options | None = None,
) -> Answering:
    """Ask one question (or continue a conversation); iterate the result for events, or call its `trace`.

    `model`: a catalogue name, a GGUF's path, or a model of `options.server`; empty: the default model.
    `budget`: most reasoning tokens. The run is kept like those of the terminal (`ponder traces`).
    Raises PonderError kinds before anything is generated, EngineError while it is.
    """
    messages = (Message("user", question),) if isinstance(question, str) else tuple(question)
    if not messages or not messages[-1].content.strip():
        raise InputError("the question is empty: write one.")
    opened = _open(model, options or Options(api_key=os.environ.get("PONDER_API_KEY", "")))
    request = Request(messages, think=think, budget=budget, sampling=sampling or Sampling())
    return start(opened, request, _store())


def fork(
    name: str,
    at: int,
    text: str = "",
    *,
    kind: CorrectionKind | None = None,
    sampling: Sampling | None = None,
    steering: Steering | None = None,
) -> Answering:
    """Go on with a kept trace from before its step `at` (counted from 1), corrected, as a new branch.

    `name` is the trace's id, a unique beginning of one, or "last". `kind` is a `Correction`'s, by default
    `say` if there is a `text`, else `none`. `sampling` and `steering` are the parent's where not given, the
    seed is new. Raises NotFoundError, InputError, and as `ask` does.
    """
    bundle = _store().bundle(name)
    request = bundle.trace.fork(at, kind or ("say" if text else "none"), text)
    request = replace(request, sampling=sampling or request.sampling, steering=steering or request.steering)
    return branch(_reopen(bundle), bundle.trace, request, _store())


def close() -> None:
    """Unload the engine and let go of the store; a later `ask` opens them again."""
    _unload()
    while _stores:
        _stores.popitem()[1].close()


def _open(model: str, options: Options) -> Opened:
    key = (model, options)
    if key not in _loaded:
        _unload()
        _loaded[key] = open_model(model, options)
    return _loaded[key]


def _reopen(bundle: Bundle) -> Opened:
    """The model of a kept trace: the one that is loaded, if it is the same."""
    facts = bundle.environment
    loaded = next((each for each in _loaded.values() if each.facts == facts), None)
    if loaded is None:
        _unload()
        loaded = _loaded[tuple(facts.items())] = reopen(facts, bundle.trace.model)
    return loaded


def _unload() -> None:
    while _loaded:  # one model in memory at a time
        put_away(_loaded.popitem()[1])


def _store() -> Store:
    home = os.environ.get("PONDER_HOME", "")
    if home not in _stores:
        _stores[home] = open_store()
    return _stores[home]


atexit.register(close)
