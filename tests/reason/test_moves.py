"""Groups of steps: moves of one role, chapters of a long reasoning, what is folded away."""

from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Step
from ponder.reason.moves import Group, chapters, folded, moves, overview, strip

ROLES = {"p": "plan", "c": "compute", "k": "check", "b": "branch", "o": "other"}


def steps(text: str, sizes: list[int] | None = None) -> tuple[Step, ...]:
    sizes = sizes or [10] * len(text)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(
        Step(i, start, start + size, "reasoning", ROLES[letter])
        for i, (letter, start, size) in enumerate(zip(text, starts, sizes, strict=True))
    )


def letters(groups: tuple[Group, ...]) -> list[str]:
    return ["".join(step.role[0] for step in group.steps) for group in groups]


def test_a_move_is_a_run_of_one_role() -> None:
    found = moves(steps("ppcccp"))
    assert letters(found) == ["pp", "ccc", "p"]
    assert [(group.start, group.stop, group.tokens, group.role) for group in found] == [
        (0, 20, 20, "plan"),
        (20, 50, 30, "compute"),
        (50, 60, 10, "plan"),
    ]


def test_chapters_join_the_smallest_and_begin_with_a_turn() -> None:
    assert letters(chapters(steps("cocbcoc"), 2)) == ["coc", "bcoc"]
    assert letters(chapters(steps("cococ", [50, 1, 1, 50, 50]), 3)) == ["coc", "o", "c"]
    mixed = chapters(steps("cb", [5, 30]), 1)[0]
    assert (mixed.role, mixed.tokens_by_role) == ("branch", {"branch": 30, "compute": 5})


def test_the_overview_is_as_fine_as_there_is_room() -> None:
    assert len(overview(steps("cc" * 10), single=20, most=3)) == 20
    assert len(overview(steps("cb" * 11), single=20, most=3)) == 3
    assert len(overview(steps("c" * 30), single=20, most=3)) == 1


def test_folding_keeps_the_rest_in_groups() -> None:
    found = folded(steps("pcckcc"), lambda step: step.role != "compute")
    assert [(shown, len(group.steps)) for shown, group in found] == [
        (True, 1),
        (False, 2),
        (True, 1),
        (False, 2),
    ]


def test_a_strip_shows_the_roles_along_the_tokens() -> None:
    assert strip(steps("pc", [10, 30]), 4) == ["plan", "compute", "compute", "compute"]
    assert strip(steps("pck", [98, 1, 1]), 2) == ["plan", "plan"]
    assert strip(steps("p", [3]), 5) == ["plan"] * 5
    assert strip((), 5) == strip(steps("p"), 0) == []


@given(st.text("pckbo", min_size=1, max_size=60), st.integers(1, 20), st.data())
def test_groups_hold_every_step_once(text: str, most: int, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 400), min_size=len(text), max_size=len(text)))
    cut = steps(text, sizes)
    for groups in (moves(cut), chapters(cut, most), overview(cut, 10, most)):
        assert tuple(step for group in groups for step in group.steps) == cut
    assert len(chapters(cut, most)) <= most
    assert len(strip(cut, most)) == most
