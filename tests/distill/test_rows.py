"""Rows in files survive a kill, and any of them can be read alone."""

from pathlib import Path

import pytest

from ponder.distill.example import Example
from ponder.distill.rows import Appended, Lines, read_rows, write_rows
from ponder.errors import FileFormatError


def test_what_a_kill_has_cut_off_is_written_again(tmp_path: Path) -> None:
    path, seen = tmp_path / "rows.jsonl", list[int]()
    with Appended(path) as out:
        for number in range(3):
            out.add({"n": number, "text": "x" * 70_000})
    whole = path.read_bytes()
    for cut in (whole[:-1], whole[: len(whole) - 100_000], whole[:10]):
        path.write_bytes(cut)
        seen.clear()
        with Appended(path, lambda row: seen.append(row["n"])) as out:
            assert out.count == len(seen) == cut.count(b"\n")
            for number in range(out.count, 3):
                out.add({"n": number, "text": "x" * 70_000})
        assert path.read_bytes() == whole


def test_rows_come_back_as_they_were_and_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [Example(str(n), "é\u2028?", (("a\n", True), ("b", False)), "c") for n in range(5)]
    assert write_rows(path, rows) == 5
    assert list(read_rows(path, Example)) == rows
    lines = Lines(path)
    assert len(lines) == 5
    assert lines.read(3, 9, Example) == rows[3:]
    assert lines.read(5, 1, Example) == []
    with path.open("a") as file:
        file.write('{"id": 5}\n')
    with pytest.raises(FileFormatError, match="line 6 is no row"):
        list(read_rows(path, Example))
