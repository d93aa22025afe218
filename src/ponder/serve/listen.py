"""From settings to a listening server: the address is ours before anything is loaded, and told at once."""

import socket
import sys
from collections.abc import Callable
from dataclasses import replace

import uvicorn

from ponder.errors import InputError
from ponder.serve.app import create_app
from ponder.serve.keys import new_token
from ponder.serve.service import Service
from ponder.serve.settings import Settings

FAREWELL_S = 3
"""How long open streams may take to end when the server is stopped."""
BACKLOG = 512
SWITCH_S = 0.0005
"""How long a run's thread may keep the event loop waiting: a tenth of Python's default."""


def bind(settings: Settings) -> tuple[socket.socket, Settings]:
    """A listening socket, and the settings with its real port; raises InputError if it is not to be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror or error}): "
            "choose another one with --port, or --port 0 for any."
        ) from error
    return listener, replace(settings, port=listener.getsockname()[1])


def build(service: Service) -> uvicorn.Server:
    """The HTTP server of a service, still to be run on its socket."""
    config = uvicorn.Config(
        create_app(service),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=FAREWELL_S,
    )
    return uvicorn.Server(config)


def listen(settings: Settings, ready: Callable[[Service], None]) -> None:
    """Serve until interrupted; `ready` is called once when requests can come."""
    listener, settings = bind(settings)
    sys.setswitchinterval(SWITCH_S)
    with listener:
        service = Service(settings)
        ready(service)
        build(service).run(sockets=[listener])


def token_for(given: str) -> str:
    """The token of this start: the given one, or a new one."""
    return given or new_token()
