"""Stage `vocabulary`: a byte-level vocabulary learned on examples, for students that begin from nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import islice

from ponder.distill.example import Example
from ponder.distill.rows import read_rows
from ponder.distill.work import Counts, Expected, Kind, Told, Work
from ponder.errors import InputError

LEAST = 270
"""All bytes, the special tokens, and something to merge."""
TEXTS = 20_000
"""Examples of each stage that are read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`examples` are stages; `size` counts tokens, special ones included."""

    examples: tuple[str, ...]
    size: int = 512


def run(settings: Settings, work: Work) -> Counts:
    """Write `vocabulary.json`."""
    work.tell(Told(0, 1))

    def texts() -> Iterator[str]:
        for name in settings.examples:
            path = work.made(name).file("examples.jsonl")
            for example in islice(read_rows(path, Example), TEXTS):
                yield from (example.question, example.reasoning, example.answer)

    made = import_module("ponder.distill.vocabulary").Vocabulary.learned(texts(), settings.size)
    made.save(work.folder / "vocabulary.json")
    work.tell(Told(1, 1, f"{made.size} tokens"))
    return {"size": made.size}


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """It reads some examples once."""
    rows = min(TEXTS * len(settings.examples), sum(known[name].rows for name in settings.examples))
    return Expected(rows, 0, 0.2 + rows / 20_000, 2 + rows / 2_000)


def check(settings: Settings) -> None:
    """Raise InputError for a size that holds no bytes."""
    if settings.size < LEAST:
        raise InputError(f"size = {settings.size} does not hold all bytes: take {LEAST} or more.")


KIND = Kind(
    Settings,
    run,
    expect,
    needs=lambda s: dict.fromkeys(s.examples, ("worked", "filter", "corrections")),
    check=check,
)
