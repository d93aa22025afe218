"""No model is loaded that the free memory cannot hold: checked before native code sees the file.

Most models are far from the limit, and asking costs a second look at the header only: twice the weights and
cache would fit. Near the limit the plan decides (`ponder.fit.launch`), whose modules are loaded only then.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

from ponder.catalog.header import Header
from ponder.errors import FileFormatError, MemoryLimitError

GIB = 1 << 30
LEAST_CTX = 2048
"""The shortest context that is chosen for a person; less holds no reasoning."""

PROCESS_BYTES = 96 << 20
"""The embedded engine's process beside its buffers: 70 to 90 MiB (Python, native library, vocabulary)."""

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


class Run(Protocol):
    """What a refusal tells of a run: its context in tokens, None if that was open, and its cache type."""

    @property
    def n_ctx(self) -> int | None:
        """Tokens."""

    @property
    def kv_type(self) -> str:
        """A type of `runtime.CACHE_TYPES`."""


def refusal(header: Header, run: Run, needed: int, free: int) -> MemoryLimitError:
    """The error for a model that does not fit: the needed and the free bytes, and what to do instead."""
    name = header.name or (header.paths[0].name if header.paths else "the model")
    n_ctx = run.n_ctx or LEAST_CTX
    return MemoryLimitError(
        f"{name} ({header.quantisation}) needs {needed / 1e9:.1f} GB with a context of {n_ctx} tokens, but "
        f"{free / 1e9:.1f} GB are free: {_advice(header, n_ctx, run.kv_type, free)}."
    )


def is_far_below(header: Header, n_ctx: int, free: int) -> bool:
    """Whether even twice the weights and an ordinary cache fit, so that nothing has to be counted."""
    return 2 * (header.file_bytes + plain_cache_bytes(header, n_ctx)) + GIB <= free


def needed_bytes(header: Header, n_ctx: int, kv_type: str) -> int:
    """Bytes of the weights, the cache, scratch memory and the process that the embedded engine takes.

    Of an architecture that is not known, weights and an ordinary cache are counted.
    """
    try:
        geometry = import_module("ponder.fit.headers").from_header(header)
    except FileFormatError:
        return header.file_bytes + plain_cache_bytes(header, n_ctx) + PROCESS_BYTES
    memory = import_module("ponder.fit.memory")
    runtime = import_module("ponder.fit.runtime").Runtime(n_ctx, kv_type, kv_type)
    cache, compute = memory.cache_bytes(geometry, runtime), memory.compute_bytes(geometry, runtime)
    output = memory.output_bytes(geometry, runtime)
    return int(header.file_bytes + cache + compute + output + PROCESS_BYTES)


def available_bytes() -> int | None:
    """RAM that a new process can have, within the limits of its control groups; None where nothing tells.

    Cached files count as free, as the system does: they are dropped when memory is needed.
    """
    free = _system_free_bytes()
    return None if free is None else min([free, *_group_free_bytes()])


def plain_cache_bytes(header: Header, n_ctx: int) -> int:
    """Keys and values of every layer in 16 bit, no window, no latent: what the metadata say at once."""
    heads = header.metadata.get(f"{header.architecture}.attention.head_count_kv")
    most = (
        max((each for each in heads if isinstance(each, int)), default=0) if isinstance(heads, tuple) else 0
    )
    count = most or header.number("attention.head_count_kv") or header.number("attention.head_count")
    plain = header.number("embedding_length") // max(1, header.number("attention.head_count"))
    row = sum(header.number(f"attention.{part}_length") or plain for part in ("key", "value"))
    return 2 * header.n_layers * count * row * n_ctx


def _advice(header: Header, n_ctx: int, kv_type: str, free: int) -> str:
    if header.file_bytes >= free:
        return "its weights alone do not fit; take a smaller quantisation or model (`ponder fit` lists them)"
    ways = []
    if n_ctx > LEAST_CTX:
        ways.append(f"a shorter context (--ctx {max(LEAST_CTX, n_ctx // 2)})")
    if kv_type in {"f16", "bf16", "f32"}:
        ways.append("a smaller cache (--kv q8_0)")
    return "take " + ", ".join([*ways, "or a smaller quantisation" if ways else "a smaller quantisation"])


def _system_free_bytes() -> int | None:
    """What the kernel says is available; psutil is asked where there is no /proc."""
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return int(import_module("psutil").virtual_memory().available)


def _group_free_bytes() -> Iterator[int]:
    """Bytes that each control group above this process leaves, of version 2 and of version 1."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _CGROUP / "memory" if controllers else _CGROUP
        names = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes")
            if controllers
            else ("memory.max", "memory.current")
        )
        here = root / path.strip("/")
        for folder in (here, *here.parents):
            limit, used = (_read(folder / name).strip() for name in names)
            if limit.isdecimal() and used.isdecimal() and int(limit) < _UNLIMITED:
                yield max(0, int(limit) - int(used) + _cached_files_bytes(folder))
            if folder == root:
                break


def _cached_files_bytes(folder: Path) -> int:
    """Of a group's use, what is only cached files."""
    rows = (line.split() for line in _read(folder / "memory.stat").splitlines())
    return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] in {"active_file", "inactive_file"})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
