"""Token exactness: the search for lost ids, and what really comes out of llama.cpp's stream."""

import codecs
import itertools
import math
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Prefill
from ponder.core.request import Sampling
from ponder.engine.embedded import Embedded
from ponder.engine.exact import Candidate, fill, incomplete
from ponder.engine.http import Loopback
from ponder.engine.protocol import Ability
from tests.conftest import SCRIPT
from tests.engine.asking import (
    GREEDY,
    USUAL,
    WILD,
    behind,
    ids,
    prompt_of,
    run,
    settings,
    stop,
    tokens,
    vocabulary_of,
)
from tests.tiny import write_random

HELD = re.compile(rb"[\xc0-\xdf]\Z|[\xe0-\xef].?\Z|[\xf0-\xf7].{0,2}\Z", re.DOTALL)
PIECES = (b"\xe4", b"\xbd", b"\xa0", b"\xe4\xbd", b"\xbd\xa0", b"\xf0\x9f", b"a", b"")
EOS = 1


# ---------------------------------------------------------------------- the search


@given(st.binary(max_size=8))
def test_incomplete_is_a_lead_byte_too_near_the_end(data: bytes) -> None:
    assert incomplete(data) == bool(HELD.search(data))


@given(st.text(max_size=5), st.integers(0, 20))
def test_incomplete_agrees_with_a_decoder_on_any_cut_text(text: str, cut: int) -> None:
    data = text.encode()[:cut]
    decoder = codecs.getincrementaldecoder("utf-8")()
    decoder.decode(data)
    assert incomplete(data) == bool(decoder.getstate()[0])


def chances(vocabulary: Sequence[bytes], way: Sequence[int]) -> list[Candidate]:
    """What could follow `way`, each with a log-probability that depends on the way."""
    chance = [-(crc32(bytes([*way, token])) % 1000) / 100 for token in range(len(vocabulary))]
    return [Candidate(token, data, -9.0, chance[token]) for token, data in enumerate(vocabulary)]


def all_ways(
    vocabulary: Sequence[bytes], data: bytes, count: int, last: int
) -> list[tuple[float, list[int]]]:
    """Every way by trying everything, the likeliest first."""
    found = []
    for way in itertools.product(range(len(vocabulary)), repeat=count):
        pieces = [vocabulary[token] for token in way]
        held = all(incomplete(b"".join(pieces[:n])) for n in range(1, count))
        if held and way[-1] == last and b"".join(pieces) == data:
            cost = sum(-chances(vocabulary, way[:n])[token].score for n, token in enumerate(way))
            found.append((cost, list(way)))
    return sorted(found)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.data())
def test_fill_finds_the_likeliest_way(vocabulary: list[bytes], data: st.DataObject) -> None:
    true = data.draw(st.lists(st.integers(0, len(vocabulary) - 1), min_size=1, max_size=3))
    released = b"".join(vocabulary[token] for token in true)
    ways = all_ways(vocabulary, released, len(true), true[-1])
    found = fill(lambda way: chances(vocabulary, way), released, len(true), true[-1])
    assert (found is None) == (not ways)
    if found is not None:
        cost = -math.fsum(token.score for token in found)
        assert cost == pytest.approx(ways[0][0])
        assert [token.id for token in found] in [way for _, way in ways]
        assert found == [
            chances(vocabulary, [t.id for t in found[:n]])[token.id] for n, token in enumerate(found)
        ]


def test_fill_knows_control_tokens_and_the_last_id() -> None:
    vocabulary = (b"\xe4", b"\xbd", b"\xa0", b"", b"\xa0")
    assert [t.id for t in fill(lambda way: chances(vocabulary, way), b"\xe4\xbd\xa0", 3, 4) or []] == [
        0,
        1,
        4,
    ]
    four = fill(lambda way: chances(vocabulary, way), b"\xe4\xbd\xa0", 4, 2)
    assert four is not None
    assert (four[0].id, four[3].id, sorted(t.id for t in four)) == (0, 2, [0, 1, 2, 3])
    assert fill(lambda way: chances(vocabulary, way), b"\xe4\xbd\xa0", 2, 2) is None


def test_fill_gives_up_in_time() -> None:
    asked = []

    def candidates(way: Sequence[int]) -> list[Candidate]:
        asked.append(way)
        return [Candidate(token, b"", -1.0, -1.0) for token in range(9)] + [Candidate(9, b"\xf0", -1.0, -1.0)]

    assert fill(candidates, b"\xf0" * 9, 30, 1) is None
    assert len(asked) <= 64


# ---------------------------------------------------------------------- the real stream


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streamed_ids_are_the_unstreamed_ones(tmp_path: Path, seed: int) -> None:
    engine = Embedded(settings(write_random(tmp_path / "b.gguf", seed=seed)))
    try:
        prompt = prompt_of(engine)
        streamed = run(engine, replace(GREEDY, max_tokens=200), prompt)
        body = {"prompt": prompt.ids, "n_predict": 200, "temperature": 0, "return_tokens": True}
        with closing(behind(engine)) as server:
            whole = server.call("/completion", body)["tokens"]
            assert_same_choices(server, prompt.ids, ids(streamed), whole[: len(ids(streamed))])
        assert len(ids(streamed)) == 200 or stop(streamed).reason == "eos"
        assert "\ufffd" in b"".join(token.data for token in tokens(streamed)).decode("utf-8", "replace")
    finally:
        engine.close()


def assert_same_choices(server: Loopback, prompt: Sequence[int], one: list[int], other: list[int]) -> None:
    """Two greedy runs are equal up to the first place where rounding can decide (0.01 nats, seen: 0.0002)."""
    assert len(one) == len(other)
    place = next((n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), None)
    if place is not None:
        told = successors(server, [*prompt, *one[:place]])
        assert abs(told[one[place]] - told[other[place]]) < 0.01


def successors(server: Loopback, known: Sequence[int]) -> dict[int, float]:
    """The log-probability of every token after `known`."""
    body = {"prompt": known, "n_predict": 1, "n_probs": 10**6, "logit_bias": [[6 + ord("a"), 1000]]}
    told = server.call("/completion", body)["completion_probabilities"][0]["top_logprobs"]
    return {choice["id"]: choice["logprob"] for choice in told}


@pytest.mark.parametrize("sampling", [GREEDY, USUAL, WILD])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_token_has_its_own_bytes_and_logprob(
    babbler: Embedded, babbler_gguf: Path, sampling: Sampling, seed: int
) -> None:
    prompt, vocabulary = prompt_of(babbler), vocabulary_of(babbler_gguf)
    got = tokens(run(babbler, replace(sampling, seed=seed, max_tokens=40), prompt))
    known = list(prompt.ids)
    with closing(behind(babbler)) as server:
        for token in got:
            assert token.id is not None
            assert token.data == vocabulary[token.id]
            assert token.logprob == pytest.approx(
                successors(server, known)[token.id], abs=0.01
            )  # rounding: seen 0.003
            known.append(token.id)
    assert [token.time_s for token in got] == sorted(token.time_s for token in got)


@pytest.mark.parametrize("seed", [1, 2])
def test_without_log_probabilities_ids_and_bytes_are_as_exact(
    babbler: Embedded, babbler_gguf: Path, seed: int
) -> None:
    vocabulary, bare = vocabulary_of(babbler_gguf), replace(WILD, seed=seed, max_tokens=80, logprobs=False)
    got = tokens(run(babbler, bare))
    assert len(got) == 80
    assert [token.data for token in got] == [vocabulary[token.id or 0] for token in got]
    assert sum(token.logprob is None for token in got) > 20


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 41])
@pytest.mark.parametrize("sampling", [GREEDY, WILD])
def test_the_limit_is_reached_exactly(babbler: Embedded, limit: int, sampling: Sampling) -> None:
    for seed in range(4):
        emissions = run(babbler, replace(sampling, max_tokens=limit, seed=seed, logit_bias=((EOS, -100.0),)))
        assert (len(tokens(emissions)), stop(emissions).reason) == (limit, "limit")
        begun = [isinstance(emission, Prefill) for emission in emissions]
        assert begun == sorted(begun, reverse=True), "the prompt is evaluated once"


def test_a_full_context_is_an_end_like_any_other(babbler_gguf: Path) -> None:
    engine = Embedded(settings(babbler_gguf, n_ctx=256))
    try:
        prompt = prompt_of(engine)
        for seed in range(4):
            sampling = replace(USUAL, max_tokens=None, seed=seed, logit_bias=((EOS, -math.inf),))
            emissions = run(engine, sampling, prompt)
            assert 255 <= len(prompt.ids) + len(tokens(emissions)) <= 256
            assert stop(emissions).reason == "limit"
    finally:
        engine.close()


def test_the_end_of_the_sequence_is_told_apart(speaker: Embedded) -> None:
    emissions = run(speaker)
    assert [token.data.decode() for token in tokens(emissions)] == list(SCRIPT)
    last = stop(emissions)
    assert last.reason == "eos"
    assert last.eos is not None
    assert (last.eos.id, last.eos.data) == (EOS, b"")


def test_the_end_of_the_sequence_inside_a_character(babbler: Embedded) -> None:
    lead = 6 + 0xE4
    ended = 0
    for seed in range(6):
        bias = ((lead, 60.0), (EOS, 60.0))
        emissions = run(babbler, replace(WILD, seed=seed, logit_bias=bias, max_tokens=20))
        assert set(ids(emissions)) <= {lead}
        if stop(emissions).reason == "eos":
            ended += 1
            assert getattr(stop(emissions).eos, "id", None) == EOS
        else:
            assert len(ids(emissions)) == 20
    assert ended


def test_a_seed_repeats_a_run(babbler: Embedded) -> None:
    prompt = prompt_of(babbler)
    first, again, other = (ids(run(babbler, replace(USUAL, seed=seed), prompt)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


@pytest.mark.parametrize("sampling", [GREEDY, WILD])
@pytest.mark.parametrize("ban", [-100.0, -math.inf])
def test_banned_tokens_never_come(babbler: Embedded, sampling: Sampling, ban: float) -> None:
    free = set(ids(run(babbler, sampling)))
    assert len(free) > 5
    banned = tuple((token, ban) for token in free)
    assert not free & set(ids(run(babbler, replace(sampling, logit_bias=banned))))


def test_of_two_ways_only_the_sampled_one_is_found(babbler: Embedded) -> None:
    """F0 9F 98 80 can be F0·9F98·80 or F09F·98·80; here only the first can have been sampled."""
    lead, rest, end = 6 + 0xF0, 273, 6 + 0x80
    bias = tuple((token, 300.0) for token in (lead, rest, end))
    got = run(babbler, replace(WILD, temperature=5.0, logit_bias=bias, max_tokens=150))
    assert set(ids(got)) == {lead, rest, end}
    assert b"\xf0\x9f\x98\x80" in b"".join(token.data for token in tokens(got))


@pytest.mark.parametrize("byte", [ord("a"), 0x80, 0xE4])
@pytest.mark.parametrize("sampling", [GREEDY, WILD])
def test_favoured_tokens_always_come(babbler: Embedded, sampling: Sampling, byte: int) -> None:
    emissions = run(babbler, replace(sampling, max_tokens=10, logit_bias=((6 + byte, 1000.0),)))
    assert [token.data for token in tokens(emissions)] == [bytes([byte])] * 10


def test_greedy_goes_on_from_any_place(babbler: Embedded) -> None:
    prompt = prompt_of(babbler)
    whole = ids(run(babbler, GREEDY, prompt))
    for place in (1, 7, 23, 24, 25, 59):
        sampling = replace(GREEDY, max_tokens=60 - place)
        tail = ids(run(babbler, sampling, prompt, whole[:place]))
        with closing(behind(babbler)) as server:
            assert_same_choices(server, [*prompt.ids, *whole[:place]], tail, whole[place:])


@pytest.mark.parametrize("byte", [ord("a"), 0x80])
def test_what_speculation_guesses_comes_without_logprobs(babbler_gguf: Path, byte: int) -> None:
    engine = Embedded(settings(babbler_gguf, speculation="ngram-mod"))
    try:
        got = tokens(run(engine, replace(GREEDY, max_tokens=200, logit_bias=((6 + byte, 100.0),))))
        assert [(token.id, token.data) for token in got] == [(6 + byte, bytes([byte]))] * 200
        hidden = [token for token in got if token.logprob is None]
        # A token that is no text has to be looked up, and then its log-probability is known as well.
        assert bool(hidden) == (byte == ord("a"))
        assert Ability.LOGPROBS not in engine.serve().abilities
    finally:
        engine.close()
