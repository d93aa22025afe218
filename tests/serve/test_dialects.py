"""Real clients of other dialects: ollama, anthropic, LangChain's, and llm's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import ollama
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.serve.running import TOKEN, Running

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
REASONING, ANSWER = "Okay, let me think.\n\n", "It is 42!"


@pytest.fixture(scope="module")
def olla(speaking: Running) -> Iterator[ollama.Client]:
    client = ollama.Client(host=speaking.url, headers={"Authorization": f"Bearer {TOKEN}"})
    yield client
    client._client.close()


@pytest.fixture(scope="module")
def claude(speaking: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=speaking.url, api_key=TOKEN, max_retries=0) as client:
        yield client


def test_ollamas_client_chats(olla: ollama.Client) -> None:
    whole = olla.chat("speaker", messages=HELLO, think=True)
    assert (whole.message.thinking, whole.message.content) == (REASONING, ANSWER)
    assert (whole.done_reason, whole.eval_count) == ("stop", 12)
    parts = list(olla.chat("speaker", messages=HELLO, stream=True))
    assert "".join(part.message.thinking or "" for part in parts) == REASONING
    assert "".join(part.message.content or "" for part in parts) == ANSWER
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    silent = olla.chat("speaker", messages=HELLO, think=False)
    assert silent.message.thinking is None


def test_ollamas_client_generates(olla: ollama.Client) -> None:
    whole = olla.generate("speaker:latest", "hello", options={"stop": [" 4"], "num_ctx": 512})
    assert (whole.thinking, whole.response) == (REASONING, "It is")
    assert olla.generate("speaker", "").done_reason == "load"
    raw = olla.generate("speaker", "x\n", raw=True, options={"num_predict": 3, "temperature": 0})
    assert raw.response == "Okay, let"
    streamed = olla.generate("speaker", "hello", stream=True)
    assert "".join(part.response or "" for part in streamed) == ANSWER


def test_ollamas_client_sees_models_and_errors(olla: ollama.Client) -> None:
    assert "speaker" in [model.model for model in olla.list().models]
    assert "speaker" in [model.model for model in olla.ps().models]
    assert "thinking" in (olla.show("speaker").capabilities or [])
    with pytest.raises(ollama.ResponseError, match="it has: speaker"):
        olla.chat("nobody", messages=HELLO)
    with pytest.raises(ollama.ResponseError, match="repetition is ended by a detector"):
        olla.chat("speaker", messages=HELLO, options={"repeat_penalty": 1.3})


def test_anthropics_client_gets_blocks(claude: anthropic.Anthropic) -> None:
    whole = claude.messages.create(model="speaker", max_tokens=100, messages=HELLO, system="Be brief.")
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole.content[0].thinking == REASONING  # type: ignore[union-attr]
    assert whole.content[1].text == ANSWER  # type: ignore[union-attr]
    assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 12)
    stopped = claude.messages.create(
        model="speaker", max_tokens=100, messages=HELLO, stop_sequences=["42"], thinking={"type": "adaptive"}
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "42")
    short = claude.messages.create(
        model="speaker", max_tokens=2000, messages=HELLO, thinking={"type": "enabled", "budget_tokens": 2}
    )
    assert short.content[0].thinking.startswith("Okay,")  # type: ignore[union-attr]
    with pytest.raises(anthropic.NotFoundError, match="it has: speaker"):
        claude.messages.create(model="nobody", max_tokens=9, messages=HELLO)


def test_anthropics_client_streams(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model="speaker", max_tokens=100, messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert message.content[0].thinking == REASONING  # type: ignore[union-attr]
    assert message.content[1].text == ANSWER  # type: ignore[union-attr]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 12)


def test_langchains_client_answers_and_streams(speaking: Running) -> None:
    model = ChatOpenAI(
        model="speaker",
        base_url=f"{speaking.url}/v1",
        api_key=SecretStr(TOKEN),
        max_retries=0,
        temperature=0.5,
    )
    answer = model.invoke("hello")
    assert answer.content == ANSWER
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_token_details"] == {"reasoning": 7}
    assert "".join(str(part.content) for part in model.stream("hello")) == ANSWER


def test_llm_asks_by_its_extra_models(speaking: Running, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: here\n  model_name: speaker\n  api_base: {speaking.url}/v1\n  api_key_name: ponder\n"
    )
    (tmp_path / "keys.json").write_text(f'{{"ponder": "{TOKEN}"}}')
    environment = os.environ | {"LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""}
    for options in ([], ["--no-stream"]):
        done = subprocess.run(
            [sys.executable, "-m", "llm", "prompt", "hello", "-m", "here", *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == ANSWER
