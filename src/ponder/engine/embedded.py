"""The default engine: llama.cpp in a child process, so that a native crash is an event and not the end.

The process can be started before the model is known (`Embedded.prestart`): loading Python and the native
library then overlaps with everything the parent does first.
"""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ponder.core.request import Message, Sampling
from ponder.engine.llama import LlamaClient
from ponder.engine.process import Process, new_key, source
from ponder.engine.protocol import Emission, Prompt, Served
from ponder.errors import EngineError


@dataclass(frozen=True, slots=True)
class Settings:
    """How to load a model. Memory and threads are the caller's business (`ponder.fit`).

    `n_ctx`, `n_batch`, `n_ubatch` in tokens; `kv_type` f16 or q8_0 …; `n_gpu_layers` None lets llama.cpp
    place them; `speculation` none or one of llama.cpp's n-gram kinds; `idle_s`: unload after so many
    seconds unused.
    """

    model_path: str
    n_ctx: int
    threads: int
    threads_batch: int = 0
    n_batch: int = 2048
    n_ubatch: int = 512
    kv_type: str = "f16"
    n_gpu_layers: int | None = None
    speculation: str = "none"
    port: int = 0
    idle_s: float = 600.0


class Embedded:
    """An engine that owns its process: starts it when needed, ends it when idle, replaces it when dead."""

    def __init__(self, settings: Settings, process: Process | None = None) -> None:
        self.settings = settings
        self._process = process
        self._client: LlamaClient | None = None
        self._lock = threading.RLock()
        self._idle: threading.Timer | None = None
        self.starts = 0

    @staticmethod
    def prestart() -> Process:
        """A process that waits for its settings."""
        return Process([sys.executable, "-I", source("child.py")])

    # ------------------------------------------------------------------ Engine

    def serve(self) -> Served:
        """Load the model if it is not loaded; raises EngineError with llama.cpp's own reason."""
        return self._ready().serve()

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Render a conversation; see LlamaClient."""
        return self._ready().prompt(messages, think=think, tags=tags)

    def tokenize(self, text: str, *, control: bool) -> tuple[int, ...]:
        """Token ids of a text; see LlamaClient."""
        return self._ready().tokenize(text, control=control)

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Iterator[Emission]:
        """Stream one piece; see LlamaClient."""
        with self._lock:  # one conversation at a time
            client = self._ready()
            if self._idle is not None:
                self._idle.cancel()
            try:
                yield from client.stream(prompt, output, sampling, since=since)
            finally:
                self._idle = threading.Timer(self.settings.idle_s, self.close)
                self._idle.daemon = True
                self._idle.start()

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            if self._client is not None:
                self._client.close()
            if self._process is not None:
                self._process.end()
            self._process = self._client = None

    # ------------------------------------------------------------------ details

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it does not run."""
        return self._process.popen.pid if self._process is not None else None

    def _ready(self) -> LlamaClient:
        with self._lock:
            if self._process is not None and not self._process.alive:
                self.close()
            if self._client is None:
                self._client = self._start()
            return self._client

    def _start(self) -> LlamaClient:
        process = self._process = self._process or self.prestart()
        self.starts += 1
        key = new_key()
        wanted = asdict(self.settings) | {
            "threads_batch": self.settings.threads_batch or self.settings.threads,
            "key": key,
            "origin": "http://127.0.0.1",
            "verbosity": 1,  # errors only
        }
        process.say(json.dumps(wanted))
        answer = json.loads(process.hear() or "{}")
        if "url" not in answer:
            reason = process.last_words()
            self.close()
            raise EngineError(f"llama.cpp cannot load {self.settings.model_path}: {reason}.")
        return LlamaClient(answer["url"], key, name=f"llama.cpp (xllamacpp {answer['build']})")
