"""Where the tokens and seconds of a trace went, and how sure the model was. Pure functions over a trace.

Seconds are differences of arrival times, token by token. The first token of a run counts none (its time is
the prefill's), nor does the first one after a fork or a resumption, where the clock starts again.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ponder.core.events import Token
from ponder.core.trace import Trace
from ponder.reason.loops import GRAM

_STATES = r"=|≈|:|：|boxed\{|\b(?:is|are|be|get|gives|equals|so|answer|option|choice)\b|是|为|得"
_SAID = re.compile(
    r"(?i:answer|答案)\W{0,4}(?:is|:|：|would be|should be|是|为)[\s*$:：]*"
    r"([^\n]{1,60}?)(?:[.。](?=\s|$)|\n|$)"
)
_BOX = re.compile(r"\\boxed\s*\{")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}|(\d+)\s*/\s*(\d+)")
_SEPARATOR = r"(?:,|\\,|\{,\})?"


@dataclass(frozen=True, slots=True)
class Effort:
    """What some tokens cost. Means are over the tokens that have the value, None where none has.

    `mean_logprob` is natural, `mean_entropy` in nats; 0 and 0 mean that the model was certain.
    """

    tokens: int = 0
    seconds: float = 0.0
    mean_logprob: float | None = None
    mean_entropy: float | None = None

    @property
    def speed_tps(self) -> float:
        """Tokens per second; 0.0 where no time was measured."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Where the reasoning first held the final answer.

    `answer` is the text that was looked for, `index` the token where it begins, `tokens_after` how many
    reasoning tokens were written behind that occurrence and `share_after` their share of all, 0 to 1.
    """

    answer: str
    index: int
    tokens_after: int
    share_after: float


def effort(trace: Trace, start: int, stop: int) -> Effort:
    """The effort of the tokens with indices [start, stop)."""
    return efforts(trace, [(start, stop)])[0]


def effort_by_step(trace: Trace) -> tuple[Effort, ...]:
    """The effort of each of the trace's steps, in their order."""
    return efforts(trace, ((step.start, step.stop) for step in trace.steps))


def efforts(trace: Trace, ranges: Iterable[tuple[int, int]]) -> tuple[Effort, ...]:
    """The effort of each half-open range of token indices."""
    tokens, seconds = trace.tokens, _seconds(trace)
    return tuple(_sum(tokens[start:stop], seconds[start:stop]) for start, stop in ranges)


def effort_by_role(trace: Trace) -> dict[str, Effort]:
    """The effort of all steps of each role, the dearest in tokens first."""
    role = {index: step.role for step in trace.steps for index in range(step.start, step.stop)}
    return _grouped(trace, lambda token: role.get(token.index))


def effort_by_part(trace: Trace) -> dict[str, Effort]:
    """The effort of reasoning, answer and tags, the dearest in tokens first."""
    return _grouped(trace, lambda token: token.part)


def repeated_share(tokens: Iterable[Token], gram: int = GRAM) -> float:
    """Share of the n-grams of `gram` tokens that came before, 0 to 1; 0.0 for fewer tokens than `gram`."""
    keys = [token.data if token.id is None else token.id for token in tokens]
    grams = [tuple(keys[i : i + gram]) for i in range(len(keys) - gram + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def repeated_shares(
    tokens: Sequence[Token], ranges: Iterable[tuple[int, int]], gram: int = GRAM
) -> tuple[float, ...]:
    """For each range of positions, the share of its tokens that end an n-gram which came before, 0 to 1."""
    keys = [token.data if token.id is None else token.id for token in tokens]
    seen: set[tuple[bytes | int, ...]] = set()
    before = [0]
    for end in range(1, len(keys) + 1):
        last = tuple(keys[max(0, end - gram) : end])
        before.append(before[-1] + (len(last) == gram and last in seen))
        seen.add(last)
    return tuple((before[stop] - before[start]) / (stop - start or 1) for start, stop in ranges)


def final_answer(text: str) -> str | None:
    r"""What an answer says in short: the last `\boxed{…}`, else what follows the last "answer is" or
    "answer:", else the whole of it if it is one short line. None where there is no such thing.
    """
    found = boxed(text) or said(text)
    if found:
        return found
    line = text.strip(" \n\t*$.。")
    return line if line and len(line) <= 40 and "\n" not in line else None


def said(text: str) -> str | None:
    """What follows the last "answer is" or "answer:"; None where nothing does."""
    last = [match.strip(" *$\"'“”") for match in _SAID.findall(text)][-1:]
    return last[0] if last and last[0] else None


def first_answer(trace: Trace) -> FirstAnswer | None:
    """Where the reasoning first held what became the answer; None if it has no short answer, or never did.

    White space and thousands separators do not matter. An answer of one or two characters, and one that
    the question names, counts only where it is stated ("= 4", "is 4", "option C").
    """
    answer = final_answer(trace.answer)
    if answer is None:
        return None
    tokens = [token for token in trace.tokens if token.part == "reasoning"]
    text = b"".join(token.data for token in tokens).decode("utf-8", errors="surrogateescape")
    spelling = rf"(?P<answer>{_spelling(answer)})(?!\w|\.\d)"
    named = re.search(rf"(?<!\w){spelling}", trace.question)
    before = rf"(?i:{_STATES})[\s*$(\[{{\\\"'“]{{0,4}}" if len(answer) < 3 or named else r"(?<![\w.])"
    found = re.search(before + spelling, text)
    if found is None:
        return None
    return _located(answer, tokens, len(text[: found.start("answer")].encode(errors="surrogateescape")))


def boxed(text: str) -> str | None:
    """The content of the last boxed expression, its braces balanced; None if it never ends or is empty."""
    last = max(_BOX.finditer(text), key=re.Match.start, default=None)
    if last is None:
        return None
    depth = 0
    for position in range(last.end() - 1, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return text[last.end() : position].strip() or None
    return None


def _spelling(answer: str) -> str:
    """A pattern for `answer` in other spacing, numbers with or without thousands separators, a fraction
    as a/b or in LaTeX.
    """
    fraction = _FRACTION.fullmatch(answer)
    if fraction:
        above, below = (_spelling(side) for side in fraction.groups() if side)
        return rf"(?:\\[dt]?frac\{{\s*{above}\s*\}}\s*\{{\s*{below}\s*\}}|{above}\s*/\s*{below})"
    bare = re.sub(r"(?<=\d)(?:,|\\,|\{,\})(?=\d{3})", "", answer)
    pieces = re.findall(r"\d+|[^\d\s]", bare)
    return r"\s*".join(_SEPARATOR.join(piece) if piece.isdigit() else re.escape(piece) for piece in pieces)


def _located(answer: str, tokens: Sequence[Token], offset: int) -> FirstAnswer | None:
    """The reasoning token that holds the byte `offset`, and what comes after it."""
    end = 0
    for position, token in enumerate(tokens):
        end += len(token.data)
        if end > offset:
            after = len(tokens) - position - 1
            return FirstAnswer(answer, token.index, after, after / len(tokens))
    return None


def _seconds(trace: Trace) -> list[float]:
    """Of every token the seconds since the one before."""
    found: list[float] = []
    before = 0.0
    for token in trace.tokens:
        restarted = not found or (trace.parent is not None and token.index == trace.fork_index)
        found.append(0.0 if restarted else max(0.0, token.time_s - before))
        before = token.time_s
    return found


def _sum(tokens: Sequence[Token], seconds: Sequence[float]) -> Effort:
    return Effort(
        tokens=len(tokens),
        seconds=sum(seconds),
        mean_logprob=_mean(token.logprob for token in tokens),
        mean_entropy=_mean(token.entropy for token in tokens),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _grouped(trace: Trace, key: Callable[[Token], str | None]) -> dict[str, Effort]:
    groups: dict[str, tuple[list[Token], list[float]]] = {}
    for token, seconds in zip(trace.tokens, _seconds(trace), strict=True):
        name = key(token)
        if name is not None:
            group = groups.setdefault(name, ([], []))
            group[0].append(token)
            group[1].append(seconds)
    sums = {name: _sum(*group) for name, group in groups.items()}
    return dict(sorted(sums.items(), key=lambda item: -item[1].tokens))
