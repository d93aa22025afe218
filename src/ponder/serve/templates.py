"""The pages' templates: Jinja2 with autoescape always on, so that no text of a person or a model is HTML.

`static('name')` in a template gives the address of a file of `static/`; a name that is not there is a
fault of the template, found by its test. Undefined names are faults too.
"""

from contextvars import ContextVar
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from ponder.serve.static import address

ENVIRONMENT = Environment(
    loader=PackageLoader("ponder.serve"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
THEMES = ("auto", "light", "dark")
THEME: ContextVar[str] = ContextVar("theme", default=THEMES[0])
"""What the browser that is being answered has chosen: the guard sets it, for pages of errors too."""
ENVIRONMENT.globals["static"] = address
ENVIRONMENT.globals["themes"] = THEMES
ENVIRONMENT.globals["theme"] = THEME.get
ENVIRONMENT.globals["navigation"] = ()


def render(template: str, **values: Any) -> HTMLResponse:
    """A page as a response."""
    return HTMLResponse(part(template, **values))


def part(template: str, **values: Any) -> str:
    """A part of a page, for its script."""
    return ENVIRONMENT.get_template(template).render(**values)
