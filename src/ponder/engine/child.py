"""The program of the embedded engine's process; run as a file, so that nothing of ponder is imported here.

One line of JSON comes in on standard input: the settings. One goes out on standard output: the address,
or the error. When standard input ends, the parent is gone or done, and so is this process.
"""

import json
import os
import sys
import time
from typing import Any

import xllamacpp

CPU = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU


def serve(settings: dict[str, Any]) -> xllamacpp.Server:
    """Load the model and listen on a loopback port of the system's choice, for one conversation at a time."""
    params = xllamacpp.CommonParams()
    params.model.path = settings["model_path"]
    params.n_ctx = settings["n_ctx"]
    params.n_parallel = 1
    params.n_batch, params.n_ubatch = settings["n_batch"], settings["n_ubatch"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads_batch"]
    params.n_threads_http = 2
    params.api_keys = [settings["key"]]
    params.cors_origins = settings["origin"]
    params.port = settings["port"]
    params.cache_ram_mib = 0  # no prompt of one conversation is kept for another
    params.warmup = False
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = settings["verbosity"]
    for side in ("cache_type_k", "cache_type_v"):
        setattr(params, side, named(xllamacpp.ggml_type, "GGML_TYPE_", settings["kv_type"]))
    # Fitting layers to GPUs means a second, dry load; without a GPU that only costs time.
    params.fit_params = any(device["type"] != CPU for device in xllamacpp.get_device_info())
    if settings["n_gpu_layers"] is not None:
        params.n_gpu_layers = settings["n_gpu_layers"]
    if settings["speculation"] != "none":
        kinds = xllamacpp.common_speculative_type
        params.speculative.types = [named(kinds, "COMMON_SPECULATIVE_TYPE_", settings["speculation"])]
    return xllamacpp.Server(params)


LOG_S = 0.2
"""llama.cpp's own thread writes its log: after a failure it must have had the time to say why."""


def named(kinds: Any, prefix: str, name: str) -> Any:
    """The member of llama.cpp's enumeration that `name` means; raises ValueError for none."""
    try:
        return getattr(kinds, prefix + name.upper().replace("-", "_"))
    except AttributeError:
        raise ValueError(f"it has no {kinds.__name__} {name!r}") from None


def main() -> None:
    """Serve until standard input ends."""
    answer: dict[str, str]
    keep = None
    try:
        keep = serve(json.loads(sys.stdin.readline()))
        answer = {"url": keep.listening_address, "build": xllamacpp.__version__}
    except (RuntimeError, ValueError) as error:
        answer = {"error": str(error)}
        time.sleep(LOG_S)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    if keep is not None:
        sys.stdin.read()
    os._exit(0)  # the native threads need no farewell, and could hang in one


if __name__ == "__main__":
    main()
