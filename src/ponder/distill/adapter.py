"""A LoRA adapter of PEFT as a GGUF file that llama.cpp adds to its base model.

Type `python -m ponder.distill.adapter ADAPTER_FOLDER BASE_FOLDER FILE.gguf`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.torch import load_file

from ponder.distill.layout import ARCHITECTURES, Array, Config, family_of, heads_of, name_of, paired
from ponder.errors import InputError

_PREFIX = "base_model.model."


def export_adapter(adapter: Path, base: Path, path: Path) -> None:
    """Write the adapter to `path`, whole or not at all. `base` is the folder of the model it was trained on.

    Raises InputError for what is no LoRA adapter, and for one on weights that GGUF holds in another form
    (DeepSeek's experts and kv_b_proj): such an adapter is merged instead.
    """
    said = _json(adapter / "adapter_config.json")
    if said.get("peft_type") != "LORA" or said.get("use_dora"):
        raise InputError(f"{adapter} holds no plain LoRA adapter; merge it into its model and export that.")
    config = _json(base / "config.json")
    alpha = float(said["lora_alpha"])
    if said.get("use_rslora"):
        alpha *= float(said["r"]) ** 0.5
    part = path.with_name(f".{path.name}.part")
    file = gguf.GGUFWriter(part, ARCHITECTURES[family_of(config)])
    file.add_type(gguf.GGUFType.ADAPTER)
    file.add_string(gguf.Keys.Adapter.TYPE, "lora")
    file.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for name, array in _tensors(config, adapter):
        file.add_tensor(name, array)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    part.replace(path)


def _tensors(config: Config, adapter: Path) -> Iterator[tuple[str, Array]]:
    for said, weight in load_file(adapter / "adapter_model.safetensors").items():
        name, _, side = said.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".")
        if side not in {"lora_A", "lora_B"}:
            raise InputError(f"{adapter}: {said!r} is no part of a LoRA; merge it and export the model.")
        weighed = f"{name}.weight"
        if ".experts." in name or name.endswith("kv_b_proj"):
            raise InputError(f"{adapter}: GGUF has {name!r} in another form; merge it and export the model.")
        array = weight.float().numpy().astype(np.float32, copy=False)
        turned = name.endswith(("q_proj", "k_proj")) and family_of(config) == "llama"
        if side == "lora_B" and turned:
            array = paired(array, heads_of(config, weighed))
        yield f"{name_of(config, weighed)}.{side.lower()}", array


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): is it the right folder?") from error
    return found


if __name__ == "__main__":
    export_adapter(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
