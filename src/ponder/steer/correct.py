"""How a correction reads where it is inserted, so that the model can go on from it as from its own words.

A correction in the model's voice works better than a foreign note (the intervention literature, see
docs/correct.md), so `say` is the default of every door.
"""

from ponder.core.request import Correction

WAIT = "Wait"
"""What goes on with a reasoning where the model would have ended it; the wording of the s1 method."""


def inserted(correction: Correction, before: str) -> str:
    """The text to write after `before`, the end of what is kept; "" where nothing is written."""
    text = correction.text.strip()
    if not text or correction.kind not in {"say", "replace", "note"}:
        return ""
    if correction.kind == "note":
        text = f"(Note: {text})"
    gap = " " if before and not before[-1].isspace() else ""
    return gap + text + ("" if correction.kind == "say" else "\n\n")


def extension(before: str) -> str:
    """What to write instead of the end of the reasoning, after `before`."""
    return WAIT if not before or before.endswith("\n") else f"\n\n{WAIT}"
