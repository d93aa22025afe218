"""The health of a run by GRPO: what went well, what to watch, what is wrong, each with what to do about it.

A rule looks at the first and the last fifth of the updates. The report is one value, kept as `health.json`;
`as_text` says the same in a terminal.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from textwrap import fill
from typing import Any, NamedTuple

OK, WATCH, BAD = "ok", "watch", "bad"
_SIGNS = {OK: "✓", WATCH: "!", BAD: "✗"}
_FALL = 0.05


class Finding(NamedTuple):
    """One property: its state, what was seen, and what to do (empty where all is well)."""

    name: str
    state: str
    seen: str
    advice: str = ""


Rows = Sequence[Mapping[str, Any]]


def report(rows: Rows, samples: Rows, *, rate: float, safe: float, ended: str = "") -> dict[str, Any]:
    """The report of a log. `rate` is the learning rate, `safe` the largest that small students have borne."""
    updates = [row for row in rows if "reward" in row]
    checks = [row for row in rows if "held_out" in row]
    findings = [rule(updates) for rule in _RULES] if updates else []
    findings += [_held_out(checks), _rate(rate, safe)]
    states = [each.state for each in findings]
    return {
        "updates": len(updates),
        "ended": ended,
        "state": BAD if BAD in states else WATCH if WATCH in states else OK,
        "findings": [each._asdict() for each in findings],
        "curves": {name: [row.get(name) for row in updates] for name in _CURVES},
        "held_out": [{"step": row["step"], "mean": row["mean"], **row["held_out"]} for row in checks],
        "suspicious": [row for row in samples if row["kind"] == "suspicious"][-5:],
        "right": [row for row in samples if row["kind"] == "right"][-2:],
        "wrong": [row for row in samples if row["kind"] == "wrong"][-2:],
    }


_CURVES = ("reward", "right", "dead", "truncated", "length", "entropy", "gradient")


def _ends(updates: Rows, name: str) -> tuple[float, float]:
    """The means over the first and the last fifth, of the updates that have the figure."""
    values = [row[name] for row in updates if row.get(name) is not None] or [0.0]
    fifth = max(1, len(values) // 5)
    return fmean(values[:fifth]), fmean(values[-fifth:])


def _reward(updates: Rows) -> Finding:
    first, last = _ends(updates, "reward")
    seen = f"{first:.3f} → {last:.3f}"
    if last < first - _FALL:
        return Finding("reward", BAD, seen, "it falls: lower the rate, or go back to the best checkpoint")
    if last < first + 0.01 and len(updates) >= 20:
        return Finding("reward", WATCH, seen, "nothing is learned: see the dead groups")
    return Finding("reward", OK, seen)


def _dead(updates: Rows) -> Finding:
    share, easy, hard = (fmean(row[name] for row in updates) for name in ("dead", "dead_right", "dead_wrong"))
    seen = f"{share:.0%} of groups ({easy:.0%} all right, {hard:.0%} all wrong)"
    advice = (
        "too hard: easier levels, a longer cold start, or more samples"
        if hard >= easy
        else "too easy: harder levels, or other tasks"
    )
    state = BAD if share >= 0.9 else WATCH if share >= 0.7 else OK
    return Finding("dead groups", state, seen, "" if state == OK else advice)


def _truncated(updates: Rows) -> Finding:
    first, last = _ends(updates, "truncated")
    state = BAD if last >= 0.2 else WATCH if last >= 0.05 else OK
    advice = "" if state == OK else "raise most_tokens, or look for loops in the samples"
    return Finding("truncated", state, f"{first:.1%} → {last:.1%} of answers", advice)


def _length(updates: Rows) -> Finding:
    first, last = _ends(updates, "length")
    right, wrong = _ends(updates, "length_right")[1], _ends(updates, "length_wrong")[1]
    ratio = last / first if first else 1.0
    seen = f"{first:.0f} → {last:.0f} tokens (right {right:.0f}, wrong {wrong:.0f})"
    state = BAD if ratio > 2 or ratio < 0.5 else WATCH if ratio > 1.3 or ratio < 0.7 else OK
    advice = "" if state == OK else "read samples: is it padding, loops, or steps left out?"
    return Finding("length", state, seen, advice)


def _entropy(updates: Rows) -> Finding:
    first, last = _ends(updates, "entropy")
    ratio = last / first if first else 1.0
    seen = f"{first:.3f} → {last:.3f} nats a token"
    if ratio < 0.5:
        advice = "it explores less and less: raise the upper clip or the temperature, or stop here"
        return Finding("entropy", BAD if ratio < 0.2 else WATCH, seen, advice)
    if ratio > 2:
        return Finding("entropy", BAD if ratio > 4 else WATCH, seen, "it comes apart: lower the rate")
    return Finding("entropy", OK, seen)


def _format(updates: Rows) -> Finding:
    first, last = _ends(updates, "format")
    state = BAD if last < 0.5 else WATCH if last < min(0.9, first - 0.02) else OK
    advice = "" if state == OK else "tags are lost: does the template open the reasoning as in training?"
    return Finding("format", state, f"{first:.1%} → {last:.1%} well formed", advice)


def _hacked(updates: Rows) -> Finding:
    recent = updates[-max(1, len(updates) // 5) :]
    examined, found = (sum(row[name] for row in recent) for name in ("examined", "suspicious"))
    share = found / examined if examined else 0.0
    state = BAD if share >= 0.2 else WATCH if share >= 0.05 else OK
    advice = "" if state == OK else "read the suspicious samples: rewards without the work?"
    return Finding("reward hacking", state, f"{found} of {examined} right answers are suspicious", advice)


def _gradient(updates: Rows) -> Finding:
    norms = [row["gradient"] for row in updates if row["gradient"]] or [0.0]
    middle, most = median(norms), max(norms)
    state = WATCH if most > 10 * middle else OK
    advice = "" if state == OK else "single updates pull hard: larger batches, or a lower rate"
    return Finding("gradient", state, f"{middle:.3g} in the middle, {most:.3g} at most", advice)


_RULES: tuple[Callable[[Rows], Finding], ...] = (
    _reward,
    _dead,
    _truncated,
    _length,
    _entropy,
    _format,
    _hacked,
    _gradient,
)


def _held_out(checks: Rows) -> Finding:
    if not checks:
        return Finding("held out", WATCH, "never checked", "set check_every")
    first, last, best = checks[0], checks[-1], max(checks, key=lambda row: float(row["mean"]))
    seen = f"{first['mean']:.1%} → {last['mean']:.1%}, best {best['mean']:.1%} at update {best['step']}"
    fallen = [
        f"{task} {before:.0%} → {last['held_out'][task]:.0%}"
        for task, before in first["held_out"].items()
        if last["held_out"][task] < before - _FALL
    ]
    if last["mean"] < best["mean"] - _FALL:
        return Finding(
            "held out", BAD, seen, "it gets worse on what it has not seen: take the best checkpoint"
        )
    if fallen:
        return Finding("held out", WATCH, seen, f"forgotten: {', '.join(fallen)}; keep such tasks in the mix")
    return Finding("held out", OK, seen)


def _rate(rate: float, safe: float) -> Finding:
    state = WATCH if rate > safe else OK
    advice = f"small students collapsed at ten times {safe:g}" if state == WATCH else ""
    return Finding("rate", state, f"{rate:g}", advice)


def as_text(found: Mapping[str, Any], width: int = 100) -> str:
    """The report for a terminal, at most `width` columns."""
    head = f"GRPO: {found['updates']} updates" + (f", ended after {found['ended']}" if found["ended"] else "")
    lines = [fill(f"{head}: {found['state']}", width)]
    for each in found["findings"]:
        said = f"{_SIGNS[each['state']]} {each['name']:15}{each['seen']}"
        said += f": {each['advice']}" if each["advice"] else ""
        lines.append(fill(said, width, subsequent_indent=" " * 17))
    for row in found["suspicious"]:
        lines += ["", fill(f"suspicious at update {row['step']}: {'; '.join(row['why'])}", width)]
        lines.append(_quoted(f"{row['task']}: {row['question']}", width))
        lines.append(_quoted(row["reasoning"][:400] or "(no reasoning)", width))
        lines.append(_quoted(f"→ {row['answer']} (target {row['target']})", width))
    return "\n".join(lines) + "\n"


def _quoted(text: str, width: int) -> str:
    """Text of a model, on lines of its own, with nothing that could steer a terminal."""
    clean = "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
    return "\n".join(
        fill(line, width, initial_indent="  │ ", subsequent_indent="  │ ") or "  │"
        for line in clean.splitlines()
    )


def write_health(folder: Path, found: Mapping[str, Any]) -> None:
    """`health.json` and `health.txt`."""
    said = json.dumps(found, indent=1, ensure_ascii=False)
    (folder / "health.json").write_text(said + "\n", encoding="utf-8")
    (folder / "health.txt").write_text(as_text(found), encoding="utf-8")
