"""Experts that are trained: loads that even out, a loss ahead that falls, and a run that goes on exactly."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch

from ponder.distill.deepseek import Deepseek
from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.experts import Experts, evenness, overload
from ponder.distill.measure import written
from ponder.distill.moe import Factors, MoeRun
from ponder.errors import InputError
from tests.distill.small import DEEPSEEK, random_student, vocabulary


def planned(folder: Path, steps: int, **moe: Any) -> Path:
    folder.mkdir()
    vocabulary().save(folder / "vocabulary.json")
    course = {"weights": {"sums": 1.0, "letters": 1.0}, "seed": 3}
    stage = {"course": course, "steps": steps, "tokens": 768, "warm": 2, "rate": 0.003}
    plan = {"shape": DEEPSEEK, "stages": [stage], "moe": moe}
    (folder / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    return folder


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_bias_evens_out_a_skewed_router_and_without_it_the_router_stays_skewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ponder.distill.train.LOG_STEPS", 5)
    found = {}
    for rate in (0.0, 0.02):
        run = MoeRun(planned(tmp_path / str(rate), 25, bias_rate=rate, bias_until=1.0, even=0.0))
        for layer in run.student.routed:
            layer.gate.get_buffer("e_score_correction_bias")[:2] = 0.4
        run.train()
        found[rate] = rows(run.folder)
    still, evened = found[0.0], found[0.02]
    for at in range(2):
        name, most = f"evenness_{at}", f"overload_{at}"
        assert still[0][name] == pytest.approx(0.5, abs=0.01)  # two of four experts have everything
        assert still[-1][name] < 0.6
        assert evened[-1][name] > 0.9 > evened[0][name]
        assert evened[-1][most] < 0.5 * still[-1][most]


def test_the_loss_ahead_falls_with_the_loss_and_drafts_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ponder.distill.train.LOG_STEPS", 10)
    run = MoeRun(planned(tmp_path / "run", 30))
    run.train()
    log = rows(run.folder)
    assert log[-1]["further_loss"] < 0.8 * log[0]["further_loss"]
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    assert log[-1]["accepted"] > 0.1


def test_a_run_that_was_killed_goes_on_exactly_with_its_biases(tmp_path: Path) -> None:
    folder = planned(tmp_path / "run", 6)
    through = MoeRun(folder)
    through.train()
    (folder / "checkpoint.pt").unlink()
    begun = MoeRun(folder)
    begun.stages = [replace(begun.stages[0], steps=3)]
    begun._one_stage(begun.stages[0], 1e9)
    begun.save()
    again = MoeRun(folder)
    assert again.step == 3
    again.train()
    for name, weight in through.student.state_dict().items():
        assert torch.equal(weight, again.student.state_dict()[name]), name
    biases = [layer.gate.get_buffer("e_score_correction_bias") for layer in again.student.routed]
    assert all(bool((bias != 0).any()) for bias in biases)


def test_padding_is_not_counted_as_load() -> None:
    student = random_student("deepseek3")
    assert isinstance(student, Deepseek)
    ids = torch.randint(0, 400, (2, 12), generator=torch.Generator().manual_seed(2))
    real = torch.ones(2, 12, dtype=torch.bool)
    real[1, 5:] = False
    student.watch(real)
    with torch.inference_mode():
        student(ids[:, :-1])
    assert [int(layer.load.sum()) for layer in student.routed[:2]] == [2 * (11 + 5)] * 2
    assert all(float(layer.imbalance) > 0 for layer in student.routed[:2])


def test_what_is_kept_of_a_token_is_the_latent_and_answers_do_not_depend_on_neighbours() -> None:
    student = random_student("deepseek3")
    with torch.inference_mode():
        whole, cache = student(torch.arange(20)[None])
        assert [tuple(part.shape) for part in cache[0]] == [(1, 20, 32), (1, 20, 16)]
        first, cache = student(torch.arange(19)[None])
        last, _ = student(torch.tensor([[19]]), cache, torch.tensor([[19]]))
    assert torch.allclose(torch.cat((first, last), 1), whole, atol=1e-5)
    questions = ["What is 1 + 1?", "Sort 5, 3, 1, 9 and 2 please."]
    alone = [written(student, vocabulary(), [each], most_tokens=12)[0] for each in questions]
    assert written(student, vocabulary(), questions, most_tokens=12) == alone


def test_every_token_gets_the_experts_that_score_highest_with_their_bias() -> None:
    layer = Experts(DeepseekShape(10, 16, 2, 2, 32, experts=4, expert_feed=32, scale=2.5))
    torch.manual_seed(1)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    bias = layer.gate.get_buffer("e_score_correction_bias")
    bias[3] = 5.0  # always chosen, but weighs by its own score alone
    x = torch.randn(1, 7, 16)
    with torch.inference_mode():
        scores = (x[0] @ layer.gate.weight.T).sigmoid()
        for at, token in enumerate(x[0]):
            other = int(scores[at, :3].argmax())
            parts = torch.stack([layer.experts[each](token) for each in (3, other)])
            weights = scores[at, [3, other]] / scores[at, [3, other]].sum() * 2.5
            expected = layer.shared_experts(token) + (weights[:, None] * parts).sum(0)
            assert torch.allclose(layer(x)[0, at], expected, atol=1e-5)
    assert evenness(torch.tensor([5.0, 5.0])) == pytest.approx(1.0)
    assert evenness(torch.tensor([9.0, 0.0])) == pytest.approx(0.0)
    assert overload(torch.tensor([9.0, 0.0])) == pytest.approx(1.0)


def test_factors_follow_the_stage_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    assert [Factors().at(share) for share in (0.0, 0.7, 0.97)] == [(0.001, 0.3), (0.001, 0.1), (0.0, 0.1)]
    with pytest.raises(InputError, match="no factor 'bias'"):
        MoeRun(planned(tmp_path / "run", 2, bias=1))
    with pytest.raises(InputError, match="9 of 8 experts"):
        DeepseekShape(10, used=9)
