"""A student made ready to be given away: safetensors, GGUF files, and a card that says what it is.

Type `python -m ponder.distill.publish RUN FOLDER [OWNER/NAME]`. Nothing is uploaded: the last line that is
printed is the command that would do it, for a person to type.
"""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ponder.distill.export import export
from ponder.distill.folder import write_folder
from ponder.distill.kept import Kept, loaded
from ponder.errors import InputError

KINDS = ("F16", "Q8_0")
_FAMILIES = {"qwen2": "Qwen2", "llama": "Llama", "deepseek3": "DeepSeek-V3"}


def publish(run: Path, folder: Path, name: str = "", kinds: Sequence[str] = KINDS) -> str:
    """Write everything of the run's last checkpoint into `folder`; the command that uploads it.

    Raises InputError where something else is in `folder`, which would be given away with it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty, and all of it would be uploaded: name a new folder.")
    if name and (name.count("/") != 1 or not all(name.split("/"))):
        raise InputError(f"{name!r} is no name on the Hub; it has the form OWNER/NAME.")
    kept = loaded(run)
    write_folder(kept.student, kept.vocabulary, folder)
    called = name.rpartition("/")[2] or folder.resolve().name
    files = {kind: folder / f"{called}-{kind}.gguf" for kind in kinds}
    for kind, path in files.items():
        export(kept.student, kept.vocabulary, path, kind, called)
    measured = run / "measured.json"
    marks = json.loads(measured.read_text(encoding="utf-8")) if measured.exists() else {}
    (folder / "README.md").write_text(card(called, kept, list(files.values()), marks), encoding="utf-8")
    return f"hf upload {shlex.quote(name or 'OWNER/' + called)} {shlex.quote(str(folder))} ."


def card(name: str, kept: Kept, files: Sequence[Path], marks: Mapping[str, Any]) -> str:
    """The model card in Markdown with the Hub's metadata. `marks` are accuracies by task, as measured."""
    shape, plan = kept.student.shape, kept.plan
    parameters = sum(weight.numel() for weight in kept.student.parameters())
    head = [
        "---",
        "license: mit",
        "language: en",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags: [reasoning, ponder, gguf]",
        "---",
        "",
    ]
    routed = getattr(shape, "experts", 0)
    experts = f", {routed} experts of which {getattr(shape, 'used', 0)} work on a token" if routed else ""
    sizes = f"width {shape.width}, {shape.layers} layers{experts}, {shape.vocabulary} tokens"
    body = [
        f"# {name}",
        "",
        f"A small reasoning model of {_FAMILIES[shape.family]}'s shape: {parameters:,} parameters, {sizes}.",
        "",
        f"Trained with ponder on {kept.seen:,} tokens of generated problems with written-out reasoning.",
        "It knows nothing else. It reasons between `<think>` and `</think>`, then answers.",
        "",
        "## Training",
        "",
        "```json",
        json.dumps({key: plan[key] for key in ("seed", "stages", "grpo", "moe") if plan.get(key)}, indent=1),
        "```",
        "",
        "## Accuracy on held-out problems",
        "",
        *_table(marks),
        "",
        "## Files",
        "",
        "| file | bytes |",
        "|---|---:|",
        *(f"| `{path.name}` | {path.stat().st_size:,} |" for path in files),
        "",
        f'Run it: `ponder ask "What is 347 + 586?" -m ./{files[-1].name if files else name}`',
        "",
    ]
    return "\n".join(head + body)


def _table(marks: Mapping[str, Any]) -> list[str]:
    if not marks:
        return ["Not measured. `python -m ponder.distill.measure RUN` measures it."]
    rows = [f"| {task} | {float(share):.1%} |" for task, share in marks.items()]
    return ["| task | right |", "|---|---:|", *rows]


def main() -> None:
    """Write the folder, and print how to upload it."""
    command = publish(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
    sys.stdout.write(f"Nothing was uploaded. To do so, read README.md there and type\n{command}\n")


if __name__ == "__main__":
    main()
