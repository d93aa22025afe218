"""What a machine is: devices that hold weights, the RAM beside them, and how each figure is known."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gpu", "cpu", "unified", "disk"]
Known = Literal["specification", "dmidecode", "measured", "disturbed", "given", "unknown"]


@dataclass(frozen=True, slots=True)
class Device:
    """One processor with its memory.

    `kind` is `gpu` (own memory), `cpu` (reads RAM), `unified` (a GPU that shares the RAM: Apple, GB10,
    Strix Halo) or `disk` (weights that are paged in). `generation` is the architecture, lower case (`ada`,
    `rdna3`, `apple-m3`), and `memory_type` such as `GDDR6X` or `HBM3`: the two choose the fitted speed class.
    `fp16_flops` counts matrix units, dense; `fp32_flops` vector units; `power_w` is the board's limit. `link`
    is how it reaches the host, such as `PCIe 4 x16`; `cores` are a processor's. None means unknown, never
    zero. `source` says where the figures are from.
    """

    name: str
    vendor: str
    kind: Kind
    generation: str
    memory_bytes: int | None = None
    free_bytes: int | None = None
    bandwidth_bps: float | None = None
    fp16_flops: float | None = None
    fp32_flops: float | None = None
    memory_type: str = ""
    power_w: float | None = None
    link: str = ""
    launch_year: int | None = None
    source: str = ""
    cores: int | None = None

    def __hash__(self) -> int:
        # A ranking looks constants up by device ten thousand times; a string remembers its own hash.
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: its GPUs in order, its RAM and its processor.

    `ram_bandwidth_bps` is the theoretical rate of one socket's channels, or a measured one (`disturbed`:
    while other programs ran); `ram_bandwidth_known` says which. `sockets` counts processors (NUMA nodes).
    """

    devices: tuple[Device, ...] = ()
    ram_bytes: int | None = None
    free_ram_bytes: int | None = None
    ram_bandwidth_bps: float | None = None
    ram_bandwidth_known: Known = "unknown"
    cpu: str = ""
    cores: int | None = None
    sockets: int = 1
    instruction_sets: tuple[str, ...] = ()
    disk_free_bytes: int | None = None
    disk_read_bps: float | None = None
