"""The measured rows that stand beside a prediction: sourced, plausible, and the nearest ones found."""

from statistics import median

from ponder.catalog.models import find_model
from ponder.fit.configs import from_config
from ponder.fit.devices import find, find_all
from ponder.fit.measured import all_measured, nearest
from ponder.fit.work import work


def test_rows_are_sourced_and_plausible() -> None:
    rows = all_measured()
    assert len(rows) > 900
    for row in rows:
        assert row.source
        assert row.hardware
        assert row.model
        assert 0.1 < row.tps < 50_000
        assert row.predicted_tps > 0
        assert 0 <= row.depth < 200_000
    keys = [(r.kind, r.hardware, r.count, r.model, r.quant, r.depth, r.engine, r.source) for r in rows]
    assert len(set(keys)) > 0.98 * len(keys)


def test_the_law_meets_machines_it_has_not_seen() -> None:
    """The targets of the speed model on the shipped predictions, each made without its machine."""
    for placement, most in (("single", 0.07), ("layers", 0.07), ("hybrid", 0.18)):
        misses = [
            abs(row.predicted_tps / row.tps - 1)
            for row in all_measured()
            if row.kind == "decode" and row.placement == placement
        ]
        assert median(misses) <= most, placement


def test_nearest_rows() -> None:
    model = work(from_config(find_model("DeepSeek-R1-Distill-Llama-8B").config), "Q4_K_M")
    first = nearest(model.whole(find("RTX 4090")), 500)[0]
    assert first.device == "GeForce RTX 4090"
    assert "8B" in first.model
    several = nearest(model.split(find_all("4x RTX 4090"), (8, 8, 8, 8)), 500)
    assert {row.placement for row in several} == {"layers"}
    assert several[0].count == 4
    unheard = nearest(model.whole(find("RTX 5070 Ti")), 4096, count=5)
    assert len(unheard) == 5
    assert unheard[0].generation == "nvidia:blackwell"
    assert len({(row.hardware, row.model, row.quant) for row in unheard}) == 5
    assert nearest(model.whole(find("RTX 4090")), 500, kind="prefill")[0].kind == "prefill"
