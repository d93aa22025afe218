"""The first wrong step by its claims: free, and certain where it speaks; it is silent about most errors."""

from collections import Counter
from collections.abc import Sequence

from ponder.blame.values import Blame
from ponder.check.answers import answer_in, same_answer
from ponder.check.verdicts import Finding, check_trace
from ponder.core.trace import Trace


def by_claims(trace: Trace, findings: Sequence[Finding] | None = None) -> Blame:
    """The first step with a wrong claim that is not repaired later, or whose wrong value is the answer.

    `findings` are those of `check_trace`, if they are there already.
    """
    findings = check_trace(trace) if findings is None else findings
    counts: Counter[str] = Counter(finding.claim.verdict for finding in findings)
    checked = counts["ok"] + counts["wrong"] + counts["wrong-then-fixed"]
    answer = answer_in(trace.answer)
    for finding in findings:
        claim = finding.claim
        lives = claim.verdict == "wrong-then-fixed" and same_answer(claim.right, answer)
        if claim.verdict != "wrong" and not lives:
            continue
        text = trace.step_text(trace.steps[finding.step])
        words = " ".join(text[claim.start : claim.stop].split())
        evidence = f"{words}: {claim.evidence}" if claim.evidence else words
        said = f"Step {finding.step + 1} claims something wrong: {evidence}."
        if lives:
            said = f"Step {finding.step + 1} claims something wrong, takes it back, and answers it: {words}."
        return Blame(
            "claims", "found", finding.step, said, None, finding.step, finding.step, (evidence,),
            about={**counts},
        )  # fmt: skip
    if not checked:
        return Blame("claims", "silent", None, "Nothing in the steps could be checked.", about={**counts})
    fixed = counts["wrong-then-fixed"]
    said = f"{checked} claim{'s' if checked > 1 else ''} checked, none is wrong"
    said += f" in the end ({fixed} repaired by the model itself)." if fixed else "."
    return Blame("claims", "none", None, said, about={**counts})
