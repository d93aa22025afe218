"""A run: a recipe frozen into a folder with versions and hardware, its stages done one after the other.

    RUN/recipe.toml        the recipe as it was read
    RUN/run.json           every start: when, with which versions and on what machine
    RUN/traces.db          the traces that its stages sampled and evaluated
    RUN/stages/NAME-HASH/  a stage; `manifest.json` is written last, so a folder with one is done

The hash is that of everything which decides the result, so a stage that is done is done, and a changed recipe
does anew what it changes. `progress.json` in a stage's folder says how far it is.
"""

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ponder.catalog.library import home
from ponder.distill.recipe import Recipe, Stage, identity, kind_of, missing, read_recipe
from ponder.distill.rows import read_json, write_json
from ponder.distill.work import Expected, Made, Stopped, Told, Work
from ponder.errors import InputError, NotFoundError
from ponder.fit.probe import hardware
from ponder.store.codec import encode

MANIFEST, PROGRESS, RUN, RECIPE = "manifest.json", "progress.json", "run.json", "recipe.toml"
TELL_S = 0.5
"""How often `progress.json` is written, at most."""
PACKAGES = (
    "ponder", "xllamacpp", "torch", "transformers", "trl", "peft", "tokenizers", "gguf", "math-verify",
    "numpy", "reasoning-gym", "datasets",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """A stage of a run now: done with a `manifest`, else begun with `progress`, else neither."""

    stage: Stage
    folder: Path
    manifest: Mapping[str, Any] | None
    progress: Mapping[str, Any] | None


Watch = Callable[[Stage, Told], None]


def default_folder(recipe: Recipe) -> Path:
    """Where a recipe is run if nobody says."""
    return home() / "distill" / recipe.name


class Run:
    """A recipe and its folder. Nothing is written before `freeze`."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        self.folder = folder.absolute()
        self._identities: dict[str, str] = {}
        for stage in recipe.stages:
            self._identities[stage.name] = identity(stage, recipe, self._identities)

    def freeze(self) -> None:
        """Keep the recipe, the versions and the machine of this start; raises InputError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            kept = self.folder / RECIPE
            starts = read_json(self.folder / RUN)["starts"] if (self.folder / RUN).exists() else []
            if kept.exists() and kept.read_text(encoding="utf-8") != self.recipe.text:
                kept.rename(self.folder / f"recipe-{len(starts)}.toml")
            kept.write_text(self.recipe.text, encoding="utf-8")
            write_json(self.folder / RUN, {"base": str(self.recipe.base), "starts": [*starts, _start()]})
        except OSError as error:
            raise InputError(
                f"the folder {self.folder} cannot be used ({error.strerror}): choose another with -o."
            ) from error

    def states(self) -> list[State]:
        """Every stage as it is now."""
        return [self.state(stage) for stage in self.recipe.stages]

    def state(self, stage: Stage) -> State:
        """One stage as it is now."""
        folder = self.folder / "stages" / f"{stage.name}-{self._identities[stage.name][:8]}"
        found = [
            read_json(folder / name) if (folder / name).exists() else None for name in (MANIFEST, PROGRESS)
        ]
        return State(stage, folder, found[0], found[1])

    def expected(self) -> Iterator[tuple[State, Expected]]:
        """What each stage will make and take; of one that is done what it did."""
        known: dict[str, Expected] = {}
        for state in self.states():
            found = kind_of(state.stage.kind).expect(state.stage.settings, known)
            if state.manifest is not None:
                counts, took = state.manifest["counts"], state.manifest["seconds"]
                rows, tokens = counts.get("rows", 0), counts.get("tokens", found.tokens)
                found = Expected(rows, tokens, took, took, "done")
            known[state.stage.name] = found
            yield state, found

    def forget(self, name: str) -> None:
        """Delete what a stage has made, so that it is made again."""
        shutil.rmtree(self.state(self.recipe.stage(name)).folder, ignore_errors=True)

    def run(self, watch: Watch, stopping: Callable[[], bool], until: str = "") -> None:
        """Do every stage that is not done, or those that the stage `until` needs and itself.

        Raises Stopped where `stopping` became true, InputError for files that are missing, and what a stage
        raises; what is done stays done.
        """
        absent = missing(self.recipe)
        if absent:
            raise InputError(
                f"the recipe needs {', '.join(map(str, absent))}: put it there, or change the path."
            )
        self.freeze()
        wanted = self._before(until) if until else {stage.name for stage in self.recipe.stages}
        for stage in self.recipe.stages:
            if stage.name in wanted and self.state(stage).manifest is None:
                self._do(stage, watch, stopping)

    def _do(self, stage: Stage, watch: Watch, stopping: Callable[[], bool]) -> None:
        if stopping():
            raise Stopped
        state = self.state(stage)
        state.folder.mkdir(parents=True, exist_ok=True)
        clock = _Clock(state)
        told = [0.0]

        def tell(what: Told) -> None:
            watch(stage, what)
            if time.monotonic() - told[0] > TELL_S or what.done == what.total:
                told[0] = time.monotonic()
                clock.write(what)

        tell(Told(0, 1))
        needed = {name: self._made(self.recipe.stage(name)) for name in stage.needs}
        work = Work(stage.name, state.folder, self.folder, self.recipe.base, needed, tell, stopping)
        counts = kind_of(stage.kind).run(stage.settings, work)
        manifest = {
            "stage": stage.name,
            "kind": stage.kind,
            "hash": self._identities[stage.name],
            "needs": {name: self._identities[name] for name in stage.needs},
            **clock.spent(),
            "ended": time.time(),
            "counts": counts,
        }
        write_json(state.folder / MANIFEST, manifest)

    def _made(self, stage: Stage) -> Made:
        state = self.state(stage)
        assert state.manifest is not None, "stages run in their order"
        return Made(stage.name, stage.kind, state.folder, state.manifest["counts"])

    def _before(self, name: str) -> set[str]:
        """A stage and all that it rests on."""
        stage = self.recipe.stage(name)
        return {name}.union(*(self._before(each) for each in stage.needs))


def open_run(folder: Path) -> Run:
    """The run in a folder; raises NotFoundError where there is none."""
    if not (folder / RUN).exists():
        raise NotFoundError(f"{folder} holds no run: give the folder that `ponder distill run` named.")
    base = Path(read_json(folder / RUN)["base"])
    return Run(read_recipe(folder / RECIPE, base), folder)


class _Clock:
    """Seconds of a stage over all its starts, of killed ones as far as `progress.json` says."""

    def __init__(self, state: State) -> None:
        before = state.progress or {}
        self._folder = state.folder
        self._wall = float(before.get("seconds", 0.0))
        self._cpu = float(before.get("cpu_seconds", 0.0))
        self._starts = int(before.get("starts", 0)) + 1
        self._begun = time.monotonic(), _cpu_s()

    def spent(self) -> dict[str, float]:
        """Wall clock and processor seconds of this process and its children so far."""
        return {
            "starts": self._starts,
            "seconds": self._wall + time.monotonic() - self._begun[0],
            "cpu_seconds": self._cpu + _cpu_s() - self._begun[1],
        }

    def write(self, what: Told) -> None:
        """How far it is, for other processes."""
        known = {
            "done": what.done,
            "total": what.total,
            "said": what.said,
            "pid": os.getpid(),
            "at": time.time(),
        }
        write_json(self._folder / PROGRESS, known | self.spent())


def _cpu_s() -> float:
    """Of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _start() -> dict[str, Any]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "at": time.time(),
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "versions": versions,
        "machine": encode(hardware()),
        "threads": os.environ.get("PONDER_THREADS", ""),
    }
