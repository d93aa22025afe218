"""What a server is started with; a command's options end up here, checked."""

import ipaddress
from dataclasses import dataclass, field

from ponder.errors import InputError
from ponder.opened import Options

PORT = 8373
"""Where ponder listens unless told otherwise."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
LEAST_TOKEN = 16
"""Characters that a token of a server on the network must have at the very least."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. `model` is what answers where a request names none.

    `hosts` are names by which browsers may call this server besides its own; `origins` are pages of other
    servers that may use the API (scheme://host:port). `token` is empty only where none is asked for.
    `slots` 0: as many conversations at once as fit; `waiting` may wait besides. `keep`: runs go to the store.
    `logprobs`: also those of clients that did not ask for log-probabilities have them.
    """

    model: str = ""
    options: Options = field(default_factory=Options)
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    slots: int = 0
    waiting: int = 64
    keep: bool = True
    logprobs: bool = False

    def __post_init__(self) -> None:
        if self.token and not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise InputError(
                "PONDER_TOKEN holds characters that no header can carry: use letters and digits."
            )
        if self.loopback:
            return
        if not self.token:
            raise InputError(
                f"--listen {self.host} opens this server to other machines, so it needs a token: "
                "leave out --no-token."
            )
        if len(self.token) < LEAST_TOKEN:
            raise InputError(
                f"PONDER_TOKEN has {len(self.token)} characters; a server that other machines reach needs "
                f"{LEAST_TOKEN}: leave it unset, and ponder makes one."
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host in LOOPBACK_NAMES:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address a browser on this machine uses."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - not a bind
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
