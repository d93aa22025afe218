"""The few texts that ponder writes in a model's place, to open or to close its reasoning."""

from collections.abc import Mapping

from ponder.core.events import ClosedBy
from ponder.core.model import ThinkTags

FINISHED = "Okay, I think I have finished thinking."
"""What stands between the tags when there shall be no reasoning; the wording of the NoThinking method."""
ANSWER = "**Answer:** "
"""Where a model has stopped without an answer, its answer begins like this."""


START = "Okay, let me think about this step by step.\n\nThe question"
"""How the reasoning of a chat model begins that does not know what a think tag is."""

BY_TEXT = (
    "This server takes text, not token ids: what was kept is the same to the byte, but the server may cut it "
    "into other tokens."
)

TOLD: Mapping[ClosedBy, str] = {
    "budget": "The reasoning reached its budget of {n} tokens and was closed.",
    "context": "The context was nearly full: the reasoning was closed after {n} tokens.",
    "loop": "The reasoning repeated itself: it was closed after {n} tokens.",
    "eos": "The model stopped inside its reasoning: it was closed, and the answer asked for.",
    "user": "The reasoning was closed after {n} tokens, as you asked.",
    "open": "The reasoning did not end: there is no answer.",
}
"""What a person is told of how the reasoning ended; `{n}` is its length in tokens."""


def _on_own_line(tags: ThinkTags) -> bool:
    """Whether the tags stand on lines of their own, as `<think>` does; special channels do not."""
    return tags.open.startswith("<") and tags.open.endswith(">") and "|" not in tags.open


def opening(tags: ThinkTags) -> str:
    """Opens the reasoning, as the model's template would."""
    return tags.open + ("\n" if _on_own_line(tags) else "")


def closing(tags: ThinkTags) -> str:
    """Closes open reasoning wherever it stands, and begins the answer."""
    return f"\n{tags.close}\n\n" if _on_own_line(tags) else tags.close + tags.answer


def skipping(tags: ThinkTags, *, opened: bool) -> str:
    """Reasoning that is over before it begins."""
    return ("" if opened else opening(tags)) + FINISHED + closing(tags)
