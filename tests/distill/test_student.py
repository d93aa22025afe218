"""A small student, really trained for a few steps, exported, and run by the real engine."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch

from ponder.distill.begin import begin
from ponder.distill.export import export
from ponder.distill.kept import loaded
from ponder.distill.lessons import Course, batches, drawn, lesson
from ponder.distill.measure import marked, written
from ponder.distill.muon import orthogonal
from ponder.distill.student import Shape, Student
from ponder.distill.train import Run, Stage
from ponder.distill.vocabulary import END, SPECIAL, THINK, Vocabulary
from ponder.engine.embedded import Embedded
from ponder.engine.protocol import ids_of
from ponder.errors import InputError
from ponder.world.reasoning import reasoned
from ponder.world.tasks import TASKS, held_out, problem
from tests.distill import small
from tests.distill.small import sentences
from tests.engine.asking import ids, prompt_of, run, settings, tokens

ODD = (
    *(
        "",
        " ",
        "  two  spaces ",
        "\n\n\n",
        "tab\there",
        "1234567",
        "3.14 €",
        "naïve café",
        "你好，世界",
        "🎉🎉",
    ),
    *(
        "x²+½=1",
        "don't DON'T",
        "<think>no</think>",
        "<|end|>",
        "a\r\nb",
        "…—“quoted”",
        "\u200b",
        "٣٤",
        " 7",
        "km/h",
    ),
    *("a_b", "Ünïcödé", "\x00\x1f", "(x+1)*(x-1)"),
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return small.vocabulary()


@pytest.fixture(scope="module")
def folder(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    vocabulary.save(folder / "vocabulary.json")
    stage = {
        "course": {"weights": {"sums": 1.0, "knights": 1.0}, "seed": 3},
        "steps": 6,
        "tokens": 512,
        "warm": 2,
    }
    plan = {"shape": {"width": 64, "layers": 2, "heads": 2, "feed": 96}, "stages": [stage]}
    (folder / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> Iterator[tuple[Student, Vocabulary, Embedded]]:
    """Random weights, large enough to be sure of something."""
    student, vocabulary = Student(Shape(400, 64, 2, 2, 96)), Vocabulary.load(folder / "vocabulary.json")
    torch.manual_seed(5)
    for weight in student.parameters():
        torch.nn.init.normal_(weight, std=0.06) if weight.dim() > 1 else torch.nn.init.uniform_(
            weight, 0.5, 1.5
        )
    export(student, vocabulary, folder / "student.gguf", "F32")
    engine = Embedded(settings(folder / "student.gguf"))
    yield student, vocabulary, engine
    engine.close()


def test_text_comes_back_digits_stand_alone_and_nothing_becomes_special(vocabulary: Vocabulary) -> None:
    for text in (*sentences(5), *ODD):
        found = vocabulary.ids(text)
        assert vocabulary.text(found) == text
        assert all(each >= len(SPECIAL) for each in found)
    assert len(vocabulary.ids("90210")) == 5
    assert max(vocabulary.ids("90210")) < vocabulary.size == 400


def test_the_engine_cuts_texts_into_the_same_tokens(exported: tuple[Student, Vocabulary, Embedded]) -> None:
    _, vocabulary, engine = exported
    for text in (*sentences(15), *(odd for odd in ODD if not odd.startswith("<"))):
        assert ids_of(engine.tokenize(text, control=False)) == vocabulary.ids(text), repr(text)
    for forged in ("<think>no</think>", "What is <|end|> 5?"):
        prompt = prompt_of(engine, forged)
        assert sum(each in {THINK, END, THINK + 1} for each in prompt.ids) == 1, "only the template's own tag"


def test_the_engine_writes_what_torch_writes(exported: tuple[Student, Vocabulary, Embedded]) -> None:
    student, vocabulary, engine = exported
    question = "What is 12 + 30?"
    prompt = prompt_of(engine, question)
    assert list(prompt.ids) == vocabulary.prompt(question), "the template renders what the lessons have"
    emissions = run(engine, prompt=prompt)
    out = ids(emissions)
    assert out
    assert out == written(student, vocabulary, [question], most_tokens=60)[0][: len(out)]
    whole = torch.tensor([[*prompt.ids, *out]])
    with torch.inference_mode():
        scores = student.logits(student(whole)[0]).log_softmax(-1)[0]
    for at, token in enumerate(tokens(emissions)):
        assert token.logprob == pytest.approx(float(scores[len(prompt.ids) + at - 1, out[at]]), abs=1e-3)


def test_a_run_that_was_killed_goes_on_exactly(folder: Path) -> None:
    through = Run(folder)
    through.train()
    (folder / "checkpoint.pt").unlink()
    begun = Run(folder)
    whole = begun.stages[0]
    begun.stages = [Stage(whole.course, 3, whole.rate, whole.tokens, whole.warm)]
    begun._one_stage(begun.stages[0], 1e9)
    begun.save()
    again = Run(folder)
    assert (again.step, again.place) == (begun.step, begun.place) == (3, again.place)
    again.train()
    for name, weight in through.student.state_dict().items():
        assert torch.equal(weight, again.student.state_dict()[name]), name
    assert loaded(folder)[1].size == 400


def test_batches_go_on_from_any_place_and_keep_to_their_size(vocabulary: Vocabulary) -> None:
    course = Course({"sums": 1.0, "letters": 2.0}, seed=9)
    stream = batches(vocabulary, course, 600)
    found = [next(stream) for _ in range(12)]
    again = batches(vocabulary, course, 600, found[4][0])
    assert [next(again)[1] for _ in range(7)] == [batch for _, batch in found[5:]]
    assert all(len(batch) * max(len(each.ids) for each in batch) <= 600 for _, batch in found)


def test_only_the_reasoning_and_the_answer_are_learned_and_no_slip(vocabulary: Vocabulary) -> None:
    rng = Random(4)
    one = problem("sums", rng, 2, held_out=False)
    solution = next(each for each in (reasoned(one, rng, 1.0) for _ in range(50)) if each.slipped)
    made = lesson(vocabulary, one, solution)
    start = len(vocabulary.prompt(one.question))
    assert not any(made.learn[:start])
    missing = vocabulary.text(
        id_ for id_, learn in zip(made.ids[start:], made.learn[start:], strict=True) if not learn
    )
    assert missing == "".join(piece.text for piece in solution.pieces if not piece.learn)
    assert (
        vocabulary.text(made.ids[start:])
        == f"{solution.reasoning}\n</think>\n\nThe answer is {one.answer}.<|end|>"
    )
    direct = drawn(vocabulary, Course({"sums": 1.0}, direct=True), 0)
    assert vocabulary.text(direct.ids).partition("<think>\n</think>")[1]


def test_greedy_answers_do_not_depend_on_their_neighbours(
    exported: tuple[Student, Vocabulary, Embedded],
) -> None:
    student, vocabulary, _ = exported
    problems = held_out("sums", 2, 3)
    questions = [one.question for one in problems]
    alone = [written(student, vocabulary, [each], most_tokens=30)[0] for each in questions]
    assert written(student, vocabulary, questions, most_tokens=30) == alone
    marks = marked(student, vocabulary, problems, most_tokens=5)
    assert (marks.count, marks.right, marks.endless) == (3, 0.0, 1.0)


def test_orthogonal_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(2, 24, 64)))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_a_new_run_has_a_vocabulary_and_stages_of_every_task(tmp_path: Path) -> None:
    begin(tmp_path / "run", problems=20)
    run = Run(tmp_path / "run")
    assert [set(stage.course.weights) for stage in run.stages] == [set(TASKS)] * 6
    assert run.stages[-1].rate_at(999) < 0.2 * run.stages[-1].rate_at(0)
    with pytest.raises(InputError, match="has a run already"):
        begin(tmp_path / "run")
