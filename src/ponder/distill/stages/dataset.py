"""Stage `dataset`: examples rendered in the student's own template, as token ids, and proven to be that.

Leaves `lessons.jsonl` (`ids`, and `learn`, half-open ranges of the tokens to learn) and a copy of the
examples; without a vocabulary only those, for a trainer whose base model has its own. Nothing is cut: what
is too long is refused, counted, and kept in `refused.jsonl`; more than a small share of it ends the stage.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from random import Random
from typing import Any, Literal

from ponder.distill.example import Example
from ponder.distill.rows import Appended, read_rows, write_rows
from ponder.distill.work import Counts, Expected, Kind, Told, Work
from ponder.errors import InputError

EACH_S = 0.001


@dataclass(frozen=True, slots=True)
class Settings:
    """`examples` are stages, `arm` is what is taken of those that filter. With `direct` the reasoning is left
    out: the same problems for a student that answers at once. `n_ctx` is the most tokens of one lesson, and
    `most_refused` the share that may be longer. `most_rows` draws that many.
    """

    examples: tuple[str, ...]
    vocabulary: str = ""
    arm: Literal["kept", "unfiltered"] = "kept"
    direct: bool = False
    n_ctx: int = 2048
    most_refused: float = 0.02
    most_rows: int | None = None
    seed: int = 0


def run(settings: Settings, work: Work) -> Counts:
    """Write the lessons; raises InputError where too many are too long, or a lesson does not read back."""
    drawn = list(_drawn(settings, work)) if settings.most_rows is not None else None

    def examples() -> Iterator[Example]:
        yield from _all(settings, work) if drawn is None else drawn

    total = sum(_rows(settings, work, name) for name in settings.examples) if drawn is None else len(drawn)
    if not settings.vocabulary:
        texts = (replace(each, pieces=()) if settings.direct else each for each in examples())
        count = write_rows(work.folder / "examples.jsonl", texts)
        work.tell(Told(1, 1, f"{count} examples"))
        return {"rows": count, "direct": settings.direct}
    words = work.made(settings.vocabulary).file("vocabulary.json")
    shutil.copyfile(words, work.folder / "vocabulary.json")
    rendering: Any = import_module("ponder.distill.rendering").Rendering(words, direct=settings.direct)
    written = _Written(settings, work, rendering, total)
    count = written.lessons(examples())
    write_rows(work.folder / "examples.jsonl", (each for each in examples() if each.id in written.kept))
    work.tell(Told(1, 1, f"{count} lessons"))
    return {"rows": count, "direct": settings.direct, **written.tally, "doctor": rendering.proof()}


class _Written:
    """The lessons as they are written, and what was counted."""

    def __init__(self, settings: Settings, work: Work, rendering: Any, total: int) -> None:
        self.kept: set[str] = set()
        self.tally = {"tokens": 0, "learned": 0, "longest": 0, "refused": 0}
        self._settings, self._work, self._rendering, self._total = settings, work, rendering, total

    def lessons(self, examples: Iterator[Example]) -> int:
        """Write `lessons.jsonl`, and what is too long into `refused.jsonl`; how many lessons there are."""
        refused = self._work.folder / "refused.jsonl"
        refused.unlink(missing_ok=True)
        with Appended(refused) as out:
            count = write_rows(self._work.folder / "lessons.jsonl", self._rendered(examples, out))
        gone, n_ctx = self.tally["refused"], self._settings.n_ctx
        if not count or gone > self._settings.most_refused * (count + gone):
            raise InputError(
                f"the stage {self._work.name}: {gone} of {count + gone} examples are longer than n_ctx = "
                f"{n_ctx} tokens, and none is cut: raise n_ctx."
            )
        return count

    def _rendered(self, examples: Iterator[Example], out: Appended) -> Iterator[Mapping[str, object]]:
        for number, example in enumerate(examples):
            if number % 200 == 0:
                self._work.go_on()
                self._work.tell(Told(number, self._total))
            lesson = self._rendering.lesson(example)
            length = len(lesson.ids)
            if length > self._settings.n_ctx:
                self.tally["refused"] += 1
                out.add({"id": example.id, "tokens": length, "n_ctx": self._settings.n_ctx})
                continue
            self.kept.add(example.id)
            self.tally["tokens"] += length
            self.tally["learned"] += sum(lesson.learn)
            self.tally["longest"] = max(self.tally["longest"], length)
            yield {"id": example.id, "ids": lesson.ids, "learn": ranges(lesson.learn)}


def _rows(settings: Settings, work: Work, name: str) -> int:
    made = work.made(name)
    return int(made.counts["unfiltered" if _arm(settings, made.kind) == "unfiltered" else "rows"])


def _arm(settings: Settings, kind: str) -> str:
    return settings.arm if kind == "filter" else "kept"


def _all(settings: Settings, work: Work) -> Iterator[Example]:
    for name in settings.examples:
        made = work.made(name)
        arm = _arm(settings, made.kind)
        yield from read_rows(
            made.file("unfiltered.jsonl" if arm == "unfiltered" else "examples.jsonl"), Example
        )


def _drawn(settings: Settings, work: Work) -> Sequence[Example]:
    """So many at random, in their order, and never more of them in memory (Vitter's algorithm R)."""
    dice, chosen = Random(f"rows {settings.seed}"), list[tuple[int, Example]]()
    for number, example in enumerate(_all(settings, work)):
        if len(chosen) < (settings.most_rows or 0):
            chosen.append((number, example))
        elif (at := dice.randrange(number + 1)) < len(chosen):
            chosen[at] = (number, example)
    return [example for _, example in sorted(chosen, key=lambda each: each[0])]


def ranges(learn: Sequence[bool]) -> list[list[int]]:
    """Where True stands, as half-open ranges."""
    out: list[list[int]] = []
    for at, wanted in enumerate(learn):
        if wanted and out and out[-1][1] == at:
            out[-1][1] = at + 1
        elif wanted:
            out.append([at, at + 1])
    return out


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """As many as there are, or are drawn."""
    rows, tokens = (sum(getattr(known[n], what) for n in settings.examples) for what in ("rows", "tokens"))
    share = min(1.0, (settings.most_rows or rows) / rows) if rows else 0.0
    rows, tokens = rows * share, tokens * share * (0.25 if settings.direct else 1.0)
    why = "none is cut; longer ones than n_ctx are refused"
    return Expected(rows, tokens, rows * EACH_S, rows * EACH_S * 10, why)


def check(settings: Settings) -> None:
    """Raise InputError for sizes that make no sense."""
    if settings.n_ctx < 8:
        raise InputError(f"n_ctx = {settings.n_ctx} holds no lesson: take 8 or more.")
    if settings.most_rows is not None and settings.most_rows < 1:
        raise InputError(f"most_rows = {settings.most_rows} leaves nothing: take 1 or more.")


KIND = Kind(
    Settings,
    run,
    expect,
    needs=lambda s: {
        **dict.fromkeys(s.examples, ("worked", "filter", "corrections")),
        **({s.vocabulary: ("vocabulary",)} if s.vocabulary else {}),
    },
    check=check,
)
