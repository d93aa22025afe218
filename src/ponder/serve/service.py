"""What all handlers share: settings, keys, the store, the models, the living runs, searches, downloads."""

import asyncio
from contextlib import ExitStack, suppress
from types import TracebackType

from starlette.requests import Request

from ponder.catalog.library import home
from ponder.serve.keys import Keys
from ponder.serve.models import Models
from ponder.serve.pulls import Pulls
from ponder.serve.runs import Runs
from ponder.serve.searches import Searches
from ponder.serve.settings import Settings
from ponder.store import Store, fleeting_store, open_store


class Service:
    """One running server. Entering and leaving it opens and closes what it holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.token, settings.port, home())
        self._open = ExitStack()
        self.store: Store = self._open.enter_context(open_store() if settings.keep else fleeting_store())
        self.models: Models
        self.runs: Runs
        self.pulls: Pulls
        self.searches: Searches

    async def __aenter__(self) -> "Service":
        self.models = Models(self.settings)
        self.runs = Runs(self.models, self.store, logprobs=self.settings.logprobs)
        self.pulls = Pulls(self.models.look_again)
        self.searches = Searches(self.models, self.store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pulls.close()
        with suppress(TimeoutError):
            await self.searches.close()
        with suppress(TimeoutError):
            await self.runs.close()
        await asyncio.to_thread(self.models.close)
        self._open.close()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service
