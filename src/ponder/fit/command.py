"""What to type to run a plan: llama.cpp, vLLM, KTransformers, and ponder itself."""

import shlex

from ponder.catalog.models import known_model
from ponder.core.plan import Plan

_FORMAT_NAMES = {"FP8": "fp8", "AWQ": "awq", "GPTQ": "gptq", "MXFP4": "mxfp4", "NVFP4": "modelopt_fp4"}


def command(plan: Plan) -> str:
    """The command line of the plan's engine; empty when nothing fits."""
    if plan.placement is None:
        return ""
    parts = {"vllm": _vllm, "ktransformers": _llama}.get(plan.engine, _llama)(plan)
    return shlex.join(parts)


def ask_line(plan: Plan) -> str:
    """The line that asks the model through ponder, with this plan's settings."""
    name = plan.model if plan.model.endswith(".gguf") else f"{plan.model}@{plan.quantisation}"
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
    model = known_model(plan.model)
    repo = model.gguf_repos[0] if model and model.gguf_repos else plan.model
    if plan.model.endswith(".gguf") or "/" not in repo:
        return [
            "-m",
            plan.model if plan.model.endswith(".gguf") else f"{plan.model}-{plan.quantisation}.gguf",
        ]
    return ["-hf", f"{repo}:{plan.quantisation}"]


def _vllm(plan: Plan) -> list[str]:
    placement, model = plan.placement, known_model(plan.model)
    assert placement is not None
    parts = ["vllm", "serve", model.hf_repo if model else plan.model, "--max-model-len", str(plan.n_ctx)]
    if len(placement.shares) > 1:
        parts += ["--tensor-parallel-size", str(len(placement.shares))]
    if plan.quantisation in _FORMAT_NAMES:
        parts += ["--quantization", _FORMAT_NAMES[plan.quantisation]]
    if plan.kv_type == "fp8":
        parts += ["--kv-cache-dtype", "fp8"]
    return parts
