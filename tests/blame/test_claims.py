import pytest

from ponder.blame.claims import by_claims
from ponder.blame.kept import keep, kept
from ponder.core.events import Step, Token
from ponder.core.trace import Trace
from ponder.store import Note, open_store
from tests.store.samples import start, words, write


def trace_of(*steps: str, answer: str = "It is 5.") -> Trace:
    """A kept trace with these steps."""
    tokens: list[Token] = []
    cut: list[Step] = []
    for number, text in enumerate([*steps, answer]):
        first = len(tokens)
        part = "answer" if number == len(steps) else "reasoning"
        tokens += words(f"{text} \n\n", part, first)  # type: ignore[arg-type]
        cut.append(Step(number, first, len(tokens), part))  # type: ignore[arg-type]
    with open_store() as store:
        return store.load(write(store.begin(start()), tokens, cut))


def test_the_first_wrong_claim_that_stays() -> None:
    found = by_claims(trace_of("We have 2 + 2 = 4 .", "Then 7 * 6 = 43 .", "And 3 + 3 = 7 ."))
    assert (found.verdict, found.step) == ("found", 1)
    assert "7 * 6 = 43" in found.sentence
    assert "42" in found.sentence
    assert found.spent.runs == 0


def test_what_the_model_repairs_is_no_error() -> None:
    found = by_claims(trace_of("Then 7 * 6 = 43 . Wait, no.", "So 7 * 6 = 42 ."))
    assert (found.verdict, found.step) == ("none", None)
    assert "repaired" in found.sentence


def test_what_was_taken_back_and_is_the_answer_counts() -> None:
    found = by_claims(trace_of("Then 7 * 6 = 43 . Wait, no.", answer="The answer is 43."))
    assert (found.verdict, found.step) == ("found", 0)


def test_nothing_to_check_is_not_called_right() -> None:
    assert by_claims(trace_of("The sky is blue.")).verdict == "silent"


def test_findings_are_kept_with_the_trace() -> None:
    trace = trace_of("Then 7 * 6 = 43 .")
    found = by_claims(trace)
    with open_store() as store:
        keep(store, trace.id, found)
        keep(store, trace.id, found)
        bundle = store.bundle(trace.id)
        assert kept(bundle.notes) == (found,)
        assert [note.kind for note in bundle.notes] == ["blame", "blame"]
        copy = store.put(bundle)  # exported and read again, they stay
        assert kept(store.bundle(copy).notes) == (found,)


@pytest.mark.parametrize("data", [{}, {"method": "dice"}, {"method": "claims", "step": "x"}])
def test_a_note_that_makes_no_sense_is_passed_over(data: dict[str, object]) -> None:
    assert kept([Note("blame", data), Note("piece", {"seed": 1})]) == ()
