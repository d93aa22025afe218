"""Running a model's Python where it can harm nothing: `run_python(code)`.

Linux: namespaces for users, processes, mounts, network, System V objects and the host name, through
bubblewrap where it is installed and `unshare` otherwise. Root is exempt from the limit on processes, whatever
it is called inside, so a program that root starts runs in such namespaces as a user of its own. The file
system is an empty one in memory that
holds, read only, what Python itself needs (its own folders, /usr and the libraries) and one temporary
folder as working directory. There is no network, not even a loopback that is up, and of processes only its
own. macOS: `sandbox-exec` with a profile that denies everything but reading Python. Everywhere: resource
limits, an empty environment, `python -I`, output that is cut at a limit, and the end of the whole group
when the time is over. Where none of this can be had, AbilityError is raised: nothing ever runs unprotected
unless `without_isolation` is given.
"""

import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from ponder.errors import AbilityError

Isolation = Literal["stranger", "bubblewrap", "unshare", "sandbox-exec", "none"]
_STRANGERS = 1_000_000_000
"""User ids from here on belong to nobody; a program of root's runs as one of them."""
_BLOCK = 65536


@dataclass(frozen=True, slots=True)
class Limits:
    """What code may use: CPU and wall-clock seconds, bytes of memory, of a file and of output, and
    processes."""

    cpu_s: float = 5.0
    wall_s: float = 10.0
    memory_bytes: int = 512 << 20
    file_bytes: int = 8 << 20
    output_bytes: int = 1 << 20
    processes: int = 16


@dataclass(frozen=True, slots=True)
class Ran:
    """How code ended: exit status (negative: the signal), output as text, and what stopped it (or "")."""

    status: int
    stdout: str
    stderr: str
    stopped: Literal["", "time", "output"] = ""
    isolation: Isolation = "none"

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and without an error."""
        return self.status == 0 and not self.stopped


# Runs inside: takes the limits, then becomes Python. Written for any Python 3, read by `python -I -c`.
_LIMITED = """
import os, resource as r, sys
cpu, memory, size, processes = map(int, sys.argv[1:5])
for kind, most in ((r.RLIMIT_CPU, cpu), (r.RLIMIT_AS, memory), (r.RLIMIT_FSIZE, size), (r.RLIMIT_NPROC,
processes),
                   (r.RLIMIT_CORE, 0), (r.RLIMIT_NOFILE, 64)):
    try: r.setrlimit(kind, (most, most))
    except (ValueError, OSError): pass
os.execve(sys.executable, [sys.executable, "-I", "-B", sys.argv[5]],
          {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"})
"""
# Builds the root inside the new namespaces, steps into it, drops every capability, and runs the rest.
_ROOT = r"""
set -e
root=$1; work=$2; shift 2
mount -t tmpfs -o size=64m,mode=755 tmpfs "$root"
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then ln -s "$(readlink "$1")" "$root$1"
  else mkdir -p "$root$1"; mount --bind "$1" "$root$1"
    mount -o remount,bind,ro,nosuid,nodev "$root$1"; fi; shift
done; shift
mkdir -p "$root/proc" "$root/dev" "$root/box" "$root/old"
for name in null zero urandom; do : > "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$work" "$root/box"
cd "$root"; pivot_root . old; umount -l /old; rmdir /old
mount -o remount,bind,ro,nosuid,nodev / ; cd /box
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""
_NAMESPACES = (
    "--net",
    "--pid",
    "--mount",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child",
)


def run_python(
    code: str,
    stdin: str = "",
    limits: Limits | None = None,
    *,
    without_isolation: bool = False,
) -> Ran:
    """The result of a Python program in a sandbox; it never raises for what the code does.

    Raises AbilityError where this machine has no isolation; with `without_isolation` the code then runs under
    limits only, which is a person's decision and never a program's.
    """
    how = isolation()
    if how == "none" and not without_isolation:
        raise AbilityError(
            "This machine offers no isolation (bubblewrap, `unshare` with user namespaces, or "
            "sandbox-exec), so a model's code is not run: install bubblewrap, or allow it in so many words."
        )
    return run_with(how, code, stdin, limits or Limits())


def run_with(how: Isolation, code: str, stdin: str, limits: Limits) -> Ran:
    """As `run_python`, with an isolation that was chosen."""
    with tempfile.TemporaryDirectory(prefix="ponder-", ignore_cleanup_errors=True) as folder:
        work, root = Path(folder, "work"), Path(folder, "root")
        work.mkdir()
        root.mkdir()
        work.joinpath("main.py").write_bytes(code.encode("utf-8", "replace"))
        return _run(_command(how, work, root, limits), work, stdin, limits, how)


@functools.cache
def isolation() -> Isolation:
    """Which isolation works here, found by trying it once."""
    candidates: tuple[Isolation, ...] = (
        ("stranger", "bubblewrap", "unshare")
        if sys.platform == "linux"
        else ("sandbox-exec",)
        if sys.platform == "darwin"
        else ()
    )
    for how in candidates:
        if _works(how):
            return how
    return "none"


_NEEDS = {
    "stranger": ("unshare", "setpriv", "pivot_root", "mount"),
    "bubblewrap": ("bwrap",),
    "unshare": ("unshare", "setpriv", "pivot_root", "mount"),
}


def _works(how: Isolation) -> bool:
    if not all(_tool(tool) for tool in _NEEDS.get(how, (how,))) or (how == "stranger" and os.geteuid()):
        return False
    return run_with(how, "print(6 * 7)", "", Limits()).stdout == "42\n"


def _tool(name: str) -> str | None:
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")


def _folders() -> list[str]:
    """What Python needs to read: its installation and the system's libraries; links of the root as they
    are."""
    paths = {"/usr", sys.base_prefix, str(Path(os.__file__).parent)}
    real = sorted({os.path.realpath(path) for path in paths if Path(path).is_dir()})
    kept = [p for p in real if not any(p != other and p.startswith(other + "/") for other in real)]
    return [*kept, *(path for path in ("/lib", "/lib64", "/bin", "/sbin") if Path(path).exists())]


def _command(how: Isolation, work: Path, root: Path, limits: Limits) -> list[str]:
    python = os.path.realpath(sys.executable)
    numbers = (max(1, round(limits.cpu_s)), limits.memory_bytes, limits.file_bytes, limits.processes)
    inside = "main.py" if how in ("none", "sandbox-exec") else "/box/main.py"
    last = [python, "-I", "-c", _LIMITED, *map(str, numbers), inside]
    if how == "bubblewrap":
        binds = []
        for path in _folders():
            link = Path(path).is_symlink()
            binds += ["--symlink", str(Path(path).readlink()), path] if link else ["--ro-bind", path, path]
        return [
            *(
                _tool("bwrap") or "bwrap",
                "--unshare-all",
                "--die-with-parent",
                "--new-session",
                "--cap-drop",
                "ALL",
            ),
            *(*binds, "--proc", "/proc", "--dev", "/dev", "--bind", str(work), "/box", "--chdir", "/box"),
            *("--remount-ro", "/", "--", *last),
        ]
    if how in ("unshare", "stranger"):
        users = ["--user", "--map-root-user"] if how == "unshare" else []
        script = ["/bin/sh", "-c", _ROOT, "sh", str(root), str(work), *_folders(), "--"]
        script += _stranger(work) if how == "stranger" else []
        return [_tool("unshare") or "unshare", *users, *_NAMESPACES, "--", *script, *last]
    if how == "sandbox-exec":
        reads = " ".join(f'(subpath "{path}")' for path in (*_folders(), "/System", "/Library"))
        profile = (
            "(version 1)(deny default)(allow process-exec)(allow process-fork)(allow sysctl-read)"
            f"(allow file-read-metadata)(allow file-read* {reads}"
            f' (literal "/dev/null") (literal "/dev/urandom"))'
            f'(allow file-read* file-write* (subpath "{os.path.realpath(work)}"))'
        )
        return ["/usr/bin/sandbox-exec", "-p", profile, *last]
    return last


def _stranger(work: Path) -> list[str]:
    """Arguments of setpriv that make the program a user of its own, to whom its folder is given."""
    user = _STRANGERS + secrets.randbelow(_STRANGERS)
    for path in (work, *work.iterdir()):
        os.chown(path, user, user)
    return [f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def _run(command: Sequence[str], work: Path, stdin: str, limits: Limits, how: Isolation) -> Ran:
    with subprocess.Popen(
        command,
        cwd=work,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        streams = [
            _Reading(process.stdout, limits.output_bytes),
            _Reading(process.stderr, limits.output_bytes),
        ]
        writer = threading.Thread(
            target=_write, args=(process.stdin, stdin.encode("utf-8", "replace")), daemon=True
        )
        writer.start()
        stopped: Literal["", "time", "output"] = ""
        ends = time.monotonic() + limits.wall_s
        while process.poll() is None and not stopped:
            if time.monotonic() > ends:
                stopped = "time"
            elif any(stream.full for stream in streams):
                stopped = "output"
            else:
                time.sleep(0.005)
        _kill(process)
        for stream in streams:
            stream.join(2.0)
        out, err = (
            bytes(stream.data[: limits.output_bytes]).decode("utf-8", "replace") for stream in streams
        )
    return Ran(process.returncode, out, err, "output" if any(s.full for s in streams) else stopped, how)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends the whole group; inside a process namespace that ends everything in it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    try:
        if stream is not None:
            stream.write(data)
            stream.close()
    except OSError:
        pass  # the program did not read it


class _Reading(threading.Thread):
    """Reads a stream to its end and keeps at most `most` bytes."""

    def __init__(self, stream: IO[bytes] | None, most: int) -> None:
        super().__init__(daemon=True)
        self._stream, self._most = stream, most
        self.data = bytearray()
        self.full = False
        self.start()

    def run(self) -> None:
        """Fills `data`; what is beyond the limit is read and dropped."""
        while self._stream is not None and (block := os.read(self._stream.fileno(), _BLOCK)):
            if len(self.data) + len(block) > self._most:
                self.full = True
            self.data += block[: self._most - len(self.data)]
