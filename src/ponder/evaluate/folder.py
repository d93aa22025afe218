"""The folder of one evaluation: what is held fixed, the problems, and a line for every sample.

A line is written when a sample begins and another when it has its verdict, so that after a kill nothing that
was answered is asked again, and what was begun goes on where it stopped.
"""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ponder.errors import FileFormatError, InputError
from ponder.evaluate.problem import Problem
from ponder.evaluate.sample import Place, Sample
from ponder.store.codec import decode, dumps, encode

FIXED, PROBLEMS, SAMPLES = "eval.json", "problems.jsonl", "samples.jsonl"

Fixed = Mapping[str, Any]
"""Everything that must not change between two samples of one figure, as JSON."""


class Folder:
    """An evaluation's folder, made if it is missing; safe to use from several threads.

    Raises InputError where it holds another evaluation or cannot be written, FileFormatError where its files
    make no sense.
    """

    def __init__(self, path: Path, fixed: Fixed, problems: tuple[Problem, ...] = ()) -> None:
        self.path = path
        self.fixed = fixed
        self.samples: dict[Place, Sample] = {}
        self.begun: dict[Place, str] = {}
        """Samples that have begun and not ended, with the ids of their traces."""
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._claim(problems)
            self._read()
        except OSError as error:
            raise InputError(
                f"the folder {path} cannot be used ({error.strerror}): choose another with -o."
            ) from error

    def begin(self, place: Place, trace_id: str) -> None:
        """A sample has begun."""
        self._write({"starts": encode(place), "trace": trace_id})
        self.begun[place] = trace_id

    def add(self, sample: Sample) -> None:
        """A sample has its verdict."""
        self._write(encode(sample))
        self._ended(sample)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, row: object) -> None:
        with self._lock:
            if self._file is None:
                self._file = (self.path / SAMPLES).open("a", encoding="utf-8")
            self._file.write(dumps(row) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _claim(self, problems: tuple[Problem, ...]) -> None:
        """Freeze what is fixed at the first start, and compare it at every other."""
        path = self.path / FIXED
        if path.exists():
            there = _json(path)
            changed = [name for name in self.fixed if there.get(name) != json.loads(dumps(self.fixed[name]))]
            if changed:
                raise InputError(
                    f"{self.path} holds an evaluation with another {' and '.join(changed)}: choose another "
                    "folder with -o, or leave -o out."
                )
            return
        rows = ({"id": p.id, "question": p.question, "target": p.target, "level": p.level,
                 "choices": p.choices} for p in problems)  # fmt: skip
        (self.path / PROBLEMS).write_text("".join(dumps(row) + "\n" for row in rows), encoding="utf-8")
        (self.path / SAMPLES).touch()
        waiting = path.with_suffix(".new")
        waiting.write_text(json.dumps(self.fixed, indent=2, ensure_ascii=False), encoding="utf-8")
        waiting.replace(path)

    def _read(self) -> None:
        data = (self.path / SAMPLES).read_bytes()
        whole = data[: data.rfind(b"\n") + 1]  # a kill may have cut the last line off
        if whole != data:
            (self.path / SAMPLES).write_bytes(whole)
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = json.loads(line)
                if "starts" in row:
                    self.begun[decode(Place, row["starts"])] = str(row["trace"])
                    continue
                sample = decode(Sample, row)
            except (ValueError, TypeError, KeyError) as error:
                raise FileFormatError(
                    f"{self.path / SAMPLES} line {number} is no sample ({error}): remove it, or the folder."
                ) from error
            self._ended(sample)

    def _ended(self, sample: Sample) -> None:
        self.samples[sample.place] = sample
        self.begun.pop(sample.place, None)


def read_folder(path: Path) -> Folder:
    """The evaluation in a folder that is there; raises InputError where there is none."""
    if not (path / FIXED).is_file():
        raise InputError(f"{path} holds no evaluation: give the folder that `ponder eval` named.")
    return Folder(path, _json(path / FIXED))


def read_problems(path: Path) -> list[Problem]:
    """The problems of the evaluation in a folder, without their scorers."""
    rows = [json.loads(line) for line in (path / PROBLEMS).read_text("utf-8").splitlines()]
    return [
        Problem(row["id"], row["question"], row["target"], row["level"], tuple(row["choices"]))
        for row in rows
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FileFormatError(f"{path} is no JSON ({error}): remove its folder.") from error
    if not isinstance(value, dict):
        raise FileFormatError(f"{path} is no object: remove its folder.")
    return value
