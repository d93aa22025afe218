"""Rows in files, one JSON object a line: written whole, or appended so that a kill costs the last line."""

import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, TypeVar

from ponder.errors import FileFormatError
from ponder.store.codec import decode, dumps, encode

T = TypeVar("T")


def write_rows(path: Path, rows: Iterable[object]) -> int:
    """Write a file that is whole or not there; how many rows it has."""
    count, part = 0, path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(dumps(encode(row)) + "\n")
            count += 1
    part.replace(path)
    return count


def write_json(path: Path, value: object) -> None:
    """One value for people and programs, whole or not there."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(encode(value), indent=1, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """What `write_json` wrote; raises FileFormatError where it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read ({error}): delete its folder and run again.") from error


def read_rows(path: Path, kind: type[T]) -> Iterator[T]:
    """The rows of a file one by one; raises FileFormatError, which names the line."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                yield row if kind is dict else decode(kind, row)
            except ValueError as error:
                raise FileFormatError(
                    f"{path} line {number} is no row ({error}): delete its folder."
                ) from error


def count_rows(path: Path) -> int:
    """How many lines a file has."""
    with path.open("rb") as file:
        return sum(1 for _ in file)


class Lines:
    """A file of rows in which any row can be read at once: only where they begin is in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q")
        with path.open("rb") as file:
            place = 0
            for line in file:
                self._starts.append(place)
                place += len(line)

    def __len__(self) -> int:
        return len(self._starts)

    def read(self, start: int, count: int, kind: type[T]) -> list[T]:
        """`count` rows from number `start` on, fewer at the end."""
        if start >= len(self._starts):
            return []
        with self._path.open("rb") as file:
            file.seek(self._starts[start])
            rows = [json.loads(line) for line in islice(file, count)]
        return [row if kind is dict else decode(kind, row) for row in rows]


class Appended:
    """A file of rows that grows. What a kill has cut off is dropped when it is opened again.

    `count` rows are there; the disk is waited for every `every` rows and at the end.
    """

    def __init__(self, path: Path, seen: Callable[[Any], None] = lambda _: None, every: int = 64) -> None:
        self.count = 0
        self._every = every
        if path.exists():
            whole = _whole_bytes(path)
            if whole < path.stat().st_size:
                os.truncate(path, whole)
            for row in read_rows(path, dict):
                seen(row)
                self.count += 1
        self._file: TextIO = path.open("a", encoding="utf-8")

    def add(self, row: object) -> None:
        """One more."""
        self._file.write(dumps(encode(row)) + "\n")
        self.count += 1
        if self.count % self._every == 0:
            self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> "Appended":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sync()
        self._file.close()


def _whole_bytes(path: Path) -> int:
    """How far whole lines go."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
