"""Attacks that succeed without the sandbox, and what becomes of them inside."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ponder.check import sandbox
from ponder.check.sandbox import Isolation, Limits, Ran, isolation, run_python, run_with
from ponder.errors import AbilityError

SMALL = Limits(cpu_s=2, wall_s=6, memory_bytes=256 << 20, file_bytes=1 << 20, output_bytes=1 << 16)


def _here() -> list[Isolation]:
    candidates: tuple[Isolation, ...] = ("stranger", "bubblewrap", "unshare", "sandbox-exec")
    return [how for how in candidates if sandbox._works(how)] or ["none"]


HERE = _here()
pytestmark = pytest.mark.skipif(HERE == ["none"], reason="no isolation on this machine")


@pytest.fixture(params=HERE)
def how(request: pytest.FixtureRequest) -> Isolation:
    return request.param  # type: ignore[no-any-return]


def free(code: str) -> Ran:
    return run_with("none", code, "", SMALL)


def test_output_input_and_status(how: Isolation) -> None:
    ran = run_with(how, "import sys\nprint(int(input()) * 2)\nsys.exit(3)", "21", SMALL)
    assert (ran.stdout, ran.status, ran.stopped, ran.ok) == ("42\n", 3, "", False)


def test_an_error_is_a_result(how: Isolation) -> None:
    ran = run_with(how, "1/0", "", SMALL)
    assert ran.status == 1
    assert "ZeroDivisionError" in ran.stderr


def test_no_network(how: Isolation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        attack = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\nprint('in')"
        assert free(attack).stdout == "in\n"
        assert run_with(how, attack, "", SMALL).stdout == ""


def test_no_files_of_the_machine(how: Isolation, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    for path in ("/etc/passwd", str(secret)):
        attack = f"print(len(open({path!r}).read()))"
        assert free(attack).ok
        assert not run_with(how, attack, "", SMALL).ok


def test_no_home_and_no_environment(how: Isolation) -> None:
    attack = f"import os\nprint(os.path.exists({str(Path.cwd())!r}), sorted(os.environ))"
    assert run_with(how, attack, "", SMALL).stdout.startswith("False ['LC_ALL'")


def test_nothing_is_written_outside(how: Isolation, tmp_path: Path) -> None:
    attack = f"open({str(tmp_path / 'x')!r}, 'w').write('x')"
    assert not run_with(how, attack, "", SMALL).ok
    assert not list(tmp_path.iterdir())
    for path in ("/x", "/usr/x", "/box/../x"):
        assert not run_with(how, f"open({path!r}, 'w')", "", SMALL).ok


def test_a_symlink_leads_nowhere(how: Isolation) -> None:
    attack = "import os\nos.symlink('/etc/passwd', 'a')\nprint(open('a').read())"
    assert free(attack).ok
    assert not run_with(how, attack, "", SMALL).ok


def test_the_parent_is_out_of_reach(how: Isolation) -> None:
    attack = (
        "import os\nlist_ = [p for p in os.listdir('/proc') if p.isdigit()]\n"
        f"print(len(list_) < 8, os.path.exists('/proc/{os.getpid()}/cwd/pyproject.toml'))\n"
        f"try: os.kill({os.getpid()}, 0); print('reached')\n"
        "except OSError: print('out of reach')"
    )
    if sys.platform == "linux":
        assert "reached" in free(attack).stdout.split()
        assert run_with(how, attack, "", SMALL).stdout == "True False\nout of reach\n"


def test_the_old_root_cannot_be_had_back(how: Isolation) -> None:
    attack = (
        "import os, ctypes\nlibc = ctypes.CDLL(None)\n"
        "print(libc.mount(b'none', b'/box', b'tmpfs', 0, None), libc.unshare(0x10000000))\n"
        "for p in ('/proc/1/root/etc/passwd', '/old/etc/passwd', '/proc/1/cwd/etc/passwd'):\n"
        "    print(os.path.exists(p))"
    )
    ran = run_with(how, attack, "", SMALL)
    assert ran.stdout.startswith("-1 ")
    assert "True" not in ran.stdout


def test_memory_files_and_output_are_limited(how: Isolation) -> None:
    assert not run_with(how, "x = bytearray(1 << 30)", "", SMALL).ok
    assert not run_with(how, "open('big', 'wb').write(b'x' * (4 << 20))", "", SMALL).ok
    flood = run_with(how, "while True: print('x' * 1000)", "", SMALL)
    assert flood.stopped == "output"
    assert len(flood.stdout) == SMALL.output_bytes


def test_an_endless_loop_and_a_sleeper_end(how: Isolation) -> None:
    limits = Limits(cpu_s=1, wall_s=3)
    assert not run_with(how, "while True: pass", "", limits).ok
    assert run_with(how, "import time\ntime.sleep(60)", "", Limits(wall_s=1)).stopped == "time"


def test_a_fork_bomb_leaves_nothing_behind(how: Isolation) -> None:
    mark = f"bomb{os.getpid()}"
    attack = f"import os, sys, time\n{mark} = 1\nfor _ in range(40):\n    try: pid = os.fork()\n"
    attack += "    except OSError: break\n    if not pid: time.sleep(30)\nprint('full')"
    run_with(how, attack, "", Limits(wall_s=3, processes=16))
    if sys.platform == "linux":
        left = [p for p in Path("/proc").glob("[0-9]*/root/box/main.py") if mark.encode() in _bytes(p)]
        assert not left


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


FORKS = """
import os, time
born = 0
try:
    for _ in range(24):
        if not os.fork(): time.sleep(30); os._exit(0)
        born += 1
except OSError:
    pass
print(born)
"""


def test_what_is_denied_is_allowed_with_room(how: Isolation) -> None:
    """The control run of every limit: the same code passes where the limit leaves room."""
    roomy = Limits(cpu_s=20, wall_s=30, memory_bytes=1 << 30, file_bytes=8 << 20, processes=200)
    for code in ("x = bytearray(300 << 20)", "open('big', 'wb').write(b'x' * (4 << 20))"):
        assert not run_with(how, code, "", SMALL).ok
        assert run_with(how, code, "", roomy).ok
    if sys.platform == "linux" and (how == "stranger" or os.geteuid()):
        few = run_with(how, FORKS, "", Limits(wall_s=20, processes=16))
        assert int(few.stdout or 0) < 16
        assert run_with(how, FORKS, "", roomy).stdout == "24\n"
    late = "import time\ntime.sleep(1.5)\nprint('late')"
    assert run_with(how, late, "", Limits(wall_s=0.5)).stopped == "time"
    assert run_with(how, late, "", roomy).stdout == "late\n"


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env")
"""`env`, since setpriv itself may still run what root may."""
AS_NOBODY = """
import os, sys
from ponder.check.sandbox import Limits, run_with
attack = f"print(open({sys.argv[2]!r}).read())"
for code in ("print(6 * 7)", attack):
    ran = run_with(sys.argv[1], code, "", Limits())
    print(os.getuid(), ran.ok, ran.stdout.strip())
print(run_with("none", attack, "", Limits()).ok)
"""


def _python_of_nobody() -> str:
    """A Python that everybody may run; "" where there is none, or where we may not change who we are."""
    if sys.platform != "linux" or os.getuid() != 0 or not shutil.which("setpriv"):
        return ""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        new = [*NOBODY, python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(new, capture_output=True, check=False).returncode == 0:
            return python
    return ""


def test_a_person_without_rights_has_the_same_sandbox(how: Isolation) -> None:
    python = _python_of_nobody()
    if not python or how == "stranger":
        pytest.skip("only root can try what another user may do, and be a stranger")
    source = str(Path(sandbox.__file__).parents[2])
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder, "secret")
        secret.write_text("hidden")
        Path(folder).chmod(0o755)
        environment = {"PYTHONPATH": source, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*NOBODY, python, "-c", AS_NOBODY, how, str(secret)]
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)
    if "No module named 'ponder'" in ran.stderr:
        pytest.skip("nobody cannot read this checkout")
    assert ran.stdout.split("\n")[:3] == ["65534 True 42", "65534 False ", "True"], ran.stderr


def test_refused_without_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "isolation", lambda: "none")
    with pytest.raises(AbilityError, match="install bubblewrap"):
        run_python("print(1)")
    assert run_python("print(1)", without_isolation=True).stdout == "1\n"


def test_the_isolation_is_found() -> None:
    assert isolation() == HERE[0]
