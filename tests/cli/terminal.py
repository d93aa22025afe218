"""The command line as a person calls it: in this process, or as a program of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from ponder.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def ponder(capfd: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Run `ponder ARGUMENTS` in this process, through its real front door."""
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ponder", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
    out, err = capfd.readouterr()
    return Said(int(end.value.code or 0), out, err)


def program(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `ponder ARGUMENTS` as a program."""
    return subprocess.Popen(
        [sys.executable, "-m", "ponder", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
