import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.store.codec import decode, dumps, encode


@dataclass(frozen=True)
class Inner:
    name: str
    data: bytes = b""


@dataclass(frozen=True)
class Outer:
    many: tuple[Inner, ...]
    pair: tuple[int, float]
    maybe: float | None = None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(anything | st.characters(categories=["Cs", "Cc", "Zl", "Zp"]).map(lambda c: {c: c}))
def test_json_is_one_safe_line_that_reads_back(value: object) -> None:
    text = dumps(value)
    assert json.loads(text) == value
    assert len(text.encode().decode().splitlines()) == 1
    assert not set(text) & {chr(code) for code in (*range(32), *range(127, 160))}


@given(st.builds(Outer, st.lists(st.builds(Inner, st.text(), st.binary())).map(tuple)))
def test_a_value_comes_back_equal(value: Outer) -> None:
    back = decode(Outer, json.loads(dumps(encode(value))))
    assert repr(back) == repr(value)  # NaN comes back too, and is not equal to itself


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), 0.1, 1])
def test_numbers_come_back(number: float) -> None:
    value = Outer((), (1, number), number)
    back = decode(Outer, json.loads(dumps(encode(value))))
    assert repr(back) == repr(value)  # NaN comes back too, and is not equal to itself


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ([], "Outer cannot be"),
        ({"many": []}, "lacks the field 'pair'"),
        ({"many": [], "pair": [1, 2.0], "more": 1}, "no field 'more'"),
        ({"many": [], "pair": [1]}, "has 1 items instead of 2"),
        ({"many": [], "pair": [True, 2.0]}, r"Outer.pair\[0\] cannot be true"),
        ({"many": [], "pair": [1, "fast"]}, r"Outer.pair\[1\] cannot be"),
        ({"many": [{"name": 5}], "pair": [1, 2.0]}, r"Outer.many\[0\].name cannot be 5"),
        ({"many": [{"name": "x", "data": {"hex": "0"}}], "pair": [1, 2.0]}, "data cannot be"),
        ({"many": [{"name": "x", "data": {"hex": "00", "or": 1}}], "pair": [1, 2.0]}, "data cannot be"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data: object, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        decode(Outer, data)
