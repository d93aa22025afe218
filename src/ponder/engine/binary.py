"""A `llama-server` program that a person built for a GPU: the same client, their binary."""

import re
import shutil
import socket
import subprocess
import sys
import time

from ponder.engine.http import Loopback
from ponder.engine.llama import LlamaClient
from ponder.engine.owned import Owned, Seen, Settings
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

    @property
    def _program(self) -> str:
        program = shutil.which(self._path)
        if program is None:
            raise InputError(f"{self._path} is no program: give the path of a llama-server executable.")
        return program

    def devices(self) -> list[Seen]:
        """See Owned; runs the program with --list-devices, which only tells GPUs."""
        try:
            asked = subprocess.run(
                [self._program, "--list-devices"],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        return listed_devices(asked.stdout)

    def _start(self) -> tuple[Process, LlamaClient]:
        program = self._program
        key, port = new_key(), self.settings.port or _free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-I", source("guard.py"), program, *arguments(self.settings, port)]
        with Process(command).or_end() as process:
            process.say(key)
            self._wait(process, Loopback(url, key, timeout_s=5.0))
        return process, LlamaClient(url, key, slots=self.settings.n_parallel)

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
        "--ctx-size": settings.n_ctx * settings.n_parallel,
        "--parallel": settings.n_parallel,
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
    if settings.tensor_split:
        options["--tensor-split"] = ",".join(map(str, settings.tensor_split))
    if settings.n_cpu_moe:
        options["--n-cpu-moe"] = settings.n_cpu_moe
    if settings.flash:
        options["--flash-attn"] = "on"
    if settings.slot_folder:
        options["--slot-save-path"] = settings.slot_folder
    if settings.speculation != "none":
        options["--spec-type"] = settings.speculation
    if settings.n_parallel > 1:
        options["--threads-http"] = 2 * settings.n_parallel + 8
    added = [word for path in settings.adapters for word in ("--lora", path)]
    return [str(word) for pair in options.items() for word in pair] + added


_DEVICE = re.compile(r"^ +\w+: (.+) \((\d+) MiB, (\d+) MiB free\)$", re.MULTILINE)


def listed_devices(text: str) -> list[Seen]:
    """The devices of `llama-server --list-devices`, a line each: `  CUDA0: NVIDIA GeForce RTX 5090 (32106
    MiB, 31500 MiB free)`. Some builds tell more free memory than there is; that counts as all of it.
    """
    found = ((name, int(total) << 20, int(free) << 20) for name, total, free in _DEVICE.findall(text))
    return [Seen(name, "gpu", total, min(total, free)) for name, total, free in found]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
