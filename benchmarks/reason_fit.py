"""Fit the weights that label steps, and say honestly how well they do on answers they have not seen.

    python -m benchmarks.reason_fit LABELLED.jsonl            # measure
    python -m benchmarks.reason_fit LABELLED.jsonl --write    # and write src/ponder/reason/data/weights.json

LABELLED.jsonl holds one answer a line: {"sentences": [{"text": …, "sentence_role": …}, …]}, the roles being
Schoenfeld's episodes. The model is a linear-chain conditional random field over the features of
`ponder.reason.label.Context`, maximum likelihood with a quadratic penalty, by Adam from zero, so that
the same file gives the same weights. What is measured is what the program does: the forward pass only.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponder.reason.label import Context, settled

EPISODES = ("Read", "Analyze", "Plan", "Implement", "Explore", "Verify", "Monitor")
PENALTY = 3.0
ROUNDS = 120
RATE = 0.05
LEAST_COUNT = 5
WEIGHTS = Path(__file__).parent.parent / "src" / "ponder" / "reason" / "data" / "weights.json"

Array = NDArray[np.float64]


class Answer(NamedTuple):
    """The features of each sentence of one answer, and the episodes people gave them."""

    features: list[frozenset[str]]
    episodes: list[int]


class Model(NamedTuple):
    """Weights [features, episodes], transitions [from, to], and the feature names in order."""

    weights: Array
    transitions: Array
    names: list[str]


def read(path: Path) -> list[Answer]:
    answers = []
    for line in path.read_text(encoding="utf-8").splitlines():
        context = Context()
        sentences = json.loads(line)["sentences"]
        features = [context.features(sentence["text"]) for sentence in sentences]
        answers.append(Answer(features, [EPISODES.index(s["sentence_role"]) for s in sentences]))
    return answers


def matrix(answer: Answer, names: list[str]) -> Array:
    return np.array([[name in features for name in names] for features in answer.features], dtype=float)


def log_sum(values: Array, axis: int) -> Array:
    top = values.max(axis=axis, keepdims=True)
    return np.asarray((top + np.log(np.exp(values - top).sum(axis=axis, keepdims=True))).squeeze(axis))


def gradients(x: Array, y: list[int], weights: Array, moves: Array) -> tuple[Array, Array]:
    """Expected minus observed counts of one answer, by the forward and backward passes."""
    votes, n = x @ weights, len(y)
    ahead, behind = np.zeros_like(votes), np.zeros_like(votes)
    ahead[0] = votes[0]
    for t in range(1, n):
        ahead[t] = votes[t] + log_sum(ahead[t - 1][:, None] + moves, 0)
    for t in range(n - 2, -1, -1):
        behind[t] = log_sum(moves + (votes[t + 1] + behind[t + 1])[None, :], 1)
    total = log_sum(ahead[-1], 0)
    state = np.exp(ahead + behind - total)
    state[np.arange(n), y] -= 1
    of_moves = np.zeros_like(moves)
    for t in range(1, n):
        of_moves += np.exp(ahead[t - 1][:, None] + moves + (votes[t] + behind[t])[None, :] - total)
        of_moves[y[t - 1], y[t]] -= 1
    return x.T @ state, of_moves


def fit(answers: list[Answer]) -> Model:
    counts = Counter(name for answer in answers for features in answer.features for name in features)
    names = sorted(name for name, count in counts.items() if count >= LEAST_COUNT)
    data = [(matrix(answer, names), answer.episodes) for answer in answers]
    size = len(EPISODES)
    values = [np.zeros((len(names), size)), np.zeros((size, size))]
    mean, square = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    for step in range(1, ROUNDS + 1):
        slopes = [PENALTY * v for v in values]
        for x, y in data:
            parts = gradients(x, y, values[0], values[1])
            slopes = [slope + part for slope, part in zip(slopes, parts, strict=True)]
        for i, slope in enumerate(slopes):
            mean[i] = 0.9 * mean[i] + 0.1 * slope
            square[i] = 0.999 * square[i] + 0.001 * slope**2
            values[i] -= RATE * (mean[i] / (1 - 0.9**step)) / (np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8)
    return Model(values[0], values[1], names)


def predict(model: Model, answer: Answer) -> list[int]:
    """What the program would say: each sentence from itself and what came before."""
    votes = matrix(answer, model.names) @ model.weights
    state, found = votes[0], []
    for t, vote in enumerate(votes):
        if t:
            state = vote + log_sum(state[:, None] + model.transitions, 0)
        episode = EPISODES[int(state.argmax())]
        found.append(EPISODES.index(settled(episode, answer.features[t])))
    return found


def kappa(pairs: list[tuple[int, int]]) -> float:
    """Cohen's kappa: agreement beyond what chance gives for the same shares of classes."""
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(left[k] * right[k] for k in left) / n**2
    return (agreed - chance) / (1 - chance)


def judged(train: list[Answer], test: list[Answer]) -> list[tuple[int, int]]:
    model = fit(train)
    return [pair for answer in test for pair in zip(answer.episodes, predict(model, answer), strict=True)]


def measure(answers: list[Answer]) -> None:
    even, odd = answers[::2], answers[1::2]
    print(f"fitted on every other answer, kappa on the rest: {kappa(judged(even, odd)):.3f}")
    print(f"the halves exchanged:                            {kappa(judged(odd, even)):.3f}")
    pairs = []
    for i, answer in enumerate(answers):
        pairs += judged(answers[:i] + answers[i + 1 :], [answer])
    share = sum(a == b for a, b in pairs) / len(pairs)
    print(
        f"each answer by a fit on all others:              {kappa(pairs):.3f} ({share:.1%} of {len(pairs)})"
    )
    table = Counter(pairs)
    print("people \\ ponder " + "".join(f"{name[:7]:>9}" for name in EPISODES))
    for i, name in enumerate(EPISODES):
        print(f"{name:15} " + "".join(f"{table[i, j]:9}" for j in range(len(EPISODES))))


def document(model: Model, answers: list[Answer]) -> str:
    """The file that `ponder.reason.cues.weights` reads, a line for each feature."""
    sentences = sum(len(answer.episodes) for answer in answers)
    head = {
        "source": f"fitted by benchmarks/reason_fit.py on {len(answers)} answers of DeepSeek-R1 ({sentences} "
        "sentences) labelled by people: repository MingLiiii/Schoenfeld_Reasoning, arXiv 2509.14662",
        "unit": "hundredths of a nat",
        "episodes": EPISODES,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    moves = ",\n ".join(map(str, hundredths(model.transitions)))
    rows = zip(model.names, hundredths(model.weights), strict=True)
    features = ",\n ".join(f"{json.dumps(name)}: {row}" for name, row in rows)
    lines += [f'"transitions": [\n {moves}\n]', f'"features": {{\n {features}\n}}']
    return "{\n" + ",\n".join(lines) + "\n}\n"


def hundredths(values: Array) -> list[list[int]]:
    return [[round(100 * value) for value in row] for row in values.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weights fitted on all answers")
    arguments = parser.parse_args()
    answers = read(arguments.labelled)
    measure(answers)
    if arguments.write:
        WEIGHTS.write_text(document(fit(answers), answers), encoding="utf-8")
        print(f"wrote {WEIGHTS}")


if __name__ == "__main__":
    main()
