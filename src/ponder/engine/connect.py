"""An engine for an address, found by what answers there: llama.cpp's own routes, else OpenAI's."""

from importlib import import_module

from ponder.engine.llama import LlamaClient
from ponder.engine.protocol import Engine, EngineDiedError
from ponder.errors import EngineError, InputError


def connect(url: str, key: str = "", model: str = "") -> Engine:
    """The engine behind `url`; `model` chooses one of an OpenAI-compatible server's models.

    Raises InputError for an address that is none and NetworkError where nothing answers.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError(f"--server {url} is no address: write it like http://127.0.0.1:8080.")
    root = url.rstrip("/").removesuffix("/v1")
    if root == url.rstrip("/"):  # someone who writes /v1 means the OpenAI route
        client = LlamaClient(root, key)
        try:
            client.serve()
        except (EngineError, EngineDiedError):
            client.close()
        else:
            return client
    engine: Engine = import_module("ponder.engine.openai").OpenAIServer(url, key, model)
    return engine
