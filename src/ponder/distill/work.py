"""What a stage of a recipe is: a function of its settings and its work, which gives counts for the manifest.

The work is a folder to write into, the stages before it that are done, and somebody to be told how far it is.
A stage may be killed at any moment; called again with the same folder it goes on where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from ponder.errors import InputError, NotFoundError

S = TypeVar("S")
Counts = Mapping[str, Any]
"""What a stage has to tell of its result, as JSON: counts of rows by what became of them, figures, files."""


class Stopped(Exception):  # noqa: N818 - asked for, no error
    """The stage was told to stop, and has kept what it had."""


@dataclass(frozen=True, slots=True)
class Made:
    """A stage that is done: its name, its kind, its folder and its counts."""

    name: str
    kind: str
    folder: Path
    counts: Counts

    def file(self, name: str) -> Path:
        """One of its files; raises NotFoundError where it has none of that name."""
        path = self.folder / name
        if not path.exists():
            raise NotFoundError(
                f"the stage {self.name} has no {name}: run it again with --again {self.name}."
            )
        return path


@dataclass(frozen=True, slots=True)
class Told:
    """How far a stage is: `done` of `total`, and what a person may want to know besides."""

    done: float
    total: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """Where a stage works. `base` is the recipe's folder, from which its files are named; `run` the run's
    folder, where the traces of all its stages are kept.
    """

    name: str
    folder: Path
    run: Path
    base: Path
    inputs: Mapping[str, Made]
    tell: Callable[[Told], None]
    stopping: Callable[[], bool]

    def made(self, name: str) -> Made:
        """A stage that this one needs."""
        return self.inputs[name]

    def path(self, name: str) -> Path:
        """A file that the recipe names."""
        return rooted(name, self.base)

    def model(self, name: str) -> str:
        """What opens the model `name`: for `@STAGE` or `@STAGE/Q8_0` the GGUF file that stage exported."""
        if not name.startswith("@"):
            return name
        stage, kind = reference(name)
        made = self.made(stage)
        kinds = list(made.counts["files"])
        if kind and kind not in kinds:
            raise InputError(f"{name}: the stage {stage} exports {', '.join(kinds)}, not {kind}.")
        return str(made.file(made.counts["files"][kind or kinds[0]]["file"]))

    def go_on(self) -> None:
        """Raise Stopped if the person wants it."""
        if self.stopping():
            raise Stopped


@dataclass(frozen=True, slots=True)
class Expected:
    """What a stage is expected to make and to take, before it starts: rows that leave it, tokens they have in
    all, seconds from `low_s` to `high_s` on this machine (None: nobody knows), why, and what it costs besides
    the machine, in the recipe's currency.
    """

    rows: float = 0.0
    tokens: float = 0.0
    low_s: float | None = 0.0
    high_s: float | None = 0.0
    why: str = ""
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of stage. `needs` tells which stages its settings name and of which kinds each may be;
    `files` which files from outside decide its result. Another `version` makes another result.
    """

    settings: type[S]
    run: Callable[[S, Work], Counts]
    expect: Callable[[S, Mapping[str, Expected]], Expected]
    needs: Callable[[S], Mapping[str, Sequence[str]]] = field(default=lambda _: {})
    files: Callable[[S, Path], Sequence[Path]] = field(default=lambda _, __: ())
    check: Callable[[S], None] = field(default=lambda _: None)
    version: int = 1


def rooted(name: str, base: Path) -> Path:
    """A path that a recipe in the folder `base` names."""
    return base / Path(name).expanduser()


def reference(name: str) -> tuple[str, str]:
    """The stage and the kind of weights that `@STAGE/KIND` names; the kind may be missing."""
    stage, _, kind = name.removeprefix("@").partition("/")
    return stage, kind


def references(names: Sequence[str]) -> dict[str, Sequence[str]]:
    """As `Kind.needs`: the exports among some names of models."""
    return {reference(name)[0]: ("export",) for name in names if name.startswith("@")}
