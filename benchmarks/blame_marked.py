"""The first wrong step of solutions in which people marked it, against what ponder names.

Read are JSON Lines with a step list and a mark in one of the spellings of published sets: `label`
(ProcessBench: counted from 0, -1 for none), `error_steps` (PRMBench: counted from 1),
`reason_error_section_numbers` (counted from 1), a `rating` in each step (PRM800K: -1 is wrong), or one of
`first_error_step` and its like, counted as `base` says. Figures are ProcessBench's (arXiv 2412.06559): the
share of wrong solutions whose first wrong step is named exactly, the share of right ones in which none is
named, and their harmonic mean, which is F1 there.

Claims need no engine. They are silent about most errors: what they name is counted beside, since that is what
they promise: `named` solutions, and the share of these in which the named step is the marked one, or a
later one (the error had consequences), or the solution is right (a false alarm).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ponder.blame.claims import by_claims
from ponder.blame.critique import Critique
from ponder.core.trace import Trace
from ponder.errors import PonderError
from ponder.foreign import read_solutions, trace_of
from ponder.opened import Opened

FIRSTS = ("first_error_step", "first_error", "first_wrong_step", "first_incorrect_step", "error_step")
Finder = Callable[[Trace], int | None]
"""A trace → the index of the step it names, None for none."""


@dataclass(frozen=True)
class Marked:
    """A solution, the index of its first wrong step (None: it is right), and the part of the set it is
    from.
    """

    trace: Trace
    wrong: int | None
    part: str


@dataclass
class Score:
    """Counts over solutions; see the module."""

    wrong: int = 0
    right: int = 0
    exact: int = 0
    clear: int = 0
    later: int = 0
    earlier: int = 0

    @property
    def named_wrong(self) -> int:
        return self.exact + self.later + self.earlier

    def add(self, marked: int | None, named: int | None) -> None:
        if marked is None:
            self.right += 1
            self.clear += named is None
            return
        self.wrong += 1
        self.exact += named == marked
        if named is not None:
            self.later += named > marked
            self.earlier += named < marked

    def row(self, name: str) -> str:
        error, correct = _share(self.exact, self.wrong), _share(self.clear, self.right)
        mean = 2 * error * correct / (error + correct) if error + correct else 0.0
        alarms = self.right - self.clear
        named = self.named_wrong + alarms
        shares = [f"{value:.3f}" for value in (error, correct, mean)]
        kinds = [f"{n} ({_share(n, named):.2f})" for n in (self.exact, self.later, self.earlier, alarms)]
        cells = [name, str(self.wrong), str(self.right), *shares, str(named), *kinds]
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| | wrong | right | found of wrong | clear of right | F1 | named | exactly | later | earlier | alarm |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def _share(count: int, of: int) -> float:
    return count / of if of else 0.0


def mark_of(row: Mapping[str, Any], base: int = 0) -> int | None:
    """The index of the first wrong step in a row, None for none; raises ValueError where it is not marked."""
    if type(row.get("label")) is int:
        return None if row["label"] < 0 else int(row["label"])
    for name in ("error_steps", "reason_error_section_numbers"):
        if isinstance(row.get(name), list):
            return min(row[name]) - 1 if row[name] else None
    for name in FIRSTS:
        if name in row:
            value = row[name]
            return None if value is None or value < base else int(value) - base
    steps = row.get("steps")
    if isinstance(steps, list) and all(isinstance(step, dict) and "rating" in step for step in steps):
        return next((at for at, step in enumerate(steps) if step["rating"] == -1), None)
    raise ValueError("no mark that is known: give `label`, counted from 0, -1 for none")


def read_marked(path: Path, base: int = 0) -> Iterator[Marked]:
    """The solutions of a file; raises ValueError for one without a mark, or with one that is no step."""
    for number, solution in enumerate(read_solutions(path.read_text(encoding="utf-8"), path.name), 1):
        assert solution.row is not None
        trace, wrong = trace_of(solution), mark_of(solution.row, base)
        if wrong is not None and not 0 <= wrong < len(trace.steps):
            raise ValueError(
                f"solution {number} of {path.name}: step {wrong} of {len(trace.steps)} is marked"
            )
        part = str(solution.row.get("id", path.stem)).rsplit("-", 1)[0]
        yield Marked(trace, wrong, part)


def claims(trace: Trace) -> int | None:
    return by_claims(trace).step


def critic(opened: Opened, votes: int) -> Finder:
    """The majority of readings; no majority names nothing. A trace asked for again is not read again."""

    @lru_cache(maxsize=1)
    def find(trace: Trace) -> int | None:
        critique = Critique(opened, trace, votes=votes)
        try:
            for _ in critique:
                pass
        except PonderError:  # too long for its context: it says nothing
            return None
        found = critique.result()
        return found.step if found.verdict == "found" else None

    return find


def both(second: Finder) -> Finder:
    """What claims name; `second` is asked where they are silent."""

    def find(trace: Trace) -> int | None:
        named = claims(trace)
        return second(trace) if named is None else named

    return find


def scores(solutions: Iterable[Marked], finders: Mapping[str, Finder]) -> dict[str, dict[str, Score]]:
    """Finder → part of the set (and `all`) → its score."""
    found: dict[str, dict[str, Score]] = {name: defaultdict(Score) for name in finders}
    for each in solutions:
        for name, finder in finders.items():
            named = finder(each.trace)
            for part in (each.part, "all"):
                found[name][part].add(each.wrong, named)
    return found


def report(found: Mapping[str, Mapping[str, Score]]) -> None:
    """A table for each finder: parts of the set, then all."""
    for name, parts in found.items():
        print(f"\n{name}\n\n{HEAD}")
        for part in (*sorted(set(parts) - {"all"}), "all"):
            print(parts[part].row(part))
