"""Warm from the first token: an engine that has just started takes its cache of a kept trace from disk.

A new process would have to read all that a branch keeps. The cache is only an accelerator: the engine
compares its tokens with those it is asked to go on from, and uses as many as are the same; where anything
about a cache is wrong it is deleted, the engine starts anew, and the tokens are read as before.

Caches are written when an engine is let go, by whatever door: `put_away`, or its own end after a while
without work. So a run that others follow costs nothing, and what was overwritten meanwhile is not kept.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from ponder.catalog import library
from ponder.catalog.header import Header
from ponder.engine.owned import Owned
from ponder.engine.protocol import Prompt
from ponder.errors import EngineError, PonderError
from ponder.opened import Opened
from ponder.store import Store
from ponder.store.caches import Caches, folder_beside

LEAST_TOKENS = 256
"""Fewer are read again about as fast as a cache is found."""
SAMPLES, SAMPLE_BYTES = 32, 4096
"""Pieces of a weights file, evenly spread, that tell it from any other of its size."""
NOT_READ = 16
"""Tokens at a trace's end that its slot may lack: the last one, and a closing that nothing follows."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A trace whose tokens may lie in an engine."""

    store: Store
    prompt: Prompt
    ids: Sequence[int]


_kept: "WeakKeyDictionary[Owned, dict[str, _Kept]]" = WeakKeyDictionary()


def remember(opened: Opened, store: Store, trace_id: str, prompt: Prompt, ids: Sequence[int]) -> None:
    """The engine holds this trace of `store`, whose caches lie beside it: to be written when it goes."""
    caches, engine = _caches(opened), opened.engine
    if caches is None or caches.folder != folder_beside(store.path).absolute():
        return
    assert isinstance(engine, Owned)
    kept = _kept.setdefault(engine, {})
    kept.pop(trace_id, None)
    kept[trace_id] = _Kept(store, prompt, ids)
    for oldest in list(kept)[: -2 * max(1, opened.n_parallel)]:
        del kept[oldest]
    engine.before_end = lambda: _write(opened)


def put_away(opened: Opened) -> None:
    """End an engine, its caches of what was kept written first, if they are worth it."""
    try:
        _write(opened)
    finally:
        opened.engine.close()


def _write(opened: Opened) -> None:
    """Write the caches of the traces that still are in the engine, and in their store."""
    engine = opened.engine
    if not isinstance(engine, Owned) or not engine.loaded:
        return
    for trace_id, kept in reversed(_kept.pop(engine, {}).items()):
        with suppress(PonderError):  # a trace that was deleted, an engine that has died: nothing is lost
            kept.store.notes(trace_id)
            keep(opened, trace_id, kept.prompt, kept.ids)


def keep(opened: Opened, trace_id: str, prompt: Prompt, ids: Sequence[int]) -> bool:
    """Write the engine's cache of a trace to disk, if that is worth it; whether it was done."""
    caches = _caches(opened)
    known = [*prompt.ids, *ids]
    if caches is None or not trace_id or len(known) < LEAST_TOKENS or not _rewinds(opened):
        return False
    assert opened.local is not None
    assert isinstance(opened.engine, Owned)
    if opened.engine.holds(prompt, known) < len(known) - NOT_READ:
        return False
    if not caches.room_for(opened.local.cache_bytes(len(known))):
        return False
    try:
        saved = opened.engine.save_cache(prompt, known, caches.half(trace_id))
    except EngineError:  # a full disk, say
        saved = 0
    if saved < LEAST_TOKENS:
        caches.forget([trace_id])
        return False
    return caches.keep(trace_id, key(opened), str(opened.facts["weights"]), known[:saved])


def recall(opened: Opened, prompt: Prompt, ids: Sequence[int]) -> int:
    """Give the engine its kept cache of these tokens, if it has none; how many of them that holds."""
    caches = _caches(opened)
    known = [*prompt.ids, *ids]
    if caches is None or len(known) < LEAST_TOKENS:
        return 0
    assert isinstance(opened.engine, Owned)
    held = opened.engine.holds(prompt, known)
    if held == len(known):  # nothing on disk can hold more: no need to look there
        return 0
    cache = caches.best(key(opened), known)
    shared = cache.shared(known) if cache else 0
    if cache is None or shared < LEAST_TOKENS or held >= shared:
        return 0
    name = caches.sound(cache)
    if not name:
        return 0
    try:
        read = opened.engine.load_cache(prompt, known, name)
    except EngineError:
        caches.forget([cache.trace])
        opened.engine.close()  # what a failed reading leaves in llama.cpp's cache is not to be trusted
        return 0
    return min(read, shared)


def remove_weights(paths: Sequence[Path]) -> int:
    """Delete pulled weights with the caches that were made with them; see `catalog.library.remove`."""
    freed_bytes = library.remove(paths)
    Caches(folder_beside()).forget_weights(paths)
    return freed_bytes


def key(opened: Opened) -> str:
    """What must be the same for a cache to mean anything: weights, context, cache type, engine and layout.

    llama.cpp reads no cache of a server with another number of slots.
    """
    assert opened.local is not None
    assert isinstance(opened.engine, Owned)
    settings = opened.engine.settings
    parts = [
        opened.engine.serve().engine, fingerprint(opened.local.file.header), settings.n_ctx,
        settings.n_parallel, settings.kv_type, settings.flash, settings.n_gpu_layers, settings.tensor_split,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def fingerprint(header: Header) -> str:
    """A hash of weights without reading gigabytes: sizes, the first file's head, and pieces all over."""
    digest = hashlib.sha256()
    for path in header.paths:
        size = path.stat().st_size
        digest.update(f"{size}\n".encode())
        with path.open("rb") as file:
            if path == header.paths[0]:
                digest.update(file.read(header.data_offset))
            for number in range(SAMPLES):
                file.seek(number * max(0, size - SAMPLE_BYTES) // (SAMPLES - 1))
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def _caches(opened: Opened) -> Caches | None:
    """Where its caches are; None for an engine that is not ours, or where there is no folder."""
    if opened.local is None or not isinstance(opened.engine, Owned):
        return None
    folder = opened.engine.settings.slot_folder
    return Caches(Path(folder)) if folder else None


def _rewinds(opened: Opened) -> bool:
    """Whether a cache can be taken up in its middle: not with a sliding window, nor with recurrent layers."""
    assert opened.local is not None
    header = opened.local.file.header
    inner = header.architecture + "."
    marks = ("ssm.", "wkv.", "attention.sliding_window", "shortconv.", "full_attention_interval")
    return not any(key.startswith(inner + mark) for key in header.metadata for mark in marks)
