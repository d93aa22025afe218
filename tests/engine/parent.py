"""A real program with an engine: prints the ids of the processes it started, and then waits to be killed.

`python -m tests.engine.parent GGUF [LLAMA_SERVER]`
"""

import sys
import time

import psutil

from ponder.engine.binary import Binary
from ponder.engine.embedded import Embedded
from ponder.engine.owned import Settings


def main() -> None:
    """Start the engine and wait."""
    load = Settings(sys.argv[1], n_ctx=512, threads=1)
    engine = Binary(sys.argv[2], load) if len(sys.argv) > 2 else Embedded(load)
    engine.serve()
    children = psutil.Process().children(recursive=True)
    print(*(child.pid for child in children), flush=True)  # noqa: T201 - the test reads it
    time.sleep(600)


if __name__ == "__main__":
    main()
