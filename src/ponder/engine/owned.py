"""An engine that owns its process: started when needed, ended when idle, replaced when dead."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ponder.core.request import Message, Sampling
from ponder.engine.llama import LlamaClient
from ponder.engine.process import Process
from ponder.engine.protocol import Emission, EngineDiedError, Prompt, Served, Written

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to load a model. Memory and threads are the caller's business (`ponder.fit`).

    `n_ctx`, `n_batch`, `n_ubatch` in tokens; `kv_type` f16 or q8_0 …; `n_gpu_layers` None lets llama.cpp
    place them; `speculation` none or one of llama.cpp's n-gram kinds; `port` 0: any free one; `idle_s`:
    unload after so many seconds unused.
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


class Owned(ABC):
    """What the embedded engine and a llama-server binary share; see Engine for the five methods."""

    def __init__(self, settings: Settings, process: Process | None = None) -> None:
        self.settings = settings
        self.starts = 0
        self._process = process
        self._client: LlamaClient | None = None
        self._lock = threading.RLock()
        self._idle: threading.Timer | None = None

    @abstractmethod
    def _start(self) -> tuple[Process, LlamaClient]:
        """A process with the model loaded, and the client for it."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it does not run."""
        return self._process.popen.pid if self._process is not None else None

    def serve(self) -> Served:
        """Load the model if it is not loaded; raises EngineError with llama.cpp's own reason."""
        return self._ready().serve()

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Render a conversation; see LlamaClient."""
        return self._twice(lambda client: client.prompt(messages, think=think, tags=tags))

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """A text as tokens; see LlamaClient."""
        return self._twice(lambda client: client.tokenize(text, control=control))

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """Stream one piece, one conversation at a time; see LlamaClient."""
        with self._lock:
            client = self._ready()
            try:
                yield from client.stream(prompt, output, sampling, since=since)
            except EngineDiedError:
                self.close()
                raise
            finally:
                self._unload_later()

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            if self._client is not None:
                self._client.close()
            if self._process is not None:
                self._process.end()
            self._process = self._client = self._idle = None

    def _twice(self, call: Callable[[LlamaClient], Result]) -> Result:
        """A call without consequences, made again with a new process if the old one died."""
        try:
            return call(self._ready())
        except EngineDiedError:
            self.close()
            return call(self._ready())

    def _ready(self) -> LlamaClient:
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            if self._process is not None and not self._process.alive:
                self.close()
            if self._client is None:
                self.starts += 1
                self._process, self._client = self._start()
            return self._client

    def _unload_later(self) -> None:
        self._idle = threading.Timer(self.settings.idle_s, self.close)
        self._idle.daemon = True
        self._idle.start()
