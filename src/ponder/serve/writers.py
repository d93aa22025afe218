"""The model that wrote a kept trace, taken again: only if it is still the same file, for token ids mean what
they meant with no other.
"""

from ponder.errors import InputError, NotFoundError
from ponder.opened import Opened
from ponder.serve.models import Models, Shape
from ponder.store.values import Bundle


async def writer_of(models: Models, bundle: Bundle) -> tuple[str, Shape]:
    """The name of the model that wrote a trace, and how it is to be loaded; raises NotFoundError."""
    name, quantisation = bundle.trace.model, bundle.environment.get("quantisation", "")
    try:
        offer = await models.find(f"{name}@{quantisation}" if quantisation else name)
    except NotFoundError:
        offer = await models.find(name)
    return offer.name, _shape(bundle)


def check_same(opened: Opened, bundle: Bundle) -> None:
    """Raise InputError where the model is another file than the one that wrote the trace."""
    if opened.facts.get("weights_bytes") != bundle.environment.get("weights_bytes"):
        raise InputError(
            f"{opened.name} is another file here than when trace {bundle.trace.id} was written: ask again."
        )


def _shape(bundle: Bundle) -> Shape:
    """The context and the cache that the trace was written with: what fitted then fits when it goes on."""
    n_ctx, kv_type = bundle.environment.get("n_ctx"), bundle.environment.get("kv_type")
    return Shape(
        n_ctx if isinstance(n_ctx, int) and n_ctx > 0 else None, kv_type if isinstance(kv_type, str) else None
    )
