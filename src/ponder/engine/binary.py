"""A `llama-server` program that a person built for a GPU: the same client, their binary."""

import os
import socket
import time

from ponder.engine.http import Loopback
from ponder.engine.llama import LlamaClient
from ponder.engine.owned import Owned, Settings
from ponder.engine.process import Process, new_key
from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError

PATIENCE_S = 600.0
"""How long loading may take: hundreds of gigabytes from a slow disk."""


class Binary(Owned):
    """The llama-server program at `path`."""

    def __init__(self, path: str, settings: Settings) -> None:
        super().__init__(settings)
        self._path = path

    def _start(self) -> tuple[Process, LlamaClient]:
        settings, key = self.settings, new_key()
        port = settings.port or _free_port()
        command = [self._path, "--model", settings.model_path, "--host", "127.0.0.1", "--port", str(port)]
        command += ["--ctx-size", str(settings.n_ctx), "--parallel", "1", "--threads", str(settings.threads)]
        command += [
            "--cache-ram",
            "0",
            "--cache-type-k",
            settings.kv_type,
            "--cache-type-v",
            settings.kv_type,
        ]
        if settings.n_gpu_layers is not None:
            command += ["--n-gpu-layers", str(settings.n_gpu_layers)]
        # The key goes through the environment: everybody can read a command line.
        process = Process(command, os.environ | {"LLAMA_API_KEY": key})
        url = f"http://127.0.0.1:{port}"
        self._wait(process, Loopback(url, key, timeout_s=5.0))
        return process, LlamaClient(url, key)

    def _wait(self, process: Process, server: Loopback) -> None:
        """Until the model is loaded; raises EngineError with the program's last words if it is not to be."""
        until = time.monotonic() + PATIENCE_S
        while process.alive and time.monotonic() < until:
            try:
                server.call("/health")
            except (EngineDiedError, EngineError):  # not listening yet; listening and still loading
                time.sleep(0.05)
            else:
                server.close()
                return
        reason = process.last_words()
        process.end()
        raise EngineError(f"{self._path} cannot serve {self.settings.model_path}: {reason}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
