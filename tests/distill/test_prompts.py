"""Prompts: what a student is measured on is taken out, and how well that works is measured with canaries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ponder.distill.contamination import Measured, canaries, caught
from ponder.distill.likeness import Likeness
from ponder.distill.prompt import Prompt
from ponder.distill.rows import read_rows
from ponder.distill.stages.prompts import Settings, Source, run
from ponder.distill.work import Work
from ponder.errors import InputError
from ponder.evaluate.tasks import gym

STORIES = (
    "A farmer has 14 hens and each of them lays 3 eggs a day. How many eggs does he have after 5 days?",
    "Mia reads 12 pages of her book every evening. How many pages has she read after 9 evenings in a row?",
    "A train leaves at 8:15 and takes 95 minutes to the coast. At what time does it arrive at the sea?",
    "Two numbers add up to 40 and their difference is 6. What is the larger one of these two numbers?",
)
OWN = (
    "A gardener plants 7 rows with 9 tulips in each row, then rabbits eat 5 of them. How many are left over?"
)


def work(folder: Path) -> Work:
    folder.mkdir(exist_ok=True)
    return Work("prompts", folder, folder, folder, {}, lambda _: None, lambda: False)


def task_file(folder: Path, name: str, questions: Mapping[str, str]) -> str:
    rows = [json.dumps({"question": text, "answer": answer}) for text, answer in questions.items()]
    (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return name


def removed(folder: Path) -> list[tuple[str, str]]:
    return [(row["why"], row["question"]) for row in read_rows(folder / "removed.jsonl", dict)]


def test_copies_of_measured_problems_go_with_their_reason(tmp_path: Path) -> None:
    measured = task_file(tmp_path, "measured.jsonl", dict.fromkeys(STORIES, "1"))
    copies = {
        STORIES[0].replace("14", "15").replace("3", "8"): "8-gram of measured",
        "Solve: " + STORIES[1]: "8-gram of measured",
        OWN: "",
        OWN.replace("left over?", "left over? Thanks!"): "near-duplicate",
    }
    source = task_file(tmp_path, "train.jsonl", dict.fromkeys(copies, "2"))
    settings = Settings((Source(source),), (measured,), canaries=4)
    counts = run(settings, work(tmp_path))
    kept = [prompt.question for prompt in read_rows(tmp_path / "prompts.jsonl", Prompt)]
    assert kept == [OWN]
    assert removed(tmp_path) == [(why, text) for text, why in copies.items() if why]
    assert counts["removed"] == {"8-gram of measured": 2, "near-duplicate": 1}
    assert counts["canaries"] == {"dress": [1, 1], "numbers": [1, 1], "verbatim": [1, 1], "wrapped": [1, 1]}


def test_the_world_and_the_gym_are_told_apart_by_keys(tmp_path: Path) -> None:
    tasks = ["world:lamp", "gym:chain_sum"] if gym.known() else ["world:lamp"]
    settings = Settings(tuple(Source(task, count=60) for task in tasks), tuple(tasks), measured=50)
    counts = run(settings, work(tmp_path))
    prompts = list(read_rows(tmp_path / "prompts.jsonl", Prompt))
    assert len({prompt.key for prompt in prompts}) == len(prompts) == counts["rows"]
    assert {prompt.source for prompt in prompts} == set(tasks)
    assert all(found == total for found, total in counts["canaries"].values())
    chains = [prompt for prompt in prompts if prompt.source == "gym:chain_sum"]
    for prompt in [prompts[0], *chains[:1]]:
        problem = prompt.problem()
        assert problem.target == prompt.target
        if problem.own is not None:
            assert problem.own(prompt.target) == 1.0


def test_a_key_that_is_measured_goes_and_other_numbers_of_one_wording_stay() -> None:
    measured = Measured()
    measured.add(Prompt("1", "Put 3 and 4 together, what do you get from it?", source="world:x", key="x 3 4"))
    assert measured.matches(Prompt("2", "4 and 3?", key="x 3 4")) == "key of world:x"
    other = Prompt("3", "Put 5 and 4 together, what do you get from it?", source="world:x", key="x 5 4")
    assert measured.matches(other) == ""
    assert caught(measured, canaries([other], 1, 0)) == {"key": [0, 1]}, "one that was not added is missed"


def test_near_duplicates_are_found_among_many() -> None:
    seen = Likeness()
    texts = [f"{story} {number}" for number, story in enumerate(STORIES * 5)]
    assert [seen.seen(text) for text in texts] == [False] * 4 + [True] * 16


def test_nothing_left_is_refused(tmp_path: Path) -> None:
    name = task_file(tmp_path, "measured.jsonl", {STORIES[0]: "1"})
    with pytest.raises(InputError, match=r"no prompts left.*removed\.jsonl"):
        run(Settings((Source(name),), (name,)), work(tmp_path))


def test_rows_of_a_stopped_stage_are_made_anew(tmp_path: Path) -> None:
    settings: Any = Settings((Source("world:lamp", count=600),))
    first = run(settings, work(tmp_path))
    text = (tmp_path / "prompts.jsonl").read_bytes()
    assert run(settings, work(tmp_path)) == first
    assert (tmp_path / "prompts.jsonl").read_bytes() == text
