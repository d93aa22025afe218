"""One module for each page; `ponder.serve.app` says how to add one.

The pages of later tracks (distillation runs, evaluations) go into PAGES and NAVIGATION beside the others:
the menu has room for them after Library.
"""

from ponder.serve.pages import ask, compare, connect, enter, live, spelling, trace, traces
from ponder.serve.templates import ENVIRONMENT

PAGES = (enter, ask, live, traces, trace, compare, connect)
"""Every module with ROUTES."""
NAVIGATION = (("/ask", "Ask"), ("/traces", "Traces"))
"""The menu: address and name, in order."""

ENVIRONMENT.globals["navigation"] = NAVIGATION
ENVIRONMENT.filters |= spelling.FILTERS
