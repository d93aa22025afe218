"""From a student to a GGUF file that llama.cpp runs: weights, vocabulary and chat template.

Type `python -m ponder.distill.export FOLDER FILE.gguf [F32|F16|Q8_0]` for a run's last checkpoint.
"""

import sys
from pathlib import Path

import gguf
import numpy as np

from ponder.distill.kept import loaded
from ponder.distill.student import Student
from ponder.distill.vocabulary import BEGIN, END, PRE, SPECIAL, TEMPLATE, THINK, Vocabulary

_KINDS = {
    "F32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "F16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "Q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}


def export(
    student: Student, vocabulary: Vocabulary, path: Path, kind: str = "Q8_0", name: str = "ponder-builtin"
) -> None:
    """Write `student` to `path`. Matrices are of `kind`; norms and biases stay in F32."""
    shape = student.shape
    file = gguf.GGUFWriter(path, "qwen2")
    file.add_name(name)
    file.add_license("MIT")
    file.add_block_count(shape.layers)
    file.add_context_length(shape.n_ctx)
    file.add_embedding_length(shape.width)
    file.add_feed_forward_length(shape.feed)
    file.add_head_count(shape.heads)
    file.add_head_count_kv(shape.heads)
    file.add_layer_norm_rms_eps(shape.eps)
    file.add_rope_freq_base(shape.rope_theta)
    file.add_file_type(_KINDS[kind][1])
    _write_vocabulary(file, vocabulary)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, shape.layers)
    for own, weight in student.state_dict().items():
        said = names.get_name(own, try_suffixes=(".weight", ".bias")) or own
        array = weight.detach().numpy().astype(np.float32)
        if array.ndim < 2:
            file.add_tensor(said, array)
        else:
            quantised = gguf.quants.quantize(array, _KINDS[kind][0])
            file.add_tensor(said, quantised, raw_dtype=_KINDS[kind][0])
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def _write_vocabulary(file: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Think tags are user-defined tokens as in R1's own files, so that engines show them."""
    tokens = vocabulary.tokens
    control, shown, normal = gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED, gguf.TokenType.NORMAL
    kinds = [(control if at < THINK else shown) if at < len(SPECIAL) else normal for at in range(len(tokens))]
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre(PRE)
    file.add_token_list(tokens)
    file.add_token_types(kinds)
    file.add_token_merges(list(vocabulary.merges))
    file.add_bos_token_id(BEGIN)
    file.add_eos_token_id(END)
    file.add_pad_token_id(END)
    file.add_add_bos_token(False)
    file.add_chat_template(TEMPLATE)


def main() -> None:
    """Export the run in the folder named on the command line."""
    run = loaded(Path(sys.argv[1]))
    export(run.student, run.vocabulary, Path(sys.argv[2]), *sys.argv[3:4])


if __name__ == "__main__":
    main()
