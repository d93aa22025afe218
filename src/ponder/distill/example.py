"""One example to learn from, as text: a question, its reasoning, its answer, and where they are from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """`question` is what was asked, all of it. `pieces` join to the reasoning; those with False are not to be
    learned (a slip that is repaired later, or what stood there before a correction). `trace` is the id in the
    run's store, "" for none; `source` names where it is from, such as a teacher or a task.
    """

    id: str
    question: str
    pieces: tuple[tuple[str, bool], ...]
    answer: str
    source: str = ""
    level: str = ""
    trace: str = ""

    @property
    def reasoning(self) -> str:
        """The text between the think tags."""
        return "".join(text for text, _ in self.pieces)
