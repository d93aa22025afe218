"""Stage `corrections`: examples out of the person's own traces: branches that corrected a step.

What stood before the correction is not learned, it is only read: a student learns to go on right from there.
Where a `correct` answer is known for a question, only branches that agree with it are taken.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ponder.check.answers import agree
from ponder.core.trace import Trace, text_of
from ponder.distill.example import Example
from ponder.distill.rows import Appended, write_rows
from ponder.distill.sifting import Limits, faults
from ponder.distill.work import Counts, Expected, Kind, Told, Work, rooted
from ponder.errors import InputError
from ponder.store import Summary, open_store
from ponder.store.database import default_path

EACH_S = 0.01


@dataclass(frozen=True, slots=True)
class Settings:
    """`store` is a file of traces, "" for the person's own; `kinds` are those of corrections, "none" for a
    branch that was only written anew. With `whole` all of the corrected reasoning is learned. `answers` are
    right answers by question.
    """

    store: str = ""
    kinds: tuple[str, ...] = ("say", "replace", "note", "delete", "none")
    whole: bool = False
    answers: Mapping[str, str] | None = None
    limits: Limits = field(default_factory=Limits)
    seed: int = 0


def run(settings: Settings, work: Work) -> Counts:
    """Write `examples.jsonl` and, with reasons, `removed.jsonl`; raises InputError where nothing is left."""
    path = _path(settings, work.base)
    reasons: Counter[str] = Counter()
    removed = work.folder / "removed.jsonl"
    removed.unlink(missing_ok=True)
    with open_store(path) as store, Appended(removed) as out:
        branches = [summary for summary in store.list() if summary.parent is not None]

        def kept() -> Iterator[Example]:
            for number, summary in enumerate(branches):
                work.go_on()
                work.tell(Told(number, len(branches)))
                trace = store.load(summary.id)
                why = _why_not(settings, summary, trace)
                if why:
                    reasons[why] += 1
                    out.add({"trace": trace.id, "why": why})
                else:
                    yield _example(trace, whole=settings.whole)

        count = write_rows(work.folder / "examples.jsonl", kept())
    if not count:
        said = (
            ", ".join(f"{why} {number}" for why, number in reasons.most_common()) or "there are no branches"
        )
        raise InputError(
            f"the stage {work.name} finds no corrected trace to learn from in {path} ({said}): correct steps "
            "with `ponder fork`."
        )
    work.tell(Told(1, 1, f"{count} corrections"))
    return {"rows": count, "seen": len(branches), "removed": dict(reasons)}


def _why_not(settings: Settings, summary: Summary, trace: Trace) -> str:
    correction = trace.request.correction
    kind = correction.kind if correction is not None else "none"
    if summary.deleted:
        return "deleted"
    if kind not in settings.kinds:
        return f"a branch of the kind {kind}"
    right = (settings.answers or {}).get(trace.question)
    if right is not None and not agree(trace.answer, right):
        return "wrong"
    found = next(faults(trace, settings.limits, agree), "")
    return "" if found == "open tags" and trace.reasoning else found


def _example(trace: Trace, *, whole: bool) -> Example:
    """The reasoning up to the correction, not to be learned, and from it on."""
    tokens = trace.tokens
    index = 0 if whole else trace.fork_index
    before = text_of((t for t in tokens if t.index < index), "reasoning").lstrip()
    after = text_of((t for t in tokens if t.index >= index), "reasoning").rstrip()
    pieces = tuple((text, learn) for text, learn in ((before, False), (after, True)) if text)
    return Example(trace.id, trace.question, pieces, trace.answer, trace.model, "", trace.id)


def _path(settings: Settings, base: Path) -> Path:
    return rooted(settings.store, base) if settings.store else default_path()


def expect(settings: Settings, known: Mapping[str, Expected]) -> Expected:
    """Nobody has counted yet."""
    del settings, known
    return Expected(
        100, 100 * 1000, 0.1, 100 * EACH_S, "as many corrected traces as there are; counted as 100"
    )


KIND = Kind(Settings, run, expect, files=lambda s, base: [_path(s, base)])
