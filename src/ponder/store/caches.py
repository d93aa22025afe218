"""Caches of an engine, kept as files: what it made of a trace's tokens, not to be read again.

A cache is two files: what the engine wrote, and a note of what it holds. The note comes last and each file
gets its name when it is whole, so a crash leaves nothing that is believed. A cache is used only with the key
it was kept under (weights, context, engine) and while its checksum is right; the oldest make room.
"""

import base64
import hashlib
import json
import os
import shutil
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ponder.core.folders import CACHES
from ponder.core.trace import shared_ids
from ponder.store.database import default_path

GB = 10**9
USUAL_GB = 4.0
"""Most that all caches take, where $PONDER_CACHE_GB does not say otherwise."""
MOST_FILES = 32
FREE_SHARE = 0.25
"""Share of a disk's free space that one cache may take."""
STALE_S = 3600.0
"""After so long a half-written file has nobody who writes it."""
DATA, NOTE, HALF = ".kv", ".json", ".part"


def folder_beside(store: Path | None = None) -> Path:
    """Where they lie: beside the trace store, by default the person's own."""
    return (store or default_path()).parent / CACHES


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache: the trace whose tokens it holds, its key, the file of the weights, the ids (prompt first),
    and the size and checksum of its file.
    """

    trace: str
    key: str
    weights: str
    ids: Sequence[int]
    bytes: int
    sha256: str

    def shared(self, ids: Sequence[int]) -> int:
        """How many tokens it begins with as `ids` do."""
        return shared_ids(self.ids, ids)


class Caches:
    """The caches in one folder. Nothing here raises: what cannot be read or written is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def room_for(self, size: int) -> bool:
        """Whether a cache of about `size` bytes may be written."""
        with suppress(OSError):
            return size <= most_bytes() and size <= FREE_SHARE * shutil.disk_usage(self.folder).free
        return False

    def half(self, trace: str) -> str:
        """The name under which the engine shall write a trace's cache."""
        return trace + HALF

    def keep(self, trace: str, key: str, weights: str, ids: Sequence[int]) -> bool:
        """Take what the engine wrote under `half`, and make room; False where that failed."""
        half, note = self.folder / self.half(trace), self.folder / (trace + NOTE)
        with suppress(OSError):
            half.chmod(0o600)
            cache = Cache(trace, key, weights, ids, half.stat().st_size, _sha256(half))
            note.unlink(missing_ok=True)  # the old note must not speak for the new file
            half.replace(self.folder / (trace + DATA))
            _write(note, json.dumps(asdict(cache) | {"ids": _packed(ids)}))
            self._make_room()
            return True
        return False

    def best(self, key: str, ids: Sequence[int]) -> Cache | None:
        """The cache with this key that holds most of the beginning of `ids`."""
        own = [cache for cache in self if cache.key == key]
        return max(own, key=lambda cache: cache.shared(ids), default=None)

    def sound(self, cache: Cache) -> str:
        """The name of its file, which is as it was written and counts as used now; else it goes, and ""."""
        name = cache.trace + DATA
        with suppress(OSError):
            path = self.folder / name
            if path.stat().st_size == cache.bytes and _sha256(path) == cache.sha256:
                os.utime(self.folder / (cache.trace + NOTE))
                return name
        self.forget([cache.trace])
        return ""

    def forget(self, traces: Iterable[str]) -> None:
        """Delete the caches of these traces."""
        for trace in traces:
            for end in (NOTE, DATA, HALF):
                with suppress(OSError):
                    (self.folder / (trace + end)).unlink(missing_ok=True)

    def forget_weights(self, paths: Iterable[Path]) -> None:
        """Delete the caches that were made with one of these files."""
        gone = {str(path) for path in paths}
        self.forget([cache.trace for cache in self if cache.weights in gone])

    def __iter__(self) -> Iterator[Cache]:
        """All whose note can be read, the last used first."""
        for note in self._notes():
            with suppress(OSError, ValueError, TypeError, KeyError):
                told = json.loads(note.read_text(encoding="utf-8"))
                yield Cache(**(told | {"trace": note.stem, "ids": _unpacked(told["ids"])}))

    def _notes(self) -> list[Path]:
        with suppress(OSError):
            return sorted(self.folder.glob("*" + NOTE), key=_age)
        return []

    def _make_room(self) -> None:
        """Delete what was used longest ago beyond the limits, and what nobody will finish."""
        left = most_bytes()
        for number, note in enumerate(self._notes()):
            with suppress(OSError):
                left -= note.with_suffix(DATA).stat().st_size
            if left < 0 or number >= MOST_FILES:
                self.forget([note.stem])
        for path in self.folder.iterdir():
            alone = path.suffix == HALF or (path.suffix == DATA and not path.with_suffix(NOTE).exists())
            if alone and _age(path) > STALE_S:
                path.unlink(missing_ok=True)


def most_bytes() -> int:
    """The most that all caches may take; $PONDER_CACHE_GB 0 keeps none."""
    try:
        return max(0, int(GB * float(os.environ.get("PONDER_CACHE_GB", "") or USUAL_GB)))
    except (ValueError, OverflowError):
        return int(GB * USUAL_GB)


def _write(path: Path, text: str) -> None:
    half = path.with_suffix(NOTE + HALF)
    half.touch(mode=0o600)
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def _age(path: Path) -> float:
    """Seconds since it was used."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packed(ids: Sequence[int]) -> str:
    return base64.b64encode(array("i", ids).tobytes()).decode()


def _unpacked(text: str) -> Sequence[int]:
    ids = array("i")
    ids.frombytes(base64.b64decode(text))
    return ids
