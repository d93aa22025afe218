r"""Whether a text gives the target answer: a cascade, cheap to dear, each verdict named after its step.

    found → exact → choice → numeric → parts → words → symbolic

Only the answer that the text ends with counts: its last box, else what it says to be the answer, else (unless
an anchor is required) its last line or number. A step that cannot judge passes on; what none can judge is
unknown. Equal means equal: a rounded number is wrong unless a tolerance says otherwise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ponder.check.answers import (
    Found,
    Number,
    formula,
    found_in,
    letter_of,
    measure_of,
    number_of,
    same_number,
    words_of,
)
from ponder.check.plain import plain
from ponder.evaluate.scorers.symbolic import Symbolic
from ponder.evaluate.scorers.verdict import Outcome, Verdict

_ROUND = {"(": ")", "[": "]", "{": "}"}
_PROSE = re.compile(
    r"(?<![\\A-Za-z])(?!(?:sin|cos|tan|cot|sec|csc|log|exp|sqrt|frac|mod|max|min)\b)[A-Za-z]{3,}"
)
_WORDY = re.compile(r"(?<![\\A-Za-z])(?!(?:ln|lg|pi|in)\b)[A-Za-z]{2,}\s|\s[A-Za-z]{3,}")
_LETTER = re.compile(r"\b(?:option|choice|answer)\b(?:\s+is)?\W{0,6}([A-Z])\b(?![\w'])|\(([A-Z])\)")
_COMMAND = re.compile(
    r"\\(?:begin|end)\s*\{[^{}]*\}|\\(?:text|mathrm|textbf|mathbf)\s*\{[^{}]*\}|\\[A-Za-z]+"
)
_MATHS = re.compile(r"[\\^_=<>≤≥+*/√π∪∞|!]|\d\s*[A-Za-z]\b|(?<![A-Za-z])[a-z](?![A-Za-z])|-\s*\d")
_SEVERAL = re.compile(r"\d\W{0,3}(?:,|;|\band\b|\bor\b)\W{0,3}[-−]?\d[\d.,]*\W*$")


@dataclass(frozen=True, slots=True)
class Cascade:
    """The verifier for answers in words, numbers and formulae.

    `anchored`: an answer counts only where the text marks it (a box, an answer tag, "answer:"), as a reward
    must. `tolerance` is relative to the target, 0 for none. Without `symbolic` formulae stay unknown.
    """

    symbolic: Symbolic | None = None
    anchored: bool = False
    tolerance: float = 0.0

    def judge(self, text: str, target: str, choices: Sequence[str] = ()) -> Verdict:
        """The verdict on the answer that `text`, the part after the reasoning, ends with."""
        found = found_in(text)
        refusal = self.refused(found)
        if refusal is not None:
            return refusal
        if not found.text:
            return Verdict("wrong", "found", "", found.how)
        if choices:
            return self._chosen(found, text, target, choices)
        outcome, step, note = self.compare(found.text, target)
        if outcome != "right" and found.how in {"line", "text"}:
            loose = _number_of_line(found.text, text, target)
            if loose:
                found = Found(loose, "number")
                outcome, step, note = self.compare(loose, target)
        return Verdict(outcome, step, found.text, found.how, note)

    def refused(self, found: Found) -> Verdict | None:
        """The verdict on what does not count as an answer, whatever it says."""
        if found.how == "open box":
            return Verdict("wrong", "found", "", found.how, "its box never ends")
        if self.anchored and not found.anchored:
            return Verdict(
                "wrong", "found", found.text, found.how, "no answer is marked" if found.text else ""
            )
        return None

    def same(self, one: str, other: str) -> bool:
        """Whether two answers are known to be the same thing."""
        return bool(one) and bool(other) and self.compare(one, other)[0] == "right"

    def compare(self, given: str, target: str) -> tuple[Outcome, str, str]:
        """The outcome, the step that decided, and a note."""
        given, target = _spelled(given), _spelled(target)
        cheap = self._cheap(given, target)
        if cheap is not None:
            return *cheap, ""
        if not _is_maths(given):
            return "unknown", "symbolic", "the answer is no formula"
        if self.symbolic is None:
            return "unknown", "symbolic", "formulae are not compared"
        outcome, note = self.symbolic.compare(target, given)
        return outcome, "symbolic", note

    # ------------------------------------------------------------------ the steps

    def _cheap(self, given: str, target: str) -> tuple[Outcome, str] | None:
        """What can be said without mathematics."""
        if given.casefold() == target.casefold():
            return "right", "exact"
        if _squeezed(given) == _squeezed(target):
            return "right", "exact"
        if letter_of(target) and len(target) <= 3:
            letter = letter_of(given) or _letter_said(given)
            return ("right" if letter == letter_of(target) else "wrong"), "choice"
        number, wanted = measure_of(given), measure_of(target)
        if number is not None and wanted is not None:
            same = same_number(number, wanted) or self._near(number, wanted)
            return ("right" if same else "wrong"), "numeric"
        parts = self._by_parts(given, target)
        if parts is not None:
            return parts, "parts"
        if not _is_maths(target) and wanted is None:
            return ("right" if _says(given, target) else "wrong"), "words"
        return None

    def _near(self, given: Number, target: Number) -> bool:
        if not self.tolerance or (given.unit and target.unit and given.unit != target.unit):
            return False
        return abs(given.value - target.value) <= self.tolerance * abs(target.value)

    def _by_parts(self, given: str, target: str) -> Outcome | None:
        """Sets, tuples and intervals of parts that can be compared; other brackets are another thing.

        A list without brackets agrees with a set in any order, and with a tuple in its own.
        """
        (kind, wanted), (other, parts) = _parts(target), _parts(given)
        if len(wanted) < 2:
            return None
        if kind and other and kind != other:
            return "wrong"
        if len(parts) < 2:
            return None
        if len(parts) != len(wanted):
            return "wrong"
        ordered = (kind or other) not in ("", "{}")
        left = list(parts)
        for place, part in enumerate(wanted):
            candidates = [place] if ordered else range(len(left))
            found, sure = None, True
            for at in candidates:
                cheap = self._cheap(_spelled(left[at]), _spelled(part))
                if cheap is None:
                    sure = False
                elif cheap[0] == "right":
                    found = at
                    break
            if found is None:
                return "wrong" if sure else None
            if not ordered:
                left.pop(found)
        return "right"

    def _chosen(self, found: Found, text: str, target: str, choices: Sequence[str]) -> Verdict:
        """A choice, by its letter or by what stands behind it."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(choices)].casefold()
        letter = letter_of(found.text)
        if not letter or letter not in letters:
            meant = [place for place, choice in enumerate(choices) if self.same(found.text, choice)]
            letter = letters[meant[0]] if len(meant) == 1 else ""
        if not letter:
            said = _letter_said(found.text if self.anchored else text)
            letter = said if said in letters else ""
        if not letter:
            return Verdict("wrong", "choice", found.text, found.how, "it is none of the choices")
        same = letter == target.strip(" ().").casefold()
        return Verdict("right" if same else "wrong", "choice", letter.upper(), found.how)


def _number_of_line(line: str, text: str, target: str) -> str:
    """The number that a line of prose comes to, for a target that is one: its only one, the one behind its
    last equals sign, or the last of the text, unless that ends a list of several.
    """
    if measure_of(_spelled(target)) is None or not _WORDY.search(line):
        return ""
    if number_of(line) is not None:
        return _last_number(line)
    behind = line.rpartition("=")[2] if "=" in line else ""
    if behind and number_of(behind) is not None:
        return _last_number(behind)
    return "" if _SEVERAL.search(text) else _last_number(line)


def _last_number(text: str) -> str:
    numbers = re.findall(r"[-−]?\$?\d[\d,]*(?:\.\d+)?(?:\s?%)?", plain(text))
    return numbers[-1].rstrip(",") if numbers else ""


def _letter_said(text: str) -> str:
    """The letter of the last "option C", "answer is C" or "(C)"; "" where none is said."""
    said = ["".join(pair).casefold() for pair in _LETTER.findall(text)]
    return said[-1] if said else ""


def _spelled(text: str) -> str:
    """An answer without its dressing, and a few commands in one spelling."""
    text = re.sub(r"\\[dtc]frac", r"\\frac", formula(text).replace("**", "^"))
    text = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", text)
    return re.sub(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![A-Za-z]))", "°", text)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+|\\[,;!]", "", text)


def _is_maths(text: str) -> bool:
    """Whether a text is a formula rather than words."""
    bare = _COMMAND.sub(" ", text)
    return not _PROSE.search(bare) and bool(_MATHS.search(text) or re.search(r"\d", text) or len(text) == 1)


def _says(given: str, target: str) -> bool:
    """Whether a short answer holds the words of the target, and does not deny them."""
    wanted, words = words_of(target), words_of(given)
    if not wanted or len(words) > len(wanted) + 8:
        return False
    denied = {"not", "no", "never", "isn't", "cannot"}
    if denied & set(words) and not denied & set(wanted):
        return False
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def _parts(text: str) -> tuple[str, list[str]]:
    """The brackets around a list ("" for none, "(]" for a half-open interval), and its parts."""
    bare = (
        text.strip().replace("\\{", "{").replace("\\}", "}").replace("\\lbrace", "{").replace("\\rbrace", "}")
    )
    kind = ""
    if bare[:1] in _ROUND and bare[-1:] in _ROUND.values() and _closes_last(bare):
        kind, bare = bare[0] + bare[-1], bare[1:-1]
    elif bare[:1] in _ROUND or not bare:
        kind = ""
    depth, cuts = 0, [-1]
    for place, sign in enumerate(bare):
        depth += (sign in "([{") - (sign in ")]}")
        thousands = re.match(r",\d{3}(?!\d)", bare[place:]) and bare[place - 1 : place].isdigit() and not kind
        if depth == 0 and sign in ",;" and not thousands:
            cuts.append(place)
    pieces = [bare[start + 1 : stop].strip() for start, stop in pairwise([*cuts, len(bare)])]
    if not kind:
        pieces = [part for piece in pieces for part in re.split(r"\s+(?:and|or)\s+|^(?:and|or)\s+", piece)]
    return kind, [piece for piece in pieces if piece]


def _closes_last(text: str) -> bool:
    """Whether the first bracket is closed by the last sign."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return place == len(text) - 1
    return False
