"""How a model marks its reasoning: from the catalogue if it is known, else from its chat template's text."""

import re

from ponder.core.model import Model, ThinkTags
from ponder.core.tags import FORMATS

_SHARED = {"<|end|>"}  # ends gpt-oss's reasoning, but in other families every message


def think_tags(model: Model | None, template: str) -> ThinkTags | None:
    """The tags of `model`, or those whose texts stand in `template`; None if neither names any."""
    if model is not None:
        return model.tags
    for tags in FORMATS.values():
        if tags.open.strip() in template or (tags.close in template and tags.close not in _SHARED):
            return tags
    return None


def opens_reasoning(template: str, tags: ThinkTags) -> bool:
    """Whether the prompt that `template` renders may end with the opening tag, so that the output begins
    inside the reasoning. It is read from the text; only rendering the prompt tells for certain.
    """
    prompt_end = template[template.rfind("add_generation_prompt") :]
    return re.search(re.escape(tags.open.strip()) + r"""(?:\\n|\s)*['"]""", prompt_end) is not None
