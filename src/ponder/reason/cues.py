"""What a sentence of reasoning looks like from outside: the cues of `data/cues.toml`, ready to search.

The cues say nothing themselves: `label` weighs them with `data/weights.json`, which `benchmarks.reason_fit`
writes. Both are read when they are needed first, for compiling the patterns takes a moment.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_WORD_END = re.compile(r"(?:^|[^\\])[A-Za-z]\??$")
_CHINESE = re.compile(r"[^\x00-\u2fff]")
_START = r"^[\s\"'*(_#]*"


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature of a sentence speaks for each of `episodes`, in thousandths of a nat.

    `transitions` holds, for each episode before, what speaks for each episode after.
    """

    episodes: tuple[str, ...]
    features: Mapping[str, Sequence[int]]
    transitions: Sequence[Sequence[int]]


@cache
def cues() -> Mapping[str, re.Pattern[str]]:
    """Every cue: name → pattern to search in one sentence."""
    return {name: _pattern(cue, chinese=True) for name, cue in _table().items()}


def seen_in(sentence: str) -> set[str]:
    """The names of the cues that a sentence shows."""
    patterns = cues() if _CHINESE.search(sentence) else _english()
    return {name for name, pattern in patterns.items() if pattern.search(sentence)}


@cache
def weights() -> Weights:
    """The fitted weights."""
    table = json.loads(_data("weights.json"))
    return Weights(tuple(table["episodes"]), table["features"], table["transitions"])


@cache
def _table() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return tomllib.loads(_data("cues.toml"))


@cache
def _english() -> Mapping[str, re.Pattern[str]]:
    """The cues for a sentence without a Chinese character: the same matches, found sooner."""
    return {name: _pattern(cue, chinese=False) for name, cue in _table().items()}


def _data(name: str) -> str:
    return (files("ponder.reason") / "data" / name).read_text(encoding="utf-8")


def _pattern(cue: Mapping[str, Sequence[str]], *, chinese: bool) -> re.Pattern[str]:
    words = "|".join(_ended(alternative) for alternative in cue["english"] if alternative[0].isalpha())
    signs = [_ended(alternative) for alternative in cue["english"] if not alternative[0].isalpha()]
    english = "|".join(
        [*([rf"\b(?:{words})"] if words else ()), *signs]
    )  # one \b rules most places out at once
    anywhere = "|".join([f"(?i:{english})", *(cue["chinese"] if chinese else ())])
    return re.compile(f"{_START}(?:{anywhere})" if cue.get("start") else anywhere)


def _ended(alternative: str) -> str:
    return alternative + (r"\b" if _WORD_END.search(alternative) else "")
