"""A correction as training data: the same beginning, the tail as it was and the tail as it became.

Two kinds of rows, with TRL's column names (its guide to dataset formats; for ids, the collators of TRL 1.16):
preference (prompt, chosen, rejected) and SFT (prompt, completion). Three forms: `conversational`, messages
with the whole reasoning in `reasoning_content`; `text`, the rendered prompt with the kept reasoning as
`prompt`, then the tails; `ids`, the very tokens, which only the same tokenizer may read. The column `ponder`
tells where a row is from.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ponder.core.events import Token
from ponder.core.trace import Trace
from ponder.errors import InputError
from ponder.store.codec import encode

Row = dict[str, object]

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "conversational": "messages with reasoning_content, for a trainer that applies the chat template",
        "text": "the rendered prompt and the tails as text, tags included",
        "ids": "token ids: input_ids with completion_mask, or prompt_ids, chosen_ids and rejected_ids",
    }
)
"""Form → what its rows hold."""


def preference_row(chosen: Trace, rejected: Trace, fork_index: int, form: str) -> Row:
    """One pair; both traces have the same tokens before `fork_index`.

    Raises InputError where a form needs what a trace does not have.
    """
    if form == "conversational":
        row: Row = {"prompt": _messages(chosen), "chosen": _reply(chosen), "rejected": _reply(rejected)}
    elif form == "text":
        row = {
            "prompt": _beginning(chosen, fork_index),
            "chosen": _text(chosen, chosen.tokens[fork_index:]),
            "rejected": _text(rejected, rejected.tokens[fork_index:]),
        }
    else:
        row = {
            "prompt_ids": [*_prompt_ids(chosen), *_ids(chosen, chosen.tokens[:fork_index])],
            "chosen_ids": _ids(chosen, chosen.tokens[fork_index:]),
            "rejected_ids": _ids(rejected, rejected.tokens[fork_index:]),
        }
    return row | {"ponder": _origin(fork_index, form, chosen=chosen, rejected=rejected)}


def sft_row(trace: Trace, fork_index: int, form: str) -> Row:
    """One example: the beginning up to `fork_index`, and the rest to learn. Raises as `preference_row`."""
    if form == "conversational":
        row: Row = {"prompt": _messages(trace), "completion": _reply(trace)}
    elif form == "text":
        row = {
            "prompt": _beginning(trace, fork_index),
            "completion": _text(trace, trace.tokens[fork_index:]),
        }
    else:
        kept = [*_prompt_ids(trace), *_ids(trace, trace.tokens[:fork_index])]
        learnt = _ids(trace, trace.tokens[fork_index:])
        row = {"input_ids": kept + learnt, "completion_mask": [0] * len(kept) + [1] * len(learnt)}
    return row | {"ponder": _origin(fork_index, form, completion=trace)}


def _messages(trace: Trace) -> list[Row]:
    """The conversation before the answer."""
    return [_message(m.role, m.content, m.reasoning) for m in trace.request.messages]


def _reply(trace: Trace) -> list[Row]:
    """The whole output as the last message."""
    return [_message("assistant", trace.answer, trace.reasoning)]


def _message(role: str, content: str, reasoning: str) -> Row:
    message: Row = {"role": role, "content": content}
    return message | ({"reasoning_content": reasoning} if reasoning else {})


def _beginning(trace: Trace, fork_index: int) -> str:
    """The prompt as the model saw it, and the kept tokens after it."""
    if not trace.prompt_text:
        raise InputError(
            f"the prompt of trace {trace.id} is not kept as text: use --form conversational"
            f"{' or --form ids' if trace.prompt_ids else ''}."
        )
    return trace.prompt_text + _text(trace, trace.tokens[:fork_index])


def _text(trace: Trace, tokens: Sequence[Token]) -> str:
    """The exact text of some tokens; raises InputError where they are none."""
    try:
        return b"".join(token.data for token in tokens).decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"trace {trace.id} holds bytes that are no text, or the fork cuts a character: use --form ids."
        ) from error


def _prompt_ids(trace: Trace) -> tuple[int, ...]:
    if not trace.prompt_ids:
        raise InputError(f"trace {trace.id} has no token ids: use --form conversational or --form text.")
    return trace.prompt_ids


def _ids(trace: Trace, tokens: Sequence[Token]) -> list[int]:
    ids = [token.id for token in tokens if token.id is not None]
    if len(ids) != len(tokens):
        raise InputError(f"trace {trace.id} has no token ids: use --form conversational or --form text.")
    return ids


def _origin(fork_index: int, form: str, **sides: Trace) -> Row:
    """Where a row is from; the token ids, where there are any and the row itself does not hold them."""
    origin: Row = {"fork_index": fork_index, "model": next(iter(sides.values())).model}
    for name, trace in sides.items():
        facts: Row = {
            "trace": trace.id,
            "answer": trace.answer,
            "closed_by": trace.finish.closed_by if trace.finish else None,
            "complete": trace.finish is not None and trace.finish.reason == "stop",
            "correction": encode(trace.request.correction),
        }
        if form != "ids" and all(token.id is not None for token in trace.tokens):
            facts |= {"prompt_ids": list(trace.prompt_ids), "ids": list(trace.ids)}
        origin[name] = facts
    return origin
