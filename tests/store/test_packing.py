from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Origin, Part, Token
from ponder.store.packing import ORIGINS, PARTS, pack, pack_ids, unpack, unpack_ids
from tests.store.strategies import token_lists


def test_every_part_and_origin_has_a_number() -> None:
    assert get_args(Part) == PARTS
    assert get_args(Origin) == ORIGINS


@given(token_lists(), st.integers(0, 10**6))
def test_any_tokens_come_back_equal(tokens: list[Token], first: int) -> None:
    unpacked = unpack(pack(tokens), first)
    assert [token.index for token in unpacked] == [first + token.index for token in tokens]
    assert unpack(pack(tokens), 0) == tokens


def test_a_logprob_comes_back_as_the_nearest_float32() -> None:
    (token,) = unpack(pack([Token(0, 1, b"x", "answer", "model", -0.1, 0.1)]), 0)
    assert token.logprob == -0.10000000149011612
    assert token.time_s == 0.1


def test_the_layout_is_the_documented_one() -> None:
    chunk = pack([Token(0, None, b"\xff", "tag", "budget", 1.0, 2.0)])
    assert chunk.hex(" ", -4) == "01010000 00ffffff ff000080 3f0000c0 7f000000 00000000 40020301 000000ff"


@given(token_lists(), st.data())
def test_a_cut_or_foreign_chunk_is_refused(tokens: list[Token], data: st.DataObject) -> None:
    chunk = pack(tokens)
    cut = data.draw(st.integers(0, len(chunk) - 1))
    with pytest.raises(ValueError, match="chunk"):
        unpack(chunk[:cut], 0)
    with pytest.raises(ValueError, match="unknown format 9"):
        unpack(b"\x09" + chunk[1:], 0)


def test_an_unknown_origin_is_refused() -> None:
    chunk = pack([Token(0, 1, b"", "tag", "budget", 1.0, 2.0)])
    with pytest.raises(ValueError, match="unknown part or origin"):
        unpack(chunk[:-5] + b"\x63" + chunk[-4:], 0)


@pytest.mark.parametrize("token_id", [-1, 2**31])
def test_an_impossible_id_is_refused(token_id: int) -> None:
    with pytest.raises(ValueError, match="token ids must lie in"):
        pack([Token(0, token_id, b"", "answer", "model", None, 0.0)])


@given(st.lists(st.integers(0, 2**31 - 1)))
def test_prompt_ids_come_back_equal(ids: list[int]) -> None:
    assert unpack_ids(pack_ids(ids)) == tuple(ids)
