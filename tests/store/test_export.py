import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ponder.core.events import Finish, Step, Token, Usage
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.errors import FileFormatError, InputError
from ponder.store import Bundle, Note
from ponder.store.export import FORMATS, export, read_json
from tests.store.samples import END, QUESTION, words
from tests.store.strategies import bundles

TOKENS = [
    *words("First this. Then that."),
    Token(4, 9, b"Wait, no.", "reasoning", "correction", None, 3.0),
    Token(5, 7, b"</think>", "tag", "budget", -0.25, 3.0),
    *words("It is **three**.", "answer", 6),
]
STEPS = (
    Step(0, 0, 2, "reasoning", "plan"),
    Step(1, 2, 5, "reasoning", "doubt"),
    Step(2, 6, 9, "answer", "answer"),
)
TRACE = Trace("k7m2p9x", 1.79e9, QUESTION, "tiny", "test", (1, 2), tuple(TOKENS), STEPS, END, 4096)
BUNDLE = Bundle(TRACE, {"build": "b1", "threads": 2}, (Note("piece", {"seed": 1}),))

SNIPPETS = (
    *(
        "<script>alert(1)</script>",
        "</details>",
        "</style>",
        "<img src=x onerror=alert(1)>",
        '"><svg onload=x>',
    ),
    *("<!--", "-->", "]]>", "&lt;b&gt;", "&#60;", "![x](http://evil/)", "![", "<http://evil>", "`", "```"),
    *(
        "````\n",
        "~~~",
        "```html\n",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "    ",
        "> ",
        "[a]: http://evil\n",
        "![a]",
        "<b>",
    ),
    *("\t", "\r", "\x1b[31m", "\x00", "é", "草", "\ud800", "\\", "<", "!", "["),
)
hostile = st.lists(st.sampled_from(SNIPPETS), max_size=12).map("".join)


def trace_of(text: str) -> Trace:
    """A trace in which every place that can hold text holds `text`."""
    data = text.encode("utf-8", "surrogatepass")
    tokens = (
        Token(0, 1, data, "reasoning", "model", None, 0.1),
        Token(1, 1, data, "reasoning", "user", None, 0.2),
        Token(2, 1, data, "tag", "model", None, 0.3),
        Token(3, 1, data, "answer", "model", None, 0.4),
    )
    request = Request((Message("system", text), Message("user", text), Message("user", text or "x")), text)
    end = Finish("stop", "model", Usage(), (text,))
    return Trace(
        text, 1.0, request, text, text, (), tokens, (Step(0, 0, 1, "reasoning", text, text),), end, 0, text
    )


class Elements(HTMLParser):
    """The tags, attributes and text of a page, as a browser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, tuple[str, ...]]] = set()
        self.words: list[str] = []
        self.values: dict[str, set[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, tuple(name for name, _ in attrs)))
        for name, value in attrs:
            self.values.setdefault(name, set()).add(value or "")

    def handle_comment(self, data: str) -> None:
        self.found.add(("!--", ()))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    elements.close()
    return elements


PLAIN = parsed(export([Bundle(trace_of("x"), {"x": "x"})], "html"))


@settings(max_examples=80, deadline=None)
@given(hostile)
def test_no_tag_survives_in_html(text: str) -> None:
    page = parsed(export([Bundle(trace_of(text), {text: text})], "html"))
    assert page.found <= PLAIN.found | {("em", ())}
    free = {"x", "width", "viewbox"}
    assert {k: v for k, v in page.values.items() if k not in free} == {
        k: v for k, v in PLAIN.values.items() if k not in free
    }
    assert "alert(1)" not in text or "alert(1)" in "".join(page.words)


@settings(max_examples=25, deadline=None)
@given(bundles)
def test_any_trace_can_be_exported(bundle: Bundle) -> None:
    for name in FORMATS:
        export([bundle], name).encode()
    assert parsed(export([bundle], "html")).found - PLAIN.found <= {("em", ()), ("rect", ("class", "x"))}


def test_the_page_allows_its_own_style_and_nothing_else() -> None:
    page = export([BUNDLE], "html")
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        in (parsed(page).values["content"])
    )
    for word in ("http:", "https:", "src=", "href=", "url(", "@import", "<script", "style="):
        assert word not in page


def test_the_page_tells_the_trace() -> None:
    words = " ".join("".join(parsed(export([BUNDLE], "html")).words).split())
    for piece in (
        "How many r are in 草莓 strawberry?",
        "Be brief.",
        "correction",
        "Wait, no.",
        "doubt",
        "b1",
    ):
        assert piece in words
    assert "It is **three**." in words


@settings(max_examples=80, deadline=None)
@given(hostile)
def test_no_html_and_no_image_survives_in_markdown(text: str) -> None:
    document = export([Bundle(trace_of(text), {text: text})], "md")
    tokens = MarkdownIt("commonmark", {"html": True}).parse(document)
    kinds = {token.type for token in tokens} | {t.type for token in tokens for t in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "image"}
    fences = [token.content for token in tokens if token.type == "fence"]
    assert "alert(1)" not in text or any("alert(1)" in fence for fence in fences)


def test_markdown_keeps_the_answer_s_own_code() -> None:
    code = "Use:\n\n~~~python\nif a < b:\n    print('```')\n~~~\n\nwhere a<b."
    tokens = (Token(0, 1, code.encode(), "answer", "model", None, 0.1),)
    document = export([Bundle(replace(TRACE, tokens=tokens, steps=()))], "md")
    assert "````python\nif a < b:\n    print('```')\n````" in document
    assert "where a&lt;b." in document


def test_markdown_reads_well() -> None:
    assert (
        export([BUNDLE], "md")
        == """\
# How many r are in 草莓 strawberry?

Answered by tiny · 2026-09-21 14:13 UTC · 9 tokens · 4.5 s · finished · trace k7m2p9x

## Reasoning

### 1 · plan · 2 tokens · 0.2 s

```text
First this.
```

### 2 · doubt · 3 tokens · 2.8 s · by correction

```text
Then that.Wait, no.
```

## Answer

It is **three**.

## Environment

```text
build: b1
threads: 2
```
"""
    )


@settings(max_examples=50, deadline=None)
@given(bundles)
def test_json_is_lossless(bundle: Bundle) -> None:
    assert read_json(export([bundle], "json")) == bundle


def test_json_has_a_line_for_each_token() -> None:
    lines = export([BUNDLE], "json").splitlines()
    assert len(lines) == 3 + len(TOKENS)
    assert json.loads(lines[6].rstrip(","))["data"] == "Wait, no."


def test_jsonl_is_openai_s_form() -> None:
    asked = Request((Message("user", "1+1?"), Message("assistant", "2", "Easy."), Message("user", "And 草?")))
    lines = export([BUNDLE, Bundle(replace(TRACE, request=asked))], "jsonl").splitlines()
    first, second = (json.loads(line)["messages"] for line in lines)
    assert first[-1] == {
        "role": "assistant",
        "content": "It is **three**.",
        "reasoning_content": "First this. Then that.Wait, no.",
    }
    assert first[0] == {"role": "system", "content": "Be brief."}
    assert second[1] == {"role": "assistant", "content": "2", "reasoning_content": "Easy."}
    assert "草" in lines[1]


def test_only_jsonl_holds_several() -> None:
    with pytest.raises(InputError, match="holds one trace, not 2"):
        export([BUNDLE, BUNDLE], "html")
    with pytest.raises(InputError, match="'pdf': choose one of md, json, jsonl, html"):
        export([BUNDLE], "pdf")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"ponder trace"', '"other"', '"format" is not'),
        ('"version":1', '"version":2', "version 2 is not 1"),
        ('"engine":"test"', '"engine":5', "Bundle.trace.engine cannot be 5"),
        ('"engine":"test"', '"motor":"test"', "has no field 'motor'"),
        ('"engine":"test",', "", "lacks the field 'engine'"),
        ('"role":"user"', '"role":"root"', 'cannot be "root"'),
        ('"index":1', '"index":2', "not counted from 0"),
        ('"stop":5', '"stop":50', "outside the 9 tokens"),
        ('"id":9', '"id":-9', "token id lies outside"),
        ('"created":1790000000.0', '"created":1e300', "makes no sense"),
        ('"n_ctx":4096', '"n_ctx":1e400', "cannot be"),
        ('"logprob":-0.25', '"logprob":"x"', "cannot be"),
        ('"data":"</think>"', '"data":{"hex":"zz"}', "cannot be"),
        ('"prompt_ids":[1,2]', '"prompt_ids":' + "[" * 10**5 + "]" * 10**5, "exported by ponder"),
        ('"tokens":[', '"tokens":{', "exported by ponder"),
    ],
)
def test_a_foreign_or_changed_file_is_one_sentence(old: str, new: str, what: str) -> None:
    text = export([BUNDLE], "json")
    assert old in text
    with pytest.raises(FileFormatError, match=re.escape(what)):
        read_json(text.replace(old, new, 1))


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(FileFormatError):
        read_json(text)
