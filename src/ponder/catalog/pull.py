"""Pull weights from the Hugging Face Hub, or from a mirror of it that `HF_ENDPOINT` names.

The hub is asked what a repository holds; one quantisation is chosen; its files are downloaded into the
library, each checked against the hub's checksum, and the header is read before the bulk arrives.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ponder.catalog.download import START_BYTES, Remote, fetch, part_path
from ponder.catalog.gguf import CutHeaderError, parse_header
from ponder.catalog.hub import NoRepositoryError, client, endpoint, list_files
from ponder.catalog.library import Local, models_folder, opened, remove, repo_folder, repos_of
from ponder.catalog.models import PACKAGED, find_model, known_model
from ponder.catalog.quantisations import group, spelled_size
from ponder.core.model import Weights
from ponder.errors import FileFormatError, NotFoundError, StorageError


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
        raise NotFoundError(f"{name} is no download: {PACKAGED[find_model(name).id]}.")
    with client() as http:
        for repo in repos:
            try:
                files = list_files(http, repo)
            except NoRepositoryError:
                continue
            weights = group(repo, ((name, remote.bytes) for name, remote in files.items()))
            if not weights:
                raise NotFoundError(f"{repo} on {endpoint()} holds no GGUF weights; look for one that does.")
            return Offer(repo, weights, files)
    model = known_model(name)
    guessed = model is not None and not set(repos) & set(model.seen_repos)
    doubt = " (ponder only guessed that name)" if guessed else ""
    raise NotFoundError(
        f"{endpoint()} has no repository {' or '.join(repos)}{doubt}, or it is private; "
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
    with client() as http:
        for target, remote in targets.items():
            if not _is_complete(target, remote):
                check = None if done else _check_start
                fetch(http, remote, target, partial(_add, on_bytes, done), check)
            done += remote.bytes
            on_bytes(done)
    try:
        return opened(weights)
    except FileFormatError as error:
        remove(tuple(targets))
        raise FileFormatError(f"what {offer.repo} offers is of no use and was deleted: {error}") from None


def _add(on_bytes: Callable[[int], None], before: int, count: int) -> None:
    on_bytes(before + count)


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
        parse_header(start, part.name)
    except CutHeaderError:
        return  # an unusually long one; the complete file is checked again
    except FileFormatError as error:
        raise FileFormatError(f"the download was stopped and deleted: {error}") from None
