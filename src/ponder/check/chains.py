"""Relations between expressions: `a op b = c`, chains of them, comparisons, in signs, words or LaTeX.

The plain text is read into pieces; words that are no operators break it into runs; a run is cut at its
relation signs into sides, and each pair of neighbours is one claim. A side that is not an expression is
passed over. A pair is called wrong only where nothing beside it casts doubt on where its sides begin and end.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from ponder.check.claim import Claim, Kind, Verdict, written
from ponder.check.context import stance
from ponder.check.doubts import doubted, unlike
from ponder.check.evaluate import MAX_TOKENS, NotEvaluated, Piece
from ponder.check.pieces import RELATIONS, SCALES, Run, runs
from ponder.check.relations import Side, holds
from ponder.check.scope import Known, Scope
from ponder.check.units import unit

_FRACTION = re.compile(r"⁄ ?\{ ?([0-9.]+) ?\} ?\{ ?([0-9.]+) ?\}")


def chain_claims(text: str, scope: Scope) -> Iterator[Claim]:
    """The relations that a plain text claims; `scope` knows the variables it may use."""
    for run in runs(text):
        yield from _claims_of(run, scope.at(run.pieces[0].start))


def _claims_of(run: Run, known: Mapping[str, Known]) -> Iterator[Claim]:
    if len(run.pieces) > 4 * MAX_TOKENS:
        return
    sides: list[list[Piece]] = [[]]
    signs: list[Piece] = []
    for piece in run.pieces:
        if piece.kind in RELATIONS:
            signs.append(piece)
            sides.append([])
        else:
            sides[-1].append(piece)
    for at, sign in enumerate(signs):
        left, right = sides[at], sides[at + 1]
        if left and right and len(left) + len(right) <= MAX_TOKENS:
            claim = None
            if at == 0 and _bullet(run.text, left):
                claim = _judged(run, left[1:], sign, right, known)
                left = left if claim is None or claim.verdict == "wrong" else left[1:]
            if claim is None or claim.verdict != "ok":
                again = _judged(run, left, sign, right, known)
                claim = again if again is None or again.verdict == "ok" or claim is None else claim
            if claim is not None:
                last = at + 1 == len(signs)
                yield (
                    claim if claim.verdict != "wrong" else doubted(run, claim, (left, sign, right), at, last)
                )


def _bullet(text: str, left: list[Piece]) -> bool:
    """Whether the side begins with a "-" or "*" that may mark an item of a list."""
    if len(left) < 2 or left[0].kind not in "-*" or left[1].start == left[0].stop:
        return False
    before = text[max(0, left[0].start - 8) : left[0].start].rpartition("\n")[2].strip()
    return not before or before[-1] in ":;."


def _judged(
    run: Run, left: list[Piece], sign: Piece, right: list[Piece], known: Mapping[str, Known]
) -> Claim | None:
    start, stop = left[0].start, right[-1].stop
    names = [p.text for p in left + right if p.kind in ("word", "var") and p.text.lower() not in SCALES]
    dimensions = {found[0] for name in names if (found := unit(name)) is not None and name != "x"}
    converted = len({name.lower().rstrip("s") for name in names}) > 1 and len(dimensions) == 1
    converted = converted and all(unit(name) for name in names)
    if converted and _AND.search(run.text, max(0, start - 30), start):
        return None
    if len(left) == 1 and left[0].kind == "var":
        return None  # an assignment
    try:
        base = min(found[1] for name in names if (found := unit(name))) if converted else Fraction(0)
        a, b = (Side(_stated(run.text, _resolved(side, known, base))) for side in (left, right))
    except NotEvaluated:
        return None
    meant = stance(run.text, start, stop)
    if meant == "not claimed":
        return None
    verdict: Verdict = holds(a, sign.kind, b)
    if verdict == "wrong" and _percent_dropped(a, sign.kind, b):
        verdict = "ok"
    other = not converted and unlike(left, right)
    if verdict == "wrong" and (meant == "doubtful" or other):
        verdict = "undecided"
    kind: Kind = "conversion" if converted else "equality" if sign.kind == "=" else "comparison"
    kind = "approximation" if sign.kind == "≈" else kind
    last = unit(right[-1].text) if converted else None
    if (
        verdict == "wrong"
        and last
        and _rounded(a.value.value * base / last[1], b.value.value * base / last[1])
    ):
        verdict = "undecided"
    value = written(a.value.value * base / last[1] if last else a.value.value, a.value.exact)
    value += f" {right[-1].text}" if last else ""
    texts = (_normal(run.text, left), _normal(run.text, right))
    used = {p.text: known[p.text] for p in left + right if p.kind == "var" and p.text in known}
    if verdict == "wrong" and not all(_trusted(run.text, (start, stop), *pair) for pair in used.items()):
        verdict = "undecided"
    with_ = ", ".join(f"{name} = {written(one.value)}" for name, one in sorted(used.items()))
    fact = f"{texts[0]} is {value}" + (f" with {with_}" if with_ else "")
    rests = tuple(sorted({one.start for one in used.values()}))
    return Claim(start, stop, kind, *texts, verdict, "" if verdict == "ok" else fact, rests)


_AND = re.compile(r"[0-9] ?[a-z]+,? and $", re.IGNORECASE)
"""Before a quantity: 1 hour and 30 minutes is …"""


def _trusted(text: str, span: tuple[int, int], name: str, known: Known) -> bool:
    """Whether a contradiction to the value of a variable is an error, and no new beginning.

    Where the variable gets a value at once, what was read is the equation that gives it.
    """
    start, stop = span
    if not known.firm or re.match(rf"[^.\n]{{0,40}}(?<![A-Za-z]){name}\s*(?:=|\n|$)", text[stop : stop + 60]):
        return False
    return known.said or start - known.start < _FAR


_FAR = 1500


def _normal(text: str, pieces: list[Piece]) -> str:
    spaced = " ".join(text[pieces[0].start : pieces[-1].stop].replace("\x01", "").split())
    return _FRACTION.sub(r"\1/\2", spaced).replace("⁄", "frac")


def _rounded(exact: Fraction, said: Fraction) -> bool:
    """365 days = 52 weeks, 1 inch = 2.5 cm: near, where no short decimal is exact."""
    return (1000 * exact).denominator != 1 and abs(exact - said) <= abs(exact) * 3 / 100


def _stated(text: str, side: list[Piece]) -> list[Piece]:
    """The side, a decimal that the text said as a percentage before, 20 % and 0.20, as exact as that."""
    if len(side) < 2:
        return side
    return [replace(piece, places=0) if _said_in_percent(text, piece) else piece for piece in side]


def _said_in_percent(text: str, piece: Piece) -> bool:
    if piece.kind != "number" or piece.places < 2:
        return False
    share = re.escape(f"{float(piece.value * 100):g}")
    said = re.compile(rf"(?<![0-9.,]){share}\s?(?:%|per\s?cent)")
    return said.search(text, max(0, piece.start - 200), piece.start) is not None


def _percent_dropped(left: Side, sign: str, right: Side) -> bool:
    """20/50 × 100 = 40 %: the sign is a unit there."""
    for a, b in ((left, right), (right, left)):
        if b.bare and b.percent:
            bare = Side([piece for piece in b.pieces if piece.kind != "%"])
            pair = (a, bare) if a is left else (bare, a)
            if holds(pair[0], sign, pair[1]) == "ok":
                return True
    return False


def _resolved(side: list[Piece], known: Mapping[str, Known], base: Fraction) -> list[Piece]:
    """The side with variables replaced by values, x between numbers by ×, and units dropped, or applied as
    multiples of `base` if that is not 0.
    """
    out: list[Piece] = []
    for at, piece in enumerate(side):
        before = out[-1].kind if out else ""
        after = side[at + 1].kind if at + 1 < len(side) else ""
        measure = unit(piece.text) if piece.kind in ("word", "var") and before == "number" else None
        if piece.kind in ("^", "²", "³") and side[at - 1].kind == "word":
            raise NotEvaluated("a power of a unit")
        scale = SCALES.get(piece.text.lower()) if piece.kind == "word" and before == "number" else None
        if scale is not None:
            out[-1] = replace(out[-1], value=out[-1].value * scale, places=0)
        elif base and measure is not None:
            top = -3 if [p.kind for p in out[-3:]] == ["number", "/", "number"] else -1
            out[top] = replace(out[top], value=out[top].value * measure[1] / base, places=0)
        elif (
            piece.kind == "var"
            and piece.text in "xX"
            and before in ("number", ")")
            and after in ("number", "(")
        ):
            out.append(replace(piece, kind="*"))
        elif piece.kind == "var":
            if piece.text not in known or after == "(":
                raise NotEvaluated("a variable")
            out += [replace(piece, kind="*")] if before in ("number", ")") else []
            out.append(replace(piece, kind="number", value=known[piece.text].value))
        elif piece.kind != "word":
            if base and piece.kind == "number" and before == "number":
                out.append(replace(piece, kind="+"))
            out.append(piece)
    return out
