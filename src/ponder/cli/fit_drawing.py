"""How plans are drawn: bars of memory, numbers with as many digits as they deserve, machines in words."""

from rich.text import Text

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan, Share
from ponder.fit.recommend import spelled_s

_EIGHTHS = " ▏▎▍▌▋▊▉"
SHORT = {
    "one GPU": "GPU", "layer split": "GPUs", "tensor parallel": "GPUs", "layers in RAM": "+RAM",
    "experts in RAM": "+RAM", "CPU only": "RAM", "unified memory": "chip", "paged from disk": "disk",
}  # fmt: skip


def bar(share: float, width: int) -> Text:
    """How full something is, from 0 to 1, on a grey ground; yellow when nearly full, red above."""
    drawn = filled(share, width)
    colour = "red" if share > 1 else "yellow" if share > 0.92 else "green"
    return Text(drawn, style=colour) + Text("░" * (width - len(drawn)), style="bright_black")


KNOWN = {
    "given": "",
    "unknown": "",
    "disturbed": "measured while other programs ran (--ram-bandwidth knows better)",
}
"""How a rate of the RAM is known, where that is not said in the same word."""


def filled(share: float, width: int) -> str:
    """A share of `width` characters, to an eighth of one."""
    cells = min(1.0, max(0.0, share)) * width
    full = int(cells)
    return "█" * full + (_EIGHTHS[int((cells - full) * 8)].strip() if full < width else "")


def memory(plan: Plan, width: int) -> Text:
    """One bar for the GPUs together and one for the RAM, where the plan uses them."""
    if plan.placement is None:
        return Text("")
    gpus = [share for share in plan.placement.shares if share.device.kind != "cpu"]
    ram = [share for share in plan.placement.shares if share.device.kind == "cpu"]
    used = [group for group in (gpus, ram) if any(s.layers or s.expert_layers for s in group)]
    text = Text("")
    for group in used:
        capacity = sum(share.capacity_bytes for share in group) or 1
        part = (width - len(used) + 1) // len(used)
        text = text + (" " if len(text) else "") + bar(sum(s.total_bytes for s in group) / capacity, part)
    return text


def rate(tps: float | None) -> str:
    """Tokens per second; per minute when it is less than one."""
    if tps is None:
        return "?"
    if tps < 1:
        return f"{tps * 60:.0f}/min"
    return f"{tps:.0f}" if tps >= 9.95 else f"{tps:.1f}"


def spoken_rate(low_tps: float, high_tps: float | None = None) -> str:
    """A rate, or a range of rates, in words: `42 tokens/s`, `6.6 to 12 tokens/s`, `34 tokens/min`."""
    if low_tps < 1:
        numbers = [f"{tps * 60:.0f}" for tps in (low_tps, high_tps) if tps is not None]
        return " to ".join(numbers) + " tokens/min"
    return " to ".join(rate(tps) for tps in (low_tps, high_tps) if tps is not None) + " tokens/s"


def brief_s(seconds: float) -> str:
    """A time in at most five characters: 0.4s, 91s, 9m20, 26m, 1.4h, 3d."""
    if seconds < 3570:
        return (
            spelled_s(seconds)
            .replace(" min ", "m")
            .replace(" min", "m")
            .replace(" s", "s")
            .removesuffix("s" if seconds >= 99.5 else "")
        )
    return f"{seconds / 3600:.1f}h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f}d"


def benchmark_name(benchmark: str) -> str:
    """A benchmark's name as the heading of a narrow column."""
    name = benchmark.replace("AIME 20", "AIME ").replace("Diamond", "D").replace("LiveCodeBench", "LCB")
    return name.partition("..")[0].replace("(20", "").upper()


def tokens(count: int) -> str:
    """A context: 4k, 128k, 1000."""
    return f"{count // 1024}k" if count % 1024 == 0 else str(count)


def gigabytes(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def holder(share: Share) -> str:
    """What a device is called in a list of a machine's parts."""
    return "RAM" if share.device.kind == "cpu" else share.device.name.removeprefix("GeForce ")


def described(hardware: Hardware) -> str:
    """A machine in a line."""
    parts = []
    names = [device.name for device in hardware.devices]
    for device in dict.fromkeys(hardware.devices):
        count = hardware.devices.count(device)
        size = f" {gigabytes(device.memory_bytes)}" if device.memory_bytes else " (memory unknown)"
        free = f", {gigabytes(device.free_bytes)} free" if device.free_bytes is not None else ""
        parts.append((f"{count}x " if count > 1 else "") + device.name + size + free)
    if not names:
        parts.append("no GPU")
    if hardware.cpu:
        parts.append(hardware.cpu + (f", {hardware.cores} cores" if hardware.cores else ""))
    if hardware.ram_bytes is not None:
        free = f" ({gigabytes(hardware.free_ram_bytes)} free)" if hardware.free_ram_bytes is not None else ""
        speed = "at an unknown rate"
        if hardware.ram_bandwidth_bps:
            known = KNOWN.get(hardware.ram_bandwidth_known, hardware.ram_bandwidth_known)
            speed = f"at {hardware.ram_bandwidth_bps / 1e9:.0f} GB/s" + (f", {known}" if known else "")
        parts.append(f"RAM {gigabytes(hardware.ram_bytes)}{free} {speed}")
    return "; ".join(parts)
