"""The default engine: llama.cpp in a child process, so that a native crash is an event and not the end.

The process can be started before the model is known (`prestart`): loading Python and the native library
then overlaps with everything the parent does first.
"""

import json
import sys
from dataclasses import asdict

from ponder.engine.llama import LlamaClient
from ponder.engine.owned import Owned, Seen
from ponder.engine.process import Process, new_key, source

TELLS_BUFFERS = 4
"""llama.cpp's verbosity from which it logs what it allocates; not yet what it reads or writes."""


def prestart() -> Process:
    """A process that waits for its settings."""
    return Process([sys.executable, "-I", source("child.py")])


class Embedded(Owned):
    """llama.cpp as it comes with xllamacpp."""

    def devices(self) -> list[Seen]:
        """See Owned; starts the process, if there is none, without a model."""
        with self._lock:
            self._process = self._process or prestart()
            self._process.say(json.dumps("devices"))
            return [Seen(*row) for row in json.loads(self._process.hear() or "[]")]

    def _start(self) -> tuple[Process, LlamaClient]:
        key = new_key()
        settings = asdict(self.settings) | {
            "threads_batch": self.settings.threads_batch or self.settings.threads,
            "key": key,
            "origin": "http://127.0.0.1",
            "verbosity": TELLS_BUFFERS,
        }
        with (self._process or prestart()).or_end() as process:
            self._process = None
            process.say(json.dumps(settings))
            answer = json.loads(process.hear() or "{}")
            if "url" not in answer:
                what = f"llama.cpp cannot load {self.settings.model_path}"
                raise process.ended(what, answer.get("error", ""))
        name = f"llama.cpp (xllamacpp {answer['build']})"
        return process, LlamaClient(answer["url"], key, name=name, slots=self.settings.n_parallel)
