"""The models of a server: which there are, which are loaded, and making room for another one.

A name from the network is only ever compared with the names of what is here; it never becomes a path. A
model is loaded when it is first asked for. If it does not fit beside the others, those that nobody uses
are unloaded, the one that was left alone for the longest time first; if all are in use, it waits for one.

A model may be wanted with a context or a cache of its own. One that nobody uses is then loaded anew; beside
one that is in use a second copy is loaded, which shares the weights' pages with the first.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from ponder.catalog.library import Local, is_path, newest, scan, split_name
from ponder.catalog.models import known_model
from ponder.engine.owned import Owned
from ponder.errors import MemoryLimitError, NotFoundError, PonderError
from ponder.fit.launch import DEFAULT_CTX
from ponder.opened import Opened, open_model
from ponder.serve.refusal import Refusal
from ponder.serve.settings import Settings
from ponder.serve.turns import Turns
from ponder.warm import put_away

LIST_S = 5.0
"""How long a list of what is on the disk is believed."""
GATHER_S = 0.04
"""Text leaves as often as the eye follows; more often would take the processor from the engine."""
DEFAULT_NAMES = frozenset({"", "default", "ponder"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be asked for: its public name, what opens it, and what is known of its weights."""

    name: str
    opens: str
    local: Local | None = None
    created: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """How a model shall be loaded: tokens of context and the type of its cache; None: as the server likes."""

    n_ctx: int | None = None
    kv_type: str | None = None


ANY = Shape()


@dataclass(slots=True)
class Loaded:
    """A model in memory, how it was wanted, who uses it, and when it was last left."""

    name: str
    opened: Opened
    turns: Turns
    shape: Shape = ANY
    users: int = 0
    left: float = field(default_factory=time.monotonic)


class Models:
    """All models of one server. Its coroutines belong to the server's event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Loaded] = {}
        self._choosing = asyncio.Lock()
        self._left = asyncio.Event()
        self._offers: Mapping[str, Offer] = {}
        self._listed = -LIST_S
        self._queue = 0
        self._copies = count(2)

    # ------------------------------------------------------------------ what there is

    async def offers(self) -> Mapping[str, Offer]:
        """What can be asked for, by public name; the default model first."""
        if time.monotonic() - self._listed > LIST_S:
            self._offers = await asyncio.to_thread(self._list)
            self._listed = time.monotonic()
        return self._offers

    def look_again(self) -> None:
        """What is on the disk has changed."""
        self._listed = -LIST_S

    def _list(self) -> dict[str, Offer]:
        given, offers = self._settings.model, {}
        if self._settings.options.server:
            name = given or "default"
            return {name: Offer(name, given)}
        if given and is_path(given):
            name = Path(given).stem
            offers[name] = Offer(name, given)
        for local in scan().weights:
            name = local.name
            if name in offers:  # another quantisation of the same
                name = f"{name}@{local.quantisation}"
            opens = local.name if local.model and not local.repo else f"{local.name}@{local.quantisation}"
            offers.setdefault(name, Offer(name, opens, local, int(local.paths[0].stat().st_mtime)))
        return offers

    async def find(self, name: str) -> Offer:
        """The offer that a client's `name` means; raises NotFoundError with what there is."""
        offers = self._offers or await self.offers()
        if name.strip().lower() not in DEFAULT_NAMES and _match(offers, name.strip()) is None:
            offers = await self.offers()  # it may be new here
        wanted = name.strip().removesuffix(":latest")
        if wanted.lower() in DEFAULT_NAMES or wanted == self._settings.model:
            return self._default(offers)
        found = _match(offers, wanted)
        if found is not None:
            return found
        some = ", ".join(list(offers)[:8]) or "none"
        raise NotFoundError(
            f"there is no model {name[:80]!a} on this server; it has: {some}. `ponder pull` gets others."
        )

    def _default(self, offers: Mapping[str, Offer]) -> Offer:
        given = self._settings.model
        if given and (is_path(given) or self._settings.options.server):
            return next(iter(offers.values()))
        name = given or newest()  # whatever is wrong with it is told when it is opened
        return _match(offers, name) or Offer(name, name)

    @property
    def loaded(self) -> Mapping[str, Loaded]:
        """What is in memory, by public name; of a second copy with a number behind it."""
        return self._loaded

    # ------------------------------------------------------------------ using one

    async def take(self, name: str, shape: Shape = ANY) -> Loaded:
        """The model called `name`, in memory until `leave`; its slots are still to be taken.

        Raises NotFoundError, InputError for a context it was not made for, MemoryLimitError and EngineError.
        """
        offer = await self.find(name)
        if self._choosing.locked() and self._queue >= self._settings.waiting:
            raise Refusal(429, "too many requests wait for a model to be loaded: try again soon.", retry_s=10)
        self._queue += 1
        try:
            async with self._choosing:  # in the order of arrival: nobody overtakes one who waits for memory
                loaded = self._suiting(offer, shape) or await self._load(offer, shape)
                loaded.users += 1
                return loaded
        finally:
            self._queue -= 1

    def leave(self, loaded: Loaded) -> None:
        """Whoever took it needs it no longer."""
        loaded.users -= 1
        loaded.left = time.monotonic()
        self._left.set()

    def _suits(self, loaded: Loaded, shape: Shape) -> bool:
        """Whether a loaded model is as it is wanted. Who wants nothing special takes a usual one, or more."""
        n_ctx, kv_type = loaded.opened.facts.get("n_ctx"), loaded.opened.facts.get("kv_type")
        if shape != ANY:
            return shape.n_ctx in {None, n_ctx} and shape.kv_type in {None, kv_type}
        options = self._settings.options
        usual = isinstance(n_ctx, int) and n_ctx >= (options.n_ctx or DEFAULT_CTX)
        return loaded.shape == ANY or (usual and kv_type == options.kv_type)

    def _suiting(self, offer: Offer, shape: Shape) -> Loaded | None:
        """A loaded copy of a model that is as it is wanted."""
        copies = [loaded for loaded in self._loaded.values() if loaded.name == offer.name]
        return next((loaded for loaded in copies if self._suits(loaded, shape)), None)

    async def _load(self, offer: Offer, shape: Shape) -> Loaded:
        await self._unload_one(offer.name)  # in another shape: it is not wanted any more
        while True:
            try:
                opened = await asyncio.to_thread(self._open, offer, shape)
                break
            except MemoryLimitError:
                if not self._loaded:
                    raise
                if not await self._unload_one():
                    self._left.clear()
                    await self._left.wait()
        key = offer.name if offer.name not in self._loaded else f"{offer.name} #{next(self._copies)}"
        loaded = Loaded(offer.name, opened, Turns(opened.n_parallel, self._settings.waiting), shape)
        self._loaded[key] = loaded
        return loaded

    def _open(self, offer: Offer, shape: Shape) -> Opened:
        options = replace(self._settings.options, n_parallel=self._settings.slots)
        if not options.server:  # what runs elsewhere has its context already
            options = replace(
                options, n_ctx=shape.n_ctx or options.n_ctx, kv_type=shape.kv_type or options.kv_type
            )
        opened = open_model(offer.opens, options)
        if isinstance(opened.engine, Owned):
            opened.engine.settings = replace(opened.engine.settings, gather_s=GATHER_S)
        try:
            opened.engine.serve()  # its memory is taken before anybody else looks how much is free
        except PonderError:
            opened.engine.close()
            raise
        return opened

    async def _unload_one(self, name: str = "") -> bool:
        """Unload the idle model (that is called `name`) that was left alone for the longest time; whether
        there was one.
        """
        idle = [key for key, loaded in self._loaded.items() if not loaded.users and name in {"", loaded.name}]
        if not idle:
            return False
        oldest = min(idle, key=lambda key: self._loaded[key].left)
        await asyncio.to_thread(put_away, self._loaded.pop(oldest).opened)
        return True

    async def unload(self, name: str) -> bool:
        """Take a model that nobody uses out of memory, with all its copies; whether it was there and idle."""
        async with self._choosing:
            copies = [key for key, loaded in self._loaded.items() if name in {key, loaded.name}]
            if not copies or any(self._loaded[key].users for key in copies):
                return False
            gone = [self._loaded.pop(key).opened for key in copies]
        for opened in gone:
            await asyncio.to_thread(put_away, opened)
        return True

    def close(self) -> None:
        """End every engine."""
        while self._loaded:
            put_away(self._loaded.popitem()[1].opened)


def _match(offers: Mapping[str, Offer], wanted: str) -> Offer | None:
    """The offer of that name, of a model that is also called so, or of that repository."""
    for offer in offers.values():
        if wanted and wanted.lower() in {offer.name.lower(), offer.opens.lower()}:
            return offer
    plain, quantisation = split_name(wanted)
    model = known_model(plain)
    for offer in offers.values():
        local = offer.local
        if local is None or quantisation not in {"", local.quantisation}:
            continue
        if (model is not None and local.model == model) or (plain and local.repo.lower() == plain.lower()):
            return offer
    return None
