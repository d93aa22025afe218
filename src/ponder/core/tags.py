"""The ways models mark their reasoning, as one table: name → literal texts.

Every format has the texts its models really write; llama.cpp's chat templates and vLLM's reasoning
parsers agree on them. Which model uses which is in the catalogue.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ponder.core.model import ThinkTags

_ALL = (
    ThinkTags("think", "<think>", "</think>"),  # DeepSeek-R1, Qwen3, QwQ, GLM-4.5, Nemotron, Phi-4
    ThinkTags("thinking", "<thinking>", "</thinking>"),
    ThinkTags("thought", "<thought>", "</thought>"),
    ThinkTags("reasoning", "<reasoning>", "</reasoning>"),
    ThinkTags("kimi", "◁think▷", "◁/think▷"),
    ThinkTags("magistral", "[THINK]", "[/THINK]"),
    ThinkTags("minimax", "<mm:think>", "</mm:think>"),
    ThinkTags(
        "open-thoughts",
        "<|begin_of_thought|>",
        "<|end_of_thought|>",
        more=(("<|begin_of_solution|>", "silent"), ("<|end_of_solution|>", "silent")),
    ),
    ThinkTags("gemma4", "<|channel>thought\n", "<channel|>", more=(("<|channel>thought", "open"),)),
    ThinkTags(
        "gpt-oss",
        "<|channel|>analysis<|message|>",
        "<|end|>",
        "<|start|>assistant<|channel|>final<|message|>",
        more=(("<|start|>", "header"), ("<|channel|>", "header"), ("<|message|>", "body")),
    ),
    ThinkTags(
        "granite",
        "Here is my thought process:",
        "Here is my response:",
        more=(("Here's my thought process:", "open"), ("Here's my response:", "close")),
    ),
)

FORMATS: Mapping[str, ThinkTags] = MappingProxyType({tags.name: tags for tags in _ALL})
"""Every known format by its name. The order is that of a search: markers before prose."""
