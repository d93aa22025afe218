"""One module for each page; `ponder.serve.app` says how to add one.

The pages of later tracks (distillation runs, evaluations) go into PAGES and NAVIGATION beside the others:
the menu has room for them between Library and Settings, which stands at its end.
"""

from ponder.serve.pages import (
    ask,
    blame,
    compare,
    connect,
    enter,
    fit,
    library,
    live,
    settings,
    spelling,
    trace,
    traces,
)
from ponder.serve.pages.excerpt import excerpt
from ponder.serve.pages.fit_bars import bytes_of, counted
from ponder.serve.pages.frame import with_query
from ponder.serve.templates import ENVIRONMENT

PAGES = (enter, ask, fit, library, live, traces, trace, blame, compare, connect, settings)
"""Every module with ROUTES."""
NAVIGATION = (
    ("/ask", "Ask"),
    ("/traces", "Traces"),
    ("/fit", "Fit"),
    ("/library", "Library"),
    ("/settings", "Settings"),
)
"""The menu: address and name, in order."""

ENVIRONMENT.globals["navigation"] = NAVIGATION
ENVIRONMENT.filters |= spelling.FILTERS | {
    "bytes_of": bytes_of,
    "excerpt": excerpt,
    "counted": counted,
    "query": with_query,
}
