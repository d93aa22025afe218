"""What each step does in the reasoning: deterministic roles, each with what it rests on.

A sentence is given to one of seven episodes of problem solving (Schoenfeld's, as people used them to label
answers of DeepSeek-R1), then to a role inside the episode. Its cues, its words, its shape and what was going
on just before vote for episodes with fitted weights; the episode of the sentence before has a say through
a transition table. Together that is the forward pass of a linear-chain conditional random field, so a role
never depends on what follows and can be told while the model still writes. All of it is counted in integers,
so that every machine gives the same roles. The rule of a role is the cue that spoke loudest for its episode.
A step's role is the one most of its text has.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import exp, log1p

from ponder.core.events import Step, Token
from ponder.core.trace import text_of
from ponder.reason.cues import Weights, cues, seen_in, weights
from ponder.reason.cuts import CutFinder

EPISODE_OF: Mapping[str, str] = {
    "restate": "Read",
    "plan": "Plan",
    "recall": "Analyze",
    "consolidate": "Analyze",
    "other": "Analyze",
    "compute": "Implement",
    "branch": "Explore",
    "check": "Verify",
    "backtrack": "Verify",
    "answer": "Verify",
    "doubt": "Monitor",
}
"""Every role and its episode. `other` is reasoning without a mark of its own."""

SCALE = 1000
"""Weights and states are in thousandths of a nat."""
_TERM = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[^\sa-z\d]")
_BEGINNING = 3
_WORD = re.compile(r"[a-z]{3,}|\d+(?:\.\d+)?|[\u4e00-\u9fff]{2}")
_COMMON = re.compile(
    r"the|are|was|were|for|with|and|but|not|that|this|let|have|has|can|then|there|which|what|how"
)
_LETTERS = re.compile(r"[A-Za-z']{3,}|[\u4e00-\u9fff]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TEXT = re.compile(r"[A-Za-z0-9\u4e00-\u9fff]")
_LENGTHS = ((3, "words<=3"), (7, "words<=7"), (15, "words<=15"), (25, "words<=25"), (10**9, "words>25"))
_MOODS: tuple[tuple[str, frozenset[str], int, tuple[int, ...]], ...] = (
    ("exploring", frozenset({"question", "maybe", "other way", "trouble"}), 8, (2, 4)),
    ("computing", frozenset({"calculation", "equation", "mostly math", "imperative"}), 5, (2, 4)),
)
"""Name, cues, how many sentences back to look, and how many of them must have such a cue."""
_OPEN = frozenset({"maybe", "other way", "question"})


@dataclass(frozen=True, slots=True)
class Label:
    """A role, the rule that gave it (a cue and its words), and the episode it stands in."""

    role: str
    rule: str
    episode: str = "Analyze"


class Context:
    """What was going on before a sentence, as far as its role may depend on it."""

    def __init__(self, question: str = "") -> None:
        self._given = words(question)
        self._recent: deque[frozenset[str]] = deque(maxlen=8)
        self._count = 0
        self._answered = False

    def features(self, sentence: str) -> frozenset[str]:
        """Everything that votes on `sentence`. To be called once per sentence, in their order."""
        seen = seen_in(sentence) | _shape(sentence)
        features = {"any", *seen, *self._moods(), *_terms(sentence)}
        if not self._count:
            features.add("first")
        said = words(sentence)
        if len(said) >= 3 and len(said & self._given) >= 0.6 * len(said):
            features.add("said before")
        if seen & {"task", "given", "problem", "option"} or self._count < 3:
            self._given |= said
        if seen & {"verdict", "answer", "letter"} and not seen & {"bad", "question"}:
            self._answered = True
        self._recent.append(frozenset(seen))
        self._count += 1
        return frozenset(features)

    def _moods(self) -> Iterable[str]:
        recent = list(self._recent)
        for name, marks, size, least in _MOODS:
            times = sum(not marks.isdisjoint(before) for before in recent[-size:])
            yield from (f"{name} {number}" for number in least if times >= number)
        if any("check" in before and "option" not in before for before in recent[-6:]):
            yield "checking"
        if self._answered:
            yield "answered"


class Labeller:
    """Gives roles to the steps of one output, in their order; `question` helps to see what restates it."""

    def __init__(self, question: str = "", table: Weights | None = None) -> None:
        self._context = Context(question)
        self._state: Sequence[int] = ()
        self._weights = table or weights()

    def step(self, text: str) -> Label:
        """The label of a step: the role of most of its text, as its longest sentence of that role has it."""
        labels = [(self.sentence(sentence), len(sentence)) for sentence in sentences(text)]
        if not labels:
            return Label("other", "")
        sizes: Counter[str] = Counter()
        for label, size in labels:
            sizes[label.role] += size
        role = max(sizes, key=lambda name: sizes[name])
        return max((pair for pair in labels if pair[0].role == role), key=lambda pair: pair[1])[0]

    def copy(self) -> "Labeller":
        """Another that goes on from here; this one is as if it had not been asked."""
        again = copy(self)
        again._context = deepcopy(self._context)
        return again

    def sentence(self, text: str) -> Label:
        """The label of one sentence."""
        table = self._weights
        features = self._context.features(text)
        known = sorted(features & table.features.keys())
        columns = range(len(table.episodes))
        votes = [sum(votes) for votes in zip(*(table.features[name] for name in known), strict=True)]
        self._state = forward(self._state, votes, table.transitions)
        best = max(columns, key=self._state.__getitem__)
        episode = settled(table.episodes[best], features)
        role, deciding = _role(episode, features)
        said = {name: table.features[name][best] - sum(table.features[name]) / len(columns) for name in known}
        return Label(role, _rule(said, features & deciding, text), episode)


def label(tokens: Sequence[Token], steps: Iterable[Step], question: str = "") -> tuple[Step, ...]:
    """`steps` with their roles and rules; `tokens` are those of the whole output, from its first one."""
    labeller = Labeller(question)
    first = tokens[0].index if tokens else 0
    labelled = []
    for step in steps:
        found = labeller.step(text_of(tokens[step.start - first : step.stop - first]))
        labelled.append(replace(step, role=found.role, rule=found.rule))
    return tuple(labelled)


def settled(episode: str, features: frozenset[str]) -> str:
    """The episode of a sentence once its plainest words are heard."""
    if episode == "Analyze" and features & _OPEN:
        return "Explore"
    if episode == "Plan" and "check" in features:
        return "Verify"
    bare = {"calculation", "mostly math"} <= features and "option" not in features
    return "Implement" if bare and episode in {"Read", "Monitor"} else episode


def forward(
    before: Sequence[int], votes: Sequence[int], transitions: Sequence[Sequence[int]]
) -> tuple[int, ...]:
    """How likely each episode is after one more sentence: log-probabilities in thousandths of a nat, up to a
    constant that makes the likeliest 0. `before` is empty at the first sentence.
    """
    if before:
        columns = zip(*transitions, strict=True)
        votes = [
            vote + _log_sum([state + move for state, move in zip(before, column, strict=True)])
            for vote, column in zip(votes, columns, strict=True)
        ]
    top = max(votes)
    return tuple(vote - top for vote in votes)


def sentences(text: str) -> list[str]:
    """The sentences of a text, as `cuts` finds them."""
    data = text.encode()
    finder = CutFinder()
    bounds = [0, *(cut.position for cut in finder.feed(data) + finder.finish()), len(data)]
    parts = (data[a:b].decode(errors="replace").strip() for a, b in pairwise(bounds))
    return [part for part in parts if part]


def words(text: str) -> set[str]:
    """The words and numbers that carry a text's content."""
    return {word for word in _WORD.findall(text.lower()) if not _COMMON.fullmatch(word)}


def _terms(sentence: str) -> set[str]:
    """The words and signs of a sentence and its beginnings, every number as `#`."""
    terms = ["#" if term.isdigit() else term for term in _TERM.findall(sentence.lower().replace("’", "'"))]
    begins = {f"begins {' '.join(terms[:size])}" for size in range(1, min(_BEGINNING, len(terms)) + 1)}
    return {f"word {term}" for term in terms} | begins


def _shape(sentence: str) -> set[str]:
    """How a sentence looks, whatever its words."""
    count = len(sentence.split()) + len(_CHINESE.findall(sentence)) // 2
    shape = {next(name for most, name in _LENGTHS if count <= most)}
    if any(letter.isdigit() for letter in sentence):
        letters = sum(map(len, _LETTERS.findall(sentence)))
        if letters < 0.35 * sum(not letter.isspace() for letter in sentence):
            shape.add("mostly math")
        if count <= 6:
            shape.add("short with a number")
    if not _TEXT.search(sentence):
        shape.add("no text")
    return shape


_ALWAYS = {
    "Read": "restate",
    "Plan": "plan",
    "Implement": "compute",
    "Explore": "branch",
    "Monitor": "doubt",
}
_ANSWERS = frozenset({"final", "answer", "letter"})
_REJECTS = frozenset({"bad", "trouble"})
_TURNS = frozenset({"wait", "but", "no"})
_MUSES = frozenset({"musing", "okay"})
_HESITATES = frozenset({"wait", "no", "but", "hmm", "maybe", "bad", "trouble", "question", "opinion"})
_CONCLUDES = frozenset({"so", "therefore", "means"})


def _role(episode: str, features: frozenset[str]) -> tuple[str, frozenset[str]]:
    """The role inside an episode, and the cues that decide it if the episode has several roles."""
    if "final" in features:
        return "answer", _ANSWERS
    if episode in {"Verify", "Monitor"} and features & _REJECTS and features & _TURNS:
        return "backtrack", _REJECTS
    if episode == "Verify":
        concluded = features & _ANSWERS and not features & {"check", "question", "bad"}
        return ("answer", _ANSWERS) if concluded else ("check", frozenset({"check"}))
    if episode == "Analyze":
        if "recall" in features:
            return "recall", frozenset({"recall"})
        return ("consolidate", _CONCLUDES) if features & _CONCLUDES else ("other", frozenset())
    if episode == "Monitor" and features & _MUSES and not features & _HESITATES:
        return "plan", _MUSES
    return _ALWAYS[episode], _OPEN if episode == "Explore" else frozenset()


def _rule(said: Mapping[str, float], deciding: frozenset[str], sentence: str) -> str:
    """What the role rests on: a cue that decides it, else the words that spoke loudest, else a shape."""

    def strength(name: str) -> tuple[bool, bool, float]:
        return name in deciding, said[name] > 0 and name in cues(), said[name]

    name = max((name for name in said if name != "any"), key=strength, default="")
    found = cues()[name].search(sentence) if name in cues() else None
    words_found = found[0].strip() if found else ""
    if name.startswith(("word ", "begins ")):
        name, _, words_found = name.partition(" ")
    return f'{name}: "{words_found[:30]}"' if words_found else name


def _log_sum(values: Sequence[int]) -> int:
    """log(Σ exp), added up in order; equal on every machine, within a thousandth for each value."""
    added = _added()
    total = values[0]
    for value in values[1:]:
        apart = abs(total - value)
        total = max(total, value) + (added[apart] if apart < len(added) else 0)
    return total


@cache
def _added() -> Sequence[int]:
    """What log(exp a + exp b) has above the larger one, for each distance of a and b."""
    return [round(SCALE * log1p(exp(-apart / SCALE))) for apart in range(8 * SCALE)]
