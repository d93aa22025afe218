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
_START = r"^[\s\"'*(_#]*"


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature of a sentence speaks for each of `episodes`, in hundredths of a nat.

    `transitions` holds, for each episode before, what speaks for each episode after.
    """

    episodes: tuple[str, ...]
    features: Mapping[str, Sequence[int]]
    transitions: Sequence[Sequence[int]]


@cache
def cues() -> Mapping[str, re.Pattern[str]]:
    """Every cue: name → pattern to search in one sentence."""
    table = tomllib.loads(_data("cues.toml"))
    return {name: _pattern(cue) for name, cue in table.items()}


@cache
def weights() -> Weights:
    """The fitted weights."""
    table = json.loads(_data("weights.json"))
    return Weights(tuple(table["episodes"]), table["features"], table["transitions"])


def _data(name: str) -> str:
    return (files("ponder.reason") / "data" / name).read_text(encoding="utf-8")


def _pattern(cue: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    english = "|".join(_bounded(alternative) for alternative in cue["english"])
    anywhere = "|".join([f"(?i:{english})", *cue["chinese"]])
    return re.compile(f"{_START}(?:{anywhere})" if cue.get("start") else anywhere)


def _bounded(alternative: str) -> str:
    before = r"\b" if alternative[0].isalpha() else ""
    return before + alternative + (r"\b" if _WORD_END.search(alternative) else "")
