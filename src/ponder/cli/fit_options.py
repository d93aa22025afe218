"""What `ponder fit` is asked: the machine, the model and the wish, out of a command's parameters."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ponder.catalog.gguf import read_header
from ponder.catalog.library import is_path, model_of, resolve, split_name
from ponder.catalog.models import known_model
from ponder.catalog.remote import look
from ponder.cli.options import Tokens, stacked
from ponder.core.hardware import Hardware
from ponder.core.paths import typed_path
from ponder.errors import FileFormatError, InputError
from ponder.fit.devices import ram_bandwidth_bps
from ponder.fit.guard import available_bytes
from ponder.fit.plan import Wish
from ponder.fit.probe import hardware as probe
from ponder.fit.quality import TASKS
from ponder.fit.rooms import with_free
from ponder.fit.runtime import CACHE_TYPES
from ponder.fit.subject import Subject, catalogued, of_config, of_header
from ponder.fit.whatif import Given, machine_of_file, with_given

_RAM = re.compile(r"(\d+(?:\.\d+)?) ?Gi?B(?: RAM)?(?: (\d.*))?", re.IGNORECASE)

machine_options: Callable[[Callable[..., Any]], Callable[..., Any]] = stacked(
    click.option("--gpu", default="", metavar="NAME", help="Such as 'RTX 4090' or '2x RTX 3090'."),
    click.option("--ram", type=float, metavar="GB", help="RAM in GiB."),
    click.option("--ram-bandwidth", type=float, metavar="GB/s", help="Such as 80 for two DDR5 channels."),
    click.option("--cpu", default="", metavar="NAME", help="Processor; servers' memory rates are known."),
    click.option("--cores", type=click.IntRange(1, 4096), help="Physical cores."),
    click.option("--disk", type=float, metavar="GB/s", help="Plan reading from disk what RAM cannot hold."),
    click.option("--machine", default="", metavar="NAME|FILE", help="Another machine, by name or as JSON."),
)

wish_options: Callable[[Callable[..., Any]], Callable[..., Any]] = stacked(
    click.option("--quant", default="", metavar="NAME", help="Quantisation, such as Q4_K_M."),
    click.option("--context", "--ctx", "n_ctx", type=Tokens(), help="Context in tokens, such as 32k."),
    click.option(
        "--kv", type=click.Choice([*CACHE_TYPES, "fp8"]), default="f16", help="Type of the KV cache."
    ),
    click.option("--batch", type=click.IntRange(1, 256), default=1, help="Requests at once."),
    click.option("--engine", type=click.Choice(["llama.cpp", "vllm", "ktransformers"]), default="llama.cpp"),
    click.option("--task", type=click.Choice([*TASKS]), default="maths", help="Kind of question."),
)


def machine_of(values: dict[str, Any]) -> tuple[Hardware, bool]:
    """The machine that is meant, and whether it is this one.

    Raises InputError, NotFoundError (with the nearest names) or FileFormatError.
    """
    given = Given(
        values["gpu"], values["ram"], values["ram_bandwidth"], values["cpu"], values["cores"], values["disk"]
    )
    named = values["machine"]
    if named:
        path = typed_path(named)
        base = machine_of_file(path) if named.endswith(".json") or path.is_file() else _named(named)
        return with_given(base, given), False
    if given.gpu or given.cpu or (given.ram_gib and given.ram_bandwidth_gbps):
        return with_given(Hardware(), given), False
    here = with_free(probe(measure_ram=given.ram_bandwidth_gbps is None), available_bytes())
    return with_given(here, given), given == Given(disk_gbps=given.disk_gbps)


def _named(text: str) -> Hardware:
    """A machine in words, as `--find` prints it: `RTX 4090 + 64 GB 2x DDR5-5600`."""
    gpus, ram_gib, modules = [], None, ""
    for part in re.split(r"\s\+\s", text):
        match = _RAM.fullmatch(part.strip())
        if match:
            ram_gib, modules = float(match[1]), match[2] or ""
        else:
            gpus.append(part)
    rate = ram_bandwidth_bps(modules) / 1e9 if modules else None
    return with_given(Hardware(), Given(" + ".join(gpus), ram_gib, rate))


def wish_of(values: dict[str, Any]) -> Wish:
    """The wish out of a command's parameters."""
    if values["n_ctx"] is not None and values["n_ctx"] < 1:
        raise InputError(f"--context {values['n_ctx']} is impossible; give at least 1 token, such as 32k.")
    return Wish(
        task=values["task"],
        n_ctx=values["n_ctx"] or 0,
        quantisation=values["quant"].upper(),
        kv_type=values["kv"],
        batch=values["batch"],
        engine=values["engine"],
        paging=values["disk"] is not None,
    )


def subject_of(name: str) -> Subject:
    """The model that is meant: a GGUF file (its header is enough), a config.json, a catalogue name, or a
    repository of the hub.
    """
    path = typed_path(name)
    if path.name.endswith(".json") or (path / "config.json").is_file():
        return of_config(_config(path / "config.json" if path.is_dir() else path), name)
    if is_path(name) or path.is_file():
        return _file(path, name)
    if known_model(name) is None and "/" in name:
        seen = look(name)
        if seen.header is not None:
            return of_header(seen.header, name, model_of(seen.header))
        return of_config(seen.config or {}, name)
    return catalogued(name)


def _file(path: Path, name: str) -> Subject:
    try:
        local = resolve(str(path)) if is_path(name) else None
    except FileFormatError:
        local = None  # a header alone tells as much
    if local is None:
        header = read_header(path, whole=False)
        return of_header(header, name, model_of(header))
    return of_header(local.header, name, local.model)


def _config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read ({error.strerror}); is the path right?") from error
    except ValueError as error:
        raise FileFormatError(f"{path} is no JSON ({error}); fetch the file again.") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path} holds no JSON object; give a model's config.json.")
    return content


def name_and_quant(model: str, quant: str) -> tuple[str, str]:
    """`deepseek-r1:7b@Q8_0` in its two parts."""
    return (model, quant) if not model or is_path(model) else split_name(model, quant)
