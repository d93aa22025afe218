r"""A model's words as HTML: Markdown from an allow-list, mathematics as MathML, and nothing else.

Links, images and raw HTML are not rendered but shown as they were written: a page of traces leads nowhere and
loads nothing. Every element of the result is made here, from names in a list; what the libraries give is
never passed on as markup. Mathematics stands between `\( \)`, `\[ \]`, `$ $` or `$$ $$`.
"""

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

MOST_CHARACTERS = 60_000
"""A longer text is shown plain."""
MOST_FORMULA = 2_000
MOST_DEPTH = 60
_PAIRS = (("\\(", "\\)", False), ("\\[", "\\]", True), ("$$", "$$", True), ("$", "$", False))
_ELEMENTS = frozenset(
    [
        "math",
        "mrow",
        "mi",
        "mn",
        "mo",
        "mtext",
        "mspace",
        "mfrac",
        "msqrt",
        "mroot",
        "msup",
        "msub",
        "msubsup",
        "mover",
        "munder",
        "munderover",
        "mtable",
        "mtr",
        "mtd",
        "mstyle",
        "mpadded",
        "mphantom",
        "mmultiscripts",
        "mprescripts",
        "menclose",
        "none",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "display",
        "displaystyle",
        "scriptlevel",
        "stretchy",
        "fence",
        "form",
        "lspace",
        "rspace",
        "width",
        "height",
        "depth",
        "linethickness",
        "columnalign",
        "accent",
        "accentunder",
        "mathvariant",
        "minsize",
        "maxsize",
        "separator",
        "movablelimits",
    ]
)
_VALUE = re.compile(r"[\w.%+ -]{1,24}")
_SPOKEN = (
    (re.compile(r"\\(begin|end)\{(aligned|gathered|split|equation\*?|align)\}"), r"\\\1{align*}"),
    (re.compile(r"\\[dt]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:tag|label)\{[^{}]*\}"), ""),
)


def prose(text: str) -> Markup:
    """`text` rendered; safe to put into a page as it is."""
    if len(text) > MOST_CHARACTERS:
        return Markup(f'<p class="plain">{escape(text)}</p>')  # noqa: S704 - escaped here
    return Markup(_MARKDOWN.render(text.strip("\n")))  # noqa: S704 - made from an allow-list


def formula(source: str, *, display: bool) -> str:
    """A formula as MathML; one that cannot be read stays as it was written."""
    try:
        return _mathml(source, display=display)
    except Exception:  # noqa: BLE001 - a parser of hostile text, of another project; nothing is lost
        return f'<code class="formula">{escape(source)}</code>'


def _mathml(source: str, *, display: bool) -> str:
    if len(source) > MOST_FORMULA:
        raise ValueError("too long")
    for pattern, instead in _SPOKEN:
        source = pattern.sub(instead, source)
    tree = convert_to_element(source, display="block" if display else "inline")
    return _written(tree, 0)


def _written(element: Element, depth: int) -> str:
    """One element and what is in it, names and values from lists only."""
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS or depth > MOST_DEPTH:
        raise ValueError(name)
    attributes = {
        key: value for key, value in element.items() if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    }
    if name == "menclose":  # no browser but Firefox draws it
        name, attributes = "mrow", {"class": "struck" if "strike" in element.get("notation", "") else "boxed"}
    given = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    inner = escape(unescape(element.text or ""), quote=False)
    inner += "".join(_written(child, depth + 1) for child in element)
    return f"<{name}{given}>{inner}</{name}>"


def _inline(state: StateInline, silent: bool) -> bool:
    """A formula inside a paragraph."""
    found = _opening(state.src, state.pos)
    if found is None:
        return False
    opened, closed, display = found
    start = state.pos + len(opened)
    stop = state.src.find(closed, start, min(state.posMax, start + MOST_FORMULA))
    if stop < 0 or not _is_formula(state.src[start:stop], opened, state.src[stop + len(closed) : stop + 2]):
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.meta = state.src[start:stop], {"display": display}
    state.pos = stop + len(closed)
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A displayed formula on lines of its own."""
    first = state.bMarks[start] + state.tShift[start]
    opened, closed, display = _opening(state.src, first) or ("", "", False)
    if not display:
        return False
    begin = first + len(opened)
    stop = state.src.find(closed, begin, begin + MOST_FORMULA)
    if stop < 0:
        return False
    last = next((i for i in range(start, end) if stop < state.eMarks[i]), None)
    if last is None or state.src[stop + len(closed) : state.eMarks[last]].strip(" .,;"):
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.meta = state.src[begin:stop], {"display": True}
    state.line = last + 1
    return True


def _opening(text: str, at: int) -> tuple[str, str, bool] | None:
    return next((pair for pair in _PAIRS if text.startswith(pair[0], at)), None)


def _is_formula(inner: str, opened: str, following: str) -> bool:
    """Whether a pair of dollars is mathematics rather than money."""
    if opened != "$":
        return bool(inner.strip())
    return bool(inner) and not inner[0].isspace() and not inner[-1].isspace() and not following[:1].isdigit()


def _render(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    del renderer, options, environment
    token = tokens[index]
    return formula(token.content, display=token.meta["display"])


def _plain_fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    del renderer, options, environment
    return f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _alignment(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    """A table's cell without the style attribute that Markdown gives it."""
    del renderer, options, environment
    token = tokens[index]
    return f"<{token.tag}>"


def _heading(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    """A model's headings stand below those of the page."""
    del renderer, options, environment
    token = tokens[index]
    return f"<{'/' if token.nesting < 0 else ''}h{min(6, int(token.tag[1]) + 3)}>"


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False, "breaks": True})
    made.enable("table")
    made.disable(["link", "autolink", "image", "html_inline", "html_block", "reference", "code"])
    made.inline.ruler.before("escape", "formula", _inline)
    made.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "blockquote", "list"]})
    made.add_render_rule("formula", _render)
    made.add_render_rule("fence", _plain_fence)
    for cell in ("th_open", "td_open"):
        made.add_render_rule(cell, _alignment)
    for edge in ("heading_open", "heading_close"):
        made.add_render_rule(edge, _heading)
    return made


_MARKDOWN = _made()
