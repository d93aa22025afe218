"""GRPO: what is rewarded becomes likelier, a killed run goes on exactly, and the health report sees it."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch

from ponder.distill.grpo import Reinforced
from ponder.distill.health import as_text, report
from ponder.distill.rewards import Written, reward, split, suspicions
from ponder.distill.rollouts import Group
from ponder.distill.vocabulary import BEGIN, END, ENDTHINK
from ponder.errors import InputError
from ponder.world.problem import Problem
from ponder.world.reasoning import reasoned
from ponder.world.tasks import problem
from tests.distill.small import SHAPES, random_student, vocabulary


def planned(folder: Path, family: str = "qwen2", **changes: Any) -> Path:
    """A run from a random student; a check costs one short answer."""
    start = folder / "start"
    start.mkdir(parents=True)
    plan: dict[str, Any] = {"shape": SHAPES[family], "seed": 7, "stages": []}
    for each in (start, folder):
        vocabulary().save(each / "vocabulary.json")
    (start / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    kept = {"student": random_student(family).state_dict(), "stage": 0, "step": 0, "seen": 0}
    torch.save(kept, start / "checkpoint.pt")
    usual = {
        "weights": {"sums": 1.0}, "prompts": 3, "samples": 6, "most_tokens": 10, "check_count": 1,
        "check_every": 100, "rate": 0.003, "updates": 4, "rewards": {"fours": 1.0}, "most_fall": 1.0,
    }  # fmt: skip
    plan |= {"start": str(start), "grpo": usual | changes}
    (folder / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def fours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reward that random students get, too: the share of tokens whose number is a multiple of four."""

    def share(_: Problem, written: Written) -> float:
        return sum(each % 4 == 0 for each in written.ids) / len(written.ids)

    monkeypatch.setattr("ponder.distill.rewards.REWARDS", {"fours": share})


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


@pytest.mark.parametrize("family", ["qwen2", "deepseek3"])
def test_what_is_rewarded_becomes_likelier(family: str, tmp_path: Path) -> None:
    run = Reinforced(planned(tmp_path, family, updates=16, epochs=2, prompts=4))
    run.train()
    updates = [row for row in rows(tmp_path) if "reward" in row]
    assert len(updates) == 16
    first, last = (sum(row["reward"] for row in part) / 3 for part in (updates[:3], updates[-3:]))
    assert last > max(0.6, first + 0.1)
    assert any(row["clipped"] > 0 for row in updates)
    assert all(0 < row["entropy"] < 6 for row in updates if row["entropy"] is not None)


def test_a_killed_run_goes_on_exactly(tmp_path: Path) -> None:
    through = Reinforced(planned(tmp_path / "through"))
    through.train()
    begun = Reinforced(planned(tmp_path / "killed"))
    begun._check({"step": 0})
    for _ in range(2):
        begun._one()
    begun.save()
    begun._one()  # after the checkpoint, and lost
    again = Reinforced(tmp_path / "killed")
    assert again.update == 2
    again.train()
    for name, weight in through.student.state_dict().items():
        assert torch.equal(weight, again.student.state_dict()[name]), name
    assert rows(tmp_path / "killed") == rows(tmp_path / "through")
    assert len(rows(tmp_path / "through")) == 5


def test_the_run_ends_where_held_out_answers_get_worse_and_the_best_student_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Marked:
        values = iter([0.5, 0.7, 0.4])

        def __init__(self, *_: object, **__: object) -> None:
            self.right = next(self.values)

    monkeypatch.setattr("ponder.distill.grpo.marked", Marked)
    run = Reinforced(planned(tmp_path, check_every=1, most_fall=0.1, updates=9))
    run.train()
    assert (run.update, run.best) == (2, 0.7)
    assert "held-out mean 40.0%" in run.ended
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert best["step"] == 1
    assert all(torch.equal(w, best["student"][name]) for name, w in run.student.state_dict().items())
    health = json.loads((tmp_path / "health.json").read_text(encoding="utf-8"))
    assert "take the best checkpoint" in str([f for f in health["findings"] if f["name"] == "held out"])


def test_equal_rewards_make_a_dead_group_and_others_advantages_of_mean_0_and_deviation_1() -> None:
    one = problem("sums", Random(1), 1, held_out=False)
    empty = split(vocabulary(), [END])
    assert Group(one, (empty,) * 3, (1.1, 1.1, 1.1)).dead
    group = Group(one, (empty,) * 4, (1.0, 0.0, 0.0, 0.0))
    assert not group.dead
    assert group.advantages == pytest.approx([3**0.5, *[-(3**-0.5)] * 3], abs=1e-4)


def test_rewards_take_the_right_answer_behind_one_closed_reasoning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    words = vocabulary()
    for task in ("sums", "countdown", "outside", "ordering", "knights"):
        one = problem(task, Random(3), 1, held_out=False)
        solution = reasoned(one, Random(1))

        def ids(answer: str, said: str = solution.reasoning) -> list[int]:
            return [*words.ids(said + "\n"), ENDTHINK, *words.ids("\n\n" + answer), END]

        right = ids(solution.said)
        both = {"answer": 1.0, "format": 0.1}
        assert reward(both, one, split(words, right)) == pytest.approx(1.1), task
        assert suspicions(one, split(words, right), len(right)) == [], task
        assert reward(both, one, split(words, ids("The answer is nothing at all."))) == pytest.approx(0.1)
        assert reward(both, one, split(words, right[:-1])) == 0, "cut off"
        assert reward(both, one, split(words, words.ids(solution.said))) == 0, "never closed"
        assert reward({"format": 1.0}, one, split(words, [ENDTHINK, *right])) == 0
        assert reward({"format": 1.0}, one, split(words, [*right[:-1], BEGIN, END])) == 0
        short = split(words, [ENDTHINK, *words.ids("\n\n" + solution.said), END])
        assert "no reasoning" in suspicions(one, short, 300)
        mixed = split(words, ids(solution.said, solution.reasoning + "我们再算一遍" * 50))
        assert reward({"language": 1.0}, one, mixed) < 0.8
    with pytest.raises(InputError, match="no reward 'charm'"):
        reward({"charm": 1.0}, one, short)


def log_of(**last: float) -> list[dict[str, Any]]:
    """Thirty updates; the last fifth has `last`."""
    usual = {
        "reward": 0.4, "right": 0.4, "format": 0.98, "dead": 0.4, "dead_right": 0.2, "dead_wrong": 0.2,
        "truncated": 0.01, "length": 100.0, "length_right": 95.0, "length_wrong": 110.0, "examined": 8,
        "suspicious": 0, "entropy": 0.5, "gradient": 0.1, "clipped": 0.0,
    }  # fmt: skip
    check = {"step": 0, "mean": 0.5, "held_out": {"sums": 0.5}}
    updates = [
        {**usual, "step": at + 1, "reward": 0.4 + at / 100, **(last if at >= 24 else {})} for at in range(30)
    ]
    return [check, *updates]


@pytest.mark.parametrize(
    ("last", "name", "state"),
    [
        ({}, "", "ok"),
        ({"reward": 0.1}, "reward", "bad"),
        ({"truncated": 0.3}, "truncated", "bad"),
        ({"truncated": 0.08}, "truncated", "watch"),
        ({"length": 250.0}, "length", "bad"),
        ({"entropy": 0.2}, "entropy", "watch"),
        ({"entropy": 3.0}, "entropy", "bad"),
        ({"format": 0.3}, "format", "bad"),
        ({"suspicious": 4}, "reward hacking", "bad"),
        ({"gradient": 5.0}, "gradient", "watch"),
    ],
)
def test_the_health_report_names_what_is_wrong(last: dict[str, float], name: str, state: str) -> None:
    found = report(log_of(**last), [], rate=3e-5, safe=5e-5)
    worse = {each["name"]: each["state"] for each in found["findings"] if each["state"] != "ok"}
    assert worse == ({name: state} if name else {})
    assert found["state"] == state
    assert all(each["advice"] for each in found["findings"] if each["state"] != "ok")


def test_the_health_report_tells_what_was_forgotten_and_shows_suspicious_samples() -> None:
    log = log_of(dead=1.0, dead_wrong=1.0)
    for row in log[1:]:
        row |= {"dead": 0.95, "dead_wrong": 0.9, "dead_right": 0.05}
    log += [{"step": 30, "mean": 0.5, "held_out": {"sums": 0.5, "letters": 0.2}}]
    log[0]["held_out"]["letters"] = 0.9
    sample = {
        "step": 30, "kind": "suspicious", "task": "sums", "question": "What is 1 + 1?", "target": "2",
        "reasoning": "\x1b[31mword " * 60, "answer": "The answer is 2.", "why": ["no reasoning"],
    }  # fmt: skip
    found = report(log, [sample], rate=3e-4, safe=5e-5, ended="all 30 updates")
    text = as_text(found, 80)
    assert "letters 90% → 20%" in text.replace("\n" + " " * 17, " ")
    assert "too hard: easier levels" in text.replace("\n" + " " * 17, " ")
    assert "small students collapsed" in text.replace("\n" + " " * 17, " ")
    assert "no reasoning" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no setting 'sample'"):
        Reinforced(planned(tmp_path / "a", sample=3))
    with pytest.raises(InputError, match="samples is 1"):
        Reinforced(planned(tmp_path / "b", samples=1))
