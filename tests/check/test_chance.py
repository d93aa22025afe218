import pytest

from ponder.check.chance import Share, change, distance


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe (1998), table I, method 3: 81 of 263 and 15 of 148.
    low, high = Share(81, 263).interval()
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = Share(15, 148).interval()
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
    assert Share(0, 20).interval() == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert Share().interval() == (0.0, 1.0)
    assert Share(1, 2) + Share(2, 2) == Share(3, 4)


def test_distance() -> None:
    assert distance([0, 0, 1, 1], [0, 0, 1, 1]) == 0
    assert distance([0, 0], [1, 1]) == 1
    assert distance([0, 0, 0, 1], [0, 1, 1, 1]) == 0.5


def test_a_change_is_told_from_chance() -> None:
    real = change([0] * 10, [1] * 9 + [0])
    assert real.value == 0.9
    assert real.chance < 0.01
    assert real.low > real.by_chance
    # Eight different answers each: as different as can be, and chance alone does that.
    idle = change(range(8), range(8, 16))
    assert idle.value == idle.by_chance == 1.0
    assert idle.chance == 1.0
    assert change([0, 1], [1, 0], seed=3) == change([0, 1], [1, 0], seed=3)
    with pytest.raises(ValueError, match="empty"):
        change([], [1])
