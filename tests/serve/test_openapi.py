"""The document and the server agree: schemathesis asks what the document allows, and what it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from ponder.fit.quality import TASKS
from ponder.serve.own.requests import Fit
from ponder.serve.schema import hints_of
from tests.serve.running import TOKEN, Running

EXAMPLES = "2"
"""Bounded for the suite; 5 with the coverage phase are some 2,900 requests in three minutes."""


def test_the_document_names_every_operation(speaking: Running) -> None:
    document = speaking.get("/openapi.json").json
    assert len(document["paths"]) > 20
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
    assert document["components"]["schemas"]["ChatRequest"]["additionalProperties"] is False


def test_the_kinds_of_question_are_those_of_fit() -> None:
    assert set(hints_of(Fit)["task"].__args__) == set(TASKS)


@pytest.mark.slow
def test_schemathesis_finds_nothing_wrong(speaking: Running, tmp_path: Path) -> None:
    """Without the check that every valid request is accepted: no schema says that a question is not blank."""
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{speaking.url}/openapi.json",
            "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", EXAMPLES, "--phases", "fuzzing",
            "--exclude-checks", "positive_data_acceptance", "--seed", "1", "--no-color",
            "--exclude-path", "/api/ponder/fit", "--generation-database", "none",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested:" in done.stdout
