"""The pages' files: a fixed list, made once, by name; a name that is not in it does not exist.

Nothing of a request's path ever meets the file system. Each address carries a digest of its content, so
browsers keep a file for good and still see a new version at once.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

KEEP_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "json": "application/json",
    "txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class File:
    """One static file: content, media type, and the digest that its address carries."""

    data: bytes
    media_type: str
    digest: str


@cache
def manifest() -> dict[str, File]:
    """Every file under `static/`, by its path there."""
    found: dict[str, File] = {}
    _collect(files("ponder.serve") / "static", "", found)
    return found


def _collect(folder: Traversable, prefix: str, found: dict[str, File]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif (kind := TYPES.get(entry.name.rpartition(".")[2])) is not None:
            data = entry.read_bytes()
            found[prefix + entry.name] = File(data, kind, hashlib.sha256(data).hexdigest()[:12])


def address(name: str) -> str:
    """The URL of a static file; raises KeyError for one that is not there."""
    return f"/static/{name}?{manifest()[name].digest}"


async def serve_static(request: Request) -> Response:
    """`GET /static/{name}`."""
    file = manifest().get(request.path_params["name"])
    if file is None:
        return Response("there is no such file", 404, media_type="text/plain")
    headers = KEEP_FOR_GOOD if request.url.query == file.digest else {"Cache-Control": "no-cache"}
    return Response(file.data, media_type=file.media_type, headers=headers)
