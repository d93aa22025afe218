"""Look into a repository of the hub without downloading it: its configuration, or the headers of its GGUF.

A header is a few megabytes of a file of many gigabytes. It is asked for by range, twice as much each time,
until it is complete.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from ponder.catalog.download import Remote
from ponder.catalog.gguf import MAX_HEADER_BYTES, CutHeaderError, parse_header, parse_headers
from ponder.catalog.header import Header
from ponder.catalog.hub import client, endpoint, list_files
from ponder.catalog.quantisations import choose, group
from ponder.errors import FileFormatError, NetworkError, NotFoundError

FIRST_BYTES = 2**20
_MAX_CONFIG_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """What a repository holds: the header of one of its GGUF models, or its `config.json`.

    `safetensors_bytes` is the size of its unquantised weights, 0 if it has none.
    """

    header: Header | None
    config: Mapping[str, Any] | None
    quantisation: str = ""
    safetensors_bytes: int = 0


def look(repo: str, quantisation: str = "") -> Seen:
    """Look into `repo`: its GGUF (of the quantisation asked for, else Q4_K_M or the nearest), else its
    configuration.

    Raises NotFoundError for a repository with neither, NetworkError, and FileFormatError for damaged files.
    """
    with client() as http:
        files = list_files(http, repo, (".gguf", "config.json", ".safetensors"))
        offered = group(repo, [(name, file.bytes) for name, file in files.items()])
        if offered:
            weights = choose(offered, quantisation, f"in {repo}")
            parts = [files[name] for name in weights.files]
            header = _header(http, parts, f"{repo}/{weights.files[0]}")
            return Seen(replace(header, file_bytes=weights.bytes), None, weights.quantisation)
        if "config.json" not in files:
            raise NotFoundError(f"{repo} has neither a GGUF file nor a config.json; give another repository.")
        size = sum(file.bytes for name, file in files.items() if name.endswith(".safetensors"))
        return Seen(None, _config(http, files["config.json"], repo), "", size)


def _header(http: httpx.Client, parts: list[Remote], name: str) -> Header:
    first = _beginning(http, parts[0], name)
    if len(parts) == 1:
        return parse_header(first, name)
    # Later parts hold no vocabulary: a megabyte is plenty for their tables.
    return parse_headers([first, *(_range(http, part, FIRST_BYTES) for part in parts[1:])], name)


def _beginning(http: httpx.Client, file: Remote, name: str) -> bytes:
    """The first bytes of a file, as many as its header takes."""
    wanted = FIRST_BYTES
    while True:
        data = _range(http, file, wanted)
        try:
            parse_header(data, name)
        except CutHeaderError:
            if wanted >= min(file.bytes, MAX_HEADER_BYTES):
                raise
            wanted *= 4
        else:
            return data


def _range(http: httpx.Client, file: Remote, count: int) -> bytes:
    """Up to `count` bytes from the start of a file; a server that ignores ranges is cut off."""
    last = min(count, file.bytes) - 1
    try:
        with http.stream("GET", file.url, headers={"Range": f"bytes=0-{last}"}) as response:
            if response.status_code not in {200, 206}:
                raise NetworkError(
                    f"{endpoint()} answers with status {response.status_code}; try again later."
                )
            data = bytearray()
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > last:
                    break
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise NetworkError(f"{endpoint()} cannot be reached ({reason}); check the network.") from error
    return bytes(data[: last + 1])


def _config(http: httpx.Client, file: Remote, repo: str) -> Mapping[str, Any]:
    try:
        content = json.loads(_range(http, file, _MAX_CONFIG_BYTES))
    except ValueError as error:
        raise FileFormatError(f"the config.json of {repo} is no JSON ({error}); tell its makers.") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"the config.json of {repo} is no JSON object; tell its makers.")
    return content
