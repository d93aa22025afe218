"""The lossless form: a trace as JSON, one token a line, that comes back equal; reading it runs nothing."""

import json
from typing import Any

from ponder.core.trace import Trace
from ponder.errors import FileFormatError
from ponder.store.codec import decode, dumps, encode
from ponder.store.values import Bundle

_FORMAT, _VERSION = "ponder trace", 1
_MOST = 2**53
_LATEST_S = 1e11


def to_json(bundle: Bundle) -> str:
    """The whole bundle; `tokens` is the last member, a line for each."""
    document = {"format": _FORMAT, "version": _VERSION, **encode(bundle)}
    tokens = document["trace"].pop("tokens")
    lines = ",\n".join(dumps(token) for token in tokens)
    return f'{dumps(document)[:-1]},\n"tokens":[\n{lines}\n]}}\n'


def is_exported(text: str) -> bool:
    """Whether a text begins as one that `to_json` wrote."""
    return text.lstrip()[:40].replace(" ", "").startswith(f'{{"format":"{_FORMAT}"'.replace(" ", ""))


def read_json(text: str) -> Bundle:
    """What `to_json` wrote; raises FileFormatError, saying where, for anything else."""
    try:
        document = json.loads(text)
        bundle = _bundle(document)
        _check(bundle.trace)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"This is no trace exported by ponder ({error}): make one with `ponder export ID --format json`."
        ) from error
    return bundle


def _bundle(document: Any) -> Bundle:
    """The bundle in a parsed document, every value of its right type."""
    if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
        raise ValueError(f'"format" is not "{_FORMAT}"')
    version = document.pop("version", None)
    if version != _VERSION:
        raise ValueError(f"version {version!r} is not {_VERSION}")
    if isinstance(document.get("trace"), dict):
        document["trace"]["tokens"] = document.pop("tokens", None)
    return decode(Bundle, document)


def _check(trace: Trace) -> None:
    """Raises ValueError where numbers of a trace contradict one another."""
    count = len(trace.tokens)
    if any(token.index != index for index, token in enumerate(trace.tokens)):
        raise ValueError("the tokens are not counted from 0")
    if any(step.index != index for index, step in enumerate(trace.steps)):
        raise ValueError("the steps are not counted from 0")
    if any(not 0 <= step.start <= step.stop <= count for step in trace.steps):
        raise ValueError(f"a step lies outside the {count} tokens")
    ids = [token.id for token in trace.tokens if token.id is not None]
    if any(not 0 <= token_id < 2**31 for token_id in (*ids, *trace.prompt_ids)):
        raise ValueError("a token id lies outside [0, 2**31)")
    if not 0 <= trace.fork_index <= count or not 0 <= trace.n_ctx <= _MOST:
        raise ValueError("fork_index or n_ctx lies outside the trace")
    if not 0 <= trace.created <= _LATEST_S:
        raise ValueError("the time of its creation makes no sense")
