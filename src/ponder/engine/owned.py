"""An engine that owns its process: started when needed, ended when idle, replaced when dead."""

import secrets
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from ponder.core.plan import Buffer
from ponder.core.request import Message, Sampling
from ponder.engine.buffers import buffers
from ponder.engine.llama import LlamaClient
from ponder.engine.process import Process
from ponder.engine.protocol import Ability, Emission, EngineDiedError, Prompt, Served, Written
from ponder.errors import EngineError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to load a model. Memory and threads are the caller's business (`ponder.fit`).

    `n_ctx`, `n_batch`, `n_ubatch` in tokens; `n_parallel` conversations at once have `n_ctx` each;
    `kv_type` f16 or q8_0 …; `n_gpu_layers` None lets llama.cpp place them; `n_cpu_moe`: the first layers keep
    their experts in RAM; `tensor_split`: layers of each GPU; `flash`: fused attention, else llama.cpp
    decides; `speculation` none or one of llama.cpp's n-gram kinds; `port` 0: any free one; `idle_s`: unload
    after so many seconds unused; `slot_folder`: where caches may be written, "" for nowhere; `gather_s`: how
    long tokens may gather before they are read, 0: each is read as it comes; `adapters`: GGUF files of LoRA,
    each added in full.
    """

    model_path: str
    n_ctx: int
    threads: int
    threads_batch: int = 0
    n_batch: int = 2048
    n_ubatch: int = 512
    n_parallel: int = 1
    kv_type: str = "f16"
    n_gpu_layers: int | None = None
    n_cpu_moe: int = 0
    tensor_split: tuple[int, ...] = ()
    flash: bool = False
    speculation: str = "none"
    port: int = 0
    idle_s: float = 600.0
    slot_folder: str = ""
    gather_s: float = 0.0
    adapters: tuple[str, ...] = ()


class Seen(NamedTuple):
    """A device as llama.cpp sees it: `kind` is gpu, igpu (shares the RAM) or cpu."""

    name: str
    kind: str
    memory_bytes: int
    free_bytes: int


class Owned(ABC):
    """What the embedded engine and a llama-server binary share; see Engine for the five methods.

    Threads may share one: as many as there are slots stream at once, the others wait.
    """

    def __init__(self, settings: Settings, process: Process | None = None) -> None:
        self.settings = settings
        self.starts = 0
        self._process = process
        self._client: LlamaClient | None = None
        self._lock = threading.RLock()  # the process and its client
        self._speakers: list[int] = []  # the threads that are streaming
        self._used = 0.0
        self._watch: threading.Timer | None = None
        self._buffers: tuple[Buffer, ...] | None = None  # of this process, once they were asked for
        self.before_end: Callable[[], None] = lambda: None
        """What is done before it ends for want of work."""

    @property
    def settings(self) -> Settings:
        """What it is loaded with; to be changed only while it is not."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = threading.Semaphore(settings.n_parallel)

    @abstractmethod
    def _start(self) -> tuple[Process, LlamaClient]:
        """A process with the model loaded, and the client for it."""

    @abstractmethod
    def devices(self) -> list[Seen]:
        """Where this engine can put a model, in llama.cpp's order; asked before or after loading."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it does not run."""
        return self._process.popen.pid if self._process is not None else None

    @property
    def loaded(self) -> bool:
        """Whether a model is in memory now."""
        return self._client is not None and self._process is not None and self._process.alive

    def resident_bytes(self) -> int:
        """RAM that the process and its children take now, the model's file included; 0 while none runs."""
        return self._process.resident_bytes() if self._process is not None else 0

    def buffers(self) -> tuple[Buffer, ...]:
        """What the loaded model takes on each device, as llama.cpp logs it; empty while none is loaded."""
        with self._lock:
            if self._client is None or self._process is None:
                return ()
            if self._buffers is None:
                self._buffers = buffers(self._process.log())
            return self._buffers

    def busy_s(self) -> float:
        """Seconds of processor time that it has had since it started; 0 while none runs."""
        return self._process.busy_s() if self._process is not None else 0.0

    def serve(self) -> Served:
        """Load the model if it is not loaded; raises EngineError with llama.cpp's own reason."""
        served = self._ask(LlamaClient.serve)
        if self.settings.speculation == "none":
            return served
        # What speculation guessed right comes without a log-probability.
        return replace(served, abilities=served.abilities & ~Ability.LOGPROBS)

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Render a conversation; see LlamaClient."""
        return self._ask(lambda client: client.prompt(messages, think=think, tags=tags))

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """A text as tokens; see LlamaClient."""
        return self._ask(lambda client: client.tokenize(text, control=control))

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """Stream one piece, one conversation for each slot at a time; see LlamaClient."""
        me = threading.get_ident()
        if not self._turns.acquire(blocking=me not in self._speakers):
            raise EngineError("the engine is still answering: finish or cancel that question before another.")
        self._speakers.append(me)
        try:
            client = self._ready()
            try:
                yield from client.stream(prompt, output, sampling, since=since)
            except EngineDiedError:
                self._bury(client)
                raise
        finally:
            self._used = time.monotonic()
            self._forget_log()
            self._speakers.remove(me)
            self._turns.release()

    def holds(self, prompt: Prompt, known: Sequence[int]) -> int:
        """How many of the tokens `known` lie in a cache; see LlamaClient."""
        return self._ask(lambda client: client.holds(prompt, known))

    def save_cache(self, prompt: Prompt, known: Sequence[int], name: str) -> int:
        """Write a conversation's cache to the file `name` in `settings.slot_folder`; see LlamaClient."""
        return self._ready().save(prompt, known, name)

    def load_cache(self, prompt: Prompt, known: Sequence[int], name: str) -> int:
        """Read what `save_cache` wrote, if a slot is free for it; see LlamaClient. Close after an error."""
        if not self._turns.acquire(blocking=False):
            return 0
        try:
            return self._ready().restore(prompt, known, name)
        finally:
            self._turns.release()

    @contextmanager
    def lending(self, prompt: Prompt, wanted: Callable[[], bool]) -> Iterator[bool]:
        """Evaluate a prompt once for all conversations of the block that begin with it; whether that is done.

        Raises EngineError; what goes wrong later only means that a conversation evaluates it itself.
        """
        name, lent = (
            f"lent-{secrets.token_hex(8)}.part",
            False,
        )  # after a kill, who looks after caches deletes it
        try:
            if self.settings.slot_folder:
                with self._turns:
                    lent = self._ready().lend(prompt, name, wanted)
            yield lent
        finally:
            if self._client is not None:
                self._client.take_back(prompt)
            if self.settings.slot_folder:
                (Path(self.settings.slot_folder) / name).unlink(missing_ok=True)

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            if self._watch is not None:
                self._watch.cancel()
            if self._client is not None:
                self._client.close()
            if self._process is not None:
                self._process.end()
            self._process = self._client = self._watch = None

    # ------------------------------------------------------------------ the process

    def _ask(self, question: Callable[[LlamaClient], Answer]) -> Answer:
        """A client's answer; a new client's if the first turns out to be dead."""
        client = self._ready()
        try:
            return question(client)
        except EngineDiedError:
            self._bury(client)
            return question(self._ready())

    def _bury(self, client: LlamaClient) -> None:
        """End what is left of the process behind `client`; of several who saw it die, the first does it."""
        with self._lock:
            if self._client is client:
                self.close()

    def _ready(self) -> LlamaClient:
        with self._lock:
            self._used = time.monotonic()
            if self._process is not None and not self._process.alive:
                self.close()
            if self._client is None:
                self._refuse_taken_port()
                self.starts += 1
                self._process, self._client = self._start()
                self._buffers = None
                self._client.gather_s = self.settings.gather_s
                self._unload_in(self.settings.idle_s)
            return self._client

    def _forget_log(self) -> None:
        """Keep the process's log short; what it tells of buffers is read before."""
        with self._lock:
            if self._process is not None:
                self.buffers()
                self._process.forget()

    def _unload_in(self, seconds: float) -> None:
        self._watch = threading.Timer(seconds, self._unload)
        self._watch.daemon = True
        self._watch.start()

    def _unload(self) -> None:
        """End the process if it is idle; else look again when it could be."""
        with self._lock:
            left = self._used + self.settings.idle_s - time.monotonic()
            if self._speakers:
                self._unload_in(self.settings.idle_s)
            elif left > 0:
                self._unload_in(left)
            else:
                self.before_end()
                self.close()

    def _refuse_taken_port(self) -> None:
        """A foreign server on our port would answer in the name of a child that could not listen."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.settings.port))
            except OSError as error:
                raise EngineError(
                    f"port {self.settings.port} cannot be used ({error.strerror}): choose another one."
                ) from None
