"""A second opinion on verdicts: who disagrees, how often, and how sure that is."""

import json
from pathlib import Path

import pytest

from ponder.errors import FileFormatError, InputError
from ponder.evaluate.audit import audit, by_marks, by_math_verify, drawn, leniently, write_sheet
from ponder.evaluate.problem import Problem
from ponder.evaluate.sample import Sample
from ponder.evaluate.scorers.symbolic import Symbolic
from tests.cli.terminal import ponder
from tests.evaluate.test_statistics import sample

PROBLEMS = [
    Problem("a", "A third?", "1/3"),
    Problem("b", "Which day?", "Monday"),
    Problem("c", "Twice k + 1?", "2k+2"),
]
SAMPLES = [
    sample("a", 0, False, given="0.333", step="numeric"), sample("b", 0, True, given="Monday", step="exact"),
    sample("c", 0, True, given="2(k+1)", step="symbolic"), sample("c", 1, False, given="2k", step="symbolic"),
]  # fmt: skip


def test_disagreements_come_first_and_are_counted() -> None:
    with Symbolic(deadline_s=20.0) as symbolic:
        found = audit(SAMPLES, PROBLEMS, by_math_verify(symbolic))
    # math-verify alone reads Monday as a product of letters, or not at all; it agrees on the formulae.
    assert [each.sample.problem for each in found.disputed] in ([], ["b"])
    assert (found.missed.hits, found.granted.hits) == (0, len(found.disputed))
    lenient = audit(SAMPLES, PROBLEMS, leniently)
    assert [each.sample.given for each in lenient.disputed] == ["0.333", "2(k+1)"]
    assert (lenient.missed.hits, lenient.missed.of) == (1, 2)
    assert (lenient.granted.hits, lenient.granted.of) == (1, 2)
    assert lenient.missed.interval()[1] < 1
    assert lenient.by_step()["numeric"].hits == 1


def test_a_person_marks_a_sheet_that_does_not_tell_the_verdicts(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jsonl"
    write_sheet(sheet, SAMPLES, PROBLEMS)
    rows = [json.loads(line) for line in sheet.read_text().splitlines()]
    assert not {"outcome", "step"} & set(rows[0])
    with pytest.raises(InputError, match="has no marks"):
        by_marks(sheet)
    rows[0]["right"], rows[1]["right"] = True, True
    sheet.write_text("\n".join(map(json.dumps, rows)))
    found = audit(SAMPLES, PROBLEMS, by_marks(sheet))
    assert [each.sample.problem for each in found.disputed] == ["a"]
    assert (found.missed.hits, found.missed.of, found.granted.of) == (1, 2, 0)
    with pytest.raises(InputError, match="name a new file"):
        write_sheet(sheet, SAMPLES, PROBLEMS)
    sheet.write_text("{}")
    with pytest.raises(FileFormatError, match="line 1 is no line of a sheet"):
        by_marks(sheet)


def test_the_same_samples_are_drawn_each_time() -> None:
    many = [sample(str(place), 0, True) for place in range(50)]
    assert drawn(many, 10, 1) == drawn(list(reversed(many)), 10, 1)
    assert drawn(many, 10, 1) != drawn(many, 10, 2)
    cuts: list[Sample] = [sample("a", 0, True, cut=0.5)]
    assert drawn(cuts, 10, 1) == []


def test_the_command(capfd: pytest.CaptureFixture[str], speaker_gguf: Path, tmp_path: Path) -> None:
    assert "there is no evaluation" in ponder(capfd, "audit").err
    task = tmp_path / "t.jsonl"
    task.write_text('{"question": "1?", "answer": "42"}\n{"question": "2?", "answer": "42.0"}')
    line = ("eval", str(speaker_gguf), "-t", str(task), "--max-tokens", "40", "--ctx", "512", "--slots", "1")
    assert ponder(capfd, *line).code == 0
    said = ponder(capfd, "audit", "--by", "lenient")
    assert said.code == 0, said.err
    assert "No verdict is disputed." in said.out
    assert "not right here: 0 of 2, 0.0 % (0.0 to 65.8)" in said.out
    assert json.loads(ponder(capfd, "audit", "--json").out)["missed"] == {"hits": 0, "of": 2}
    assert ponder(capfd, "audit", str(tmp_path)).code == 2
