"""Runs a program that does not know us, and ends it when standard input ends; run as a file.

`python guard.py PROGRAM ARGUMENT…`: what the program says goes to standard error, and its exit code, or the
signal that killed it, becomes ours. The first line of standard input is its key, which everybody could
read in a command line. The program is told to log its buffers, which versions of 2026 do from 4 on, and older
ones, which do not know that variable, always.
"""

import os
import subprocess
import sys
import threading


def main() -> None:
    """Run the program until it ends or our parent does."""
    key = sys.stdin.readline().strip()
    try:
        program = subprocess.Popen(
            sys.argv[1:],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            env={"LLAMA_ARG_LOG_VERBOSITY": "4"} | os.environ | {"LLAMA_API_KEY": key},
        )
    except OSError as error:
        sys.exit(str(error.strerror))

    def follow() -> None:
        sys.stdin.read()
        program.kill()

    threading.Thread(target=follow, daemon=True).start()
    code = program.wait()
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
