"""What to type to run a plan: llama.cpp, vLLM, KTransformers, and ponder itself."""

import shlex
from pathlib import Path

from ponder.catalog.library import is_path
from ponder.catalog.models import known_model
from ponder.core.plan import Plan

_FORMAT_NAMES = {"FP8": "fp8", "AWQ": "awq", "GPTQ": "gptq", "MXFP4": "mxfp4", "NVFP4": "modelopt_fp4"}


def command(plan: Plan) -> str:
    """The command line of the plan's engine; empty when nothing fits."""
    if plan.placement is None:
        return ""
    lines = {"vllm": _vllm, "ktransformers": _ktransformers}
    return shlex.join(lines.get(plan.engine, _llama)(plan))


def unknown_weights(plan: Plan) -> str:
    """What is not known about where a plan's weights are; empty where the command names them."""
    line = command(plan)
    if f"{plan.quantisation}-WEIGHTS-OF-" not in line:
        return ""
    return (
        f"which repository holds {plan.quantisation} weights of {plan.model}: put its name into the command"
    )


def ask_line(plan: Plan) -> str:
    """The line that asks the model through ponder, with this plan's settings."""
    name = _file(plan) if is_path(plan.model) else f"{plan.model}@{plan.quantisation}"
    parts = ["ponder", "ask", "-m", name, "--ctx", str(plan.n_ctx)]
    if plan.kv_type != "f16":
        parts += ["--kv", plan.kv_type]
    return shlex.join(parts) + ' "…"'


def _llama(plan: Plan) -> list[str]:
    """`llama-server` with every number of the placement; `-fa on`: the plan counts on flash attention."""
    placement = plan.placement
    assert placement is not None
    parts = ["llama-server", *_weights(plan), "-c", str(plan.n_ctx * plan.batch), "-fa", "on"]
    if plan.batch > 1:
        parts += ["-np", str(plan.batch)]
    if plan.kv_type != "f16":
        parts += ["-ctk", plan.kv_type, "-ctv", plan.kv_type]
    if placement.gpu_layers:
        parts += ["-ngl", str(placement.gpu_layers)]
    if placement.tensor_split:
        parts += ["-ts", ",".join(map(str, placement.tensor_split))]
    if placement.cpu_expert_layers:
        parts += ["--n-cpu-moe", str(placement.cpu_expert_layers)]
    return parts


def _weights(plan: Plan) -> list[str]:
    """`-hf REPOSITORY:QUANTISATION`, or `-m FILE`."""
    if is_path(plan.model):
        return ["-m", _file(plan)]
    model = known_model(plan.model)
    repo = model.gguf_repos[0] if model and model.gguf_repos else plan.model
    if "/" not in repo:
        return ["-m", f"{plan.model.replace(':', '-')}-{plan.quantisation}.gguf"]
    return ["-hf", f"{repo}:{plan.quantisation}"]


def _file(plan: Plan) -> str:
    """The file of a plan; of a configuration, which holds no weights, the GGUF that is made of its model."""
    path = Path(plan.model)
    if path.suffix != ".json":
        return plan.model
    return f"{path.resolve().parent.name}-{plan.quantisation}.gguf"


def _ktransformers(plan: Plan) -> list[str]:
    """KTransformers' own chat, which keeps the experts in RAM by itself; `--gguf_path` is a folder."""
    model = known_model(plan.model)
    parts = ["python", "-m", "ktransformers.local_chat", "--model_path"]
    parts += [model.hf_repo if model else plan.model]
    parts += ["--gguf_path", f"{plan.model.replace(':', '-')}-{plan.quantisation}"]
    return [*parts, "--max_new_tokens", str(plan.n_ctx)]


def _vllm(plan: Plan) -> list[str]:
    placement, model = plan.placement, known_model(plan.model)
    assert placement is not None
    released = str(model.config.get("released_as", "BF16")).upper() if model else plan.quantisation
    name = model.hf_repo if model else plan.model
    if plan.quantisation != released:
        name = f"{plan.quantisation}-WEIGHTS-OF-{plan.id or plan.model.replace('/', '-')}"
    parts = ["vllm", "serve", name, "--max-model-len", str(plan.n_ctx)]
    if len(placement.shares) > 1:
        parts += ["--tensor-parallel-size", str(len(placement.shares))]
    if plan.quantisation in _FORMAT_NAMES:
        parts += ["--quantization", _FORMAT_NAMES[plan.quantisation]]
    if plan.kv_type == "fp8":
        parts += ["--kv-cache-dtype", "fp8"]
    return parts
