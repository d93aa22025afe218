"""How an answer begins: does the model reason, and what do we write to make or keep it so?"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from ponder.core.events import Origin
from ponder.core.model import ThinkTags
from ponder.core.request import Correction, Think
from ponder.core.tags import FORMATS
from ponder.steer.texts import START, opening, skipping


@dataclass(frozen=True, slots=True)
class Voice:
    """How the model at hand reasons: its tags, and `thinks` as in `Model`, or `unknown` for a server's model
    that may reason as it likes. Without tags it does not.

    `label` names it in sentences.
    """

    tags: ThinkTags | None = None
    thinks: str = "never"
    label: str = "this model"

    @property
    def untrained(self) -> bool:
        """Whether its reasoning, if any, is prefilled into a model that was not trained for it."""
        return self.thinks in {"never", "prefill"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a rendered prompt does about reasoning: the flags of an engine's `Prompt`."""

    opened: bool
    closed: bool
    switched: bool


@dataclass(frozen=True, slots=True)
class Beginning:
    """What we write first (perhaps nothing), as whom, the splitter's state before it, and what to tell."""

    text: str
    origin: Origin
    started: Literal["undecided", "reasoning", "answer"]
    note: str = ""


def left_of(
    opening: tuple[tuple[int | None, bytes], ...], tag: str, correction: Correction | None
) -> tuple[tuple[int | None, bytes], ...]:
    """What of the tokens that open the reasoning is written before a correction: where it stands among the
    words after the tag, those that follow it go. Without one, or if it changes nothing: all.
    """
    if correction is None or correction.kind == "none":
        return opening
    sizes = accumulate(len(data) for _, data in opening)
    tagged = next((count for count, size in enumerate(sizes, 1) if size >= len(tag.encode())), 0)
    return opening[: max(correction.index, tagged)]


def wants_reasoning(voice: Voice, think: Think, budget: int | None) -> bool:
    """Whether the reasoning is to happen: as the person says, else as the model does by itself."""
    if think == "off" or budget == 0:
        return False
    return think == "on" or (voice.tags is not None and voice.thinks != "never")


def tags_for(voice: Voice, think: Think) -> ThinkTags | None:
    """The model's tags; a model without any that shall reason gets the plain ones."""
    return FORMATS["think"] if voice.tags is None and think == "on" else voice.tags


def beginning(voice: Voice, tags: ThinkTags | None, prompt: Rendered, *, reason: bool) -> Beginning:
    """Open or close the reasoning where the template has not done it."""
    if tags is None:
        return Beginning("", "template", "answer")
    if reason:
        if prompt.opened:
            return Beginning("", "template", "reasoning")
        if voice.thinks == "unknown":
            return Beginning("", "template", "undecided")
        if voice.untrained:
            note = f"{voice.label} is a chat model, not a reasoning model: it is made to think by prefill."
            return Beginning(opening(tags) + START, "template", "undecided", note)
        return Beginning(opening(tags), "template", "undecided")
    if prompt.closed or voice.untrained:
        return Beginning("", "no_think", "answer")
    if prompt.opened or voice.thinks == "always" or not prompt.switched:
        note = f"The template of {voice.label} has no switch for reasoning: it was closed before it began."
        started: Literal["reasoning", "undecided"] = "reasoning" if prompt.opened else "undecided"
        return Beginning(skipping(tags, opened=prompt.opened), "no_think", started, note)
    return Beginning("", "no_think", "answer")
