"""llama.cpp as a witness: what it allocates for a model that exists only as a header.

`write_twin` writes the metadata and the tensor table of a geometry and stretches the file to its full size
without writing data (a sparse file). `ask` loads such files in a child process with `no_alloc` and reads
from the log what the allocator decided. A crash of the native code ends the child, not the tests.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter

from ponder.catalog.header import Header, Tensor
from ponder.fit.geometry import Compressed, DeltaNet, Experts, Geometry, Grouped, Latent, Mamba
from ponder.fit.mix import TYPES, tensor_bytes
from ponder.fit.runtime import Runtime
from ponder.fit.sizes import tensor_types


@dataclass(frozen=True)
class Run:
    """One load: a file and the settings that decide memory."""

    path: str
    n_ctx: int
    n_ubatch: int = 512
    n_batch: int = 2048
    flash: bool = True
    cache_k: str = "f16"
    cache_v: str = "f16"
    n_parallel: int = 1
    unified: bool = False
    swa_full: bool = False


@dataclass(frozen=True)
class Answer:
    """What llama.cpp said, in MiB as printed (two decimals); `log` holds its words."""

    cache_mib: float
    state_mib: float
    compute_mib: float
    output_mib: float
    log: str


def metadata(geometry: Geometry) -> dict[str, Any]:
    """The GGUF keys, without the architecture in front, that llama.cpp needs to build this model."""
    drafts = len(geometry.draft) if geometry.draft_in_file else 0
    keys: dict[str, Any] = {
        "block_count": geometry.layers + drafts,
        "context_length": geometry.context,
        "embedding_length": geometry.hidden,
        "vocab_size": geometry.vocab,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "attention.layer_norm_epsilon": 1e-6,
        "rope.freq_base": 10000.0,
    }
    if drafts:
        keys["nextn_predict_layers"] = drafts
    keys |= _mixer_keys(geometry, drafts) | _feed_keys(geometry, drafts)
    return keys


def _mixer_keys(geometry: Geometry, drafts: int) -> dict[str, Any]:
    mixer = geometry.attention
    assert mixer is not None
    keys: dict[str, Any] = {"attention.head_count": geometry.heads}
    match mixer:
        case Grouped():
            shared = [b.mixer.kv_heads if isinstance(b.mixer, Grouped) else 0 for b in geometry.blocks]
            heads = [b.mixer.heads if isinstance(b.mixer, Grouped) else 0 for b in geometry.blocks]
            uniform = geometry.architecture not in {"deci", "nemotron_h_moe"}
            keys["attention.head_count_kv"] = mixer.kv_heads if uniform else shared
            keys["attention.head_count"] = mixer.heads if geometry.architecture != "deci" else heads
            keys |= {"attention.key_length": mixer.key_dim, "attention.value_length": mixer.value_dim}
            keys["rope.dimension_count"] = mixer.key_dim
            if any(isinstance(b.mixer, Grouped) and b.mixer.window for b in geometry.blocks):
                keys["attention.sliding_window"] = max(
                    b.mixer.window for b in geometry.blocks if isinstance(b.mixer, Grouped)
                )
        case Latent(absorbed=True):
            keys |= {
                "attention.head_count_kv": 1,
                "attention.key_length": mixer.kv_rank + mixer.rope_dim,
                "attention.value_length": mixer.kv_rank,
                "attention.key_length_mla": mixer.nope_dim + mixer.rope_dim,
                "attention.value_length_mla": mixer.value_dim,
            }
        case Latent():
            keys |= {
                "attention.head_count_kv": mixer.heads,
                "attention.key_length": mixer.nope_dim + mixer.rope_dim,
                "attention.value_length": mixer.value_dim,
            }
        case Compressed():
            ratios = [b.mixer.ratio for b in geometry.blocks if isinstance(b.mixer, Compressed)]
            keys |= {
                "attention.head_count_kv": 1,
                "attention.key_length": mixer.head_dim,
                "attention.value_length": mixer.head_dim,
                "attention.q_lora_rank": mixer.q_rank,
                "attention.sliding_window": mixer.window,
                "attention.output_group_count": mixer.output_groups,
                "attention.output_lora_rank": mixer.output_rank,
                "attention.compress_ratios": ratios,
                "attention.compress_rope_freq_base": 160000.0,
                "attention.indexer.head_count": mixer.index_heads,
                "attention.indexer.key_length": mixer.index_dim,
                "attention.indexer.top_k": 512,
                "rope.dimension_count": 64,
                "hyper_connection.count": geometry.streams,
                "hyper_connection.sinkhorn_iterations": 20,
                "hyper_connection.epsilon": 1e-6,
                "hash_layer_count": sum(
                    isinstance(b.feed_forward, Experts) and b.feed_forward.hashed for b in geometry.blocks
                ),
                "embedding_length_out": geometry.hidden * geometry.streams,
            }
    if isinstance(mixer, Latent):
        keys |= {"attention.kv_lora_rank": mixer.kv_rank, "rope.dimension_count": mixer.rope_dim}
        if mixer.q_rank:
            keys["attention.q_lora_rank"] = mixer.q_rank
        if mixer.index_heads:
            keys |= {
                "attention.indexer.head_count": mixer.index_heads,
                "attention.indexer.key_length": mixer.index_dim,
                "attention.indexer.top_k": 2048,
            }
    for block in geometry.kinds:
        match block.mixer:
            case DeltaNet() as delta:
                keys |= _ssm_keys(
                    delta.conv,
                    delta.value_heads * delta.head_dim,
                    delta.head_dim,
                    delta.value_heads,
                    delta.key_heads,
                )
                keys |= {
                    "full_attention_interval": 4,
                    "rope.dimension_sections": [11, 11, 10, 0],
                    "rope.dimension_count": 64,
                }
            case Mamba() as mamba:
                keys |= _ssm_keys(
                    mamba.conv, mamba.heads * mamba.head_dim, mamba.state, mamba.heads, mamba.groups
                )
    return keys


def _ssm_keys(conv: int, inner: int, state: int, rank: int, groups: int) -> dict[str, Any]:
    return {
        "ssm.conv_kernel": conv,
        "ssm.inner_size": inner,
        "ssm.state_size": state,
        "ssm.time_step_rank": rank,
        "ssm.group_count": groups,
    }


def _feed_keys(geometry: Geometry, drafts: int) -> dict[str, Any]:
    widths = [b.feed_forward.width if b.feed_forward else 0 for b in geometry.blocks]
    per_layer = geometry.architecture in {"deci", "nemotron_h_moe"}
    keys: dict[str, Any] = {
        "feed_forward_length": widths if per_layer else (geometry.dense_width or widths[0])
    }
    experts = geometry.experts
    if experts:
        lead = next(i for i, b in enumerate(geometry.blocks) if isinstance(b.feed_forward, Experts))
        keys |= {
            "expert_count": experts.count,
            "expert_used_count": experts.used,
            "expert_feed_forward_length": experts.width,
            "expert_shared_count": experts.shared_width // experts.width if experts.shared_width else 0,
            "expert_weights_scale": 2.5,
            "expert_weights_norm": True,
            "expert_gating_func": 4 if geometry.architecture == "deepseek4" else 2,
            "leading_dense_block_count": lead if geometry.dense_width else 0,
        }
        if experts.shared_width:
            keys["expert_shared_feed_forward_length"] = experts.shared_width
        if geometry.architecture == "deepseek4":
            keys["swiglu_clamp_exp"] = [10.0] * geometry.layers
            keys["swiglu_clamp_shexp"] = [10.0] * geometry.layers
    return keys


def as_header(geometry: Geometry, quant: str = "Q4_K_M", imatrix: bool = False) -> Header:
    """The header that a file of this geometry has, without writing it."""
    keys = {f"{geometry.architecture}.{key}": value for key, value in metadata(geometry).items()}
    tensors, offset = [], 0
    for name, shape, kind in tensor_types(geometry, quant, imatrix):
        storage = TYPES[kind]
        tensors.append(Tensor(name, shape, kind, offset, prod(shape) // storage.block * storage.block_bytes))
        offset += tensor_bytes(kind, shape)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()}
    values["general.architecture"] = geometry.architecture
    return Header((), 3, values, tuple(tensors), 32, 4096, 4096 + offset)


def write_twin(geometry: Geometry, path: Path, quant: str = "Q4_K_M", imatrix: bool = False) -> None:
    """Write the sparse twin of a model: header, tensor table, and a hole where the weights would be."""
    writer = GGUFWriter(path, geometry.architecture)
    for key, value in metadata(geometry).items():
        _add(writer, f"{geometry.architecture}.{key}", value)
    writer.add_tokenizer_model("no_vocab")
    size = 0
    for name, shape, kind in tensor_types(geometry, quant, imatrix):
        storage = GGMLQuantizationType[kind]
        nbytes = tensor_bytes(kind, shape)
        writer.add_tensor_info(name, tuple(reversed(shape)), np.dtype(np.float32), nbytes, raw_dtype=storage)
        size += nbytes
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + size + 64)


def _add(writer: GGUFWriter, key: str, value: object) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case list():
            writer.add_array(key, value)


_CHILD = """
import json, os, signal, sys, time
import xllamacpp as x

def load(run):
    p = x.CommonParams()
    p.model.path = run["path"]
    p.no_alloc, p.fit_params, p.warmup, p.verbosity = True, False, False, 4
    p.load_mode = x.llama_load_mode.LLAMA_LOAD_MODE_NONE
    p.n_ctx, p.n_batch, p.n_ubatch = run["n_ctx"], run["n_batch"], run["n_ubatch"]
    p.n_parallel, p.kv_unified, p.swa_full = run["n_parallel"], run["unified"], run["swa_full"]
    p.cache_type_k = x.ggml_type["GGML_TYPE_" + run["cache_k"].upper()]
    p.cache_type_v = x.ggml_type["GGML_TYPE_" + run["cache_v"].upper()]
    flash = "ENABLED" if run["flash"] else "DISABLED"
    p.flash_attn_type = x.llama_flash_attn_type["LLAMA_FLASH_ATTN_TYPE_" + flash]
    x.Server(p)
    time.sleep(0.03)  # the log is written by a thread of its own

for number, run in enumerate(json.load(sys.stdin)):
    os.write(2, f"\\n@@ {number}\\n".encode())
    if (child := os.fork()) == 0:
        try:
            load(run)
        except Exception as error:
            os.write(2, f"@error {error}\\n".encode())
        os._exit(0)
    until, found, status = time.monotonic() + 30, 0, 0
    while not found:  # a fork beside the library's threads may find a lock taken that nobody gives back
        found, status = os.waitpid(child, os.WNOHANG)
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    os.write(2, f"@status {status}\\n".encode())
"""
"""The child forks once more for every run: the library logs only its first model, and one crash costs one
answer."""


def ask(runs: Sequence[Run], timeout_s: float = 600, attempts: int = 30) -> list[Answer]:
    """Load every file in a child process and return what llama.cpp would allocate; a missing answer has -1
    MiB.

    With `no_alloc` the server dies right after it has reserved its memory, sometimes before its log is
    written, so runs without an answer are tried again.
    """
    answers = [Answer(-1, -1, -1, -1, "not asked")] * len(runs)
    for _ in range(attempts):
        missing = [number for number, answer in enumerate(answers) if answer.compute_mib < 0]
        if not missing:
            break
        for number, log in zip(missing, _logs([runs[number] for number in missing], timeout_s), strict=True):
            answers[number] = _read(log)
    return answers


def _logs(runs: Sequence[Run], timeout_s: float) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", _CHILD], input=json.dumps([asdict(run) for run in runs]),
        capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False,
    )  # fmt: skip
    logs = re.split(r"@@ \d+\n", finished.stderr)[1:]
    return logs + [f"no answer, exit code {finished.returncode}"] * (len(runs) - len(logs))


def ask_all(runs: Sequence[tuple[Geometry, Runtime]], folder: Path) -> list[Answer]:
    """Write the twins that these runs need into a folder, and ask."""
    shapes = list(dict.fromkeys(shape for shape, _ in runs))
    for number, shape in enumerate(shapes):
        write_twin(shape, folder / f"{number}.gguf")
    return ask([_run(folder / f"{shapes.index(shape)}.gguf", runtime) for shape, runtime in runs])


def _run(path: Path, runtime: Runtime) -> Run:
    return Run(
        str(path), runtime.context, runtime.ubatch, runtime.batch, runtime.flash, runtime.cache_k,
        runtime.cache_v, runtime.parallel, runtime.unified, runtime.full_window, )  # fmt: skip


def _read(log: str) -> Answer:
    def total(pattern: str) -> float:
        found = [float(number) for number in re.findall(pattern, log)]
        return sum(found) if found else -1

    return Answer(
        cache_mib=total(r"llama_kv_cache: size = +([\d.]+) MiB"),
        state_mib=max(
            0, total(r"(?:llama_memory_recurrent: size|DSV4 \w+ state buffer size) = +([\d.]+) MiB")
        ),
        compute_mib=total(r"CPU compute buffer size = +([\d.]+) MiB"),
        output_mib=total(r"CPU +output buffer size = +([\d.]+) MiB"),
        log=log,
    )
