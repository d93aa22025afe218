"""Corrections as training data: which side is chosen, exact texts and ids, nothing cut."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ponder.cli.export import command as export
from ponder.core.events import Finish, Step, StepEnd, Token, Usage
from ponder.core.request import Correction, Message, Request, Sampling
from ponder.errors import InputError
from ponder.opened import Options, open_model
from ponder.session import fork, start
from ponder.store import Start, open_store
from tests.store.samples import words

ASKED = Request((Message("system", "Be brief."), Message("user", "3 tickets at 7?")))
END = Finish("stop", "model", Usage())


def rows(*arguments: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(export, arguments)
    if isinstance(result.exception, Exception):
        raise result.exception
    return [json.loads(line) for line in result.output.splitlines()]


def keep(
    tokens: Sequence[Token],
    parent: str | None = None,
    *,
    end: Finish | None = END,
    prompt: str = "<user>3 tickets at 7?<bot>",
) -> str:
    correction = Correction(tokens[0].index, "say", "Wait,") if parent else None
    begin = Start(
        replace(ASKED, correction=correction), "tiny", "test", (1, 2, 3), 4096, parent, tokens[0].index,
        prompt_text=prompt,
    )  # fmt: skip
    with open_store() as store, store.begin(begin) as journal:
        for token in tokens:
            journal.add(token)
        journal.add(
            StepEnd(Step(int(parent is not None), tokens[0].index, tokens[-1].index + 1, "reasoning"))
        )
        if end is not None:
            journal.add(end)
    return journal.trace_id


def tail(reasoning: str, answer: str, first: int) -> list[Token]:
    said = words(reasoning, first=first)
    tag = Token(first + len(said), 9, b"</think>", "tag", "model", -0.1, 1.0)
    return [*said, tag, *words(answer, "answer", tag.index + 1)]


@pytest.fixture
def pair(ponder_home: Path) -> tuple[str, str]:
    """(original, correction): 22 with a wrong claim, 21 with a right one; they share three tokens."""
    assert ponder_home
    root = keep([*words("Let me see:"), *tail(" 3 * 7 = 22.", "It is 22", 3)])
    return root, keep(tail(" Wait, 3 * 7 = 21.", "It is 21", 3), root)


def test_a_pair_of_messages_keeps_the_reasoning_and_the_ids(pair: tuple[str, str]) -> None:
    (row,) = rows("--pairs", pair[1])
    assert row["prompt"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "3 tickets at 7?"},
    ]
    assert row["chosen"] == [
        {
            "role": "assistant",
            "content": "It is 21",
            "reasoning_content": "Let me see: Wait, 3 * 7 = 21.",
        }
    ]
    assert row["rejected"][0]["content"] == "It is 22"
    facts = row["ponder"]
    assert (facts["fork_index"], facts["chosen"]["trace"], facts["rejected"]["trace"]) == (
        3,
        pair[1],
        pair[0],
    )
    assert facts["chosen"]["correction"]["text"] == "Wait,"
    assert facts["chosen"]["ids"][:3] == facts["rejected"]["ids"][:3] == [0, 1, 2]
    assert facts["chosen"]["prompt_ids"] == [1, 2, 3]


def test_text_is_what_the_model_saw_and_wrote(pair: tuple[str, str]) -> None:
    (row,) = rows("--pairs", pair[1], "--form", "text")
    assert row["prompt"] == "<user>3 tickets at 7?<bot>Let me see:"
    assert row["chosen"] == " Wait, 3 * 7 = 21.</think>It is 21"
    assert row["rejected"] == " 3 * 7 = 22.</think>It is 22"
    (example,) = rows("--sft", pair[1], "--form", "text")
    assert (example["prompt"], example["completion"]) == (row["prompt"], row["chosen"])


def test_ids_are_the_very_tokens_masked_up_to_the_fork(pair: tuple[str, str]) -> None:
    (row,) = rows("--pairs", pair[1], "--form", "ids")
    with open_store() as store:
        original, corrected = (store.load(name) for name in pair)
    assert row["prompt_ids"] == [1, 2, 3, 0, 1, 2]
    assert row["chosen_ids"] == list(corrected.ids[3:])
    assert row["rejected_ids"] == list(original.ids[3:])
    (example,) = rows("--sft", pair[1], "--form", "ids")
    assert example["input_ids"] == [1, 2, 3, *corrected.ids]
    assert example["completion_mask"] == [0] * 6 + [1] * (len(corrected.tokens) - 3)


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ((), "It is 21"),
        (("--prefer", "parent"), "It is 22"),
        (("--prefer", "claims"), "It is 21"),
        (("--answer", "22"), "It is 22"),
        (("--answer", "21.0"), "It is 21"),
    ],
)
def test_the_person_says_which_is_better(
    pair: tuple[str, str], options: tuple[str, ...], chosen: str
) -> None:
    (row,) = rows("--pairs", pair[0], *options)
    assert row["chosen"][0]["content"] == chosen
    (example,) = rows("--sft", pair[1], *options)
    assert example["completion"][0]["content"] == chosen


def test_what_decides_nothing_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="neither answer is '5', so none is better"):
        rows("--pairs", "--answer", "5")
    third = keep(tail(" 3 * 7 = 22, I think.", "It is 22", 3), pair[0])
    with pytest.raises(InputError, match="have 1 wrong claims each"):
        rows("--pairs", third, "--prefer", "claims")
    with pytest.raises(InputError, match=r"both answers are '22'"):
        rows("--pairs", third, "--answer", "22")
    assert len(rows("--pairs", pair[0])) == 2


def test_nothing_is_cut_silently(pair: tuple[str, str]) -> None:
    cut = keep(words("and then", first=3), pair[0], end=None)
    with pytest.raises(
        InputError, match=f"trace {cut} has no answer, so it is no training data: `ponder resume"
    ):
        rows("--pairs", cut)
    short = keep(tail("so", "It is", 3), pair[0], end=Finish("length", "model", Usage()))
    for option in ("--pairs", "--sft"):
        with pytest.raises(InputError, match=f"answer of trace {short} was cut off"):
            rows(option, short)
    live = keep([*words("Let me see: 3 *")], end=Finish("cancelled", "open", Usage()))
    fixed = keep(tail(" 21", "It is 21", 3), live)
    with pytest.raises(InputError, match=f"trace {live} has no answer"):
        rows("--pairs", fixed)
    (row,) = rows("--pairs", fixed, "--unfinished", "--form", "text")
    assert row["rejected"] == " 3 *"
    assert row["ponder"]["rejected"]["complete"] is False
    with pytest.raises(InputError, match="has no answer"):
        rows("--pairs", fixed, "--unfinished", "--prefer", "parent")


def test_what_a_form_needs_is_said(ponder_home: Path) -> None:
    assert ponder_home
    root = keep([replace(token, id=None) for token in tail("hm", "yes", 0)], prompt="")
    with pytest.raises(InputError, match="has no branches, so there is no pair"):
        rows("--pairs", root)
    with pytest.raises(InputError, match="has no token ids: use --form conversational"):
        rows("--sft", root, "--form", "ids")
    with pytest.raises(InputError, match=r"prompt of trace .* is not kept as text"):
        rows("--sft", root, "--form", "text")
    (row,) = rows("--sft", root)
    assert "ids" not in row["ponder"]["completion"]
    broken = keep([Token(0, 1, b"\xe8\x8d", "reasoning", "model", None, 0.1), *words("yes", "answer", 1)])
    with pytest.raises(InputError, match="bytes that are no text"):
        rows("--sft", broken, "--form", "text")
    with open_store() as store:
        orphan = store.bundle(keep(tail("so", "yes", 2), broken))
        store.delete(orphan.trace.id)
        store.delete(broken)
        store.put(orphan)
    with pytest.raises(InputError, match="which is not here: there is no original tail"):
        rows("--pairs", orphan.trace.id)
    for wrong in (("--pairs", "--sft"), ("--pairs", "--format", "md"), ("--form", "ids")):
        assert isinstance(CliRunner().invoke(export, wrong).exception, InputError)


def test_a_real_correction(ponder_home: Path, speaker_gguf: Path) -> None:
    """The prompt's text is that of its ids, as the engine rendered it."""
    assert ponder_home
    opened = open_model(str(speaker_gguf), Options(n_ctx=512, threads=1))
    try:
        with open_store() as store:
            request = Request((Message("user", "Why?"),), sampling=Sampling(temperature=0.0))
            first = start(opened, request, store).trace()
            branch = fork(opened, first, first.fork_at(3, "say", "Hm, no."), store).trace()
            assert store.load(branch.id).prompt_text == branch.prompt_text == first.prompt_text
        again = opened.engine.tokenize(first.prompt_text, control=True)
    finally:
        opened.engine.close()
    assert [token for token, _ in again] == list(first.prompt_ids)[-len(again) :]
    (row,) = rows("--pairs", branch.id, "--form", "text")
    assert row["chosen"].startswith(" Hm, no.")
    assert "Why?" in row["prompt"]
