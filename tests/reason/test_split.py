"""The splitter: every format and every nasty case, cut at every byte and at every token."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Origin, Part, Sampled, Token
from ponder.core.model import ThinkTags
from ponder.core.tags import FORMATS
from ponder.core.trace import relabel
from ponder.reason.split import Splitter, State, marks

Parts = list[tuple[Part, bytes]]
R1 = FORMATS["think"]
IDS = {"<think>": 1, "</think>": 2}
EOS = 3

# Every output as (part, text) in the order in which it must come out; its text is the concatenation.
CASES: dict[str, tuple[ThinkTags | None, State, list[tuple[Part, str]]]] = {
    "r1, tag prefilled": (
        R1,
        "reasoning",
        [("reasoning", "Two and two.\n"), ("tag", "</think>"), ("answer", "\n\nFour.")],
    ),
    "r1, tag written": (
        R1,
        "undecided",
        [("tag", "<think>"), ("reasoning", "\n2 < 3\n"), ("tag", "</think>"), ("answer", "\n\n**2**")],
    ),
    "prefilled and written again": (
        R1,
        "reasoning",
        [
            ("reasoning", "\n"),
            ("tag", "<think>"),
            ("reasoning", "Hm."),
            ("tag", "</think>"),
            ("answer", "x"),
        ],
    ),
    "stray": (R1, "undecided", [("answer", "I add.\n"), ("tag", "</think>"), ("answer", "\n4")]),
    "nothing but a closing tag": (R1, "undecided", [("tag", "</think>"), ("answer", "4")]),
    "empty block": (
        R1,
        "undecided",
        [("tag", "<think>"), ("reasoning", "\n\n"), ("tag", "</think>"), ("answer", "4")],
    ),
    "several blocks": (
        R1,
        "undecided",
        [
            ("tag", "<think>"),
            ("reasoning", "a"),
            ("tag", "</think>"),
            ("answer", "b\n"),
            ("tag", "<think>"),
            ("reasoning", "c"),
            ("tag", "</think>"),
            ("tag", "<think>"),
            ("reasoning", "d"),
            ("tag", "</think>"),
            ("answer", "e"),
        ],
    ),
    "never closed": (R1, "undecided", [("tag", "<think>"), ("reasoning", "and so on </thin")]),
    "missing": (R1, "undecided", [("answer", "Four, as 2 < 3 <thin air>")]),
    "closed twice": (
        R1,
        "reasoning",
        [("reasoning", "a"), ("tag", "</think>"), ("answer", "\n"), ("tag", "</think>"), ("answer", "b")],
    ),
    "quoted in the reasoning": (
        R1,
        "reasoning",
        [
            ("reasoning", 'It ends with `</think>`, or "</think>" or “</think>” or <think>, I think '),
            ("reasoning", "and '</think>'.\n```html\n<think>\n</think>\n```\n"),
            ("tag", "</think>"),
            ("answer", "Yes."),
        ],
    ),
    "a quotation ends at the tag": (
        R1,
        "reasoning",
        [("reasoning", 'So it is "four"'), ("tag", "</think>"), ("answer", '\n"four"')],
    ),
    "the answer is about tags": (
        R1,
        "reasoning",
        [
            ("reasoning", "ok"),
            ("tag", "</think>"),
            ("answer", "R1 writes <think>, then </think>.\n```\n<think>\nx\n</think>\n```\nDone."),
        ],
    ),
    "broken UTF-8": (
        R1,
        "reasoning",
        [("reasoning", "多\udc80\udcff <\udce4"), ("tag", "</think>"), ("answer", "\udcf0\udc9f")],
    ),
    "code before and after the tag": (
        R1,
        "reasoning",
        [("reasoning", "```js\na\n```\nb "), ("tag", "</think>"), ("answer", "`c")],
    ),
    "kimi": (
        FORMATS["kimi"],
        "undecided",
        [("tag", "◁think▷"), ("reasoning", "◁ 嗯 ▷"), ("tag", "◁/think▷"), ("answer", "好")],
    ),
    "magistral": (
        FORMATS["magistral"],
        "undecided",
        [("tag", "[THINK]"), ("reasoning", "[1, 2]"), ("tag", "[/THINK]"), ("answer", "[3]")],
    ),
    "open-thoughts": (
        FORMATS["open-thoughts"],
        "undecided",
        [
            ("tag", "<|begin_of_thought|>"),
            ("reasoning", "\n\nHm\n\n"),
            ("tag", "<|end_of_thought|>"),
            ("answer", "\n\n"),
            ("tag", "<|begin_of_solution|>"),
            ("answer", "\n4\n"),
            ("tag", "<|end_of_solution|>"),
        ],
    ),
    "gpt-oss": (
        FORMATS["gpt-oss"],
        "undecided",
        [
            ("tag", "<|channel|>analysis<|message|>"),
            ("reasoning", "Simple <|"),
            ("tag", "<|end|><|start|>assistant<|channel|>commentary<|message|>"),
            ("answer", "I look it up."),
            ("tag", "<|end|><|start|>assistant<|channel|>analysis<|message|>"),
            ("reasoning", "So 4"),
            ("tag", "<|end|><|start|>assistant<|channel|>final<|message|>"),
            ("answer", "4"),
        ],
    ),
    "gemma4, empty": (
        FORMATS["gemma4"],
        "undecided",
        [("tag", "<|channel>thought"), ("tag", "<channel|>"), ("answer", "4")],
    ),
    "gemma4": (
        FORMATS["gemma4"],
        "undecided",
        [("tag", "<|channel>thought"), ("reasoning", "\nHm\n"), ("tag", "<channel|>"), ("answer", "4")],
    ),
    "granite": (
        FORMATS["granite"],
        "undecided",
        [
            ("tag", "Here's my thought process:"),
            ("reasoning", "\nHere is my idea.\n\n"),
            ("tag", "Here is my response:"),
            ("answer", " 4"),
        ],
    ),
    "no reasoning model": (None, "undecided", [("answer", "<think>4</think>")]),
}
for name in ("thinking", "thought", "reasoning", "minimax"):
    tags = FORMATS[name]
    CASES[name] = (
        tags,
        "undecided",
        [("tag", tags.open), ("reasoning", "\nHm.\n"), ("tag", tags.close), ("answer", "\n4")],
    )


def encoded(parts: Iterable[tuple[Part, str]]) -> Parts:
    """Neighbours of one part joined: tags and text as bytes (surrogates stand for stray bytes)."""
    joined: Parts = []
    for part, text in parts:
        data = text.encode("utf-8", errors="surrogateescape")
        if joined and joined[-1][0] == part:
            joined[-1] = (part, joined[-1][1] + data)
        else:
            joined.append((part, data))
    return joined


def run(splitter: Splitter, tokens: Iterable[Sampled]) -> list[Token]:
    out = [token for sampled in tokens for token in splitter.feed(sampled)]
    return out + splitter.flush()


def joined(tokens: Iterable[Token]) -> Parts:
    parts: Parts = []
    for token in tokens:
        if parts and parts[-1][0] == token.part:
            parts[-1] = (token.part, parts[-1][1] + token.data)
        elif token.data:
            parts.append((token.part, token.data))
    return parts


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *cuts})
    return [data[start:stop] for start, stop in pairwise(bounds)]


def chunk(data: bytes) -> Sampled:
    return Sampled(None, data, None, 0.0)


def numbered(data: bytes) -> Sampled:
    return Sampled(99, data, -0.5, 0.0)


def expected_tokens(parts: Parts, chunks: Sequence[bytes]) -> list[Part]:
    """The rule for indivisible tokens: any byte of a tag makes a tag, else it is what its bytes are."""
    by_byte = [part for part, data in parts for _ in data]
    expected: list[Part] = []
    position = 0
    for data in chunks:
        found = by_byte[position : position + len(data)]
        expected.append("tag" if "tag" in found else found[0])
        position += len(data)
    return expected


@pytest.mark.parametrize("case", CASES)
def test_text_cut_at_every_byte(case: str) -> None:
    tags, started, parts = CASES[case]
    wanted = encoded(parts)
    data = b"".join(piece for _, piece in wanted)
    for size in (1, 2, 3, 7, len(data)):
        chunks = pieces(data, range(0, len(data), size))
        assert joined(run(Splitter(tags, started=started), map(chunk, chunks))) == wanted
    for cut in range(len(data) + 1):
        chunks = pieces(data, [cut])
        assert joined(run(Splitter(tags, started=started), map(chunk, chunks))) == wanted


@pytest.mark.parametrize("case", CASES)
def test_tokens_cut_at_every_byte_are_never_divided(case: str) -> None:
    tags, started, parts = CASES[case]
    wanted = encoded(parts)
    data = b"".join(piece for _, piece in wanted)
    for size in (1, 2, 3, 5, 8):
        for offset in range(size):
            chunks = pieces(data, range(offset, len(data), size))
            tokens = run(Splitter(tags, started=started), map(numbered, chunks))
            assert [token.data for token in tokens] == chunks
            assert [token.index for token in tokens] == list(range(len(chunks)))
            assert [token.part for token in tokens] == expected_tokens(wanted, chunks)


@given(st.data())
def test_random_cuts_give_the_same_parts(data: st.DataObject) -> None:
    tags, started, parts = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    wanted = encoded(parts)
    text = b"".join(piece for _, piece in wanted)
    cuts = data.draw(st.sets(st.integers(0, len(text))))
    chunks = pieces(text, cuts)
    assert joined(run(Splitter(tags, started=started), map(chunk, chunks))) == wanted
    tokens = run(Splitter(tags, started=started), map(numbered, chunks))
    assert [token.part for token in tokens] == expected_tokens(wanted, chunks)


FRAGMENTS = ("<think>", "</think>", "<", "</", "think", ">", "`", "```", '"', "\n", " ", "a", "\udcff")


@given(
    st.lists(st.sampled_from(FRAGMENTS)).map("".join),
    st.sampled_from(("undecided", "reasoning", "answer")),
    st.data(),
)
def test_any_text_is_kept_and_split_alike_however_it_is_cut(
    text: str, started: State, data: st.DataObject
) -> None:
    raw = text.encode("utf-8", errors="surrogateescape")
    whole = run(Splitter(R1, started=started), [chunk(raw)])
    cut = pieces(raw, data.draw(st.sets(st.integers(0, len(raw)))))
    splitter = Splitter(R1, started=started)
    tokens = run(splitter, map(chunk, cut))
    assert b"".join(token.data for token in tokens) == raw
    assert joined(tokens) == joined(whole)
    assert splitter.reasoning_tokens == sum(
        token.part == "reasoning" for token in relabel(tokens, splitter.relabelled)
    )


@given(st.lists(st.sampled_from([b"<think>", b"</think>", b"", b"\n", b"`", b"a", b"\xff"])))
def test_ids_decide_and_literal_tags_are_text(texts: list[bytes]) -> None:
    """With ids known, tags spelled in ordinary tokens never change the part."""
    splitter = Splitter(R1, tag_ids=IDS, started="reasoning", eos_ids=(EOS,))
    tokens = run(splitter, map(numbered, texts))
    assert [token.data for token in tokens] == texts
    assert all(token.part == "reasoning" for token in tokens)
    assert splitter.closed_by == "open"


def spelled(text: str) -> list[Sampled]:
    """Tokens of `text`: `¤` separates tokens; whole tags get their ids."""
    return [Sampled(IDS.get(piece, 99), piece.encode(), -0.1, 0.0) for piece in text.split("¤")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a¤</think>¤b", "rta"),
        ("<think>¤a¤</think>¤\n\n¤b", "trtaa"),
        ("say¤ `¤</think>¤` now¤</think>¤x", "rrrrta"),
        ('say¤ "¤</think>¤", no¤</think>¤x', "rrrrta"),
        ("say¤ “¤</think>¤”¤</think>¤x", "rrrrta"),
        ('"four"¤</think>¤"Four."', "rrr"),
        ('"four"¤</think>¤\n"Four."', "rta"),
        ("```\n¤</think>¤\n", "rta"),
        ("a¤</think>¤R1 writes ¤<think>¤ and ¤</think>¤.", "rtaaaaa"),
        ("a¤</think>¤see\n¤<think>¤b¤</think>¤c", "rtatrta"),
        ("a¤</think>¤```\n¤<think>¤\n¤</think>¤\n```", "rtaaaaa"),
        ("a¤</¤think¤>¤</think>¤b", "rrrrta"),
        ("a ¤`¤</think>", "rrt"),
    ],
)
def test_single_token_tags(text: str, parts: str) -> None:
    splitter = Splitter(R1, tag_ids=IDS, started="reasoning")
    tokens = run(splitter, spelled(text))
    assert "".join(token.part[0] for token in tokens) == parts


def test_a_special_token_may_come_without_its_bytes() -> None:
    splitter = Splitter(R1, tag_ids=IDS)
    sampled = [Sampled(1, b"", None, 0.0), numbered(b"a"), Sampled(2, b"", None, 0.0), numbered(b"b")]
    assert [token.part for token in run(splitter, sampled)] == ["tag", "reasoning", "tag", "answer"]


def test_gpt_oss_channels_by_id() -> None:
    names = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>")
    ids = {name: number for number, name in enumerate(names, 10)}
    splitter = Splitter(FORMATS["gpt-oss"], tag_ids=ids, eos_ids=(EOS,))
    text = "<|channel|>¤analysis¤<|message|>¤Say ¤<|en¤d|>¤<|end|>¤<|start|>¤assistant¤<|channel|>¤final"
    pieces_ = [*text.split("¤"), "<|message|>", "4"]
    sampled = [Sampled(ids.get(piece, 99), piece.encode(), None, 0.0) for piece in pieces_]
    tokens = run(splitter, [*sampled, Sampled(EOS, b"<|return|>", None, 0.0)])
    assert "".join(token.part[0] for token in tokens) == "tttrrrtttttta" + "t"
    assert splitter.closed_by == "model"


@pytest.mark.parametrize(
    ("started", "text", "state", "closed_by", "counts"),
    [
        ("undecided", "", "undecided", "none", (0, 0)),
        ("undecided", "four", "undecided", "none", (0, 1)),
        ("reasoning", "", "reasoning", "open", (0, 0)),
        ("reasoning", "a¤</think>", "answer", "model", (1, 0)),
        ("undecided", "<think>¤\n\n¤</think>¤b", "answer", "model", (1, 1)),
        ("undecided", "<think>¤a", "reasoning", "open", (1, 0)),
        ("undecided", "a¤b¤</think>¤c", "answer", "model", (2, 1)),
        ("answer", "a", "answer", "no_think", (0, 1)),
    ],
)
def test_every_ending_is_a_defined_state(
    started: State, text: str, state: State, closed_by: str, counts: tuple[int, int]
) -> None:
    splitter = Splitter(R1, tag_ids=IDS, started=started)
    run(splitter, spelled(text) if text else [])
    assert (splitter.state, splitter.closed_by) == (state, closed_by)
    assert (splitter.reasoning_tokens, splitter.answer_tokens) == counts


def test_a_stray_closing_tag_relabels_what_was_shown_as_answer() -> None:
    splitter = Splitter(R1, tag_ids=IDS, first_index=5)
    tokens = run(splitter, spelled("I add¤ them.\n¤</think>¤\n\n¤4"))
    assert [token.part for token in tokens] == ["answer", "answer", "tag", "answer", "answer"]
    assert splitter.relabelled == ((5, 7),)
    mended = relabel(tokens, splitter.relabelled)
    assert [token.part for token in mended] == ["reasoning", "reasoning", "tag", "answer", "answer"]


def test_a_second_closing_tag_at_a_line_start_says_the_reasoning_went_on() -> None:
    splitter = Splitter(R1, tag_ids=IDS, started="reasoning")
    tokens = run(splitter, spelled("the tag ¤</think>¤ closes.\n¤</think>¤\n\n¤4"))
    mended = relabel(tokens, splitter.relabelled)
    assert "".join(token.part[0] for token in mended) == "rtrtaa"


ORIGINS: list[tuple[Origin, str]] = [
    ("budget", "budget"),
    ("context", "context"),
    ("loop", "loop"),
    ("eos", "eos"),
    ("user", "user"),
    ("no_think", "no_think"),
]


@pytest.mark.parametrize(("origin", "closed_by"), ORIGINS)
@pytest.mark.parametrize("before", ["", "Hm", "```\ncode ", 'say "', "`x", "</thi"])
def test_a_forced_closing_tag_always_closes(origin: Origin, closed_by: str, before: str) -> None:
    for make in (chunk, numbered):
        splitter = Splitter(R1, started="reasoning")
        if before:
            splitter.feed(make(before.encode()))
        tokens = [
            token for text in (b"</", b"think", b">") for token in splitter.feed(make(text), origin=origin)
        ]
        assert [token.part for token in tokens if token.origin == origin] == ["tag"] * 3
        assert splitter.closed_by == closed_by
        assert [token.part for token in splitter.feed(make(b'"4"'))] == ["answer"]
        assert not splitter.in_reasoning


def test_a_correction_may_quote_a_tag_like_the_model() -> None:
    splitter = Splitter(R1, started="reasoning")
    tokens = [*splitter.feed(numbered(b"No, `</think>` is"), "correction"), *splitter.flush()]
    assert [(token.part, token.origin) for token in tokens] == [("reasoning", "correction")]


def test_a_token_is_given_out_at_once_unless_a_tag_may_be_coming() -> None:
    splitter = Splitter(R1, started="reasoning")
    assert [t.data for t in splitter.feed(chunk(b"2 <"))] == [b"2 "]
    assert [t.data for t in splitter.feed(chunk(b"/think"))] == []
    assert [t.data for t in splitter.feed(chunk(b"ing> 3"))] == [b"<", b"/think", b"ing> 3"]
    splitter = Splitter(R1, tag_ids=IDS, started="reasoning")
    for text in ("2 <", "</", "think", ">", "`", "\n", "`"):
        assert len(splitter.feed(numbered(text.encode()))) == 1


def test_log_probability_stays_with_the_first_piece_of_a_divided_text() -> None:
    splitter = Splitter(R1, started="reasoning")
    tokens = splitter.feed(Sampled(None, b"a</think>b", -1.5, 2.0))
    assert [(token.data, token.logprob, token.time_s) for token in tokens] == [
        (b"a", -1.5, 2.0),
        (b"</think>", None, 2.0),
        (b"b", None, 2.0),
    ]


def test_a_server_that_separates_the_reasoning_is_believed() -> None:
    splitter = Splitter(R1)
    sampled = [
        Sampled(None, b"a </think> b", None, 0.0, part="reasoning"),
        Sampled(None, b"<think>", None, 0.0, part="answer"),
    ]
    assert [token.part for token in run(splitter, sampled)] == ["reasoning", "answer"]
    assert splitter.closed_by == "model"
    assert (splitter.reasoning_tokens, splitter.answer_tokens) == (1, 1)


def test_an_end_of_sequence_token_is_a_tag_and_leaves_the_state() -> None:
    splitter = Splitter(R1, tag_ids=IDS, started="reasoning", eos_ids=(EOS,))
    tokens = run(splitter, [numbered(b'"'), Sampled(EOS, b"</s>", None, 0.0)])
    assert [token.part for token in tokens] == ["reasoning", "tag"]
    assert splitter.closed_by == "open"


@pytest.mark.parametrize("tags", FORMATS.values(), ids=FORMATS.keys())
def test_no_mark_begins_with_another(tags: ThinkTags) -> None:
    texts = marks(tags)
    assert texts
    assert not [(a, b) for a in texts for b in texts if a != b and a.startswith(b)]
