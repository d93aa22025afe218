"""Download one large file so that nothing is fetched twice and nothing wrong is kept.

Bytes go to a hidden file beside the target whose name holds the expected checksum; a download that was
killed goes on there. Only a complete file with the right checksum gets the target's name.

huggingface_hub's own download is not used: since its version 2 it starts again from zero after a kill,
and it refuses single files above 50 GB. Requests here ask for windows that are smaller.
"""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import httpx

from ponder.catalog.library import PART_SUFFIX
from ponder.catalog.quantisations import spelled_size
from ponder.errors import FileFormatError, InputError, NetworkError, StorageError

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows: two downloads of one file are then not kept apart
    flock = None  # type: ignore[assignment]

START_BYTES = 32 * 2**20
"""How much is fetched before the start of a file is looked at."""
WINDOW_BYTES = 8 * 2**30
ATTEMPTS = 6
"""How often in a row a request may bring nothing."""
PAUSE_S = 1.0
"""The wait after the first such request; it doubles each time."""
_CHUNK_BYTES = 2**20
_PATIENCE = httpx.Timeout(30.0)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server. `checksum` is the SHA-256 of its bytes (64 hexadecimal digits) or git's SHA-1
    of it as a blob (40 digits); empty if unknown.
    """

    url: str
    bytes: int
    checksum: str


def part_path(target: Path, checksum: str) -> Path:
    """Where the bytes of `target` are kept while it is incomplete."""
    return target.with_name(f".{target.name}.{checksum[:12]}{PART_SUFFIX}")


def fetch(
    client: httpx.Client,
    remote: Remote,
    target: Path,
    on_bytes: Callable[[int], None],
    check_start: Callable[[Path], None] | None = None,
) -> None:
    """Download `remote` to `target`, going on where an earlier download stopped.

    `on_bytes` gets the number of bytes that are there. `check_start` is called with the incomplete file
    once START_BYTES are there, and may raise FileFormatError. Raises NetworkError or StorageError (what
    arrived is kept), or FileFormatError (it is deleted).
    """
    part = part_path(target, remote.checksum)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file, _alone(file, target.name):
            download = _Download(client, remote, file, on_bytes, check_start)
            download.complete()
            os.fsync(file.fileno())
            download.check(target.name)
        part.replace(target)
    except FileFormatError:
        part.unlink()
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "the disk is full" if full else f"{part} cannot be written ({error.strerror})"
        raise StorageError(f"{why}; mend that, then type the same command: what arrived is kept.") from error


@contextlib.contextmanager
def _alone(file: BinaryIO, name: str) -> Iterator[None]:
    """Hold the incomplete file for this process; the lock goes with the process."""
    if flock is not None:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{name} is being downloaded by another process; wait for it.") from None
    yield


@dataclass(slots=True)
class _Download:
    """One file on its way: what is there, and its checksum so far."""

    client: httpx.Client
    remote: Remote
    file: BinaryIO
    on_bytes: Callable[[int], None]
    check_start: Callable[[Path], None] | None
    done: int = 0
    failures: int = 0
    digest: "hashlib._Hash" = field(init=False)

    def __post_init__(self) -> None:
        """Take in what an earlier download left."""
        if len(self.remote.checksum) == 40:  # git puts the kind and the length before the content
            self.digest = hashlib.sha1(f"blob {self.remote.bytes}\0".encode(), usedforsecurity=False)
        else:
            self.digest = hashlib.sha256()
        with Path(self.file.name).open("rb") as left:
            while chunk := left.read(_CHUNK_BYTES):
                self.digest.update(chunk)
                self.done += len(chunk)
        self.on_bytes(self.done)

    def complete(self) -> None:
        """Append what is missing."""
        while self.done < self.remote.bytes:
            before, why = self.done, "it sends nothing"
            try:
                for chunk in self._window():
                    self.file.write(chunk)
                    self._take(chunk)
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
            self.file.flush()
            if before < START_BYTES <= self.done and self.check_start is not None:
                self.check_start(Path(self.file.name))
            if self.done == before:
                self._wait(why)
            else:
                self.failures = 0

    def check(self, name: str) -> None:
        """Raise unless the checksum is the server's."""
        found = self.digest.hexdigest()
        if self.remote.checksum not in {"", found}:
            raise FileFormatError(
                f"{name} arrived damaged (its checksum is {found}, but the server says "
                f"{self.remote.checksum}) and was deleted; type the same command to download it again."
            )

    def _take(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.done += len(chunk)
        self.on_bytes(self.done)

    def _wait(self, why: str) -> None:
        self.failures += 1
        if self.failures == ATTEMPTS:
            raise NetworkError(
                f"{httpx.URL(self.remote.url).host} cannot be reached ({why}); check the network, then type "
                f"the same command: {spelled_size(self.done)} of {spelled_size(self.remote.bytes)} are kept."
            )
        time.sleep(PAUSE_S * 2 ** (self.failures - 1))

    def _window(self) -> Iterator[bytes]:
        """Bytes from `done` on, a window of them or more, never beyond the end of the file."""
        stop = min(self.remote.bytes, START_BYTES if self.done < START_BYTES else self.done + WINDOW_BYTES)
        headers = {"Range": f"bytes={self.done}-{stop - 1}", "Accept-Encoding": "identity"}
        with self.client.stream("GET", self.remote.url, headers=headers, timeout=_PATIENCE) as response:
            _raise_for(response)
            skip = self.done if response.status_code == 200 else 0  # a server that does not know ranges
            room = self.remote.bytes - self.done
            for chunk in response.iter_raw():  # in larger pieces, a cut would lose the last one
                fresh = chunk[skip:]
                skip = max(0, skip - len(chunk))
                room -= len(fresh)
                if room < 0:
                    raise FileFormatError(
                        f"{response.url.host} sends more than the {self.remote.bytes:,} bytes it announced; "
                        "what arrived was deleted, type the same command to begin again."
                    )
                yield fresh


def _raise_for(response: httpx.Response) -> None:
    status, host, name = response.status_code, response.url.host, Path(response.url.path).name
    if status in {408, 425, 429} or status >= 500:
        raise httpx.ReadError(f"status {status}")
    if status in {401, 403}:
        raise NetworkError(
            f"{host} gives {name} only to people it knows (status {status}); accept the terms on the "
            "repository's page and set HF_TOKEN to your access token."
        )
    if status not in {200, 206}:
        raise NetworkError(f"{host} refuses {name} (status {status}); type the same command to look again.")
