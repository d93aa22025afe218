"""Everything a person can get wrong, as one base error and its kinds.

A message is one sentence that says what is wrong, names the value, and tells what to type next.
The terminal prints it and exits with `exit_code`; the Python API raises it.
"""


class PonderError(Exception):
    """A failure that its user can mend; never shown as a traceback."""

    exit_code = 2


class InputError(PonderError):
    """An option, a question or a file does not make sense."""


class NotFoundError(PonderError):
    """A name (model, trace, step) is not known; the message offers the nearest ones."""


class FileFormatError(PonderError):
    """A file (GGUF, JSONL, configuration) is missing, truncated, foreign or contradictory."""


class MemoryLimitError(PonderError):
    """The model and its context do not fit the free memory; the message holds both numbers."""


class ContextError(PonderError):
    """The prompt leaves no room for an answer in the context."""


class AbilityError(PonderError):
    """The engine cannot do what was asked (say: log-probabilities, token prefixes)."""


class EngineError(PonderError):
    """The engine did not start, refused, or died; what was generated so far is kept."""

    exit_code = 1


class NetworkError(PonderError):
    """A server or the model hub cannot be reached or answered with an error."""


class StorageError(PonderError):
    """The disk is full, or the trace store cannot be read or written."""
