"""Who may come in: the token for programs, a one-time code for the browser, and the cookie it gets for it.

A cookie is signed with a secret that lies beside the traces, readable by its owner only, so that pages stay
open when the server is started again. Deleting that file ends every session.
"""

import base64
import hashlib
import hmac
import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

from ponder.errors import StorageError

CODE_S = 300.0
"""How long a one-time code is good."""
COOKIE_S = 30 * 24 * 3600
_MOST_CODES = 16
_SECRET_BYTES = 32


class Keys:
    """The token of this server, the codes it gave out, and the cookies it signed."""

    def __init__(self, token: str, port: int, folder: Path) -> None:
        self.token = token
        self.cookie_name = f"ponder-{port}"  # a host's cookies are shared by all its ports
        self._secret = _kept_secret(folder / "server.key") if token else b""
        self._purpose = f"ponder cookie {port}".encode()
        self._codes: dict[str, float] = {}
        self._lock = threading.Lock()

    def new_code(self) -> str:
        """A code that opens one session within CODE_S."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._codes) >= _MOST_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[code] = time.monotonic() + CODE_S
        return code

    def admit(self, given: str) -> bool:
        """Whether `given` is the token, or a code that was not used before; it is used up now."""
        if self.is_token(given):
            return True
        with self._lock:
            until = self._codes.pop(given, 0.0)
        return time.monotonic() < until

    def is_token(self, given: str) -> bool:
        """Whether `given` is the token, in a time that does not depend on how much of it is right."""
        return bool(self.token) and hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def new_cookie(self) -> str:
        """The value of a cookie that is good for COOKIE_S."""
        until = str(int(time.time()) + COOKIE_S)
        return f"{until}.{self._signature(until)}"

    def is_cookie(self, value: str) -> bool:
        """Whether `value` was made by `new_cookie`, here or before a restart, and is still good."""
        until, _, signature = value.partition(".")
        sound = until.isdecimal() and until.isascii() and len(until) < 16
        good = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(until).encode())
        return bool(self.token) and sound and good and int(until) > time.time()

    def _signature(self, until: str) -> str:
        made = hmac.new(
            self._secret, self._purpose + b"\0" + until.encode("utf-8", "replace"), hashlib.sha256
        )
        return base64.urlsafe_b64encode(made.digest()).decode().rstrip("=")


def new_token() -> str:
    """A token for one start of a server."""
    return secrets.token_urlsafe(24)


def _kept_secret(path: Path) -> bytes:
    """The secret in `path`, made if it is missing or not whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            found = path.read_bytes()
            if len(found) == _SECRET_BYTES:
                return found
            path.unlink()
        secret = secrets.token_bytes(_SECRET_BYTES)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
    except FileExistsError:  # another server is starting at this moment
        return _kept_secret(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}): set PONDER_HOME to a writable folder."
        ) from error
    return secret
