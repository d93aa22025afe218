"""The data files of the package: sources, ranges, units, no doubles."""

from collections import Counter

from ponder.fit import devices


def test_devices_are_many_distinct_and_sourced() -> None:
    entries = devices.table()
    platforms = devices.rows("platforms.csv")
    assert len(entries) + len(platforms) >= 600
    doubles = [
        name for name, count in Counter(entry.device.name.lower() for entry in entries).items() if count > 1
    ]
    assert not doubles
    assert all(entry.device.source for entry in entries)
    assert all(row["source"] for row in platforms)


def test_every_name_finds_its_own_row() -> None:
    for entry in devices.table():
        found = devices.find(entry.device.name)
        same_figures = (found.memory_bytes, found.bandwidth_bps) == (
            entry.device.memory_bytes,
            entry.device.bandwidth_bps,
        )
        assert found.name == entry.device.name or same_figures or found.generation == entry.device.generation


def test_ranges_and_units() -> None:
    for device in (entry.device for entry in devices.table()):
        assert device.memory_bytes is None or 4 << 30 <= device.memory_bytes <= 300 << 30
        assert device.bandwidth_bps is None or 2e10 < device.bandwidth_bps <= 8.5e12
        assert device.fp16_flops is None or 1e12 <= device.fp16_flops <= 2.6e15
        assert device.launch_year is None or 2014 <= device.launch_year <= 2026
        assert device.generation == device.generation.lower() != ""


def test_platform_ranges() -> None:
    for row in devices.rows("platforms.csv"):
        assert 1 <= int(row["channels"]) <= 12
        assert 1600 <= int(row["rate_mts"]) <= 8800
        assert int(row["channel_bits"]) in {32, 64}
        assert row["verified"] in {"yes", "no"}


def test_what_no_document_confirms_is_called_unverified() -> None:
    known = {name: devices.platform_bandwidth(name) for name in ("AMD EPYC 9654", "AMD EPYC 9355")}
    assert all(known.values())
    assert not str(known["AMD EPYC 9654"]).endswith("unverified')")
    assert str(known["AMD EPYC 9355"]).endswith("unverified')")


def test_lengths_and_scores_are_sourced_and_in_range() -> None:
    sources = {row["key"] for row in devices.rows("sources.csv") if row["source"]}
    for row in devices.rows("lengths.csv"):
        assert row["source"] in sources
        assert 20 < float(row["tokens"]) < 32768
        assert row["counts"] in {"total output", "reasoning only"}
    for row in devices.rows("scores.csv"):
        assert row["source"] in sources
        assert 0 <= float(row["value"]) <= (4000 if row["metric"] == "rating" else 100)
        assert row["mode"] in {"", "thinking", "non-thinking", "think max"}
    keys = [tuple(row.values()) for row in devices.rows("scores.csv")]
    assert len(keys) == len(set(keys))
