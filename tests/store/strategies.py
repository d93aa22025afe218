"""Any trace at all, for property tests."""

from itertools import pairwise
from typing import get_args

from hypothesis import strategies as st

from ponder.core.events import ClosedBy, Finish, FinishReason, Origin, Part, Step, Token, Usage
from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.store import Bundle, Note


def floats(width: int = 64) -> st.SearchStrategy[float]:
    """Any number but NaN, which stands for None in a packed column."""
    return st.floats(allow_nan=False, width=width)  # type: ignore[arg-type]


def token_lists(max_size: int = 30) -> st.SearchStrategy[list[Token]]:
    """Tokens of any bytes, ids and numbers, counted from 0."""
    fields = st.tuples(
        st.none() | st.integers(0, 2**31 - 1),
        st.binary(max_size=8),
        st.sampled_from(get_args(Part)),
        st.sampled_from(get_args(Origin)),
        st.none() | floats(32),
        floats(),
        st.none() | floats(32),
    )
    return st.lists(fields, max_size=max_size).map(
        lambda rows: [Token(i, *row) for i, row in enumerate(rows)]
    )


texts = st.text(max_size=20)
requests = st.builds(
    Request,
    st.lists(st.builds(Message, st.sampled_from(("system", "user", "assistant")), texts, texts)).map(tuple),
    texts,
    st.sampled_from(("auto", "on", "off")),
    st.none() | st.integers(0),
    st.builds(
        Sampling,
        st.none() | floats(),
        st.none() | floats(),
        seed=st.none() | st.integers(),
        logit_bias=st.lists(st.tuples(st.integers(0), floats())).map(tuple),
    ),
)
finishes = st.builds(
    Finish,
    st.sampled_from(get_args(FinishReason)),
    st.sampled_from(get_args(ClosedBy)),
    st.builds(Usage, st.integers(0), total_s=floats()),
    st.lists(texts).map(tuple),
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Any trace without a parent."""
    tokens = draw(token_lists())
    cuts = sorted(draw(st.sets(st.integers(0, len(tokens)), max_size=6)))
    steps = [
        Step(i, a, b, draw(st.sampled_from(("reasoning", "answer"))), draw(texts), draw(texts))
        for i, (a, b) in enumerate(pairwise(cuts))
    ]
    return Trace(
        id=draw(st.text("abcdefgh01234567", min_size=7, max_size=7)),
        created=draw(st.floats(1, 1e10)),
        request=draw(requests),
        model=draw(texts),
        engine=draw(texts),
        prompt_ids=tuple(draw(st.lists(st.integers(0, 2**31 - 1), max_size=5))),
        tokens=tuple(tokens),
        steps=tuple(steps),
        finish=draw(st.none() | finishes),
        n_ctx=draw(st.integers(0, 2**40)),
    )


bundles = st.builds(
    Bundle,
    traces(),
    st.dictionaries(
        texts, texts | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.lists(st.builds(Note, texts, st.dictionaries(texts, st.integers() | texts))).map(tuple),
)
