"""ponder: choose, run, inspect and correct reasoning models on your own hardware.

Names are loaded when first used, so that `import ponder` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ponder.api import ask, close, fork
    from ponder.catalog.models import all_models, find_model
    from ponder.core.events import Event, Finish, Paused, Prefill, Step, StepEnd, StepStart, Token, Usage
    from ponder.core.model import Model
    from ponder.core.request import Correction, Message, Sampling, Steering
    from ponder.core.trace import Trace
    from ponder.errors import PonderError
    from ponder.opened import Options
    from ponder.session import Answering
    from ponder.store import Store, open_store

__all__ = [
    "Answering",
    "Correction",
    "Event",
    "Finish",
    "Message",
    "Model",
    "Options",
    "Paused",
    "PonderError",
    "Prefill",
    "Sampling",
    "Steering",
    "Step",
    "StepEnd",
    "StepStart",
    "Store",
    "Token",
    "Trace",
    "Usage",
    "all_models",
    "ask",
    "close",
    "find_model",
    "fork",
    "open_store",
]

_HOME = {
    "ask": "ponder.api",
    "close": "ponder.api",
    "fork": "ponder.api",
    "all_models": "ponder.catalog.models",
    "find_model": "ponder.catalog.models",
    "Model": "ponder.core.model",
    "Message": "ponder.core.request",
    "Sampling": "ponder.core.request",
    "Correction": "ponder.core.request",
    "Steering": "ponder.core.request",
    "Trace": "ponder.core.trace",
    "PonderError": "ponder.errors",
    "Options": "ponder.opened",
    "Answering": "ponder.session",
    "Store": "ponder.store",
    "open_store": "ponder.store",
}


def __getattr__(name: str) -> object:
    """Load a public name's module; those without an entry in _HOME are events."""
    if name not in __all__:
        raise AttributeError(f"module 'ponder' has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "ponder.core.events")), name)
