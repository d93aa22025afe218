"""Claims with variables, in the order of the text: identities, steps between equations, solutions.

`derived` reads the statements once. It keeps the equations in force and the values that follow from them
(`Scope`), judges what is said to follow from them, and gives both. Everything is exact; what is beyond
quotients of polynomials is left to `symbolic`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ponder.check.claim import Claim, Kind, Verdict, written
from ponder.check.context import stance
from ponder.check.definitions import Functions
from ponder.check.evaluate import NotEvaluated, number
from ponder.check.identities import identity_claims, value_claims
from ponder.check.links import forgets, link, starts_anew
from ponder.check.polynomial import Polynomial, solved
from ponder.check.roots import Roots, follows, judge_root, roots_behind
from ponder.check.scope import NAMED, SAID, Known, Scope
from ponder.check.statements import Statement, Term, statements, values_of

MAX_STATEMENTS = 4000
_NEAR = 700
_MOST_EQUATIONS = 6
_MEANT = re.compile(
    r"\b(?:so|thus|hence|therefore|then|gives?|get|find|obtain|yields?|means|implies|solution|solving|solved|"
    r"finally|conclude)\b|→|⟹|∴|所以|因此|得|故|则",
    re.IGNORECASE,
)
_SOLUTION_OF = re.compile(
    r"^\s*(?:is|are|as)\s+(?:indeed\s+|also\s+)?(?:an?\s+|the\s+)?(?:solutions?|roots?|zeros?)\s+(?:of|to|for)\s*"
    r"(?:the\s+)?(?:equation\s*)?[:\s]*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"^[^.;\n]{0,40}(?:\bnot\b|n't\b|\?|≠|contradict|impossible|extraneous|\bwrong\b|✗|❌)", re.IGNORECASE
)


_TRIED = re.compile(r"\b(?:if|when|for|suppos\w+|assum\w+|try|trying|what if|were|whether)\b", re.IGNORECASE)
"""With one of these, "set x = 2" is a trial."""


@dataclass(slots=True)
class _Reader:
    text: str
    scope: Scope
    claims: list[Claim] = field(default_factory=list)
    equations: list[tuple[Statement, Polynomial]] = field(default_factory=list)
    last: Statement | None = None
    seen: int = 0
    functions: Functions = field(default_factory=Functions)

    def read(self, group: list[Statement]) -> None:
        """One statement, or several assignments in a row."""
        first, text = group[0], self.text
        between = text[max(self.seen, first.start - _NEAR) : first.start]
        far = first.start - self.seen > _NEAR
        if far or starts_anew(between):
            self.equations.clear()
            self.last = self.last if not far and _hinted(between) else None
        if far or forgets(between):
            self.scope.drop(first.start)
        for statement in group:
            self.claims += identity_claims(text, statement)
            self.claims += value_claims(text, statement, self.functions)
        if not first.names:
            return
        if all(_assigned(statement) for statement in group):
            self._assignments(group, between)
        elif len(group) == 1:
            self._equation(first, between)
        self.last, self.seen = group[-1], group[-1].stop

    def _equation(self, statement: Statement, between: str) -> None:
        difference, result = statement.difference, statement.result
        named = len(statement.terms) > 2 and statement.terms[0].name
        if difference is None or result is None or named or statement.open_left or statement.open_right:
            self._definition(statement)
            return
        self._reversed(statement, difference.above, between)
        self._roots_behind(statement, difference.above)
        known = self.scope.at(statement.start)
        if difference.names and difference.names <= known.keys():
            values = {name: known[name].value for name in difference.names}
            if _value(difference.above, values) != 0:
                self.scope.drop(statement.stop, *difference.names)
            return
        self._derivation(statement, difference.above, between)
        self._combination(statement, difference.above, between)
        self._definition(statement)
        self.equations = [*self.equations[1 - _MOST_EQUATIONS :], (statement, result.above)]

    def _definition(self, statement: Statement) -> None:
        """`y = x + 7 = 19` sets y; `x = …` that is no number forgets x."""
        name, last = statement.terms[0].name, statement.terms[-1]
        if not name or set(statement.relations) != {"="}:
            return
        if len(statement.terms) > 2 and last.number is not None and not statement.open_right:
            known = Known(last.number.value, statement.start, last.number.exact)
            self.scope.put(statement.stop, name, known)
        else:
            self.scope.drop(statement.stop, name)

    def _derivation(self, statement: Statement, found: Polynomial, between: str) -> None:
        """Whether this equation follows from the one before it."""
        if self.last is None or (given := self._given(found.names)) is None:
            return
        how = link(between)
        if how in ("none", "side by side") or _unit(self.text, self.last) != _unit(self.text, statement):
            return
        verdict = follows(given, found)
        if verdict is None or (verdict == "wrong" and _DENIED_AFTER.match(self.text[statement.stop :][:60])):
            return
        fact = f"it does not follow from {self.last.terms[0].text} = {self.last.terms[-1].text}"
        self._claim([statement], "derivation", verdict, fact, self.last)

    def _combination(self, statement: Statement, found: Polynomial, between: str) -> None:
        """Whether this equation follows from several before it: adding them, 4x = 16."""
        if self.claims and self.claims[-1].start == statement.start:
            return
        near = [pair for pair in self.equations if statement.start - pair[0].stop < _NEAR]
        answer = solved([polynomial for _, polynomial in near]) if len(near) > 1 else None
        if not answer or found.names - answer.keys() or link(between) != "consequence":
            return
        holds = _value(found, answer) == 0
        if not holds and _DENIED_AFTER.match(self.text[statement.stop :][:60]):
            return
        fact = "the equations give " + ", ".join(f"{n} = {written(answer[n])}" for n in sorted(found.names))
        self._claim([statement], "derivation", "ok" if holds else "wrong", fact, near[-1][0])

    def _given(self, names: frozenset[str]) -> Polynomial | None:
        """The equation before, in exactly these variables, others replaced by their firm values."""
        if self.last is None or self.last.open_left or self.last.open_right:
            return None
        difference = self.last.result
        if difference is None or (self.last.terms[0].name and self.last.terms[1].bare):
            return None
        known = self.scope.at(self.last.start)
        others = {n: known[n].value for n in difference.names - names if n in known and known[n].firm}
        try:
            given = difference.above.at(others)
        except NotEvaluated:
            return None
        return given if given.names == names and len(names) == 1 else None

    def _assignments(self, group: list[Statement], between: str) -> None:
        how = link(between)
        names = {statement.terms[0].name for statement in group}
        checked = False
        if len(names) == 1:
            checked = self._roots(group, how)
        if not checked:
            self._solution(group, between)
        for statement in group:
            self._put(statement, len(group) > 1 and len(names) == 1)

    def _put(self, statement: Statement, several: bool) -> None:
        name, last = statement.terms[0].name, statement.terms[-1]
        values = values_of(last)
        meant = stance(self.text, statement.start, statement.stop)
        before = self.text[max(0, statement.start - 80) : statement.start]
        worded = self.text[statement.start + 1 : statement.terms[1].start].strip()[:1].isalpha()
        said = worded or (SAID.search(before) is not None and not _TRIED.search(before.rpartition(". ")[2]))
        if several or len(values) != 1 or (meant == "not claimed" and not said):
            self.scope.drop(statement.stop, name)
            return
        firm = said or _MEANT.search(before[-60:].rpartition(".")[2]) is not None or self._proved(statement)
        exact = values[0][1] and statement.relations[-1] == "=" and not statement.open_right
        self.scope.put(statement.stop, name, Known(values[0][0], statement.start, firm and exact, said))

    def _proved(self, statement: Statement) -> bool:
        return any(
            claim.stop == statement.terms[1].stop and claim.verdict == "ok" for claim in self.claims[-2:]
        )

    def _roots(self, group: list[Statement], how: str) -> bool:
        """Values said to solve the equation before; False if nothing can be said."""
        name = group[0].terms[0].name
        given = self._given(frozenset((name,)))
        if given is None or how == "none" or self.last is None or not given.degree:
            return False
        last = group[-1]
        several = given.degree > 1 and len(last.terms) == 2
        more = roots_behind(self.text, last.stop) if several else Roots((), 0)
        values = [value for one in group for value in values_of(one.terms[1])] + list(more.values)
        bad = [
            value
            for value, exact in values
            if judge_root(given, name, value, exact, _places(group)) == "wrong"
        ]
        unsure = any(judge_root(given, name, *v, _places(group)) == "undecided" for v in values)
        if not values:
            return False
        verdict: Verdict = "wrong" if bad else "undecided" if unsure else "ok"
        units = {_unit(self.text, one) for one in group} | {""}
        doubtful = how == "side by side" or any(one.open_right for one in group)
        doubtful |= (_unit(self.text, self.last) not in units) or _percent(group)
        doubtful |= _DENIED_AFTER.match(self.text[max(more.stop, last.stop) :][:60]) is not None
        if verdict == "wrong" and doubtful:
            if how == "side by side":
                return False
            verdict = "undecided"
        shown = ", ".join(f"{name} = {written(value)}" for value in bad)
        fact = f"{shown} does not solve {self.last.terms[0].text} = {self.last.terms[-1].text}"
        self._claim(group, "solution", verdict, fact, self.last, stop=more.stop)
        return True

    def _solution(self, group: list[Statement], between: str) -> None:
        """Values said to solve the equations in force."""
        near = [pair for pair in self.equations if group[0].start - pair[0].stop < _NEAR]
        answer = solved([polynomial for _, polynomial in near]) if len(near) > 1 else None
        opening = self.text[max(0, near[0][0].start - 60) : near[0][0].start] if near else ""
        meant = _MEANT.search(opening + between[-120:]) or link(between) == "displayed"
        if not answer or not meant:
            return
        said = {one.terms[0].name: values_of(one.terms[1]) for one in group}
        if any(len(values) != 1 or name not in answer for name, values in said.items()):
            return
        places = _places(group)
        bad = {
            name: answer[name]
            for name, ((value, exact),) in said.items()
            if value != answer[name] and (exact and not places)
        }
        if places and any(value != answer[name] for name, ((value, _),) in said.items()):
            return
        fact = "the equations give " + ", ".join(f"{n} = {written(v)}" for n, v in bad.items())
        self._claim(group, "solution", "wrong" if bad else "ok", fact, near[-1][0])

    def _reversed(self, statement: Statement, found: Polynomial, between: str) -> None:
        """x = 3 is a solution of x² - 5x + 6 = 0."""
        last = self.last
        if last is None or not _assigned(last) or not _SOLUTION_OF.search(between):
            return
        name = last.terms[0].name
        values = values_of(last.terms[1])
        if found.names == {name} and values:
            verdicts = {judge_root(found, name, *v, last.terms[1].places) for v in values}
            verdict: Verdict = "wrong" if "wrong" in verdicts else "ok" if verdicts == {"ok"} else "undecided"
            self._claim([last], "solution", verdict, f"{last.terms[1].text} does not solve it", statement)

    def _roots_behind(self, statement: Statement, found: Polynomial) -> None:
        """The roots of x² - 5x + 6 = 0 are 2 and 3."""
        before = self.text[max(0, statement.start - 60) : statement.start]
        if len(found.names) != 1 or not re.search(
            r"\b(?:roots|solutions|zeros)\b|[解根]", before, re.IGNORECASE
        ):
            return
        roots = roots_behind(self.text, statement.stop, named=False)
        name = next(iter(found.names))
        if roots.values:
            bad = [v for v, exact in roots.values if judge_root(found, name, v, exact, 0) == "wrong"]
            fact = f"{', '.join(map(written, bad))} does not solve it"
            self._claim([statement], "solution", "wrong" if bad else "ok", fact, None, stop=roots.stop)

    def _claim(
        self,
        group: list[Statement],
        kind: Kind,
        verdict: Verdict,
        fact: str,
        source: Statement | None,
        *,
        stop: int = 0,
    ) -> None:
        start, stop = group[0].start, max(stop, group[-1].terms[1].stop)
        if kind == "solution" and self.text[stop : stop + 2].lstrip().startswith(("?", ":")):
            return  # asked, or a case to look at: "n = 4: …"
        left, right = group[0].terms[0].text, " ".join(self.text[group[0].terms[1].start : stop].split())
        rests = () if source is None else (source.start,)
        self.claims.append(
            Claim(start, stop, kind, left, right, verdict, "" if verdict == "ok" else fact, rests)
        )


def _hinted(between: str) -> bool:
    return re.search(r"\bif\b", between, re.IGNORECASE) is not None and link(between) != "none"


def _assigned(statement: Statement) -> bool:
    """Whether it is `x = number`."""
    if len(statement.terms) < 2 or statement.relations[0] not in "=≈" or not statement.terms[0].name:
        return False
    rest = statement.terms[1:]
    return (
        bool(values_of(statement.terms[1])) and all(not one.names for one in rest) and not statement.open_left
    )


def _places(group: list[Statement]) -> int:
    """The decimals of the values as written; -1 for "about" a whole number."""
    places = max(one.terms[-1].places for one in group)
    return -1 if not places and any("≈" in one.relations for one in group) else places


def _percent(group: list[Statement]) -> bool:
    return any(sign.kind == "%" for one in group for sign in one.terms[-1].signs)


_UNIT = re.compile(r" ?(?:\\?[,;:] ?)?([A-Za-z]+)")
_NO_UNIT = frozenset((
    "so", "and", "or", "then", "thus", "hence", "therefore", "which", "where", "we", "that", "implies",
    "gives",
    "is", "for", "when", "as", "by", "to", "from", "the", "in", "with", "because", "since", "but", "this",
    "yields",
    "has", "are", "leads", "means", "if", "into", "using", "on", "at", "after", "not", "add", "subtract",
    "divide",
))  # fmt: skip


def _unit(text: str, statement: Statement) -> str:
    """The word directly behind a statement, if it may be a unit."""
    match = _UNIT.match(text, statement.stop)
    word = match[1].lower().rstrip("s") if match else ""
    return "" if not match or match[1].lower() in _NO_UNIT else word


def _value(polynomial: Polynomial, values: Mapping[str, Fraction]) -> Fraction | None:
    return polynomial.at(values).constant


_JOINT = re.compile(r"\s*(?:,|;|\bor\b|\band\b|,\s*or|,\s*and|或|和|、)\s*", re.IGNORECASE)


def _groups(text: str, functions: Functions) -> Iterator[list[Statement]]:
    """The statements, assignments in a row together."""
    group: list[Statement] = []
    for at, statement in enumerate(_merged(text, functions)):
        if at >= MAX_STATEMENTS:
            break
        joined = group and _assigned(statement) and _assigned(group[-1])
        if joined and _JOINT.fullmatch(text, group[-1].stop, statement.start):
            group.append(statement)
            continue
        if group:
            yield group
        group = [statement]
    if group:
        yield group


def _merged(text: str, functions: Functions) -> Iterator[Statement]:
    """The statements and what is named in words ("the price p is 12"), in order."""
    named = [
        (match.start(1), match)
        for match in NAMED.finditer(text)
        if stance(text, match.start(), match.end()) != "not claimed"
    ]
    for statement in statements(text, functions):
        while named and named[0][0] < statement.start:
            yield _named(named.pop(0)[1])
        yield statement
    for _, match in named:
        yield _named(match)


def _named(match: re.Match[str]) -> Statement:
    from_, to = match.start(1), match.end(2)
    try:
        value, places = number(match[2].lstrip("-"))
    except NotEvaluated:
        value, places = Fraction(0), 0
    value = -value if match[2].startswith("-") else value
    return Statement.assigned(match[1], value, places, (from_, to), match.start(2))


def derived(text: str, given: Mapping[str, Fraction] | None = None) -> tuple[list[Claim], Scope]:
    """The claims with variables of a plain text, and what is known of its variables at every place."""
    reader = _Reader(text, Scope(given))
    for group in _groups(text, reader.functions):
        try:
            reader.read(group)
        except NotEvaluated:
            reader.seen = group[-1].stop
    return reader.claims, reader.scope


__all__ = ["Term", "derived"]
