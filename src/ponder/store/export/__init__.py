"""Traces for elsewhere: Markdown and HTML to read, JSON to keep, JSONL to train on."""

from collections.abc import Callable, Sequence
from types import MappingProxyType

from ponder.errors import InputError
from ponder.store.export.exchange import is_exported, read_json, to_json
from ponder.store.export.markdown import to_markdown
from ponder.store.export.openai import to_openai
from ponder.store.export.page import to_html
from ponder.store.values import Bundle

FORMATS: MappingProxyType[str, Callable[[Bundle], str]] = MappingProxyType(
    {"md": to_markdown, "json": to_json, "jsonl": to_openai, "html": to_html}
)
"""Format name → what writes one trace in it."""


def export(bundles: Sequence[Bundle], name: str) -> str:
    """The traces in the format `name`, ending with a newline; raises InputError for a name not in `FORMATS`.

    Only JSONL holds more than one trace; the others raise InputError.
    """
    if name not in FORMATS:
        raise InputError(f"There is no export format {name!r}: choose one of {', '.join(FORMATS)}.")
    if len(bundles) != 1 and name != "jsonl":
        raise InputError(f"A {name} file holds one trace, not {len(bundles)}: export them one by one.")
    return "".join(FORMATS[name](bundle) for bundle in bundles)


__all__ = ["FORMATS", "export", "is_exported", "read_json"]
