"""Ask the Hugging Face Hub, or a mirror of it, what a repository holds.

Two addresses of the hub are enough: `/api/models/REPO?blobs=true` lists a repository's files with sizes
and checksums, `/REPO/resolve/COMMIT/FILE` gives one. They are asked directly: huggingface_hub would send
telemetry to huggingface.co, even when `HF_ENDPOINT` names a mirror.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ponder.catalog.download import Remote
from ponder.errors import NetworkError, NotFoundError

_TIMEOUT = httpx.Timeout(30.0)
_CHECKSUM = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")


class NoRepositoryError(NotFoundError):
    """The hub has no such repository, or shows it only to others."""


def endpoint() -> str:
    """The address of the hub: `HF_ENDPOINT`, else huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def client() -> httpx.Client:
    """A client that carries the person's access token, if there is one; never to another host."""
    token = _token()
    headers = {"User-Agent": "ponder"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT)


def list_files(http: httpx.Client, repo: str, endings: tuple[str, ...] = (".gguf",)) -> Mapping[str, Remote]:
    """The files of `repo` at its newest commit whose names have one of these endings.

    Raises NoRepositoryError, or NetworkError with what to do.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise NetworkError("HF_HUB_OFFLINE forbids to ask the hub; unset it to pull.")
    try:
        response = http.get(f"{endpoint()}/api/models/{repo}", params={"blobs": "true"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NetworkError(
            f"{endpoint()} cannot be reached ({str(error) or type(error).__name__}); check the network, "
            "or set HF_ENDPOINT to a mirror."
        ) from error
    if response.headers.get("X-Error-Code") == "GatedRepo" or response.status_code == 403:
        raise NetworkError(
            f"{repo} is gated; accept its terms on {endpoint()}/{repo} and set HF_TOKEN to your access token."
        )
    if response.status_code in {401, 404}:
        raise NoRepositoryError(f"{endpoint()} has no repository {repo}, or it is private.")
    if response.status_code != 200:
        raise NetworkError(f"{endpoint()} answers with status {response.status_code}; try again later.")
    try:
        return _files(repo, response.json(), endings)
    except (ValueError, TypeError, KeyError) as error:
        raise NetworkError(
            f"{endpoint()} does not answer like the Hugging Face Hub; check HF_ENDPOINT."
        ) from error


def _files(repo: str, info: Mapping[str, Any], endings: tuple[str, ...]) -> Mapping[str, Remote]:
    """Remote files by name; ValueError, TypeError or KeyError for an answer of another shape."""
    commit = quote(info["sha"], safe="")
    files = {}
    for row in info["siblings"]:
        name = row["rfilename"]
        if name.endswith(endings):
            checksum, size = (row.get("lfs") or {}).get("sha256") or row["blobId"], row["size"]
            if not _CHECKSUM.fullmatch(checksum) or size < 0:
                raise ValueError(name)
            files[name] = Remote(f"{endpoint()}/{repo}/resolve/{commit}/{quote(name)}", size, checksum)
    return files


def _token() -> str:
    """The access token where Hugging Face's own programs keep it; empty if there is none."""
    home = os.environ.get("HF_HOME") or Path("~/.cache/huggingface").expanduser()
    try:
        return os.environ.get("HF_TOKEN") or (Path(home) / "token").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
