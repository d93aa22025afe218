"""Columns: as wide as they must be, never wider than the terminal."""

from rich.text import Text

from ponder.cli.columns import Column, lay_out

COLUMNS = (Column("name"), Column("n", right=True), Column("words", share=1), Column("end", most=4))


def test_cells_stand_under_their_titles() -> None:
    rows = [["a", "1", "some words", "x"], ["long name", "1,234", "more", "beyond"]]
    lines = lay_out(COLUMNS, rows, 32, 1).plain.split("\n")
    assert [line.rstrip() for line in lines] == [
        "name          n words       end",
        "a             1 some words  x",
        "long name 1,234 more        bey…",
    ]


def test_wide_characters_count_twice_and_styles_stay() -> None:
    cell = Text("草莓草莓草莓草莓草莓", style="red")
    text = lay_out((Column("", share=1), Column("n")), [[cell, "1"]], 12, 1)
    assert text.plain.split("\n")[1] == "草莓草莓 … 1"
    assert cell.plain == "草莓草莓草莓草莓草莓"
    assert any(span.style == "red" for span in text.spans)
