"""TRL, transformers and PEFT on the same lessons: whole, by LoRA, on two processes, and the files of it."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("trl")
pytest.importorskip("peft")

import torch
import transformers
from peft import LoraConfig, get_peft_model

from ponder.distill.adapter import export_adapter
from ponder.distill.example import Example
from ponder.distill.export import export, export_folder
from ponder.distill.folder import write_folder
from ponder.distill.rows import read_rows, write_rows
from ponder.distill.stages.dataset import ranges
from ponder.distill.templated import Templated
from ponder.distill.trainers import Job, trainer
from ponder.distill.work import Stopped
from ponder.errors import InputError
from ponder.world.reasoning import reasoned, said
from ponder.world.tasks import problem
from tests.distill.small import LLAMA, QWEN2, assert_same, engine_of, random_student, vocabulary
from tests.engine.asking import ids, prompt_of, run, tokens

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
"""PEFT 0.21 asks transformers 5.23 by a name that is going."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset stage with 24 lessons, some with slips."""
    folder = tmp_path_factory.mktemp("data")
    vocabulary().save(folder / "vocabulary.json")
    examples, lessons = [], []
    for at in range(24):
        one = problem("sums", Random(at), 1, held_out=False)
        pieces = tuple((piece.text, piece.learn) for piece in reasoned(one, Random(at), 0.3).pieces)
        examples.append(Example(str(at), one.question, pieces, said(one)))
        made = Templated(_base(folder)).lesson(examples[-1])
        lessons.append({"id": str(at), "ids": made.ids, "learn": ranges(made.learn)})
    write_rows(folder / "examples.jsonl", examples)
    write_rows(folder / "lessons.jsonl", lessons)
    return folder


def _base(folder: Path) -> Path:
    if not (folder / "base").exists():
        write_folder(random_student("qwen2"), vocabulary(), folder / "base")
    return folder / "base"


def job(data: Path, folder: Path, **settings: Any) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(data, folder, None, 1, settings, lambda _: None, lambda: False)


def test_examples_in_a_models_own_template_are_the_lessons_of_our_own_loop(data: Path) -> None:
    for example, lesson in zip(
        read_rows(data / "examples.jsonl", Example), read_rows(data / "lessons.jsonl", dict), strict=True
    ):
        start = len(vocabulary().prompt(example.question))
        assert lesson["ids"][:start] == vocabulary().prompt(example.question)
        text = vocabulary().text(lesson["ids"][start:])
        assert text == f"{example.reasoning}\n</think>\n\n{example.answer}<|end|>"
        learned = {at for first, last in lesson["learn"] for at in range(first, last)}
        missing = [id_ for at, id_ in enumerate(lesson["ids"]) if at >= start and at not in learned]
        assert vocabulary().text(missing) == "".join(text for text, learn in example.pieces if not learn)
    forged = Templated(data / "base").prompt("Say <|end|> and <|user|>!")
    assert sum(each < 4 for each in forged) == 3, "only the template's own control tokens"


@pytest.mark.slow
def test_the_same_lessons_by_trl_whole_and_on_from_a_kill(data: Path, tmp_path: Path) -> None:
    trl = trainer("trl")
    settings = {"shape": QWEN2, "steps": 6, "batch": 4, "rate": 0.003, "warm": 1, "n_ctx": 1024}
    trl.check(settings)
    log = tmp_path / "run" / "log.jsonl"
    asked = job(data, tmp_path / "run", **settings)
    with pytest.raises(Stopped):
        trl.train(replace(asked, stopping=lambda: log.exists() and bool(log.read_text(encoding="utf-8"))))
    assert not (tmp_path / "run" / "model").exists()
    came = trl.train(asked)
    assert came["steps"] == 6
    rows = list(read_rows(tmp_path / "run" / "log.jsonl", dict))
    lengths = [len(row["ids"]) for row in read_rows(data / "lessons.jsonl", dict)]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["tokens"] == sum(lengths), "an epoch of 24 lessons, none cut"
    trl.export(tmp_path / "run", tmp_path / "student.gguf", "F32")
    assert trl.examine(data, tmp_path / "student.gguf", 8)["lessons"] == 8
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    before = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "base")
    assert not torch.equal(model.lm_head.weight, before.lm_head.weight)
    with pytest.raises(InputError, match=r"lesson 0 has \d+ tokens of at most 20"):
        trl.train(job(data, tmp_path / "cut", **(settings | {"n_ctx": 20})))


@pytest.mark.slow
def test_lora_on_two_processes_learns_twice_the_lessons_a_step(data: Path, tmp_path: Path) -> None:
    settings = {"base": str(data / "base"), "steps": 3, "batch": 4, "warm": 1, "n_ctx": 1024}
    settings |= {"lora": {"rank": 4, "alpha": 8.0}, "processes": 2, "rate": 0.01}
    came = trainer("trl").train(job(data, tmp_path / "two", **settings))
    lengths = [len(row["ids"]) for row in read_rows(data / "lessons.jsonl", dict)]
    assert came["tokens"] == sum(lengths), "3 steps of 2 x 4 lessons are all 24"
    adapter = tmp_path / "two" / "adapter"
    export_adapter(adapter, data / "base", tmp_path / "lora.gguf")
    export_folder(data / "base", tmp_path / "base.gguf", "F32")
    trainer("trl").export(tmp_path / "two", tmp_path / "merged.gguf", "F32")
    with engine_of(tmp_path / "merged.gguf") as merged:
        wanted = run(merged)
    with engine_of(tmp_path / "base.gguf", adapters=(str(tmp_path / "lora.gguf"),)) as added:
        found = run(added)
    assert ids(found) == ids(wanted)
    for one, other in zip(tokens(found), tokens(wanted), strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-3)


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_the_engine_adds_an_adapter_as_peft_does(family: str, tmp_path: Path) -> None:
    student = random_student(family)
    write_folder(student, vocabulary(), tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=targets))
    torch.manual_seed(3)
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.05)
    tuned.save_pretrained(tmp_path / "adapter")
    export_adapter(tmp_path / "adapter", tmp_path / "base", tmp_path / "lora.gguf")
    export(student, vocabulary(), tmp_path / "base.gguf", "F32")
    state = tuned.merge_and_unload().state_dict()
    with engine_of(tmp_path / "base.gguf") as plain:
        before = run(plain, prompt=prompt_of(plain, "What is 12 + 30?"))
    student.load_state_dict({name: weight for name, weight in state.items() if name != "lm_head.weight"})
    with engine_of(tmp_path / "base.gguf", adapters=(str(tmp_path / "lora.gguf"),)) as engine:
        assert_same(student, engine)
        after = run(engine, prompt=prompt_of(engine, "What is 12 + 30?"))
    changed = [
        one.id != other.id or one.logprob != pytest.approx(other.logprob, abs=0.01)
        for one, other in zip(tokens(before), tokens(after), strict=False)
    ]
    assert any(changed), "the adapter does something"


def test_an_adapter_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write_folder(random_student("deepseek3"), vocabulary(), tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    get_peft_model(model, LoraConfig(r=2, target_modules=["kv_b_proj"])).save_pretrained(tmp_path / "lora")
    with pytest.raises(InputError, match="in another form; merge it"):
        export_adapter(tmp_path / "lora", tmp_path / "base", tmp_path / "lora.gguf")
    assert not (tmp_path / "lora.gguf").exists()
    with pytest.raises(InputError, match="cannot be read"):
        export_adapter(tmp_path / "nowhere", tmp_path / "base", tmp_path / "lora.gguf")


def test_what_trl_cannot_train_is_told_before() -> None:
    for settings, told in (
        ({"steps": 1}, "a base model or a shape"),
        ({"base": "x", "shape": LLAMA}, "not both"),
        ({"base": "x", "processes": 0}, "processes be 1 or more"),
        ({"base": "x", "lora": {"rang": 4}}, "no field 'rang'"),
    ):
        with pytest.raises(InputError, match=told):
            trainer("trl").check(settings)  # type: ignore[arg-type]
