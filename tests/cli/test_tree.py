"""`ponder tree` and `ponder diff`: branches, what made them, what they say, and where they part."""

import json
import math
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ponder.blame import Blame
from ponder.blame import keep as keep_blame
from ponder.cli.diff import command as diff
from ponder.cli.tree import changed, guides
from ponder.cli.tree import command as tree
from ponder.core.events import Finish, Step, StepEnd, Token, Usage
from ponder.core.request import Correction, Message, Request, Sampling, Steering
from ponder.errors import InputError, NotFoundError
from ponder.opened import Options, open_model
from ponder.session import fork as fork_trace
from ponder.session import start as start_run
from ponder.store import Start, Store, open_store
from tests.store.samples import QUESTION, words

END = Finish("stop", "model", Usage(total_s=2.0))
STEPS = (Step(0, 0, 3, "reasoning", "plan"), Step(1, 3, 8, "reasoning", "compute"))


def lines(command: click.Command, *arguments: str, columns: int = 80) -> list[str]:
    result = CliRunner().invoke(command, arguments, env={"COLUMNS": str(columns)})
    if isinstance(result.exception, Exception):
        raise result.exception
    out = [line.rstrip() for line in result.output.splitlines()]
    assert max(map(len, out), default=0) <= columns or "--json" in arguments
    return out


def keep(
    store: Store, tokens: list[Token], steps: tuple[Step, ...], parent: str | None = None, **change: object
) -> str:
    """A trace with two steps and an answer, or a branch of one made by a correction."""
    index = tokens[0].index
    correction = Correction(index, **change) if parent else None  # type: ignore[arg-type]
    request = QUESTION.__class__(QUESTION.messages, correction=correction)
    with store.begin(Start(request, "tiny", "test", (1, 2), 4096, parent, index)) as journal:
        for token in tokens:
            journal.add(token)
        for step in steps:
            journal.add(StepEnd(step))
        journal.add(END)
    return journal.trace_id


@pytest.fixture
def family(ponder_home: Path) -> list[str]:
    """A root that is wrong, a correction of its second step, one of that, and one that answers at once."""
    assert ponder_home
    with open_store() as store:
        root = keep(
            store, [*words("Let me multiply. 3 * 7 = 22."), *words("It costs 26", "answer", 8)], STEPS
        )
        say = keep(
            store,
            [*words("Wait, 3 * 7 = 21.", first=3), *words("It costs 25", "answer", 9)],
            (Step(1, 3, 9, "reasoning", "check"),),
            root,
            kind="say",
            text="Wait,",
        )
        deep = keep(store, [*words("other", first=5), *words("25", "answer", 6)], (), say, kind="none")
        now = keep(store, words("26.0", "answer", 8), (), root, kind="answer")
    return [root, say, deep, now]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_tree_shows_what_changed_and_who_agrees(family: list[str], columns: int) -> None:
    root, say, deep, now = family
    shown = [line.split() for line in lines(tree, deep, columns=columns)]
    begin = next(i for i, row in enumerate(shown) if row[:2] == ["branch", "step"])
    rows = shown[begin + 1 : begin + 5]
    assert [row[:2] for row in rows[:2]] == [[root, "A"], ["├", say]]
    assert rows[1][2:5] == ["2", "“Wait,”", "B"]
    assert rows[2][:6] == ["│", "└", deep, "2", "generated", "anew"]
    assert rows[3][:2] == ["└", now]
    assert rows[3][3:8] == ["asked", "for", "the", "answer", "A"]
    assert "✗1" in rows[0]
    assert "✓1" in rows[1]
    text = "\n".join(lines(tree, root, columns=columns))
    assert "Answers: A ×2 It costs 26 · B ×2 It costs 25" in text
    assert "4 branches, 23 tokens kept for 39: what is shared is kept once." in text


def test_a_branch_that_is_only_pushed_says_how(family: list[str]) -> None:
    with open_store() as store:
        root, _, deep, _ = store.tree(family[0])
    deep = replace(deep, parent=root.id, budget=300)
    assert changed(deep, root).plain == "budget 300"
    pushed = Steering(1, 60, (("Wait", -math.inf), ("So", 3.0)))
    assert changed(replace(deep, steering=pushed), replace(root, budget=300)).plain == (
        "no “Wait”, “So” +3, extended 1×, soft budget 60"
    )
    assert changed(replace(deep, steering=pushed), replace(root, budget=300, steering=pushed)).plain == (
        "generated anew"
    )


def test_a_tree_as_json_is_complete(family: list[str]) -> None:
    rows = [json.loads(line) for line in lines(tree, "last", "--json")]
    assert [row["id"] for row in rows] == family
    assert rows[1]["correction"] == {"index": 3, "kind": "say", "text": "Wait,", "banned": None}
    assert [row["agreement"] for row in rows] == [0, 1, 1, 0]
    assert rows[0]["claims"] == {"wrong": 1}
    assert (rows[1]["shared_steps"], rows[1]["own_tokens"]) == (1, 9)


def test_a_deleted_branch_stays_visible_as_what_the_others_stand_on(family: list[str]) -> None:
    with open_store() as store:
        store.delete(family[1])
        drawn = guides(store.tree(family[0]))
    assert drawn == ["", "├ ", "│ └ ", "└ "]
    assert any(line.endswith("deleted") and family[1] in line for line in lines(tree, family[0]))
    with pytest.raises(NotFoundError, match="zzzzzzz"):
        lines(tree, "zzzzzzz")


def test_side_by_side_from_the_fork(family: list[str]) -> None:
    shown = lines(diff, family[0], family[1], columns=140)
    assert "Shared: step 1, 3 tokens. What follows is compared." in shown
    titles = next(line for line in shown if "2 compute" in line)
    assert titles.index("2 check") > 70
    assert "✗1" in titles
    assert any(line.split() == ["tokens", "8", "9"] for line in shown)
    assert "The answers differ." in shown


def test_stacked_where_there_is_little_room(family: list[str]) -> None:
    shown = lines(diff, family[0], family[1])
    minus, plus = (next(i for i, line in enumerate(shown) if line.startswith(f"{sign} 2 ")) for sign in "-+")
    assert minus < plus
    assert "They are the same" not in "\n".join(shown)
    assert "The answers agree." in lines(diff, family[1], family[2])
    with pytest.raises(InputError, match="are the same trace"):
        lines(diff, family[0], family[0][:6])


def test_equal_steps_are_said_in_a_line_and_long_ones_cut(ponder_home: Path) -> None:
    assert ponder_home
    with open_store() as store:
        long, end = " ".join(f"word{i}" for i in range(100)), "the same end"
        names = [
            keep(
                store,
                [*words(f"{first} {end} {long}")],
                (
                    Step(0, 0, 1, "reasoning"),
                    Step(1, 1, 4, "reasoning"),
                    Step(2, 4, 104, "reasoning"),
                ),
            )
            for first in ("one", "other")
        ]
        with store.begin(Start(QUESTION, "tiny", "test")) as journal:
            names.append(journal.trace_id)
    shown = lines(diff, names[0], names[1])
    assert "= steps 2 to 3: the same words" in shown
    assert "word99" not in "\n".join(shown)
    everything = "\n".join(lines(diff, *names[:2], "--all"))
    assert "more lines" in everything
    assert "word99" in "\n".join(lines(diff, *names[:2], "--all", "--full"))
    assert f"No answer: {names[1]} and {names[2]}." in lines(diff, *names[1:])


def test_real_branches_of_a_real_run(ponder_home: Path, speaker_gguf: Path) -> None:
    """A fork through the real engine is found again with what made it."""
    assert ponder_home
    opened = open_model(str(speaker_gguf), Options(n_ctx=512, threads=1))
    try:
        with open_store() as store:
            request = Request((Message("user", "Why?"),), sampling=Sampling(temperature=0.0))
            first = start_run(opened, request, store).trace()
            branch = fork_trace(opened, first, first.fork_at(3, "say", "Hm, no."), store).trace()
    finally:
        opened.engine.close()
    shown = lines(tree, columns=100)
    assert any(f"└ {branch.id}" in line and "“Hm, no.”" in line for line in shown)
    assert "Shared: 3 tokens. What follows is compared." in lines(diff, first.id, branch.id)


def test_what_a_critic_found_stands_beside_the_claims(family: list[str]) -> None:
    with open_store() as store:
        keep_blame(store, family[0], Blame("critic", "found", 1, "Step 2 is wrong."))
    assert any(family[0] in line and "⚑2 ✗1" in line for line in lines(tree, family[0]))
