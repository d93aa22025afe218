"""From a student to a GGUF file that llama.cpp runs: weights, vocabulary and chat template.

Type `python -m ponder.distill.export FOLDER FILE.gguf [TYPE]` for a run's last checkpoint or for a folder of
transformers (`config.json`, safetensors, `tokenizer.json`). Q8_0 is the default type.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np

from ponder.distill.folder import read_folder
from ponder.distill.kept import loaded
from ponder.distill.layout import ARCHITECTURES, Array, Config, family_of, tensors, write_header
from ponder.distill.shapes import config_of, weights_of
from ponder.distill.student import Student
from ponder.distill.tokens import Tokens, of_vocabulary
from ponder.distill.vocabulary import Vocabulary
from ponder.errors import InputError

_TYPE = gguf.GGMLQuantizationType
_FILE = gguf.LlamaFileType
KINDS = {
    "F32": (_TYPE.F32, _FILE.ALL_F32),
    "F16": (_TYPE.F16, _FILE.MOSTLY_F16),
    "BF16": (_TYPE.BF16, _FILE.MOSTLY_BF16),
    "Q8_0": (_TYPE.Q8_0, _FILE.MOSTLY_Q8_0),
    "Q5_1": (_TYPE.Q5_1, _FILE.MOSTLY_Q5_1),
    "Q5_0": (_TYPE.Q5_0, _FILE.MOSTLY_Q5_0),
    "Q4_1": (_TYPE.Q4_1, _FILE.MOSTLY_Q4_1),
    "Q4_0": (_TYPE.Q4_0, _FILE.MOSTLY_Q4_0),
    "MXFP4": (_TYPE.MXFP4, _FILE.MOSTLY_MXFP4_MOE),
}
"""What the gguf package can write; K- and I-quantisations it can only read."""

_WHOLE = {_TYPE.F32, _TYPE.F16, _TYPE.BF16}
_OUTER = ("token_embd.weight", "output.weight")


def export(
    student: Student, vocabulary: Vocabulary, path: Path, kind: str = "Q8_0", name: str = "ponder-builtin"
) -> None:
    """Write `student` to `path`. Matrices are of `kind`; norms, biases and routers stay in F32."""
    state = {key: weight.numpy() for key, weight in weights_of(student).items()}
    write(path, config_of(student.shape), state, of_vocabulary(vocabulary), (kind, name))


def export_folder(folder: Path, path: Path, kind: str = "Q8_0") -> None:
    """Write the model of a transformers folder to `path`."""
    config, state, tokens = read_folder(folder)
    write(path, config, state, tokens, (kind, folder.resolve().name))


def write(
    path: Path, config: Config, state: Mapping[str, Array], tokens: Tokens, kind_name: tuple[str, str]
) -> None:
    """A model to `path`, whole or not at all. Raises InputError for a kind or layout without a writer."""
    kind, name = kind_name
    if kind not in KINDS:
        raise InputError(f"cannot write {kind!r}; the gguf package writes {', '.join(KINDS)}.")
    if kind == "MXFP4" and not config.get("n_routed_experts"):
        raise InputError("MXFP4 is for experts, and this model has none: take Q4_0 or Q8_0.")
    part = path.with_name(f".{path.name}.part")
    file = gguf.GGUFWriter(part, ARCHITECTURES[family_of(config)])
    file.add_name(name)
    file.add_license("MIT")
    file.add_file_type(KINDS[kind][1])
    write_header(file, config)
    tokens.write(file)
    for said, array in tensors(config, state):
        chosen = kind_of(said, array, KINDS[kind][0])
        file.add_tensor(said, gguf.quants.quantize(array.astype(np.float32), chosen), raw_dtype=chosen)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    part.replace(path)


def kind_of(said: str, array: Array, wanted: gguf.GGMLQuantizationType) -> gguf.GGMLQuantizationType:
    """The type of one tensor, as llama.cpp's quantiser would choose among those that can be written here.

    Vectors and routers are F32; rows that are no whole number of blocks F16; embeddings and output Q8_0 at
    least; with MXFP4, which is for routed experts, the rest is Q8_0.
    """
    if array.ndim < 2 or said.endswith("ffn_gate_inp.weight"):
        return _TYPE.F32
    if wanted in _WHOLE:
        return wanted
    if said in _OUTER or (wanted == _TYPE.MXFP4 and not said.endswith("_exps.weight")):
        wanted = _TYPE.Q8_0
    return wanted if array.shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] == 0 else _TYPE.F16


def main() -> None:
    """Export what is in the folder named on the command line."""
    folder, path = Path(sys.argv[1]), Path(sys.argv[2])
    if (folder / "config.json").exists():
        export_folder(folder, path, *sys.argv[3:4])
        return
    run = loaded(folder)
    export(run.student, run.vocabulary, path, *sys.argv[3:4])


if __name__ == "__main__":
    main()
