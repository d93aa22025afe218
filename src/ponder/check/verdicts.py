"""What is true of a whole trace: the claims of every step, and which errors the model repaired itself."""

import re
from dataclasses import dataclass, replace

from ponder.check.claim import Claim
from ponder.check.claims import claims_in
from ponder.check.joined import Joined
from ponder.core.trace import Trace

_CORRECTED = re.compile(
    r"\b(?:wait|no,|actually|that's (?:wrong|not right|incorrect)|mistake|correction|"
    r"let me (?:re)?(?:check|calculate|do))",
    re.IGNORECASE,
)
_SOON = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim of a trace; `step` is the step's index, the claim's range one of the step's text.

    `rests_on` are the indices of the steps that set what the claim is checked against, the own one included.
    """

    step: int
    claim: Claim
    rests_on: tuple[int, ...] = ()


def check_trace(trace: Trace) -> tuple[Finding, ...]:
    """The claims of every step in order; an error repaired later in the trace is `wrong-then-fixed`.

    Variables, equations and their solutions are followed from step to step.
    """
    joined = Joined(trace)
    findings = [
        Finding(*joined.local(claim), joined.steps_of(claim.rests_on)) for claim in claims_in(joined.text)
    ]
    texts = joined.texts
    after = {
        step.index: (texts[at], texts[at + 1] if at + 1 < len(texts) else "")
        for at, step in enumerate(trace.steps)
    }
    return tuple(_repaired(findings, after))


def _repaired(findings: list[Finding], after: dict[int, tuple[str, str]]) -> list[Finding]:
    """The findings, errors repaired later marked: the same left side came again and was right, or the text
    takes the error back at once.
    """
    right: set[tuple[str, str]] = set()
    out: list[Finding] = []
    for finding in reversed(findings):
        claim = finding.claim
        key = claim.kind, re.sub(r"\s+", "", claim.left)
        if claim.verdict == "ok":
            right.add(key)
        elif claim.verdict == "wrong":
            here, following = after[finding.step]
            soon = (here[claim.stop :] + " " + following)[:_SOON]
            if key in right or _CORRECTED.search(soon):
                claim = replace(claim, verdict="wrong-then-fixed")
        out.append(replace(finding, claim=claim))
    return out[::-1]
