"""A stand-in that speaks vLLM's dialect: /tokenize, /detokenize, raw /v1/completions, a byte vocabulary.

Its model says a script, whatever it is asked, and goes on in it from any token of it that it is given last.
"""

from collections.abc import Callable, Sequence

from tests.conftest import SCRIPT
from tests.engine.standin import Json, Reply, Standin, missing
from tests.tiny import byte_alphabet

SPECIAL = ("<|user|>", "<|bot|>", "<think>\n", "</think>", "<|end|>")
EOS = 256 + len(SPECIAL) - 1
CHINESE = ("好", "，", "\n\n", "</think>", "答案", "!")


class FakeVllm:
    """The vocabulary: 256 bytes, then SPECIAL; `ids`: whether completions return token ids."""

    def __init__(self, script: Sequence[str] = SCRIPT, *, ids: bool = True, raw: bool = True) -> None:
        self.output = [token for text in script for token in self.encode(text)] + [EOS]
        self.ids, self.raw = ids, raw
        self.routes: dict[str, Callable[[Json], Reply]] = {
            "/v1/models": lambda _: Reply({"data": [{"id": "m", "max_model_len": 4096}]}),
            "/tokenize": self.tokenize,
            "/detokenize": lambda body: Reply({"prompt": self.text(body["tokens"])}),
            "/v1/completions": self.complete,
            "/v1/chat/completions": lambda _: Reply({"choices": [{"message": {"content": "Hi"}}]}),
        }

    def standin(self) -> Standin:
        return Standin(self.routes)

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = []
        while text:
            special = next((name for name in SPECIAL if text.startswith(name)), None)
            if special:
                tokens.append(256 + SPECIAL.index(special))
            else:
                tokens += text[0].encode()
            text = text[len(special) if special else 1 :]
        return tokens

    def data(self, tokens: Sequence[int]) -> bytes:
        return b"".join(bytes([t]) if t < 256 else SPECIAL[t - 256].encode() for t in tokens)

    def text(self, tokens: Sequence[int]) -> str:
        return self.data(tokens).decode("utf-8", "replace")

    def tokenize(self, body: Json) -> Reply:
        if "messages" in body:
            text = "".join(
                f"<|{'user' if m['role'] == 'user' else 'bot'}|>{m['content']}" for m in body["messages"]
            )
            assert body["add_generation_prompt"]
            return Reply({"tokens": self.encode(f"{text}<|bot|><think>\n")})
        tokens = self.encode(body["prompt"])
        table = byte_alphabet()
        strings = [table[t] if t < 256 else SPECIAL[t - 256] for t in tokens]
        return Reply({"tokens": tokens, "token_strs": strings})

    def complete(self, body: Json) -> Reply:
        """Go on in the script after whatever stands behind the last `<think>`."""
        prompt = body["prompt"]
        if isinstance(prompt, str):
            prompt = self.encode(prompt)
        opened = 258 in prompt
        said = prompt[len(prompt) - prompt[::-1].index(258) :] if opened else []
        begun = self.output[: len(said)] == said
        rest = self.output[len(said) :] if begun else self.output
        rest = rest[: body["max_tokens"]]
        used = len(prompt) + (0 if self.raw else 20)
        if not body.get("stream"):
            choice = {"text": self.text(rest), "finish_reason": "length"} | self.more(rest)
            return Reply({"choices": [choice], "usage": {"prompt_tokens": used}})
        events: list[Json] = []
        pending: list[int] = []
        for place, token in enumerate(rest):
            pending.append(token)
            last = place == len(rest) - 1
            finish = ("stop" if token == EOS else "length") if last else None
            text = "" if token == EOS else self.text(pending)
            if "\ufffd" in text and not last:
                text = ""  # held back until the character is whole, as vLLM does
            elif text or token == EOS:
                pending = []
            events.append({"choices": [{"text": text, "finish_reason": finish} | self.more([token])]})
        return Reply(events=[*events, {"choices": [], "usage": {}}, "data: [DONE]"])

    def more(self, tokens: Sequence[int]) -> Json:
        names = [self.text([token]) for token in tokens]
        logprobs = {
            "tokens": names,
            "token_logprobs": [-0.5] * len(names),
            "top_logprobs": [{name: -0.5} for name in names],
        }
        return {"logprobs": logprobs} | ({"token_ids": list(tokens)} if self.ids else {})


def without(fake: FakeVllm, *paths: str) -> Standin:
    """The same server with some of its routes switched off."""
    return Standin({path: missing if path in paths else route for path, route in fake.routes.items()})
