"""The template doctor: do data, trainer, engine and GGUF file have the same token ids for a conversation?

Data are the ids that the dataset stage wrote. The trainer's are those of the batches it draws. The engine
renders the question with the template in the file and cuts the reply with the file's vocabulary.
"""

from itertools import islice
from pathlib import Path
from typing import Any

from ponder.core.request import Message
from ponder.distill.example import Example
from ponder.distill.lessons import Course, batches
from ponder.distill.rendering import rendered
from ponder.distill.rows import read_rows
from ponder.distill.vocabulary import ENDTHINK, SPECIAL, Vocabulary
from ponder.engine.embedded import Embedded
from ponder.engine.owned import Settings
from ponder.engine.protocol import Engine, ids_of
from ponder.errors import InputError

TAGS = (SPECIAL[ENDTHINK - 1], SPECIAL[ENDTHINK])


def examined(data: Path, file: Path, count: int) -> dict[str, Any]:
    """Compare `count` lessons of a dataset's folder with what a file makes of their texts; raises InputError
    at the first difference.

    Where a slip is not to be learned its tokens are cut apart from their neighbours, and a reply that is cut
    as a whole may have others: `apart` counts these lessons, of which only the text is compared.
    """
    words = Vocabulary.load(data / "vocabulary.json")
    lessons = list(islice(read_rows(data / "lessons.jsonl", dict), count))
    examples = islice(read_rows(data / "examples.jsonl", Example), count)
    _same_in_batches(words, data / "lessons.jsonl")
    engine = Embedded(Settings(str(file), n_ctx=2048, threads=1))
    try:
        apart = sum(_examine(engine, words, *each) for each in zip(lessons, examples, strict=True))
    finally:
        engine.close()
    return {"lessons": len(lessons), "apart": apart}


def _examine(engine: Engine, words: Vocabulary, lesson: dict[str, Any], example: Example) -> bool:
    """Whether the tokens of the whole reply are cut apart in another way, which is all that may differ."""
    ids, start = lesson["ids"], len(words.prompt(example.question))
    prompt = engine.prompt([Message("user", example.question)], think=True, tags=TAGS)
    _compare(example.id, words, list(prompt.ids), ids[:start], "the engine's prompt")
    direct = ids[start] == ENDTHINK
    whole = rendered(example.question, "" if direct else example.reasoning, example.answer, direct=direct)
    cut = ids_of(engine.tokenize(whole[len(words.text(ids[:start])) :], control=True))
    if cut != ids[start:] and len(example.pieces) > 1 and words.text(cut) == words.text(ids[start:]):
        return True
    _compare(example.id, words, cut, ids[start:], "the engine's reply")
    return False


def _same_in_batches(words: Vocabulary, path: Path) -> None:
    """What the trainer draws are these lessons, none cut and none joined; raises InputError."""
    known = {hash(tuple(row["ids"])) for row in read_rows(path, dict)}
    for _, batch in islice(batches(words, Course(lessons=str(path)), 2048), 4):
        if any(hash(tuple(each.ids)) not in known for each in batch):
            raise InputError(f"the trainer draws a lesson that is not in {path}: run that stage again.")


def _compare(name: str, words: Vocabulary, found: list[int], wanted: list[int], what: str) -> None:
    if found == wanted:
        return
    at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), 0)
    raise InputError(
        f"{what} for {name} differs from its lesson at token {at}: {words.text(found[at : at + 8])!r} where "
        f"{words.text(wanted[at : at + 8])!r} was learned. The file has another template than the data."
    )
