"""An engine for an address, found by what answers there: llama.cpp's own routes, else OpenAI's."""

from importlib import import_module
from urllib.parse import urlsplit

from ponder.engine.llama import LlamaClient
from ponder.engine.protocol import Engine
from ponder.errors import EngineError, InputError


def connect(url: str, key: str = "", model: str = "") -> Engine:
    """The engine behind `url`; `model` chooses one of an OpenAI-compatible server's models.

    Raises InputError for an address or a key that is none. Where nothing answers, or the key is refused,
    the engine's `serve` raises NetworkError.
    """
    _check(url, key)
    root = url.rstrip("/").removesuffix("/v1")
    if root == url.rstrip("/"):  # someone who writes /v1 means the OpenAI route
        client = LlamaClient(root, key)
        try:
            client.serve()
        except EngineError:
            client.close()
        else:
            return client
    engine: Engine = import_module("ponder.engine.openai").OpenAIServer(url, key, model)
    return engine


def _check(url: str, key: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large
        sound = False
    if not sound:
        raise InputError(f"--server {url} is no address: write it like http://127.0.0.1:8080.")
    if key and not (key.isascii() and key.isprintable()):
        raise InputError("PONDER_API_KEY holds characters that no key has: copy it again.")
