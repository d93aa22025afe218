"""Training by TRL, transformers and PEFT: any causal model of a folder or the Hub, whole or by LoRA, on one
process or many.

A run is a folder with `tuned.json` (see `Wanted`). The token ids are those of the dataset, so that nothing is
rendered twice, and what is too long is refused, never cut. It leaves `model/`, for LoRA merged and beside
it `adapter/`, and `log.jsonl`.
Type `python -m ponder.distill.tuned FOLDER`, or on several GPUs `accelerate launch … -m ponder.distill.tuned
FOLDER`, on processors `torchrun --nproc-per-node N -m …` (there `accelerate launch` begins one process
alone); after a kill the same goes on from its last checkpoint.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TRL_DISABLE_TELEMETRY", "1")

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from ponder.distill.rows import read_rows
from ponder.errors import InputError
from ponder.store.codec import decode

UNLEARNED = -100
"""The label of a token of which no loss is taken."""


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter of a `rank` on the matrices that end in one of `targets`."""

    rank: int = 16
    alpha: float = 32.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`model` is a folder or a name on the Hub; `batch` lessons a step and process, `accumulate` times.

    `steps` ends the run, else `epochs`. The rate falls as a cosine to a tenth, as R1's distillation has it.
    With `packing` lessons share rows of `n_ctx` tokens without seeing each other, which needs a GPU with
    fused attention.
    """

    model: str
    lessons: str
    n_ctx: int
    steps: int = 0
    epochs: float = 2.0
    rate: float = 1e-4
    warm: int = 10
    batch: int = 8
    accumulate: int = 1
    seed: int = 0
    lora: Lora | None = None
    packing: bool = False
    checkpointing: bool = False
    save_steps: int = 100
    log_steps: int = 10


class Watch(TrainerCallback):  # type: ignore[misc]
    """Writes the log's rows and turns a signal into a checkpoint and an end."""

    def __init__(self, folder: Path, before: int) -> None:
        self.folder, self.stopping = folder, False
        self.before = before  # TRL counts tokens from zero when it goes on

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """`step`, `tokens` and `loss`, and what else TRL logs."""
        if state.is_world_process_zero and logs and "loss" in logs:
            row = {"step": state.global_step, "tokens": self.before + round(logs["num_tokens"]), **logs}
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        del args, control

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends after the step at hand, if that is wanted."""
        if self.stopping:
            control.should_save = control.should_training_stop = True
        del args, state


def tune(folder: Path) -> None:
    """Train to the end, or go on to it. Raises InputError where a lesson is too long."""
    wanted = decode(Wanted, json.loads((folder / "tuned.json").read_text(encoding="utf-8")))
    rows = list(labelled(Path(wanted.lessons), wanted.n_ctx))
    config = settings_of(wanted, folder)
    last = get_last_checkpoint(config.output_dir) if Path(config.output_dir).is_dir() else None
    watch = Watch(folder, _forget(folder / "log.jsonl", last))
    tokenizer = AutoTokenizer.from_pretrained(wanted.model)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(wanted.model, dtype=_precision()),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_lora(wanted.lora),
        callbacks=[watch],
    )

    def stop(_signal: int, _frame: object) -> None:
        watch.stopping = True

    signal.signal(signal.SIGTERM, stop)
    trainer.train(resume_from_checkpoint=last)
    if watch.stopping:
        raise SystemExit(0)
    if wanted.lora:
        trainer.save_model(str(folder / "adapter"))
        if trainer.is_world_process_zero():
            trainer.accelerator.unwrap_model(trainer.model).merge_and_unload().save_pretrained(
                folder / "model"
            )
    else:
        trainer.save_model(str(folder / "model"))
    if trainer.is_world_process_zero():
        tokenizer.save_pretrained(str(folder / "model"))


def settings_of(wanted: Wanted, folder: Path) -> Any:
    """TRL's settings. Nothing is truncated: neither at 1,024 tokens, its default, nor by packing."""
    return SFTConfig(
        output_dir=str(folder / "steps"),
        max_length=wanted.n_ctx if wanted.packing else None,
        packing=wanted.packing,
        max_steps=wanted.steps or -1,
        num_train_epochs=wanted.epochs,
        learning_rate=wanted.rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=wanted.warm,
        per_device_train_batch_size=wanted.batch,
        gradient_accumulation_steps=wanted.accumulate,
        activation_checkpointing=wanted.checkpointing,
        adam_beta2=0.98,
        seed=wanted.seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=_precision() == torch.bfloat16,
        save_steps=wanted.save_steps,
        save_total_limit=1,
        logging_steps=wanted.log_steps,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
    )


def labelled(path: Path, n_ctx: int) -> Iterator[dict[str, list[int]]]:
    """The lessons of a dataset as TRL takes them. Raises InputError for one longer than `n_ctx`."""
    for row in read_rows(path, dict):
        ids = row["ids"]
        if len(ids) > n_ctx:
            raise InputError(f"{path}: lesson {row.get('id')} has {len(ids)} tokens of at most {n_ctx}.")
        labels = [UNLEARNED] * len(ids)
        for start, stop in row["learn"]:
            labels[start:stop] = ids[start:stop]
        yield {"input_ids": ids, "labels": labels}


def _precision() -> torch.dtype:
    """bf16 where a GPU has it; fp32 on a processor, where it is two to three times faster than bf16."""
    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def _lora(lora: Lora | None) -> Any:
    if lora is None:
        return None
    return LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets), task_type="CAUSAL_LM"
    )


def _forget(log: Path, last: str | None) -> int:
    """What was logged after the last checkpoint will be done again; the tokens up to there."""
    reached = int(last.rpartition("-")[2]) if last else 0
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    kept: list[str] = [line for line in lines if _row(line)["step"] <= reached]
    if int(os.environ.get("RANK", "0")) == 0:
        log.write_text("".join(kept), encoding="utf-8")
    return int(_row(kept[-1])["tokens"]) if kept else 0


def _row(line: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] = json.loads(line)
    return row


if __name__ == "__main__":
    tune(Path(sys.argv[1]))
