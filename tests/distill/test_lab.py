"""A whole recipe, really run: a teacher is taught, sampled and filtered, its student beats a direct model."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from ponder.distill.recipe import find_recipe
from ponder.distill.report import write_report
from ponder.distill.running import Run


@pytest.mark.slow
def test_the_student_of_a_teacher_beats_one_that_learns_only_answers(tmp_path: Path) -> None:
    run = Run(find_recipe("tiny"), tmp_path / "run")
    run.run(lambda _stage, _told: None, lambda: False)
    counts: dict[str, Any] = {
        state.stage.name: state.manifest["counts"] for state in run.states() if state.manifest is not None
    }
    assert len(counts) == len(run.recipe.stages)
    accuracy = {name.split(" · ")[0]: value for name, value in counts["evaluate"]["accuracy"].items()}
    assert accuracy["student"] > accuracy["direct"], accuracy
    gained = counts["evaluate"]["pairs"]["student - direct · world:lamp"]
    assert gained["low"] > 0, gained
    for name in ("teacher-file", "student-file", "direct-file"):
        assert counts[name]["doctor"]["lessons"] == 32
    assert counts["asked"]["canaries"] == {"key": [40, 40]}
    assert set(counts["filter"]["removed"]) <= {
        "wrong",
        "unknown",
        "cut off",
        "open tags",
        "disagrees",
        "claims",
    }
    html, markdown = (path.read_text("utf-8") for path in write_report(run))
    assert html.count("<svg") == 1
    assert "http" not in html.replace("http://www.w3.org", "")
    assert "| student |" in markdown
    assert f"| filter | sample | {counts['filter']['rows']:,} |" in markdown
    assert not [state for state in run.states() if state.manifest is None]
    before = {state.stage.name: state.manifest["ended"] for state in run.states() if state.manifest}
    run.run(lambda _stage, _told: None, lambda: False)
    assert before == {state.stage.name: state.manifest["ended"] for state in run.states() if state.manifest}
