"""The few texts that ponder writes in a model's place, to open or to close its reasoning."""

from ponder.core.model import ThinkTags

FINISHED = "Okay, I think I have finished thinking."
"""What stands between the tags when there shall be no reasoning; the wording of the NoThinking method."""
ANSWER = "**Answer:** "
"""Where a model has stopped without an answer, its answer begins like this."""


START = "Okay, let me think about this step by step.\n\nThe question"
"""How the reasoning of a chat model begins that does not know what a think tag is."""


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
