"""Plans as JSON, with everything they hold, and as CSV, with one number per column."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ponder.core.plan import Plan
from ponder.fit.command import command


def as_json(plans: Iterable[Plan], best: Plan | None) -> str:
    """All plans; `recommended` marks one. Sizes in bytes, rates in tokens per second, times in seconds."""
    rows = [asdict(plan) | {"recommended": plan is best, "command": command(plan)} for plan in plans]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def as_csv(plans: Iterable[Plan], best: Plan | None) -> str:
    """A table for a spreadsheet; what is not known is empty."""
    rows = [_row(plan) | {"recommended": int(plan is best)} for plan in plans]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _row(plan: Plan) -> dict[str, Any]:
    placement, decode, answer = plan.placement, plan.decode, plan.answer
    return {
        "model": plan.model,
        "quantisation": plan.quantisation,
        "file_bytes": plan.file_bytes,
        "n_ctx": plan.n_ctx,
        "most_ctx": plan.most_ctx or "",
        "kv_type": plan.kv_type,
        "engine": plan.engine,
        "fits": int(plan.fits),
        "placement": placement.kind if placement else "",
        "memory_bytes": placement.total_bytes if placement else "",
        "decode_tps": _short(decode.tps) if decode else "",
        "decode_low_tps": _short(decode.low_tps) if decode else "",
        "decode_high_tps": _short(decode.high_tps) if decode else "",
        "prefill_tps": _short(plan.prefill.tps) if plan.prefill else "",
        "task": answer.task if answer else "",
        "answer_mean_s": _short(answer.mean_s) if answer else "",
        "answer_p90_s": _short(answer.p90_s) if answer else "",
        "benchmark": plan.standing.benchmark if plan.standing else "",
        "standing": _short(plan.standing.value) if plan.standing else "",
        "edition": plan.standing.edition if plan.standing else "",
        "published": plan.standing.published if plan.standing else "",
        "missing": "; ".join(plan.missing),
    }


def _short(number: float) -> str:
    return f"{number:.4g}"
