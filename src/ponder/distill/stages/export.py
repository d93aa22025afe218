"""Stage `export`: a trained student as GGUF files, with the template doctor's proof.

The doctor renders lessons again, now by the engine from the file: with its template, its vocabulary, its own
tokenizer. The token ids must be those of the lessons, from the first of the prompt to the last of the answer;
else the stage ends and shows the first place that differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ponder.distill.rows import write_json
from ponder.distill.trainers import trainer
from ponder.distill.work import Counts, Expected, Kind, Told, Work
from ponder.errors import InputError


@dataclass(frozen=True, slots=True)
class Settings:
    """`model` is a training; `kinds` are weights of GGUF; the doctor looks at `examined` lessons."""

    model: str
    kinds: tuple[str, ...] = ("Q8_0",)
    examined: int = 32


def run(settings: Settings, work: Work) -> Counts:
    """Write the files; raises InputError where one says other tokens than its lessons."""
    made = work.made(settings.model)
    writer = trainer(made.counts["trainer"])
    files: dict[str, Any] = {}
    for number, kind in enumerate(settings.kinds):
        work.go_on()
        work.tell(Told(number, len(settings.kinds), kind))
        path = work.folder / f"{work.name}-{kind}.gguf"
        part = path.with_suffix(".part")
        writer.export(made.folder, part, kind)
        part.replace(path)
        files[kind] = {"file": path.name, "bytes": path.stat().st_size}
        proof = writer.examine(work.folder.parent / made.counts["data"], path, settings.examined)
    write_json(work.folder / "doctor.json", proof)
    work.tell(Told(1, 1, f"{len(files)} files"))
    return {"files": files, "doctor": proof}


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """A moment for each file, and an engine's start."""
    del known
    return Expected(
        0, 0, 2.0 * len(settings.kinds), 20.0 * len(settings.kinds), "files, and an engine's start"
    )


def check(settings: Settings) -> None:
    """Raise InputError where there is nothing to write."""
    if not settings.kinds:
        raise InputError('there are no kinds: write kinds = ["F32", "Q8_0"].')


KIND = Kind(Settings, run, expect, needs=lambda s: {s.model: ("train",)}, check=check)
