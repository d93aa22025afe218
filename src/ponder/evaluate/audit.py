"""How often the verifier itself is wrong: its verdicts against a second opinion, on samples drawn at random.

A second opinion is math-verify alone, the lenient comparison that the rest of ponder uses, or a person's
marks. It is no truth either, unless it is a person: what it disagrees with has to be read.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ponder.check.answers import answers
from ponder.check.chance import Share
from ponder.errors import FileFormatError, InputError
from ponder.evaluate.problem import Problem
from ponder.evaluate.sample import WHOLE, Sample
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.scorers.verdict import Outcome
from ponder.store.codec import dumps

DRAWN = 200
Opinion = Callable[[Sample, Problem], Outcome]


@dataclass(frozen=True, slots=True)
class Audited:
    """One verdict and the second opinion on it."""

    sample: Sample
    problem: Problem
    other: Outcome

    @property
    def disputed(self) -> bool:
        """Whether one says right and the other does not."""
        return self.sample.right != (self.other == "right") and self.other != "unknown"


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of it: all that were drawn, in the order of their verdicts' steps."""

    drawn: tuple[Audited, ...]

    @property
    def disputed(self) -> tuple[Audited, ...]:
        """Those to be read."""
        return tuple(each for each in self.drawn if each.disputed)

    @property
    def missed(self) -> Share:
        """Of what the other calls right, what the verifier does not: false negatives, if the other knows."""
        right = [each for each in self.drawn if each.other == "right"]
        return Share(sum(not each.sample.right for each in right), len(right))

    @property
    def granted(self) -> Share:
        """Of what the other calls wrong, what the verifier calls right: false positives."""
        wrong = [each for each in self.drawn if each.other == "wrong"]
        return Share(sum(each.sample.right for each in wrong), len(wrong))

    def by_step(self) -> dict[str, Share]:
        """For each deciding step the share of its verdicts that is disputed."""
        steps = sorted({each.sample.step for each in self.drawn})
        return {
            step: Share(
                sum(each.disputed for each in self.drawn if each.sample.step == step),
                sum(each.sample.step == step for each in self.drawn),
            )
            for step in steps
        }


def drawn(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """`count` whole samples at random, the same ones for the same seed; all where there are no more."""
    whole = sorted(
        (sample for sample in samples if sample.cut == WHOLE), key=lambda each: (each.problem, each.number)
    )
    return whole if len(whole) <= count else random.Random(f"audit {seed}").sample(whole, count)


def audit(samples: Sequence[Sample], problems: Sequence[Problem], opinion: Opinion) -> Audit:
    """The second opinion on each of `samples`."""
    known = {problem.id: problem for problem in problems}
    found = [
        Audited(each, known[each.problem], opinion(each, known[each.problem]))
        for each in samples
        if each.problem in known
    ]
    return Audit(tuple(sorted(found, key=lambda each: (not each.disputed, each.sample.step))))


def by_math_verify(symbolic: Symbolic) -> Opinion:
    """The opinion of math-verify alone, on the same extracted answer."""

    def opinion(sample: Sample, problem: Problem) -> Outcome:
        if not sample.given:
            return "wrong"
        return symbolic.compare(problem.target, sample.given)[0]

    return opinion


def leniently(sample: Sample, problem: Problem) -> Outcome:
    """The opinion of `ponder.check.answers`, which forgives rounding and reads short sentences."""
    return "right" if answers(sample.given, problem.target) else "wrong"


def by_marks(path: Path) -> Opinion:
    """A person's opinion, from a sheet (see `write_sheet`) with `right` true or false on each line.

    Raises InputError and FileFormatError for a sheet that cannot be read or has no marks.
    """
    marks: dict[tuple[str, int], bool] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the sheet {path} cannot be read ({error}): is the path right?") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            mark = row["right"]
            place = str(row["problem"]), int(row["number"])
        except (ValueError, KeyError, TypeError) as error:
            raise FileFormatError(
                f"{path} line {number} is no line of a sheet ({error!r}): write one with --sheet."
            ) from error
        if isinstance(mark, bool):
            marks[place] = mark
    if not marks:
        raise InputError(f"{path} has no marks: set `right` to true or false on its lines.")
    return _marked(marks)


def _marked(marks: Mapping[tuple[str, int], bool]) -> Opinion:
    def opinion(sample: Sample, problem: Problem) -> Outcome:
        del problem
        mark = marks.get((sample.problem, sample.number))
        return "unknown" if mark is None else "right" if mark else "wrong"

    return opinion


def write_sheet(path: Path, samples: Sequence[Sample], problems: Sequence[Problem]) -> None:
    """A line for each sample, for a person to mark; the verdict itself is not told.

    Raises InputError where the file cannot be written, or is there already.
    """
    known = {problem.id: problem for problem in problems}
    rows = (
        {"problem": s.problem, "number": s.number, "trace": s.trace, "question": known[s.problem].question,
         "target": known[s.problem].target, "given": s.given, "right": None}
        for s in samples if s.problem in known
    )  # fmt: skip
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(dumps(row) + "\n" for row in rows)
    except OSError as error:
        raise InputError(
            f"the sheet {path} cannot be written ({error.strerror}): name a new file."
        ) from error
