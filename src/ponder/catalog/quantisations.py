"""Which quantisations a repository or a folder offers, and which one to take."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ponder.core.model import Weights
from ponder.errors import FileFormatError, NotFoundError

DEFAULT = "Q4_K_M"

_BY_SIZE = (
    *("IQ1_S", "TQ1_0", "IQ1_M", "IQ2_XXS", "TQ2_0", "IQ2_XS", "IQ2_S", "Q2_K_S", "IQ2_M", "Q2_K"),
    *("IQ3_XXS", "IQ3_XS", "Q3_K_S", "IQ3_S", "IQ3_M", "Q3_K_M", "Q3_K_L", "MXFP4", "MXFP4_MOE", "IQ4_XS"),
    *("Q4_0", "NVFP4", "IQ4_NL", "Q4_K_S", "Q4_K_M", "Q4_1", "Q5_K_S", "Q5_0", "Q5_K_M", "Q5_1", "Q6_K"),
    *("Q8_0", "F16", "BF16", "F32"),
)
_NAME = re.compile(
    r"(?:^|[-._])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4))$",
    re.IGNORECASE,
)
_PART = re.compile(r"-(?P<no>\d{5})-of-(?P<count>\d{5})$")
_NO_MODEL = re.compile(r"(?:^|[-._])(?:mmproj|imatrix)(?:[-._]|$)", re.IGNORECASE)
_PLAIN_PART = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|]+")


def quantisation_of(file: str) -> str:
    """The quantisation that a file's name names, in capitals; empty if it names none."""
    stem = _PART.sub("", PurePosixPath(file).name.removesuffix(".gguf"))
    found = _NAME.search(stem)
    return found[1].upper().replace("FP16", "F16").replace("FP32", "F32") if found else ""


def is_quantisation(text: str) -> bool:
    """Whether `text` could name a quantisation, such as `q4_k_m` or `UD-IQ1_S`."""
    found = _NAME.fullmatch(text)
    return found is not None and found[1] == text


def spelled_size(count: int) -> str:
    """A number of bytes as people say it: `404.5 GB`, `98 MB`."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def safe_file(name: str) -> PurePosixPath:
    """`name`, which a server or a listing gave, as a relative path without tricks; or FileFormatError."""
    path = PurePosixPath(name)
    parts = name.split("/")
    if not all(_PLAIN_PART.fullmatch(part) and not part.startswith((".", "~")) for part in parts):
        raise FileFormatError(f"the file name {name!r} is refused: it could leave the models folder.")
    return path


def group(repo: str, files: Iterable[tuple[str, int]]) -> tuple[Weights, ...]:
    """The models among `files` (name, bytes), parts of one split file together, smallest first.

    Projectors, importance matrices and incomplete sets of parts are left out.
    """
    sets: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for name, size in sorted(files):
        path = safe_file(name)
        if path.suffix != ".gguf" or _NO_MODEL.search(path.stem):
            continue
        part = _PART.search(path.stem)
        key = (_PART.sub("", name.removesuffix(".gguf")), int(part["count"]) if part else 1)
        sets.setdefault(key, []).append((name, size))
    found = (
        Weights(repo, tuple(n for n, _ in parts), quantisation_of(parts[0][0]), sum(s for _, s in parts))
        for (_, count), parts in sets.items()
        if len(parts) == count
    )
    return tuple(sorted(found, key=lambda weights: (weights.bytes, weights.files)))


def choose(offered: Sequence[Weights], wanted: str = "", where: str = "here") -> Weights:
    """The one of `offered` that `wanted` names (a quantisation or a file); without a name Q4_K_M, or the
    nearest to it in size.

    Raises NotFoundError that lists what there is.
    """
    if wanted:
        named = [w for w in offered if wanted.upper() == w.quantisation or wanted in {*w.files}]
    else:
        named = sorted(offered, key=_distance)
    if not named:
        names = ", ".join(w.quantisation or PurePosixPath(w.files[0]).name for w in offered) or "none"
        raise NotFoundError(f"there is no quantisation {wanted or DEFAULT} {where}; there are: {names}.")
    return named[0]


def _distance(weights: Weights) -> float:
    """How far a quantisation is from the default; custom mixes lose ties, unknown names come last."""
    name = weights.quantisation
    plain = name.removeprefix("UD-")
    if plain not in _BY_SIZE:
        plain = re.sub(r"_X?L$", "_M", plain) if "K" in plain else plain
    plain = plain if plain in _BY_SIZE else plain.removesuffix("_M")
    if plain not in _BY_SIZE:
        return float("inf")
    return abs(_BY_SIZE.index(plain) - _BY_SIZE.index(DEFAULT)) + (0.5 if plain != name else 0.0)
