"""`ponder show` on a long trace: groups, folding, claims, a closer look, what was done to it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from ponder.blame import Blame, Node, Vote, keep
from ponder.cli.drawing import console
from ponder.cli.show import command as show
from ponder.cli.show_facts import Facts
from ponder.cli.show_outline import outline_table, rows
from ponder.cli.show_step import draw_shaded
from ponder.core.events import Step, StepEnd, Token
from ponder.errors import InputError, NotFoundError
from ponder.store import open_store
from tests.store.samples import END, start, words, write

ROLES = ("plan", "compute", "compute", "check", "branch")
CLAIMS = ("3 * 7 = 21 .", "4 * 7 = 29 .", "no claim here .")


def long_trace(steps: int, **note: object) -> str:
    """A trace of so many steps in a cycle of roles; every seventh claims something wrong."""
    tokens: list[Token] = []
    cut: list[Step] = []
    for i in range(steps):
        text = CLAIMS[1 if i % 7 == 6 else 2 * (i % 2)]
        first = len(tokens)
        tokens += words(f"{text} number{i}\n\n", first=first)
        cut.append(Step(i, first, len(tokens), "reasoning", ROLES[i % 5], "a rule"))
    first = len(tokens)
    tokens += words("It is 5 + 5 = 11", "answer", first)
    cut.append(Step(steps, first, len(tokens), "answer", "answer", "after"))
    with open_store() as store, store.begin(start()) as journal:
        for token in tokens:
            journal.add(token)
        for step in cut:
            journal.add(StepEnd(step))
        if note:
            journal.note("intervention", note)
        journal.add(END)
    return journal.trace_id


def shown(*arguments: str, columns: int = 80) -> list[str]:
    result = CliRunner().invoke(show, arguments, env={"COLUMNS": str(columns)})
    if isinstance(result.exception, Exception):
        raise result.exception
    out = [line.rstrip() for line in result.output.splitlines()]
    assert max(map(len, out)) <= columns
    return out


def outline(lines: list[str]) -> list[list[str]]:
    """The rows between the header and the next empty line, as words."""
    begin = next(
        i for i, line in enumerate(lines) if line.split()[:2] in (["step", "role"], ["steps", "role"])
    )
    return [line.split() for line in lines[begin + 1 : lines.index("", begin)]]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_trace_of_many_steps_fits_on_a_screen(columns: int) -> None:
    long_trace(1500)
    table = outline(shown(columns=columns))
    assert len(table) == 48
    assert table[0][0].startswith("1-")
    assert table[-1][0].endswith("-1500")
    assert any(word.startswith("✗") for word in table[0])


def test_few_steps_have_a_line_each_and_moves_are_runs() -> None:
    long_trace(20)
    assert [row[0] for row in outline(shown())] == [str(n) for n in range(1, 21)]
    assert [row[0] for row in outline(shown("--by", "moves"))][:4] == ["1", "2-3", "4", "5"]
    assert len(outline(shown("--by", "steps"))) == 20


def test_folding_by_role_and_by_what_is_wrong() -> None:
    long_trace(20)
    only = outline(shown("--only", "check"))
    assert [row[0] for row in only] == ["1-3", "4", "5-8", "9", "10-13", "14", "15-18", "19", "20"]
    assert only[0][1] == "…"
    folded = outline(shown("--fold", "compute,plan"))
    assert [row[0] for row in folded][:4] == ["1-3", "4", "5", "6-8"]
    wrong = outline(shown("--only", "wrong"))
    assert [row[0] for row in wrong if row[1] != "…"] == ["7", "14"]
    with pytest.raises(InputError, match="--only cannot be checks: choose from restate"):
        shown("--only", "checks")


def test_a_part_of_it() -> None:
    long_trace(100)
    assert [row[0] for row in outline([*shown("--steps", "40-42"), ""])] == ["40", "41", "42"]
    with pytest.raises(NotFoundError, match="reasoning steps 1 to 100, none in 400"):
        shown("--steps", "400")
    with pytest.raises(InputError, match="--steps x is no range"):
        shown("--steps", "x")


def test_claims_are_marked_told_and_shown_with_evidence() -> None:
    long_trace(20)
    lines = shown(columns=140)
    assert "✗1" in next(row for row in outline(lines) if row[0] == "7")
    assert any(line.endswith("claims checked: 9 right, 2 wrong (✗).") for line in lines)
    assert any(line.startswith("  ✗ wrong  5 + 5 = 11") and "10" in line for line in lines)
    step = shown("--step", "7")
    assert step[0] == "Step 7 · compute · by a rule"
    assert any(line.startswith("  ✗ wrong  4 * 7 = 29") and "28" in line for line in step)
    assert any(line.startswith("  ✓ ok  3 * 7 = 21") for line in shown("--step", "3"))


@pytest.mark.parametrize(
    ("kind", "said"), [("none", "generated anew from here"), ("delete", "a step was deleted here")]
)
def test_what_wrote_no_token_is_shown_where_it_happened(kind: str, said: str) -> None:
    long_trace(3, kind=kind, index=5)
    table = outline(shown())
    assert [row[0] for row in table] == ["1", "◆", "2", "3"]
    assert " ".join(table[1][1:]) == said


def test_a_branch_and_its_parent_know_each_other() -> None:
    parent = long_trace(4)
    with open_store() as store:
        child = write(store.begin(start(parent, 9)), words("other", first=9))
    assert f"↳{child}" in outline(shown(parent))[1]
    assert any(f"`ponder tree {parent}`" in line for line in shown(parent))
    lines = shown(child)
    assert ["◆", "branch", "of", parent, "from", "here"] in outline(lines)


def test_colours_show_roles_and_shades_show_surprise() -> None:
    name = long_trace(90)
    with open_store() as store:
        facts = Facts(store.bundle(name))
    out = Console(force_terminal=True, color_system="truecolor", width=120, record=True)
    with out.capture() as capture:
        out.print(outline_table(facts, rows(facts, facts.steps, "overview", None), out))
        token = Token(0, 1, b"\xe8\x8d", "reasoning", "model", -0.01, 0.0)
        rare = Token(1, 2, b"\x89 rare", "reasoning", "model", -6.0, 0.0)
        draw_shaded([token, rare, Token(2, 3, b"\xff!", "reasoning", "correction", None, 0.0)], out)
    text = capture.get()
    assert "█" in text
    assert "rare" in text
    assert "\x1b[7m" in text
    with pytest.raises(InputError, match="shading needs a terminal with colours"):
        draw_shaded([token], console())


def test_what_was_found_before_is_shown_again(ponder_home: Path) -> None:
    """A critic's verdict and sampled endings, kept with the trace by `ponder.blame`."""
    assert ponder_home
    name = long_trace(5)
    votes = (Vote(2, True, "It should be 28."), Vote(None, True, ""))
    with open_store() as store:
        keep(store, name, Blame("critic", "found", 2, "Step 3 is wrong: 1 of 2 votes.", votes=votes))
        nodes = (Node(1, 7, 8, 0.6, 0.97),)
        keep(store, name, Blame("rollouts", "unsure", 3, "Between step 2 and step 4.", nodes=nodes))
    table = outline(shown())
    assert [row[0] for row in table if any(word.startswith("⚑") for word in row)] == ["3", "4"]
    text = "\n".join(shown(columns=140))
    assert "⚑ critic: Step 3 is wrong: 1 of 2 votes." in text
    assert "  vote: It should be 28." in "\n".join(shown("--step", "3"))
    assert "  endings from here: 7 of 8 right (60% to 97%)" in shown("--step", "2")
