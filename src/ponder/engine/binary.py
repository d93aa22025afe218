"""A `llama-server` program that a person built for a GPU: the same client, their binary."""

import shutil
import socket
import sys
import time

from ponder.engine.http import Loopback
from ponder.engine.llama import LlamaClient
from ponder.engine.owned import Owned, Settings
from ponder.engine.process import Process, new_key, source
from ponder.errors import EngineError, InputError

PATIENCE_S = 600.0
"""How long loading may take: hundreds of gigabytes from a slow disk."""
POLL_S = 0.05


class Binary(Owned):
    """The llama-server program at `path`, or of that name on $PATH."""

    def __init__(self, path: str, settings: Settings) -> None:
        super().__init__(settings)
        self._path = path

    def _start(self) -> tuple[Process, LlamaClient]:
        program = shutil.which(self._path)
        if program is None:
            raise InputError(f"{self._path} is no program: give the path of a llama-server executable.")
        key, port = new_key(), self.settings.port or _free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-I", source("guard.py"), program, *arguments(self.settings, port)]
        with Process(command).or_end() as process:
            process.say(key)
            self._wait(process, Loopback(url, key, timeout_s=5.0))
        return process, LlamaClient(url, key)

    def _wait(self, process: Process, server: Loopback) -> None:
        """Until the model is loaded; raises EngineError with the program's last words if it is not to be."""
        until = time.monotonic() + PATIENCE_S
        while process.alive and time.monotonic() < until:
            try:
                server.call("/health")
            except EngineError:  # not listening yet; listening and still loading
                time.sleep(POLL_S)
            else:
                server.close()
                return
        raise process.ended(f"{self._path} cannot serve {self.settings.model_path}")


def arguments(settings: Settings, port: int) -> list[str]:
    """llama-server's command line for `settings`."""
    options: dict[str, object] = {
        "--model": settings.model_path,
        "--host": "127.0.0.1",
        "--port": port,
        "--ctx-size": settings.n_ctx,
        "--parallel": 1,
        "--threads": settings.threads,
        "--threads-batch": settings.threads_batch or settings.threads,
        "--batch-size": settings.n_batch,
        "--ubatch-size": settings.n_ubatch,
        "--cache-ram": 0,  # no prompt of one conversation is kept for another
        "--cache-type-k": settings.kv_type,
        "--cache-type-v": settings.kv_type,
    }
    if settings.n_gpu_layers is not None:
        options["--n-gpu-layers"] = settings.n_gpu_layers
    if settings.speculation != "none":
        options["--spec-type"] = settings.speculation
    return [str(word) for pair in options.items() for word in pair]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
