"""What is wrong with a trace as something to learn from, whatever its answer: each reason by name.

cut off     a limit ended the reasoning or the answer, or it was stopped
open tags   the reasoning never ended, or was ended by us
no reasoning, too short, too long, loop
languages   letters of a script that the question does not use
disagrees   the reasoning marks another answer than the one that was given
claims      more claims that can be checked are wrong than may be
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ponder.check.answers import found_in
from ponder.check.verdicts import check_trace
from ponder.core.trace import Trace
from ponder.reason.loops import SHARE, LoopDetector

Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """`most_foreign` is the share of letters in another script than the question's; `most_wrong_claims`
    counts those that the reasoning itself does not take back, None looks for none.
    """

    least_tokens: int = 1
    most_tokens: int | None = None
    most_foreign: float = 0.05
    most_wrong_claims: int | None = 0
    agreement: bool = True


def faults(trace: Trace, limits: Limits, same: Same) -> Iterator[str]:
    """The reasons against a trace, cheap ones first."""
    finish = trace.finish
    reasoning = [token for token in trace.tokens if token.part == "reasoning"]
    if finish is None or finish.reason != "stop":
        yield "cut off"
    if finish is None or finish.closed_by != "model":
        yield "open tags"
    if not reasoning or not trace.reasoning:
        yield "no reasoning"
    elif len(reasoning) < limits.least_tokens:
        yield "too short"
    if limits.most_tokens is not None and len(reasoning) > limits.most_tokens:
        yield "too long"
    if _loops(trace):
        yield "loop"
    if foreign_share(trace.question, trace.reasoning + trace.answer) > limits.most_foreign:
        yield "languages"
    if limits.agreement and _disagrees(trace, same):
        yield "disagrees"
    if limits.most_wrong_claims is not None:
        wrong = sum(finding.claim.verdict == "wrong" for finding in check_trace(trace))
        if wrong > limits.most_wrong_claims:
            yield "claims"


def _loops(trace: Trace) -> bool:
    detector = LoopDetector()
    most = 0.0
    for token in trace.tokens:
        detector.feed(token)
        most = max(most, detector.share)
    return most >= SHARE


def _disagrees(trace: Trace, same: Same) -> bool:
    """Only where both mark an answer; a reasoning that marks none agrees with any."""
    inside, given = found_in(trace.reasoning), found_in(trace.answer)
    return inside.anchored and bool(given.text) and not same(inside.text, given.text)


def foreign_share(question: str, text: str) -> float:
    """The share of the letters of `text` that are of no script of the question; mathematics' Greek and the
    scripts that Japanese mixes count as at home.
    """
    home = set(_scripts(question)) | {"GREEK", "LATIN"}
    if home & {"HIRAGANA", "KATAKANA"}:
        home |= {"CJK", "HIRAGANA", "KATAKANA"}
    found = _scripts(text)
    total = sum(found.values())
    return sum(count for script, count in found.items() if script not in home) / total if total else 0.0


def _scripts(text: str) -> Counter[str]:
    """Letters by the first word of their Unicode name, which is their script's."""
    found: Counter[str] = Counter()
    for sign, count in Counter(text).items():
        if sign.isalpha():
            found[_script(sign)] += count
    return found


def _script(sign: str) -> str:
    if sign.isascii():
        return "LATIN"
    return unicodedata.name(sign, "NONE").split()[0]
