"""The program of the embedded engine's process; run as a file, so that nothing of ponder is imported here.

One line of JSON comes in on standard input: the settings. One goes out on standard output: the address,
or the error. The line "devices" is answered with what this llama.cpp can use, before and after. When
standard input ends, the parent is gone or done, and so is this process.
"""

import json
import os
import sys
import time
from typing import Any

import xllamacpp


def serve(settings: dict[str, Any]) -> xllamacpp.Server:
    """Load the model and listen on a loopback port of the system's choice."""
    params = xllamacpp.CommonParams()
    params.model.path = settings["model_path"]
    slots = settings["n_parallel"]
    params.n_ctx = settings["n_ctx"] * slots  # each slot has its own cache
    params.n_parallel = slots
    params.kv_unified = False
    params.n_batch, params.n_ubatch = settings["n_batch"], settings["n_ubatch"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads_batch"]
    params.n_threads_http = (
        2 if slots == 1 else 2 * slots + 8
    )  # a stream takes one, so does a kept connection
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
    if settings["slot_folder"]:
        params.slot_save_path = settings["slot_folder"] + os.sep  # as llama.cpp needs it
    params.lora_adapters = [lora(path) for path in settings["adapters"]]
    place(params, settings)
    if settings["speculation"] != "none":
        kinds = xllamacpp.common_speculative_type
        params.speculative.types = [named(kinds, "COMMON_SPECULATIVE_TYPE_", settings["speculation"])]
    return xllamacpp.Server(params)


def lora(path: str) -> xllamacpp.CommonAdapterLoraInfo:
    """An adapter that is added in full."""
    info = xllamacpp.CommonAdapterLoraInfo()
    info.path, info.scale = path, 1.0
    return info


def place(params: xllamacpp.CommonParams, settings: dict[str, Any]) -> None:
    """Where the plan puts the layers; without one llama.cpp fits them to its GPUs itself."""
    layers = settings["n_gpu_layers"]
    # Fitting means a second, dry load; without a GPU that only costs time.
    params.fit_params = layers is None and any(kind != "cpu" for _, kind, _, _ in devices())
    if layers is not None:
        params.n_gpu_layers = layers
    if settings["tensor_split"]:
        room = len(params.tensor_split)
        params.tensor_split = [*map(float, settings["tensor_split"]), *[0.0] * room][:room]
    if settings["n_cpu_moe"]:  # what llama.cpp's own --n-cpu-moe makes of the number
        layer = "|".join(map(str, range(settings["n_cpu_moe"])))
        params.tensor_buft_overrides = rf"blk\.({layer})\.ffn_(up|down|gate|gate_up)_(ch|)exps=CPU"
    if settings["flash"]:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED


def devices() -> list[tuple[str, str, int, int]]:
    """(name, kind, memory, free memory) of every device of this llama.cpp."""
    return [
        (
            device["description"] or device["name"],
            device["type"].name.rpartition("_")[2].lower(),
            device["memory_total"],
            device["memory_free"],
        )
        for device in xllamacpp.get_device_info()
    ]


LOG_S = 0.2
"""llama.cpp's own thread writes its log: after a failure it must have had the time to say why."""


def named(kinds: Any, prefix: str, name: str) -> Any:
    """The member of llama.cpp's enumeration that `name` means; raises ValueError for none."""
    try:
        return getattr(kinds, prefix + name.upper().replace("-", "_"))
    except AttributeError:
        raise ValueError(f"it has no {kinds.__name__} {name!r}") from None


def say(answer: Any) -> None:
    """One line of JSON to the parent."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def hear() -> Any:
    """The next line of the parent that is no question about devices; None at the end."""
    for line in sys.stdin:
        heard = json.loads(line)
        if heard != "devices":
            return heard
        say(devices())
    return None


def main() -> None:
    """Serve until standard input ends."""
    keep = None
    settings = hear()
    if settings is not None:
        try:
            keep = serve(settings)
            say({"url": keep.listening_address, "build": xllamacpp.__version__})
            hear()
        except (RuntimeError, ValueError) as error:
            time.sleep(LOG_S)
            say({"error": str(error)})
        except BrokenPipeError:
            pass  # the parent died while the model was loaded
    os._exit(0)  # the native threads need no farewell, and could hang in one


if __name__ == "__main__":
    main()
