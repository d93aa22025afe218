"""Logit distillation, and a folder to give away."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")

import torch

from ponder.distill.lessons import Course, drawn, from_file
from ponder.distill.logits import Distilled, divergence, read_by
from ponder.distill.publish import publish
from ponder.distill.stages.dataset import ranges
from ponder.distill.train import padded
from ponder.errors import InputError
from tests.distill.small import QWEN2, random_student, vocabulary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A teacher, its lessons, and a run on them."""
    teacher, run = tmp_path / "teacher", tmp_path / "run"
    lessons = [drawn(vocabulary(), Course({"sums": 1.0}, seed=2, slip_rate=0.5), at) for at in range(12)]
    rows = [{"ids": each.ids, "learn": ranges(each.learn)} for each in lessons]
    (tmp_path / "lessons.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    stage = {"course": {"lessons": str(tmp_path / "lessons.jsonl")}, "steps": 30, "tokens": 512, "warm": 1}
    plan = {"shape": QWEN2, "stages": [stage], "teacher": str(tmp_path / "kept"), "teacher_share": 1.0}
    for each in (teacher, run):
        each.mkdir()
        vocabulary().save(each / "vocabulary.json")
        (each / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    kept = {"student": random_student("qwen2").state_dict(), "stage": 0, "step": 3, "seen": 1234}
    torch.save(kept, teacher / "checkpoint.pt")
    return tmp_path


def test_a_student_comes_nearer_to_what_its_teacher_thought(folder: Path) -> None:
    count = read_by(folder / "teacher", folder / "lessons.jsonl", folder / "kept", top=4)
    lessons = [from_file(str(folder / "lessons.jsonl"), 0, at) for at in range(12)]
    assert count == sum(sum(each.learn) for each in lessons)
    run = Distilled(folder / "run")
    ids, learn, _ = padded(lessons)
    teacher = random_student("qwen2")

    def away() -> float:
        """The divergence over all outcomes, by the teacher itself."""
        with torch.inference_mode():
            hidden = [each(ids[:, :-1])[0][learn[:, 1:]] for each in (run.student, teacher)]
            own, theirs = run.student.logits(hidden[0]), teacher.logits(hidden[1])
            own, theirs = own.log_softmax(-1), theirs.log_softmax(-1)
            return float((theirs.exp() * (theirs - own)).sum(-1).mean())

    before = away()
    run.train()
    assert away() < 0.6 * before


def test_the_divergence_of_the_likeliest_is_a_lower_bound_and_exact_with_all_of_them() -> None:
    torch.manual_seed(1)
    own, theirs = torch.randn(5, 9), torch.randn(5, 9).log_softmax(-1)
    whole = float((theirs.exp() * (theirs - own.log_softmax(-1))).sum(-1).mean())
    some = theirs.topk(3)
    assert 0 <= float(divergence(own, some.indices, some.values)) <= whole + 1e-6
    most = theirs.topk(8)
    assert float(divergence(own, most.indices, most.values)) == pytest.approx(whole, abs=1e-5)
    assert float(divergence(theirs, most.indices, most.values)) == pytest.approx(0, abs=1e-5)


def test_logits_that_do_not_fit_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="names no file of logits"):
        Distilled(folder / "run")
    read_by(folder / "teacher", folder / "lessons.jsonl", folder / "kept", top=2)
    lines = (folder / "lessons.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    row = json.loads(lines[0])
    row["ids"][3] += 1
    (folder / "lessons.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    from_file.__globals__["_lines"].cache_clear()
    with pytest.raises(InputError, match="has not read this lesson"):
        Distilled(folder / "run").train()


def test_a_folder_to_give_away_has_everything_and_nothing_is_uploaded(folder: Path) -> None:
    (folder / "teacher" / "measured.json").write_text('{"sums": 0.4375}', encoding="utf-8")
    command = publish(folder / "teacher", folder / "mine", "me/mine", ("F16",))
    assert command == f"hf upload me/mine {folder / 'mine'} ."
    assert {path.name for path in (folder / "mine").iterdir()} == {
        *("README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        *("generation_config.json", "chat_template.jinja", "mine-F16.gguf"),
    }
    card = (folder / "mine" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: mit\n")
    assert "| sums | 43.8% |" in card
    assert "1,234 tokens" in card
    with pytest.raises(InputError, match="is not empty"):
        publish(folder / "teacher", folder / "mine")
    with pytest.raises(InputError, match="OWNER/NAME"):
        publish(folder / "teacher", folder / "other", "mine")
