"""A stand-in for the llama-server program: its command line and environment, served by xllamacpp.

It refuses flags that llama-server has not, as that does.
"""

import argparse
import os
import sys
import time

import xllamacpp


def main() -> None:
    """Load, listen, and stay."""
    parser = argparse.ArgumentParser(prog="llama-server", allow_abbrev=False)
    if sys.argv[1:] == ["--list-devices"]:
        print("Available devices:\n  CUDA0: NVIDIA GeForce RTX 3090 (24135 MiB, 23680 MiB free)")  # noqa: T201
        return
    for name in ("--model", "--host", "--cache-type-k", "--cache-type-v", "--spec-type", "--tensor-split",
                 "--slot-save-path"):  # fmt: skip
        parser.add_argument(name, default="none")
    for name in ("--port", "--ctx-size", "--parallel", "--threads", "--threads-batch"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--batch-size", "--ubatch-size", "--cache-ram", "--n-gpu-layers"):
        parser.add_argument(name, type=int, default=0)
    parser.add_argument("--n-cpu-moe", type=int, default=0)
    parser.add_argument("--flash-attn", choices=["on", "off", "auto"], default="auto")
    asked = parser.parse_args()
    print("llama-server: listening soon")  # noqa: T201 - it talks on both streams
    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    params.hostnames, params.port = [asked.host], asked.port
    params.n_ctx, params.n_parallel = asked.ctx_size, asked.parallel
    params.n_batch, params.n_ubatch = asked.batch_size, asked.ubatch_size
    params.cpuparams.n_threads, params.cache_ram_mib = asked.threads, asked.cache_ram
    params.api_keys = [os.environ["LLAMA_API_KEY"]]
    if asked.spec_type != "none":
        name = "COMMON_SPECULATIVE_TYPE_" + asked.spec_type.upper().replace("-", "_")
        params.speculative.types = [getattr(xllamacpp.common_speculative_type, name)]
    if asked.slot_save_path != "none":
        params.slot_save_path = asked.slot_save_path + os.sep
    params.fit_params = params.warmup = False
    params.verbosity = int(os.environ.get("LLAMA_ARG_LOG_VERBOSITY", "3"))
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(str(error))
    while server.listening_address:
        time.sleep(1)


if __name__ == "__main__":
    main()
