"""Forecasts of tuning: by the formulas, and worse where more is asked for."""

from dataclasses import replace

import pytest

from ponder.distill.forecast import Tuning, expected, memory_bytes, model_of
from ponder.distill.work import Expected
from ponder.errors import NotFoundError
from ponder.fit.devices import find_all

BASE = Tuning("Qwen/Qwen2.5-7B-Instruct", 4096)
DATA = Expected(1000, 4_000_000)


def test_full_tuning_keeps_sixteen_bytes_a_parameter_shared_among_the_cards() -> None:
    state = 16 * model_of(BASE.base).parameters
    one, two = memory_bytes(BASE, 1), memory_bytes(BASE, 2)
    assert one - two == pytest.approx(state / 2)
    assert memory_bytes(replace(BASE, rank=16), 1) < state / 4
    assert memory_bytes(replace(BASE, checkpointing=False), 1) > memory_bytes(replace(BASE, batch=2), 1)


def test_time_follows_tokens_and_cards_and_what_does_not_fit_is_said() -> None:
    found = expected(BASE, DATA, 2, find_all("8x H100 SXM"))
    half = expected(BASE, DATA, 1, find_all("8x H100 SXM"))
    assert found.tokens == 8_000_000
    assert found.low_s is not None
    assert found.high_s == pytest.approx(2.5 * found.low_s)
    assert half.low_s == pytest.approx(found.low_s / 2)
    assert found.why.startswith("fits")
    assert expected(BASE, DATA, 1, find_all("RTX 4090")).why.startswith("DOES NOT FIT")
    operations = found.low_s * 0.5 * 8 * 989e12 / found.tokens
    assert 8 * model_of(BASE.base).parameters < operations < 8.5 * model_of(BASE.base).parameters


def test_a_base_that_nobody_knows_is_refused() -> None:
    with pytest.raises(NotFoundError, match="nothing is known of the base 'nobody/nothing'"):
        expected(replace(BASE, base="nobody/nothing"), DATA, 1, find_all("RTX 4090"))
