"""From a name to an engine that can be asked: weights or an address, think tags, context, sampling."""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ponder.catalog.library import home, is_path, newest, resolve
from ponder.catalog.models import known_model
from ponder.catalog.tags import think_tags
from ponder.core.events import Usage
from ponder.core.folders import CACHES
from ponder.core.model import Model, SamplingDefaults
from ponder.core.request import Sampling
from ponder.core.tags import FORMATS
from ponder.engine.connect import connect
from ponder.engine.embedded import Embedded
from ponder.engine.owned import Owned, Settings
from ponder.engine.process import Process
from ponder.engine.protocol import Ability, Engine
from ponder.errors import InputError
from ponder.fit.busy import Beside
from ponder.fit.launch import Launch, Local, LocalFile, Wanted
from ponder.fit.readings import Gpu, engine_devices
from ponder.fit.several import MOST_SLOTS, widened
from ponder.steer.beginning import Voice

if TYPE_CHECKING:
    from ponder.core.plan import Compared, Taken

NO_FACTS = {"api_key", "n_parallel"}
"""Options that a stored trace does not keep: a secret, and what changes nothing for one conversation."""
DEFAULTS = Sampling(temperature=0.6, top_p=0.95, top_k=40, min_p=0.0)
"""DeepSeek's advice for R1 (its README) where a model's makers give none; `top_k` is llama.cpp's own."""


ENOUGH_TOKENS, ENOUGH_S = 48, 1.0
"""A shorter answer says nothing about the rate: the first tokens warm the caches up."""


ALONE_SHARE = 0.85
"""Of the time of its threads, which never sleep while they decode, an engine had this much at least."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run a model. `server` is the address of a running server, `llama_server` a program's path.

    `n_ctx` in tokens, None: a default within the model's limit that fits the free memory. `threads` 0: one
    for each physical core. `n_parallel` conversations at once have `n_ctx` each; 0: as many as fit, up to 4.
    """

    n_ctx: int | None = None
    threads: int = 0
    kv_type: str = "f16"
    speculation: str = "none"
    server: str = ""
    api_key: str = field(default="", repr=False)
    llama_server: str = ""
    n_parallel: int = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A model ready to be asked, by `n_parallel` at once. `facts` are what a stored trace needs to be run
    again; `local` is the file with its plan, None for a model on somebody's server.
    """

    engine: Engine
    name: str
    voice: Voice
    model: Model | None
    facts: Mapping[str, str | int | float]
    local: Local | None = None
    n_parallel: int = 1

    def busy_s(self) -> float:
        """Processor time of the engine so far; 0 where it is not ours."""
        return self.engine.busy_s() if isinstance(self.engine, Owned) else 0.0

    def compared(self, usage: Usage, busy: float) -> "tuple[Compared, ...]":
        """Memory and rate of a run against the plan; empty where the engine is not ours, and after a short
        answer. `busy` is how many cores the engine had on average.

        A rate counts where it was reached on the threads that the plan counts on, and no other program took
        the processor away.
        """
        long = usage.sampled_tokens >= ENOUGH_TOKENS and usage.decode_s >= ENOUGH_S
        if self.local is None or not isinstance(self.engine, Owned) or not long:
            return ()
        facts, depth = self.facts, usage.prompt_tokens + usage.completion_tokens / 2
        usual = facts["usual_threads"] and facts["speculation"] == "none"
        alone = facts["gpu_layers"] or busy > ALONE_SHARE * int(facts["threads"])
        tps = usage.decode_tps if usual and alone else None
        return self.local.compared(self.taken(), tps, depth)

    def taken(self) -> "Taken":
        """What the loaded model takes; to be asked only where the engine is ours."""
        assert isinstance(self.engine, Owned)
        make = import_module("ponder.core.plan").Taken
        return make(self.engine.resident_bytes(), self.engine.buffers(), self.n_parallel)  # type: ignore[no-any-return]


def open_model(
    name: str, options: Options, process: Process | None = None, beside: Beside | None = None
) -> Opened:
    """The engine for `name`: a catalogue name, a GGUF's path, or with `options.server` a model there.

    `process` is an embedded engine's process that was started ahead, and `beside` has watched the processor
    since. Raises PonderError kinds, such as MemoryLimitError; nothing native sees the file before its header
    was checked.
    """
    beside = beside or Beside(process)
    facts = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in NO_FACTS}
    facts["n_ctx"] = options.n_ctx or 0
    if options.server:
        return _remote(name, options, facts)
    local = resolve(name or default_model())
    header = local.header
    path, threads = str(local.paths[0]), options.threads or thread_count(beside)
    engine = _engine(Settings(path, 0, threads, speculation=options.speculation), options, process)
    file = LocalFile(header, local.name, local.model)
    planned = Local(file, Wanted(options.n_ctx, options.kv_type), lambda: engine_gpus(engine))
    try:
        launch, n_parallel = widened(planned, planned.launch(), options.n_parallel)
    except BaseException:
        engine.close()
        raise
    settings = replace(told(engine.settings, launch), n_parallel=n_parallel, slot_folder=_slot_folder())
    engine.settings = settings
    stat = local.paths[0].stat()
    facts |= {
        "n_ctx": launch.n_ctx,
        "threads": threads,
        "usual_threads": int(threads == usual_thread_count() and not os.environ.get("PONDER_THREADS")),
        "gpu_layers": -1 if launch.gpu_layers is None else launch.gpu_layers,
        "cpu_expert_layers": launch.cpu_expert_layers,
        "tensor_split": ",".join(map(str, launch.tensor_split)),
        "weights": path,
        "weights_bytes": local.bytes,
        "weights_mtime": stat.st_mtime,
        "quantisation": local.quantisation,
        "template_sha256": hashlib.sha256(header.template.encode()).hexdigest(),
    }
    voice = voice_of(local.name, local.model, header.template)
    return Opened(engine, local.name, voice, local.model, facts, planned, n_parallel)


def _engine(settings: Settings, options: Options, process: Process | None) -> Owned:
    if not options.llama_server:
        return Embedded(settings, process)
    binary: Owned = import_module("ponder.engine.binary").Binary(options.llama_server, settings)
    return binary


def _slot_folder() -> str:
    """Where engines keep caches, made if it is missing; "" where that cannot be."""
    folder = home() / CACHES
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder.absolute())


def engine_gpus(engine: Owned) -> tuple[Gpu, ...]:
    """The GPUs that this engine can use, with their free memory, in the order in which it counts them."""
    return engine_devices(engine.devices())


def told(settings: Settings, launch: Launch) -> Settings:
    """An engine's settings with a plan's numbers: the one place where a plan becomes an engine's."""
    return replace(
        settings,
        n_ctx=launch.n_ctx,
        kv_type=launch.kv_type,
        n_gpu_layers=launch.gpu_layers,
        n_cpu_moe=launch.cpu_expert_layers,
        tensor_split=launch.tensor_split,
        flash=launch.flash,
    )


def reopen(
    facts: Mapping[str, str | int | float],
    name: str,
    process: Process | None = None,
    beside: Beside | None = None,
) -> Opened:
    """The engine that a stored trace ran with, from its `facts`; see `open_model`, which it raises as, too.

    A weights file that has changed since is refused with InputError: its tokens would mean something else.
    """
    require_facts(facts)
    known = {f.name: facts[f.name] for f in fields(Options) if f.name in facts}
    options = Options(**known, api_key=os.environ.get("PONDER_API_KEY", ""))  # type: ignore[arg-type]
    if not options.server and not is_path(name):
        name = f"{name}@{facts['quantisation']}"
    opened = open_model(name, options, process, beside)
    if opened.facts.get("weights_bytes") != facts.get("weights_bytes"):
        raise InputError(
            f"{facts.get('weights')} is another file than when the trace was written, so the trace cannot go "
            "on: ask its question again with `ponder ask`."
        )
    return opened


def require_facts(facts: Mapping[str, str | int | float]) -> None:
    """Raises InputError for a trace that no engine of ours wrote: what it holds is text, not tokens."""
    if not facts:
        raise InputError(
            "this trace was imported as text, so nothing can go on after its tokens: ask its question again."
        )


def _remote(name: str, options: Options, facts: dict[str, Any]) -> Opened:
    engine = connect(options.server, options.api_key, name)
    served = engine.serve()
    model = known_model(name) or known_model(served.model)
    facts |= {"n_ctx": served.n_ctx}
    voice = voice_of(served.model, model, served.template)
    if model is None and not served.template:  # nobody knows: it may reason as it likes, and tags are seen
        voice = Voice(FORMATS["think"], "unknown", served.model)
    return Opened(engine, served.model, voice, model, facts, None, options.n_parallel or MOST_SLOTS)


def voice_of(name: str, model: Model | None, template: str) -> Voice:
    """How a model reasons: by the catalogue, for models it does not know by the chat template's text."""
    tags = think_tags(model, template)
    if model is not None:
        return Voice(tags, model.thinks, f"{name} ({model.parameters / 1e6:.0f}M parameters)")
    if tags is None:
        return Voice(None, "never", name)
    return Voice(tags, "switchable" if "enable_thinking" in template else "always", name)


def default_model() -> str:
    """Whom to ask when nobody is named: $PONDER_MODEL, else the newest pulled model, else ours."""
    return os.environ.get("PONDER_MODEL", "") or newest()


def thread_count(beside: Beside | None = None) -> int:
    """Threads for decoding: $PONDER_THREADS, else a physical core each, without those that others keep busy.

    Threads wait for each other at every layer, so one that shares its core stops them all: where others took
    1.5 of two cores, two threads wrote 0.2 tokens/s and one 28 to 40 (`benchmarks/threads.py`).
    `beside` has watched for a while already; else it takes a moment.
    """
    named = os.environ.get("PONDER_THREADS", "")
    if named:
        if not named.isdecimal() or not int(named):
            raise InputError(f"PONDER_THREADS={named} is no number of threads: set it to 1 or more.")
        return int(named)
    cores = usual_thread_count()
    return max(1, cores - round((beside or Beside()).cores())) if cores > 1 else 1


def usual_thread_count() -> int:
    """Physical cores that this process may use: threads where nothing else is going on, as plans count."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = import_module("psutil").cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical))


def complete(sampling: Sampling, opened: Opened, *, think: bool) -> Sampling:
    """`sampling` with everything the person left open: the makers' advice, ours, and a fresh seed.

    A server that takes only conversations keeps its own defaults for what OpenAI's API does not know.
    """
    advice = opened.model.sampling if opened.model else SamplingDefaults()
    if opened.model and not think and opened.model.sampling_no_think:
        advice = opened.model.sampling_no_think
    chosen: dict[str, Any] = {}
    for name in ("temperature", "top_p", "top_k", "min_p"):
        values = (getattr(sampling, name), getattr(advice, name), getattr(DEFAULTS, name))
        chosen[name] = next((value for value in values if value is not None), None)
    if Ability.TOKEN_IDS not in opened.engine.serve().abilities:
        chosen |= {name: getattr(sampling, name) for name in ("top_k", "min_p")}
    seed = sampling.seed if sampling.seed is not None else secrets.randbelow(2**31)
    return replace(sampling, seed=seed, **chosen)
