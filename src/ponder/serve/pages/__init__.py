"""One module for each page; `ponder.serve.app` says how to add one.

The pages of later tracks (distillation runs, evaluations) go into PAGES and NAVIGATION beside the others:
the menu has room for them after Library.
"""

from ponder.serve.pages import ask, compare, connect, enter, fit, live, spelling, trace, traces
from ponder.serve.pages.fit_bars import bytes_of, counted
from ponder.serve.templates import ENVIRONMENT

PAGES = (enter, ask, fit, live, traces, trace, compare, connect)
"""Every module with ROUTES."""
NAVIGATION = (("/ask", "Ask"), ("/traces", "Traces"), ("/fit", "Fit"))
"""The menu: address and name, in order."""

ENVIRONMENT.globals["navigation"] = NAVIGATION
ENVIRONMENT.filters |= spelling.FILTERS | {"bytes_of": bytes_of, "counted": counted}
