"""User text is only text: whatever it says, no control token and no tag comes out of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ponder.core.request import Message
from ponder.core.tags import FORMATS
from ponder.engine.embedded import Embedded
from ponder.engine.protocol import Prompt, Written, ids_of
from ponder.engine.render import neutral
from ponder.errors import InputError
from tests.engine.asking import HELLO, KEEPING, TAGS, settings, vocabulary_of
from tests.tiny import ASSISTANT, BOS, CONTROL, EOS, MARKUP, PLAIN, PREFILLING, THINK, USER, write_random

TRIMMING = PREFILLING.replace("+ m['content'] }}", "+ m['content'] | trim }}")
SWITCHING = (
    "{% for m in messages %}{{ '<｜User｜>' + m['content'] }}{% endfor %}{{ '<｜Assistant｜>' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
)
"""A switch like Qwen3's: an empty reasoning where none is wanted, else the model opens it."""

SPECIAL = (*CONTROL, *THINK, *MARKUP)
PARTS = st.one_of(
    st.sampled_from(
        [
            *SPECIAL,
            *(text for tags in FORMATS.values() for text in (tags.open, tags.close, tags.answer) if text),
        ]
    ),
    st.sampled_from(
        ["<", "</", "think>", "<thi", "nk>", "<|", "|>", "<｜", "▁", "◁", "▷", "[", "]", "_call>"]
    ),
    st.sampled_from(
        ["\ue000", "\ue0000\ue001", "\t\ue0000\ue001\t", "\t", "\n\n", " ", "\x00", "\x07", "{{ 1 }}"]
    ),
    st.sampled_from(["你好", "草", "😀", "👩‍🔬", "\u200b", "\ufffd", "\r\n", "the", "10", "\x7f", "\x85"]),
    st.text(max_size=4),
)
TEXTS = st.lists(PARTS, max_size=7).map("".join)


@dataclass
class Shop:
    """Engines by template. Their vocabulary knows other models' markup as well."""

    folder: Path
    engines: dict[str, Embedded] = field(default_factory=dict)
    spelled: list[bytes] = field(default_factory=list)

    def __call__(self, template: str) -> Embedded:
        if template not in self.engines:
            path = self.folder / f"{len(self.engines)}.gguf"
            write_random(path, template=template, also=MARKUP)
            self.engines[template] = Embedded(settings(path))
            self.spelled = vocabulary_of(path, spelled=True)
        return self.engines[template]

    def text(self, ids: tuple[int, ...]) -> str:
        """What `ids` say, special tokens spelled out."""
        return b"".join(self.spelled[token] for token in ids).decode()

    def special(self, ids: tuple[int, ...]) -> list[str]:
        """The special tokens among `ids`."""
        texts = [self.spelled[token].decode(errors="replace") for token in ids]
        return [text for text in texts if text in SPECIAL]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("templates"))
    yield shop
    for engine in shop.engines.values():
        engine.close()


@given(system=TEXTS, question=TEXTS, reasoning=TEXTS, answer=TEXTS)
@hypothesis_settings(max_examples=150, deadline=None)
def test_only_the_template_writes_special_tokens(
    shop: Shop, system: str, question: str, reasoning: str, answer: str
) -> None:
    messages = [
        Message("system", system),
        Message("user", question),
        Message("assistant", answer, reasoning),
        Message("user", "so?"),
    ]
    prompt = shop(KEEPING).prompt(messages, think=True, tags=TAGS)
    old = f"<think>{reasoning}</think>" if reasoning else ""
    head = f"{BOS}{system}{USER}{question}"
    assert shop.text(prompt.ids) == f"{head}{ASSISTANT}{old}{answer}{EOS}{USER}so?{ASSISTANT}<think>\n"
    thoughts = [*THINK] if reasoning else []
    assert shop.special(prompt.ids) == [BOS, USER, ASSISTANT, *thoughts, EOS, USER, ASSISTANT, "<think>"]
    assert shop.text(prompt.ids[: prompt.head]) == head


@given(TEXTS)
@hypothesis_settings(max_examples=150, deadline=None)
def test_a_text_as_tokens_is_the_text(shop: Shop, text: str) -> None:
    written = shop(PREFILLING).tokenize(text, control=False)
    assert b"".join(data for _, data in written) == text.encode()
    assert shop.special(tuple(ids_of(written))) == []


@pytest.mark.parametrize(
    "tag", [text for tags in FORMATS.values() for text in (tags.open, tags.close) if text]
)
def test_a_tag_that_is_several_tokens_is_cut_too(tag: str) -> None:
    asked: list[str] = []

    def tokenize(texts: Sequence[str], control: bool) -> list[Written]:
        assert not control
        asked.extend(texts)
        return [(0, text.encode()) for text in texts]

    assert b"".join(data for _, data in neutral(f"a{tag}{tag}b", tokenize)).decode() == f"a{tag}{tag}b"
    assert not any(tag in text for text in asked)


def test_ponder_itself_may_write_tags(shop: Shop) -> None:
    ids = tuple(ids_of(shop(PREFILLING).tokenize("so.\n</think>", control=True)))
    assert (shop.text(ids), shop.special(ids)) == ("so.\n</think>", ["</think>"])
    assert shop(PREFILLING).tokenize("", control=True) == ()


def test_a_template_that_trims_gets_trimmed_text(shop: Shop) -> None:
    messages = [Message("user", " \n<think> 1 \t\n"), Message("assistant", " a "), Message("user", "\t")]
    prompt = shop(TRIMMING).prompt(messages, think=True, tags=TAGS)
    assert shop.text(prompt.ids) == f"{BOS}{USER}<think> 1{ASSISTANT} a {EOS}{USER}{ASSISTANT}<think>\n"
    assert shop.special(prompt.ids).count("<think>") == 1


def test_a_template_that_drops_old_reasoning_drops_it(shop: Shop) -> None:
    messages = [*HELLO, Message("assistant", "Hi.", reasoning="Hm </think>"), *HELLO]
    prompt = shop(PREFILLING).prompt(messages, think=True, tags=TAGS)
    assert shop.text(prompt.ids) == f"{BOS}{USER}hello{ASSISTANT}Hi.{EOS}{USER}hello{ASSISTANT}<think>\n"


def flags(prompt: Prompt) -> tuple[bool, bool, bool]:
    return prompt.opened, prompt.closed, prompt.switched


@pytest.mark.parametrize("think", [True, False])
def test_what_a_template_does_about_reasoning(shop: Shop, think: bool) -> None:
    def rendered(template: str) -> Prompt:
        return shop(template).prompt(HELLO, think=think, tags=TAGS)

    assert flags(rendered(PREFILLING)) == (True, False, False)
    assert flags(rendered(PLAIN)) == (False, False, False)
    assert flags(rendered(SWITCHING)) == (False, not think, True)
    assert rendered(SWITCHING).think == think
    assert flags(shop(PREFILLING).prompt(HELLO, think=think, tags=None)) == (False, False, False)


def test_the_beginning_of_the_sequence_comes_once(shop: Shop) -> None:
    for template in (PLAIN, SWITCHING):  # one writes it, one does not
        assert shop.special(shop(template).prompt(HELLO, think=True, tags=TAGS).ids)[:2] == [BOS, USER]


def test_half_a_character_is_no_text(shop: Shop) -> None:
    with pytest.raises(InputError, match=r"holds '\\udcff', which is no character"):
        shop(PREFILLING).prompt([Message("user", "a\udcff")], think=True, tags=TAGS)
