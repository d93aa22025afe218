"""What a plan's numbers mean: memory, quantisation, context and speed in plain words."""

from ponder.core.plan import Plan
from ponder.fit.memory import cache_bytes_per_token
from ponder.fit.rooms import GPU_MARGIN_BYTES
from ponder.fit.runtime import Runtime
from ponder.fit.subject import Subject

READING_TPS = 5.0
"""Tokens per second at which most people read: some 240 words a minute at 1.3 tokens a word."""


def in_plain_words(subject: Subject, plan: Plan) -> list[str]:
    """Memory, quantisation, bandwidth and speed, with this machine's own numbers; one paragraph each."""
    if plan.placement is None:
        return [f"{plan.model} does not fit: {'; '.join(plan.missing)} too little."]
    sizes, found = subject.sizes(plan.quantisation), []
    bits = 8 * plan.file_bytes / subject.parameters if subject.parameters else 0
    found.append(
        f"Memory. The weights of {plan.model} are {plan.file_bytes / 1e9:.1f} GB in {plan.quantisation}"
        + (f", {bits:.1f} bits for each of {subject.parameters / 1e9:.1f} billion numbers" if bits else "")
        + ". They have to lie in memory all the time, because every token reads "
        + (
            f"{sizes.read_per_token / 1e9:.1f} GB of them (a router picks the experts anew for each token)."
            if sizes.used_share
            else "all of them."
        )
    )
    if subject.parameters:
        found.append(
            f"Quantisation. One more bit per number costs {subject.parameters / 8e9:.1f} GB here, and time "
            "in proportion. 4 bits keep nearly all of a large model's quality; small models, and hard tasks, "
            "lose more."
        )
    runtime = Runtime(plan.n_ctx * plan.batch, plan.kv_type, plan.kv_type, parallel=plan.batch)
    per_thousand = cache_bytes_per_token(subject.geometry, runtime) * 1000
    cache_bytes = sum(share.cache_bytes for share in plan.placement.shares)
    found.append(
        f"Context. What it has read and written is kept: {per_thousand / 1e6:,.0f} MB per 1,000 tokens, "
        f"{cache_bytes / 1e9:.2f} GB for {plan.n_ctx:,}. A reasoning model fills it with its own reasoning; "
        "when it is full, the answer is cut off."
    )
    main = max(plan.placement.shares, key=lambda share: share.weights_bytes)
    if plan.decode and main.device.bandwidth_bps:
        found.append(_speed_words(plan, main.device.name, main.device.bandwidth_bps))
    if plan.placement.tight:
        found.append(
            f"Tight. It fits, but less than {GPU_MARGIN_BYTES >> 20} MiB of a GPU stay free: close what else "
            "uses it, or take a shorter context."
        )
    return found


def _speed_words(plan: Plan, device: str, bandwidth_bps: float) -> str:
    decode_tps = plan.decode.tps if plan.decode else 0.0
    words = (
        f"Speed. {device} reads {bandwidth_bps / 1e9:,.0f} GB per second, and a token is written by reading "
        f"the weights once: that gives {decode_tps:.3g} tokens/s. People read about {READING_TPS:.0f} a "
        "second, so "
    )
    if plan.answer is None:
        return words + ("you need not wait for it." if decode_tps >= READING_TPS else "you will wait for it.")
    minutes = plan.answer.mean_s / 60
    if decode_tps < 1:
        return words + f"this is {decode_tps * 60:.0f} tokens per minute: a batch job for the night."
    if decode_tps < READING_TPS or minutes > 10:
        return (
            words + f"a mean answer takes {minutes:.0f} minutes: better as a batch job than in conversation."
        )
    return words + f"it is comfortable to follow; a mean answer takes {plan.answer.mean_s:.0f} s."
