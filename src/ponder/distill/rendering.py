"""An example as token ids in the student's own template, each proven to say what the example says."""

from collections.abc import Mapping
from pathlib import Path

from ponder.distill.example import Example
from ponder.distill.lessons import Lesson, conversation
from ponder.distill.vocabulary import ASSISTANT, BEGIN, END, ENDTHINK, SPECIAL, THINK, USER, Vocabulary
from ponder.errors import InputError


class Rendering:
    """Renders examples with a vocabulary; `direct` ones with an empty reasoning."""

    def __init__(self, vocabulary: Path, *, direct: bool = False) -> None:
        self.vocabulary = Vocabulary.load(vocabulary)
        self.direct = direct
        self._read_back = self._same_whole = 0

    def lesson(self, example: Example) -> Lesson:
        """The conversation, with the reasoning and the answer to learn.

        Raises InputError where the ids do not read back as the template with the example's texts in it.
        """
        pieces = None if self.direct else example.pieces
        lesson = conversation(self.vocabulary, example.question, pieces, example.answer)
        self._prove(example, lesson)
        return lesson

    def proof(self) -> Mapping[str, int]:
        """How many lessons were read back, and in how many the reasoning cut as a whole has the same tokens:
        where a piece that is not to be learned ends inside a word they may differ.
        """
        return {"read_back": self._read_back, "same_as_whole": self._same_whole}

    def _prove(self, example: Example, lesson: Lesson) -> None:
        words, reasoning = self.vocabulary, "" if self.direct else example.reasoning
        wanted = rendered(example.question, reasoning, example.answer, direct=self.direct)
        found = words.text(lesson.ids)
        if found != wanted:
            at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), len(found))
            raise InputError(
                f"the lesson of {example.id} reads back as {found[max(0, at - 20) : at + 20]!r} where the "
                f"template has {wanted[max(0, at - 20) : at + 20]!r}: its text cannot be learned."
            )
        self._read_back += 1
        start = len(words.prompt(example.question))
        whole = [*words.ids(reasoning), *words.ids("" if self.direct else "\n")]
        self._same_whole += lesson.ids[start : start + len(whole)] == whole
        if any(each < len(SPECIAL) for each in [*lesson.ids[2 : start - 3], *whole]):
            raise InputError(f"the text of {example.id} became a special token: it cannot be learned.")


def rendered(question: str, reasoning: str, answer: str, *, direct: bool) -> str:
    """The text that the chat template and a reply make, special tokens written out."""
    opened = f"{SPECIAL[BEGIN]}{SPECIAL[USER]}{question}{SPECIAL[ASSISTANT]}{SPECIAL[THINK]}\n"
    closed = "" if direct else "\n"
    return f"{opened}{reasoning}{closed}{SPECIAL[ENDTHINK]}\n\n{answer}{SPECIAL[END]}"
