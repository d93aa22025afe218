"""A recipe: one TOML file that says, stage by stage, how a student is made, read and checked as a whole.

Each table `[stages.NAME]` is a stage; its `kind` is one of `KINDS` (the name itself, if it is one), the rest
are the kind's settings. Stages name each other, so that the file is a graph; its order does not matter.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any

from ponder.distill.work import Kind
from ponder.errors import FileFormatError, InputError, NotFoundError, PonderError
from ponder.store.codec import decode, dumps, encode

KINDS = (
    "prompts",
    "worked",
    "sample",
    "filter",
    "corrections",
    "vocabulary",
    "dataset",
    "train",
    "export",
    "evaluate",
)
SHIPPED = Path(__file__).parent / "recipes"
_NAMES = "abcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its kind's settings, and the stages it needs."""

    name: str
    kind: str
    settings: Any
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that has been checked; `stages` stand in an order in which they can run.

    `hourly` is what an hour of the machine costs, in `currency`; 0 for one that costs nothing.
    """

    name: str
    about: str
    seed: int
    stages: tuple[Stage, ...]
    hourly: float
    currency: str
    text: str
    base: Path

    def stage(self, name: str) -> Stage:
        """The stage of that name; raises NotFoundError."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        near = get_close_matches(name, [s.name for s in self.stages], n=2)
        hint = " or ".join(near) or ", ".join(s.name for s in self.stages)
        raise NotFoundError(f"the recipe {self.name} has no stage {name!r}; try {hint}.")


def shipped() -> list[str]:
    """The names of the recipes that come with ponder."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find_recipe(name: str) -> Recipe:
    """The recipe in a file, or a shipped one by its name; raises NotFoundError and as `read_recipe`."""
    path = Path(name).expanduser()
    if path.is_file():
        return read_recipe(path)
    if name in shipped():
        return read_recipe(SHIPPED / f"{name}.toml", base=Path.cwd())
    raise NotFoundError(
        f"there is no recipe {name!r}: give a TOML file, or one of {', '.join(shipped())} that ponder has."
    )


def read_recipe(path: Path, base: Path | None = None) -> Recipe:
    """The recipe in a file; raises FileFormatError and InputError, which name the place.

    `base` is the folder from which the recipe's own files are named, by default the file's.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the recipe {path} cannot be read ({error}): is the path right?") from error
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(f"{path} is no TOML: {error}.") from error
    return parsed(table, text, (base or path.parent).absolute(), path.stem)


def parsed(table: Mapping[str, Any], text: str, base: Path, name: str) -> Recipe:
    """The recipe that a TOML table describes; raises InputError."""
    head: dict[str, Any] = {"name": name, "about": "", "seed": 0, "hourly": 0.0, "currency": "€"}
    unknown = sorted(table.keys() - head.keys() - {"stages"})
    if unknown:
        raise InputError(f"the recipe has {unknown[0]!r}, which is none of {', '.join([*head, 'stages'])}.")
    for key, usual in head.items():
        value = table.get(key, usual)
        if not isinstance(value, (int, float) if isinstance(usual, float) else type(usual)):
            raise InputError(f"the recipe's {key} cannot be {value!r}.")
        head[key] = value
    if not set(head["name"].lower()) <= set(_NAMES) or not head["name"]:
        raise InputError(f"the recipe's name {head['name']!r} must be of letters, digits, - and _.")
    rows = table.get("stages")
    if not isinstance(rows, dict) or not rows:
        raise InputError("the recipe has no stages: write a table [stages.NAME] for each.")
    stages = {each: _stage(each, row, head["seed"]) for each, row in rows.items()}
    return Recipe(**head, stages=_ordered(stages), text=text, base=base)


def kind_of(name: str) -> Kind[Any]:
    """The kind of stage of that name."""
    found: Kind[Any] = import_module(f"ponder.distill.stages.{name}").KIND
    return found


def identity(stage: Stage, recipe: Recipe, known: Mapping[str, str]) -> str:
    """The hash of all that decides what a stage makes: its settings, its files, and the stages before it,
    whose identities are `known`.
    """
    kind = kind_of(stage.kind)
    files = {str(path): _fingerprint(path) for path in kind.files(stage.settings, recipe.base)}
    said = {
        "kind": stage.kind,
        "version": kind.version,
        "settings": encode(stage.settings),
        "needs": {name: known[name] for name in stage.needs},
        "files": files,
    }
    return hashlib.sha256(dumps(said).encode()).hexdigest()


def missing(recipe: Recipe) -> list[Path]:
    """The files that the recipe's stages name and that cannot be read."""
    named = [path for s in recipe.stages for path in kind_of(s.kind).files(s.settings, recipe.base)]
    return [path for path in dict.fromkeys(named) if not path.is_file()]


WHOLE_BYTES = 64 << 20
"""A larger file is known by its size and its time, not by all of its bytes."""


def _fingerprint(path: Path) -> str:
    try:
        stat = path.stat()
        if stat.st_size > WHOLE_BYTES:
            return f"{stat.st_size} bytes of {stat.st_mtime_ns}"
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"  # may be planned; `Run.run` refuses it


def _stage(name: str, row: Any, seed: int) -> Stage:
    if not set(name) <= set(_NAMES):
        raise InputError(f"the stage {name!r} must be named with small letters, digits, - and _.")
    if not isinstance(row, dict):
        raise InputError(f"stages.{name} must be a table: write [stages.{name}].")
    kind_name = row.get("kind", name)
    if kind_name not in KINDS:
        near = get_close_matches(str(kind_name), KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(KINDS)}."
        raise InputError(f"stages.{name} has the kind {kind_name!r}, which there is not: {hint}")
    kind = kind_of(kind_name)
    known = {field.name for field in fields(kind.settings)}
    values = {key: value for key, value in row.items() if key != "kind"}
    if "seed" in known:
        values.setdefault("seed", seed)
    _refuse_unknown(name, values, known)
    try:
        settings = decode(kind.settings, values)
    except ValueError as error:
        said = str(error).replace(kind.settings.__name__, f"stages.{name}", 1)
        raise InputError(f"{said}.") from error
    try:
        kind.check(settings)
    except PonderError as error:
        raise InputError(f"stages.{name}: {error}") from error
    return Stage(name, kind_name, settings, tuple(kind.needs(settings)))


def _refuse_unknown(name: str, values: Mapping[str, Any], known: set[str]) -> None:
    for key in sorted(values.keys() - known):
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it may have {', '.join(sorted(known))}."
        raise InputError(f"stages.{name} has no setting {key!r}: {hint}")


def _ordered(stages: Mapping[str, Stage]) -> tuple[Stage, ...]:
    """The stages so that each follows what it needs, else in the order of the file."""
    for stage in stages.values():
        for needed, kinds in kind_of(stage.kind).needs(stage.settings).items():
            _check_need(stage, needed, kinds, stages)
    place = {name: number for number, name in enumerate(stages)}
    sorter = TopologicalSorter({name: stage.needs for name, stage in stages.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise InputError(f"the stages need each other in a circle: {circle}.") from error
    out: list[Stage] = []
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.sort(key=place.__getitem__)
        chosen = ready.pop(0)
        out.append(stages[chosen])
        sorter.done(chosen)
    return tuple(out)


def _check_need(stage: Stage, needed: str, kinds: Sequence[str], stages: Mapping[str, Stage]) -> None:
    if needed not in stages:
        near = get_close_matches(needed, stages, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(stages)}."
        raise InputError(f"stages.{stage.name} needs a stage {needed!r}, which there is not: {hint}")
    if stages[needed].kind not in kinds:
        raise InputError(
            f"stages.{stage.name} needs {needed}, which is of the kind {stages[needed].kind}: "
            f"it must be of {' or '.join(kinds)}."
        )
