"""Evaluations through the real engine: several at once, resumed after any end, cut and answered."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.core.request import Request, Sampling
from ponder.errors import InputError
from ponder.evaluate.folder import Folder, read_folder, read_problems
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.running import Evaluation
from ponder.evaluate.sample import Place, Sample
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.setup import Setup, checked, fixed, name_of
from ponder.evaluate.statistics.summary import figures
from ponder.opened import Opened, Options, open_model
from ponder.store import Store, open_store

TASK = Task(
    "sums", tuple(Problem(str(i), f"What is {i}?", target) for i, target in enumerate(("42", "41", "Monday")))
)


@pytest.fixture(scope="module")
def opened(speaker_gguf: Path) -> Iterator[Opened]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_THREADS", "1")
        opened = open_model(str(speaker_gguf), Options(n_ctx=512, n_parallel=2))
    yield opened
    opened.engine.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "traces.db") as store:
        yield store


def setup(opened: Opened, samples: int = 2, cuts: tuple[float, ...] = ()) -> Setup:
    request = Request((), sampling=Sampling(temperature=0.7, max_tokens=60))
    return checked(Setup(request, samples=samples, seed=3, cuts=cuts), opened)


FOLDERS: list[Folder] = []


@pytest.fixture(autouse=True)
def closed_folders() -> Iterator[None]:
    yield
    while FOLDERS:
        FOLDERS.pop().close()


def evaluate(opened: Opened, setup: Setup, path: Path, store: Store) -> tuple[Evaluation, Folder]:
    folder = Folder(path, fixed(setup, TASK, opened), TASK.problems)
    FOLDERS.append(folder)
    return Evaluation(opened, TASK, setup, folder, verifier=Verifier(Cascade()), store=store), folder


def test_every_sample_is_asked_once_kept_and_judged(opened: Opened, store: Store, tmp_path: Path) -> None:
    chosen = setup(opened)
    evaluation, folder = evaluate(opened, chosen, tmp_path / "e", store)
    samples = list(evaluation)
    assert len(samples) == 6
    assert {(s.problem, s.outcome) for s in samples} == {("0", "right"), ("1", "wrong"), ("2", "wrong")}
    trace = store.load(samples[0].trace)
    assert trace.answer == "It is 42!"
    assert trace.request.sampling.seed == samples[0].seed
    assert len({sample.seed for sample in samples}) == 6
    again, folder = evaluate(opened, chosen, tmp_path / "e", store)
    assert list(again) == []
    assert set(folder.samples.values()) == set(samples)
    assert [p.target for p in read_problems(tmp_path / "e")] == ["42", "41", "Monday"]
    more, folder = evaluate(opened, setup(opened, samples=3), tmp_path / "e", store)
    assert sorted(sample.number for sample in more) == [2, 2, 2]
    assert figures(list(folder.samples.values()), None).accuracy.value == pytest.approx(1 / 3)


def test_a_loop_that_is_left_goes_on_where_it_stopped(opened: Opened, store: Store, tmp_path: Path) -> None:
    chosen = setup(opened, samples=8)
    evaluation, folder = evaluate(opened, chosen, tmp_path / "e", store)
    first = next(iter(evaluation))
    kept = set(read_folder(tmp_path / "e").samples.values())
    assert first in kept
    again, folder = evaluate(opened, chosen, tmp_path / "e", store)
    rest = list(again)
    assert len(rest) == 24 - len(kept)
    assert not {(s.problem, s.number) for s in rest} & {(s.problem, s.number) for s in kept}
    assert not folder.begun


def test_a_begun_sample_is_gone_on_with(opened: Opened, store: Store, tmp_path: Path) -> None:
    chosen = setup(opened, samples=1)
    evaluation, _ = evaluate(opened, chosen, tmp_path / "e", store)
    list(evaluation)
    lines = [json.loads(line) for line in (tmp_path / "e" / "samples.jsonl").read_text().splitlines()]
    whole = {line["problem"]: line["trace"] for line in lines if "starts" not in line}
    begun = [line for line in lines if "starts" in line]
    # As after a kill: problem 0 was answered but not judged, problem 1 is in the middle of its reasoning.
    half = store.bundle(whole["1"])
    cut = half.trace.tokens[:4]
    broken = type(half)(
        type(half.trace)(**{name: getattr(half.trace, name) for name in half.trace.__dataclass_fields__}
                         | {"id": "half", "tokens": cut, "steps": (), "finish": None}), half.environment
    )  # fmt: skip
    kept_id = store.put(broken)
    for line in begun:
        line["trace"] = kept_id if line["starts"]["problem"] == "1" else line["trace"]
    kept = [line for line in lines if line.get("problem") == "2"]
    text = "".join(json.dumps(line) + "\n" for line in [*begun, *kept]) + '{"problem": "cut of'
    (tmp_path / "e" / "samples.jsonl").write_text(text)
    again, _ = evaluate(opened, chosen, tmp_path / "e", store)
    found = {sample.problem: sample for sample in again}
    assert set(found) == {"0", "1"}
    assert found["0"].trace == whole["0"]
    assert not found["0"].resumed
    assert found["1"].resumed
    assert store.load(found["1"].trace).answer == "It is 42!"


def test_cuts_force_an_answer_after_a_share_of_the_reasoning(
    opened: Opened, store: Store, tmp_path: Path
) -> None:
    evaluation, folder = evaluate(opened, setup(opened, samples=1, cuts=(0.0, 0.5)), tmp_path / "e", store)
    samples = list(evaluation)
    assert len(samples) == evaluation.total == 9
    assert evaluation.todo == []
    cut = folder.samples[Place("0", 0, 0.5)]
    branch, whole = store.load(cut.trace), store.load(folder.samples[Place("0", 0)].trace)
    assert branch.parent == whole.id
    assert 0 < cut.reasoning_tokens < folder.samples[Place("0", 0)].reasoning_tokens
    assert (cut.closed_by, branch.answer) == ("user", "It is 42!")
    cuts = figures(samples, None).cuts
    assert [cut.share for cut in cuts] == [0.0, 0.5, 1.0]
    assert [cut.accuracy.value for cut in cuts] == pytest.approx([1 / 3] * 3)


def test_another_evaluation_is_not_mixed_in(opened: Opened, store: Store, tmp_path: Path) -> None:
    evaluate(opened, setup(opened), tmp_path / "e", store)
    other = checked(Setup(Request((), budget=5), seed=3), opened)
    with pytest.raises(InputError, match="another budget and sampling"):
        evaluate(opened, other, tmp_path / "e", store)
    assert name_of(fixed(other, TASK, opened)) != name_of(fixed(setup(opened), TASK, opened))
    assert name_of(fixed(setup(opened, 5), TASK, opened)) == name_of(fixed(setup(opened), TASK, opened))


def test_many_greedy_samples_are_refused(opened: Opened) -> None:
    with pytest.raises(InputError, match="the same"):
        checked(Setup(Request((), sampling=Sampling(temperature=0.0)), samples=2), opened)


def test_a_model_that_babbles_is_wrong_or_unknown(babbler_gguf: Path, store: Store, tmp_path: Path) -> None:
    opened = open_model(str(babbler_gguf), Options(n_ctx=512, threads=1))
    try:
        chosen = checked(Setup(Request((), budget=20, sampling=Sampling(max_tokens=40))), opened)
        samples: list[Sample] = list(evaluate(opened, chosen, tmp_path / "e", store)[0])
    finally:
        opened.engine.close()
    assert len(samples) == 3
    assert not any(sample.right for sample in samples)
    assert all(sample.truncated for sample in samples)
