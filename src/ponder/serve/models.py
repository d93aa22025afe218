"""The models of a server: which there are, which are loaded, and making room for another one.

A name from the network is only ever compared with the names of what is here; it never becomes a path. A
model is loaded when it is first asked for. If it does not fit beside the others, those that nobody uses
are unloaded, the one that was left alone for the longest time first; if all are in use, it waits for one.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ponder.catalog.library import Local, is_path, newest, scan, split_name
from ponder.catalog.models import known_model
from ponder.errors import MemoryLimitError, NotFoundError, PonderError
from ponder.opened import Opened, open_model
from ponder.serve.refusal import Refusal
from ponder.serve.settings import Settings
from ponder.serve.turns import Turns

LIST_S = 5.0
"""How long a list of what is on the disk is believed."""
DEFAULT_NAMES = frozenset({"", "default", "ponder"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be asked for: its public name, what opens it, and what is known of its weights."""

    name: str
    opens: str
    local: Local | None = None
    created: int = 0


@dataclass(slots=True)
class Loaded:
    """A model in memory, who uses it, and when it was last left."""

    name: str
    opened: Opened
    turns: Turns
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

    # ------------------------------------------------------------------ what there is

    async def offers(self) -> Mapping[str, Offer]:
        """What can be asked for, by public name; the default model first."""
        if time.monotonic() - self._listed > LIST_S:
            self._offers = await asyncio.to_thread(self._list)
            self._listed = time.monotonic()
        return self._offers

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
        found = _match(offers, given or newest())
        if found is not None:
            return found
        if given:
            return Offer(given, given)  # whatever is wrong with it is told when it is opened
        raise NotFoundError("there is no model on this machine: type `ponder pull deepseek-r1:1.5b`.")

    @property
    def loaded(self) -> Mapping[str, Loaded]:
        """What is in memory, by public name."""
        return self._loaded

    # ------------------------------------------------------------------ using one

    async def take(self, name: str) -> Loaded:
        """The model called `name`, in memory until `leave`; its slots are still to be taken.

        Raises NotFoundError, MemoryLimitError and EngineError.
        """
        offer = await self.find(name)
        if self._choosing.locked() and self._queue >= self._settings.waiting:
            raise Refusal(429, "too many requests wait for a model to be loaded: try again soon.", retry_s=10)
        self._queue += 1
        try:
            async with self._choosing:  # in the order of arrival: nobody overtakes one who waits for memory
                loaded = self._loaded.get(offer.name) or await self._load(offer)
                loaded.users += 1
                return loaded
        finally:
            self._queue -= 1

    def leave(self, loaded: Loaded) -> None:
        """Whoever took it needs it no longer."""
        loaded.users -= 1
        loaded.left = time.monotonic()
        self._left.set()

    async def _load(self, offer: Offer) -> Loaded:
        while True:
            try:
                opened = await asyncio.to_thread(self._open, offer)
                break
            except MemoryLimitError:
                if not self._loaded:
                    raise
                if not await self._unload_one():
                    self._left.clear()
                    await self._left.wait()
        loaded = Loaded(offer.name, opened, Turns(opened.n_parallel, self._settings.waiting))
        self._loaded[offer.name] = loaded
        return loaded

    def _open(self, offer: Offer) -> Opened:
        slots = self._settings.slots
        opened = open_model(offer.opens, replace(self._settings.options, n_parallel=slots))
        try:
            opened.engine.serve()  # its memory is taken before anybody else looks how much is free
        except PonderError:
            opened.engine.close()
            raise
        return opened

    async def _unload_one(self) -> bool:
        """Unload the idle model that was left alone for the longest time; whether there was one."""
        idle = [name for name, loaded in self._loaded.items() if not loaded.users]
        if not idle:
            return False
        name = min(idle, key=lambda name: self._loaded[name].left)
        await asyncio.to_thread(self._loaded.pop(name).opened.engine.close)
        return True

    async def unload(self, name: str) -> bool:
        """Take a model that nobody uses out of memory; whether it was there and idle."""
        async with self._choosing:
            loaded = self._loaded.get(name)
            if loaded is None or loaded.users:
                return False
            del self._loaded[name]
        await asyncio.to_thread(loaded.opened.engine.close)
        return True

    def close(self) -> None:
        """End every engine."""
        while self._loaded:
            self._loaded.popitem()[1].opened.engine.close()


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
