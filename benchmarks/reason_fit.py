"""Fit the weights that label steps, and say honestly how well they do on answers they have not seen.

    python -m benchmarks.reason_fit LABELLED.jsonl            # measure
    python -m benchmarks.reason_fit LABELLED.jsonl --nested   # with every choice made without the answer
    python -m benchmarks.reason_fit LABELLED.jsonl --write    # write src/ponder/reason/data/weights.json

LABELLED.jsonl holds one answer a line: {"sentences": [{"text": …, "sentence_role": …}, …]}, the roles being
Schoenfeld's episodes. The model is a linear-chain conditional random field over the features of
`ponder.reason.label.Context`, maximum likelihood with a quadratic penalty (a harder one for single words), by
Adam from zero, so that the same file gives the same weights. What is measured is what the program does: its
own `Labeller`, with the integers that would be written, on each answer by a fit on all others. The interval
of kappa is the bootstrap's over whole answers.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponder.reason.cues import Weights
from ponder.reason.label import EPISODE_OF, SCALE, Context, Labeller

EPISODES = ("Read", "Analyze", "Plan", "Implement", "Explore", "Verify", "Monitor")
ROUNDS = 120
RATE = 0.05
LEAST_ANSWERS = 3
RESAMPLES = 2000
INNER = 5
WEIGHTS = Path(__file__).parent.parent / "src" / "ponder" / "reason" / "data" / "weights.json"

Array = NDArray[np.float64]
Pairs = list[tuple[int, int]]


class Penalty(NamedTuple):
    """How hard weights are held near zero: of cues and transitions, and of words (None: no words)."""

    cues: float
    words: float | None


PENALTY = Penalty(2, 6)
CANDIDATES = (Penalty(3, None), Penalty(2, 6), Penalty(2, 10), Penalty(3, 10), Penalty(6, 15))


class Answer(NamedTuple):
    """The sentences of one answer, their features, and the episodes people gave them."""

    sentences: list[str]
    features: list[frozenset[str]]
    episodes: list[int]


def read(path: Path) -> list[Answer]:
    answers = []
    for line in path.read_text(encoding="utf-8").splitlines():
        context, sentences = Context(), json.loads(line)["sentences"]
        texts = [sentence["text"] for sentence in sentences]
        episodes = [EPISODES.index(sentence["sentence_role"]) for sentence in sentences]
        answers.append(Answer(texts, [context.features(text) for text in texts], episodes))
    return answers


def is_word(name: str) -> bool:
    return name.startswith(("word ", "begins "))


def names_of(answers: Sequence[Answer], words: float | None) -> list[str]:
    """The features that occur in enough answers to be learnt from."""
    counts = Counter(name for answer in answers for name in frozenset().union(*answer.features))
    return sorted(
        name
        for name, count in counts.items()
        if count >= LEAST_ANSWERS and not (words is None and is_word(name))
    )


class Chains:
    """Answers side by side, longest first, for the forward and backward passes over all at once."""

    def __init__(self, answers: Sequence[Answer], names: list[str]) -> None:
        column = {name: i for i, name in enumerate(names)}
        ranked = sorted(answers, key=lambda answer: -len(answer.episodes))
        self.lengths = [len(answer.episodes) for answer in ranked]
        rows = [features for answer in ranked for features in answer.features]
        self.x = np.zeros((len(rows), len(names)))
        for row, features in enumerate(rows):
            self.x[row, [column[name] for name in features if name in column]] = 1
        self.y = np.eye(len(EPISODES))[[episode for answer in ranked for episode in answer.episodes]]
        self.at = np.full((len(ranked), self.lengths[0]), -1)
        done = 0
        for chain, length in enumerate(self.lengths):
            self.at[chain, :length] = range(done, done + length)
            done += length
        self.alive = [sum(length > t for length in self.lengths) for t in range(self.lengths[0])]
        self.moved = sum(a.T @ b for a, b in ((self.y[w[:-1]], self.y[w[1:]]) for w in self._rows()))

    def _rows(self) -> Iterator[NDArray[np.int64]]:
        return (row[:length] for row, length in zip(self.at, self.lengths, strict=True))

    def gradients(self, weights: Array, moves: Array) -> tuple[Array, Array]:
        """Expected minus observed counts, by scaled forward and backward passes."""
        votes = (self.x @ weights)[np.maximum(self.at, 0)]
        odds, step = np.exp(votes - votes.max(axis=2, keepdims=True)), np.exp(moves)
        ahead, behind = np.zeros_like(odds), np.ones_like(odds)
        size = np.ones(odds.shape[:2])
        for t, n in enumerate(self.alive):
            state = odds[:n, t] if t == 0 else ahead[:n, t - 1] @ step * odds[:n, t]
            size[:n, t] = state.sum(axis=1)
            ahead[:n, t] = state / size[:n, t, None]
        for t in range(len(self.alive) - 2, -1, -1):
            n = self.alive[t + 1]
            behind[:n, t] = behind[:n, t + 1] * odds[:n, t + 1] @ step.T / size[:n, t + 1, None]
        here = self.at >= 0
        state = np.zeros_like(self.y)
        state[self.at[here]] = (ahead * behind)[here]
        state /= state.sum(axis=1, keepdims=True)
        later, arriving = here[:, 1:], behind * odds / size[:, :, None]
        pairs = ahead[:, :-1][later].T @ arriving[:, 1:][later] * step
        return self.x.T @ (state - self.y), pairs - self.moved


def fit(answers: Sequence[Answer], penalty: Penalty) -> Weights:
    names = names_of(answers, penalty.words)
    chains = Chains(answers, names)
    size = len(EPISODES)
    by_name = [(penalty.words or 0.0) if is_word(name) else penalty.cues for name in names]
    held: list[Array] = [np.array(by_name)[:, None], np.full((1, 1), penalty.cues)]
    values = [np.zeros((len(names), size)), np.zeros((size, size))]
    mean, square = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    for step in range(1, ROUNDS + 1):
        for i, observed in enumerate(chains.gradients(values[0], values[1])):
            slope = observed + held[i] * values[i]
            mean[i] = 0.9 * mean[i] + 0.1 * slope
            square[i] = 0.999 * square[i] + 0.001 * slope**2
            values[i] -= RATE * (mean[i] / (1 - 0.9**step)) / (np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8)
    return Weights(EPISODES, dict(zip(names, whole(values[0]), strict=True)), whole(values[1]))


def whole(values: Array) -> list[list[int]]:
    return [[round(SCALE * value) for value in row] for row in values.tolist()]


def predict(table: Weights, answer: Answer) -> list[int]:
    """What the program says with these weights, a sentence after the other."""
    labeller = Labeller("", table)
    return [EPISODES.index(EPISODE_OF[labeller.sentence(text).role]) for text in answer.sentences]


def kappa(pairs: Pairs) -> float:
    """Cohen's kappa: agreement beyond what chance gives for the same shares of classes."""
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(left[k] * right[k] for k in left) / n**2
    return (agreed - chance) / (1 - chance)


def interval(by_answer: list[Pairs]) -> tuple[float, float]:
    """95 % of kappa over resamples of whole answers."""
    source = random.Random(1)
    drawn = sorted(
        kappa([pair for pairs in source.choices(by_answer, k=len(by_answer)) for pair in pairs])
        for _ in range(RESAMPLES)
    )
    return drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40 - 1]


def judged(train: Sequence[Answer], test: Sequence[Answer], penalty: Penalty) -> list[Pairs]:
    table = fit(train, penalty)
    return [list(zip(answer.episodes, predict(table, answer), strict=True)) for answer in test]


def without(answers: Sequence[Answer], index: int) -> list[Answer]:
    return [*answers[:index], *answers[index + 1 :]]


def left_out(answers: Sequence[Answer], penalty: Penalty) -> list[Pairs]:
    """Each answer by a fit on all others."""
    return [judged(without(answers, i), [answer], penalty)[0] for i, answer in enumerate(answers)]


def chosen(answers: Sequence[Answer]) -> Penalty:
    """The candidate that does best on parts of `answers` by fits on the rest."""

    def score(penalty: Penalty) -> float:
        folds = [
            (answers[i::INNER], [a for j, a in enumerate(answers) if j % INNER != i]) for i in range(INNER)
        ]
        return kappa(
            [pair for test, train in folds for pairs in judged(train, test, penalty) for pair in pairs]
        )

    return max(CANDIDATES, key=score)


def nested(answers: Sequence[Answer]) -> None:
    """Each answer by a fit on all others, whose penalty was chosen on those others too."""
    found, choices = [], Counter[Penalty]()
    for i, answer in enumerate(answers):
        others = without(answers, i)
        penalty = chosen(others)
        choices[penalty] += 1
        found += judged(others, [answer], penalty)
    report("nested, the penalty chosen without the answer", found)
    print(", ".join(f"{tuple(penalty)}: chosen {count} times" for penalty, count in choices.most_common()))


def report(name: str, by_answer: list[Pairs]) -> None:
    pairs = [pair for pairs in by_answer for pair in pairs]
    share = sum(a == b for a, b in pairs) / len(pairs)
    low, high = interval(by_answer)
    print(
        f"{name}: kappa {kappa(pairs):.3f} [{low:.3f}, {high:.3f}], {share:.1%} of {len(pairs)}", flush=True
    )


def confusion(pairs: Pairs) -> None:
    table = Counter(pairs)
    rows = range(len(EPISODES))
    print(f"{'people / ponder':15} " + "".join(f"{name[:7]:>9}" for name in EPISODES) + "   recall precision")
    for i in rows:
        recall = table[i, i] / max(1, sum(table[i, j] for j in rows))
        precision = table[i, i] / max(1, sum(table[j, i] for j in rows))
        cells = "".join(f"{table[i, j]:9}" for j in rows)
        print(f"{EPISODES[i]:15} {cells} {recall:8.2f} {precision:9.2f}")


def measure(answers: list[Answer]) -> None:
    report("cues alone, each answer by a fit on all others", left_out(answers, Penalty(3, None)))
    found = left_out(answers, PENALTY)
    report("cues and words", found)
    confusion([pair for pairs in found for pair in pairs])


def document(table: Weights, answers: list[Answer]) -> str:
    """The file that `ponder.reason.cues.weights` reads, a line for each feature."""
    sentences = sum(len(answer.episodes) for answer in answers)
    head = {
        "source": f"fitted by benchmarks/reason_fit.py on {len(answers)} answers of DeepSeek-R1 ({sentences} "
        "sentences) labelled by people: repository MingLiiii/Schoenfeld_Reasoning, arXiv 2509.14662",
        "unit": "thousandths of a nat",
        "episodes": EPISODES,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    moves = ",\n ".join(map(str, table.transitions))
    features = ",\n ".join(f"{json.dumps(name)}: {row}" for name, row in table.features.items())
    lines += [f'"transitions": [\n {moves}\n]', f'"features": {{\n {features}\n}}']
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--nested", action="store_true", help="choose the penalty inside each fold (minutes)")
    parser.add_argument("--write", action="store_true", help="write the weights fitted on all answers")
    arguments = parser.parse_args()
    answers = read(arguments.labelled)
    if arguments.nested:
        nested(answers)
    elif arguments.write:
        WEIGHTS.write_text(document(fit(answers, PENALTY), answers), encoding="utf-8")
        print(f"wrote {WEIGHTS}")
    else:
        measure(answers)


if __name__ == "__main__":
    main()
