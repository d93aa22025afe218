"""What all handlers share: the settings, the keys, the store."""

from types import TracebackType

from starlette.requests import Request

from ponder.catalog.library import home
from ponder.serve.keys import Keys
from ponder.serve.settings import Settings
from ponder.store import Store, open_store


class Service:
    """One running server. Entering and leaving it opens and closes what it holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.token, settings.port, home())
        self.store: Store = open_store()

    async def __aenter__(self) -> "Service":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service
