"""What was measured of this machine and stays true: the rate of its RAM, kept in `machine.json`.

A measurement takes a third of a second and varies by some percent. Kept, it costs a question nothing, and two
plans of one day agree.
"""

import json
from pathlib import Path
from typing import Any

from ponder.catalog.library import home
from ponder.errors import FileFormatError, StorageError


def path() -> Path:
    """Where it is kept."""
    return home() / "machine.json"


def ram_bps(cpu: str, ram_bytes: int) -> tuple[float, bool] | None:
    """Bytes per second that copying reached here, and whether other programs disturbed that; None before the
    first measurement, and after the processor or the RAM was changed. Raises FileFormatError for a foreign
    file.
    """
    file = path()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        same = content["cpu"] == cpu and abs(content["ram_bytes"] - ram_bytes) < ram_bytes / 10
        return (float(content["ram_bps"]), bool(content.get("disturbed", False))) if same else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileFormatError(f"{file} was not written by ponder ({error}); delete it.") from error


def keep_ram_bps(cpu: str, ram_bytes: int, measured_bps: float, *, disturbed: bool = False) -> None:
    """Keep a measurement, replacing an older one. Raises StorageError when that fails."""
    content = {"cpu": cpu, "ram_bytes": ram_bytes, "ram_bps": measured_bps}
    write_json(path(), content | ({"disturbed": True} if disturbed else {}))


def write_json(file: Path, content: Any) -> None:
    """Write a file whole or not at all. Raises StorageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written ({error}); set PONDER_HOME to a writable folder."
        ) from error
