"""One module for each page; `ponder.serve.app` says how to add one.

The pages of later tracks (distillation runs, evaluations) go here beside the others.
"""

from ponder.serve.pages import connect, enter
from ponder.serve.templates import ENVIRONMENT

PAGES = (enter, connect)
"""Every module with ROUTES."""
NAVIGATION = (("/connect", "Connect"),)
"""The menu: address and name, in order."""

ENVIRONMENT.globals["navigation"] = NAVIGATION
