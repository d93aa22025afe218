"""Is this GGUF a sound language model? Everything a header can get wrong after it could be read.

A file comes from strangers: native code that trusts it can crash, so it is refused here, in one sentence.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ponder.catalog.header import Array, Header, Tensor, Value
from ponder.catalog.template import template_fault
from ponder.errors import FileFormatError

_SPLIT_NAME = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
_MAX_PARTS = 1000
_HEADER_BYTES = 24

_FOREIGN = (
    (b"<!doctype", "a web page, not weights (an error or login page was saved)"),
    (b"<html", "a web page, not weights (an error or login page was saved)"),
    (b"version https://git-lfs", "a Git LFS pointer, not the weights it points to"),
    (b"pk\x03\x04", "a zip archive (perhaps a PyTorch checkpoint)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a Python pickle (perhaps a PyTorch checkpoint)"),
    (b"lmgg", "a GGML file from before GGUF"),
    (b"fmgg", "a GGML file from before GGUF"),
    (b"tjgg", "a GGML file from before GGUF"),
    (b"{", "a JSON file"),
)
_NOT_MODELS = {
    "adapter": "a LoRA adapter",
    "imatrix": "an importance matrix",
    "mmproj": "a vision projector",
    "vocab": "a vocabulary without weights",
}


def shown(value: object) -> str:
    """A value from a file as it may stand in a sentence: escaped and short."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def damaged(name: str, what: str) -> FileFormatError:
    """The error for a file that contradicts itself."""
    return FileFormatError(f"{name} is damaged: {what}; delete it and download it again.")


def recognise(name: str, start: bytes) -> None:
    """Raise unless `start`, the first bytes of a file, begins a GGUF; say what else it is if that shows."""
    if start.startswith(b"GGUF"):
        if len(start) < _HEADER_BYTES:
            raise damaged(name, f"it ends inside its header ({len(start)} bytes are there)")
        return
    if not start:
        raise FileFormatError(f"{name} is empty; delete it and download it again.")
    low = start.lstrip().lower()
    kind = next((kind for mark, kind in _FOREIGN if low.startswith(mark)), "")
    if start[8:10] == b'{"' and int.from_bytes(start[:8], "little") < 2**32:
        kind = "a safetensors file"
    hint = "get the model as GGUF (`ponder models` lists repositories)"
    raise FileFormatError(
        f"{name} is {kind}; {hint}."
        if kind
        else f"{name} is not a GGUF file (it begins with {shown(start[:4])}); {hint}."
    )


def check_tensors(name: str, tensors: Sequence[Tensor], alignment: int, data_bytes: int | None) -> int:
    """How many bytes of data the tensors need; raises if they collide, or need more than `data_bytes`."""
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise damaged(name, f"the tensor {shown(tensor.name)} stands twice in it")
        seen.add(tensor.name)
        if tensor.offset % alignment:
            raise damaged(name, f"the tensor {shown(tensor.name)} is not aligned to {alignment} bytes")
    end, before = 0, ""
    for tensor in sorted(tensors, key=lambda t: t.offset):
        if tensor.offset < end:
            raise damaged(name, f"the tensors {shown(before)} and {shown(tensor.name)} overlap")
        end, before = tensor.offset + tensor.bytes, tensor.name
    if data_bytes is not None and end > data_bytes:
        raise damaged(
            name,
            f"its weights are cut off (they take {end:,} bytes, but only {max(data_bytes, 0):,} are there)",
        )
    return end


def check_metadata(name: str, header: Header) -> None:
    """Raise unless the metadata describe a language model that llama.cpp could run."""
    kind = _NOT_MODELS.get(header.text("general.type"))
    if kind or header.architecture == "clip":
        raise FileFormatError(
            f"{name} is {kind or _NOT_MODELS['mmproj']}, not a language model; give the model's own file."
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", header.architecture):
        raise damaged(name, "its general.architecture is missing or is no name")
    for key in ("block_count", "context_length", "embedding_length"):
        if not 1 <= header.number(key) < 2**31:
            raise damaged(name, f"its {header.architecture}.{key} is missing or is no positive number")
    if len({tensor.name for tensor in header.tensors}) != len(header.tensors):
        raise damaged(name, "its parts hold the same tensor twice")
    if not header.tensors:
        raise FileFormatError(f"{name} holds no weights, only a vocabulary; give a complete GGUF file.")
    _check_vocabulary(name, header)
    for key, value in header.metadata.items():
        if key.startswith("tokenizer.chat_template") and isinstance(value, str):
            fault = template_fault(value)
            if fault:
                raise FileFormatError(
                    f"{name} has a chat template that {fault}; get the model from another source."
                )


def _check_vocabulary(name: str, header: Header) -> None:
    if header.text("tokenizer.ggml.model") in {"none", "no_vocab"}:
        raise FileFormatError(f"{name} has no vocabulary, so it cannot read text; get a complete GGUF file.")
    if not header.vocabulary_size or _kind(header.metadata["tokenizer.ggml.tokens"]) != "string":
        raise damaged(name, "its vocabulary (tokenizer.ggml.tokens) is missing or is no list of texts")
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        value = header.metadata.get(key)
        if value is not None and _length(value) != header.vocabulary_size:
            raise damaged(name, f"{key} has {_length(value):,} values for {header.vocabulary_size:,} tokens")


def _length(value: Value) -> int:
    return value.count if isinstance(value, Array) else len(value) if isinstance(value, tuple) else 0


def _kind(value: Value) -> str:
    if isinstance(value, Array):
        return value.kind
    return "string" if isinstance(value, tuple) and all(isinstance(each, str) for each in value) else ""


def part_paths(path: Path) -> tuple[Path, ...]:
    """The files of the model that `path` belongs to, in order; itself alone if its name is no part's."""
    match = _SPLIT_NAME.fullmatch(path.name)
    if not match:
        return (path,)
    count = int(match["count"])
    if not 1 <= int(match["no"]) <= count <= _MAX_PARTS:
        raise FileFormatError(
            f"{path} names an impossible part ({match['no']} of {match['count']}); restore its name."
        )
    paths = tuple(path.with_name(f"{match['stem']}-{no:05}-of-{count:05}.gguf") for no in range(1, count + 1))
    missing = [each.name for each in paths if not each.is_file()]
    if missing and path.exists():
        raise FileFormatError(
            f"{path} is one of {count} parts and {len(missing)} are missing, first {missing[0]}; "
            "download them into the same folder."
        )
    return paths if not missing else (path,)


def check_parts(paths: Sequence[Path], metadata: Sequence[Mapping[str, Value]], n_tensors: int) -> None:
    """Raise unless the files say of themselves what their names say (which part of how many) and
    together hold as many tensors as the first announces.
    """
    for index, (path, says) in enumerate(zip(paths, metadata, strict=True)):
        no, count = says.get("split.no", 0), says.get("split.count", 1)
        if count in {0, 1} and len(paths) == 1:
            continue
        if count != len(paths) or no != index:
            named = f"{index + 1} of {len(paths)}"
            raise FileFormatError(
                f"{path} is named part {named}, but says it is part {_one_more(no)} of {shown(count)}; "
                "put the parts that belong together into one folder, under their own names."
            )
    announced = metadata[0].get("split.tensors.count", n_tensors)
    if announced != n_tensors:
        raise damaged(str(paths[0]), f"its parts hold {n_tensors:,} tensors instead of {shown(announced)}")


def _one_more(number: Value) -> str:
    return str(number + 1) if isinstance(number, int) else shown(number)
