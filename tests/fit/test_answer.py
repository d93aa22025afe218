"""Seconds to an answer, published lengths and scores, and local corrections."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from ponder.catalog.models import all_models, find_model
from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.errors import FileFormatError, InputError
from ponder.fit import calibration
from ponder.fit.answer import answer, writing_time_s
from ponder.fit.calibration import Calibration, Series
from ponder.fit.configs import from_config
from ponder.fit.devices import find, find_all
from ponder.fit.plan import Planner, Timing, Wish
from ponder.fit.prefill import (
    COPIED_FROM,
    batch_parts_s,
    constants_of,
    link_bps,
    overlap,
    prefill,
    prefill_time_s,
)
from ponder.fit.quality import TASKS, gains, reasoning_length, scores
from ponder.fit.speed import decode, token_time_s
from ponder.fit.subject import catalogued
from ponder.fit.work import Stage, work

SEVEN = "DeepSeek-R1-Distill-Qwen-7B"


def on(device: str, name: str = SEVEN, quant: str = "Q4_K_M") -> tuple[Stage, ...]:
    return work(from_config(find_model(name).config), quant).whole(find(device))


def test_writing_sums_every_token() -> None:
    for stages in (on("RTX 4090"), on("RTX 4090", "gpt-oss-20b", "MXFP4_MOE")):
        exact = sum(token_time_s(stages, 100 + place + 0.5) for place in range(8000))
        assert writing_time_s(stages, 8000, 100) == pytest.approx(exact, rel=1e-3)
    flat = 8000 * token_time_s(on("RTX 4090"))
    assert writing_time_s(on("RTX 4090"), 8000) > 1.02 * flat
    with pytest.raises(InputError, match="at least 1"):
        writing_time_s(on("RTX 4090"), 0)


def test_answer_adds_reading_and_writing() -> None:
    length = reasoning_length(SEVEN, "maths")
    assert length is not None
    found = answer(on("RTX 4090"), length, prompt_tokens=500)
    assert found.total_s == pytest.approx(found.reading_s + found.writing_s)
    assert found.low_s < found.total_s < found.high_s < 2 * found.total_s
    assert found.p90_s > 1.5 * found.writing_s
    assert answer(on("RTX 4090"), length, 500, correction=1.2).writing_s == pytest.approx(
        found.writing_s / 1.2
    )


def test_lengths_are_the_models_own_or_say_whose() -> None:
    own = reasoning_length(SEVEN, "maths")
    assert own is not None
    assert (own.exact, own.model, own.benchmark) == (True, SEVEN, "MATH-500")
    borrowed = reasoning_length("gpt-oss-20b", "maths")
    assert borrowed is not None
    assert not borrowed.exact
    assert borrowed.model in borrowed.note
    code = reasoning_length(SEVEN, "code")
    assert code is not None
    assert "no length is published for code" in code.note
    assert reasoning_length("no such model", "maths") is None
    with pytest.raises(InputError, match="no kind of task"):
        reasoning_length(SEVEN, "poetry")


def test_every_reasoning_model_gets_a_length_with_a_source() -> None:
    for model in all_models():
        for task in TASKS:
            length = reasoning_length(model.id, task)
            assert length is None or (length.source and 20 < length.mean_tokens < length.p90_tokens < 50_000)
            if model.thinks == "always":
                assert length is not None, (model.id, task)


def test_what_reasoning_gains() -> None:
    maths = {gain.reasoning.benchmark: gain for gain in gains(SEVEN, "maths")}
    assert maths["AIME 2024"].conventional.model == "Qwen2.5-7B-Instruct"
    assert maths["AIME 2024"].points > 40
    both = gains("Qwen3-8B", "maths")
    assert {(gain.reasoning.mode, gain.conventional.mode) for gain in both} == {("thinking", "non-thinking")}
    assert gains("Qwen2.5-7B-Instruct", "maths") == ()
    assert scores("DeepSeek-R1", "olympiad")[0].source


def test_prefill_shape() -> None:
    stages = on("RTX 4090")
    speed = prefill(stages, 4096)
    assert speed.tps == pytest.approx(4096 / prefill_time_s(stages, 4096))
    assert speed.low_tps < speed.tps < speed.high_tps
    assert prefill(stages, 4096, depth=32768).tps < 0.8 * speed.tps
    assert prefill(stages, 64).tps < speed.tps
    assert 5 * decode(stages).tps < speed.tps


def test_prefill_of_several_cards_is_a_pipeline() -> None:
    model = work(from_config(find_model("DeepSeek-R1-Distill-Llama-8B").config), "Q4_K_M")
    stages = model.split(find_all("4x RTX 4090"), (8, 8, 8, 8))
    assert overlap(stages, 512, 512) == pytest.approx(1.0)
    assert 1.3 < overlap(stages, 4096, 512) < 4
    wide, narrow = find("RTX 4090"), replace(find("RTX 3090"), link="PCIe 3 x8")
    assert link_bps(narrow) < link_bps(wide) < 0.6 * 1.97e9 * 16
    assert link_bps(narrow) > 0.6 * 0.985e9 * 8, "a narrow link is filled better than a wide one"


def test_weights_in_ram_go_over_the_link_from_the_batch_on_that_the_engine_says() -> None:
    machine = Hardware(find_all("RTX 3090"), 768 << 30, ram_bandwidth_bps=307e9, cores=32)
    machine = replace(machine, instruction_sets=("avx512",))
    subject = catalogued("DeepSeek-R1")

    def timing(engine: str) -> Timing:
        planner = Planner(machine, Wish(engine=engine))
        placed = planner.place(subject, "Q4_K_M", 4096)
        assert placed
        return planner.timing(subject, "Q4_K_M", placed)

    ours, other = timing("llama.cpp"), timing("ktransformers")
    gpu, ram = ours.stages
    link_s = ram.batch_bytes(512) / link_bps(gpu.device)
    assert ours.reading_s(512) > link_s
    assert ours.reading_s(512) == pytest.approx(ours.reading_s(1024) / 2, rel=0.02), "each batch copies again"
    assert ours.reading_s(COPIED_FROM) > 5 * ours.reading_s(COPIED_FROM - 1), (
        "not the faster way, the engine's"
    )
    assert other.reading_s(512) == prefill_time_s(other.stages, 512, copied_from=math.inf)
    assert other.reading_s(COPIED_FROM) < 2 * other.reading_s(COPIED_FROM - 1)
    for engine, told in (("llama.cpp", True), ("ktransformers", False)):
        planner = Planner(machine, Wish(engine=engine))
        notes = planner.noted(subject, planner.best(subject, "Q4_K_M")).notes
        assert any("--no-op-offload" in note for note in notes) == told


def test_a_prompt_in_16_bit_is_read_by_the_rate_of_its_class_times_its_own_factor() -> None:
    card = find("RTX 4090")
    model = from_config(find_model(SEVEN).config)
    four, half = (work(model, quant).whole(card)[0] for quant in ("Q4_K_M", "F16"))
    factor = constants_of(card).half
    assert batch_parts_s(four, 512, 0)[0] / batch_parts_s(half, 512, 0)[0] == pytest.approx(factor, rel=0.06)


def test_calibration_is_kept_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    assert calibration.load() == {}
    subject = catalogued(SEVEN)
    computer = Hardware((), 64 << 30, ram_bandwidth_bps=80e9, cores=8, instruction_sets=("avx2",))

    def plan() -> Plan:
        return Planner(computer, Wish()).best(subject, "Q4_K_M")

    before = plan()
    placed = Planner(computer, Wish()).place(subject, "Q4_K_M", 4096)
    assert placed
    stages = Planner(computer, Wish()).timing(subject, "Q4_K_M", placed).stages
    key = calibration.machine_key(stages)
    calibration.save(Calibration(key, 1.1, 110.0, 100.0, SEVEN, "2026-11-24", prefill_factor=0.8))
    after = plan()
    assert before.decode
    assert after.decode
    assert before.prefill
    assert after.prefill
    assert after.decode.tps == pytest.approx(1.1 * before.decode.tps)
    assert after.prefill.tps == pytest.approx(0.8 * before.prefill.tps)
    assert (before.correction, after.correction) == (1.0, 1.1)
    for rate, surer in ((before.decode, after.decode), (before.prefill, after.prefill)):
        assert surer.high_tps / surer.low_tps < 0.9 * rate.high_tps / rate.low_tps, "measured here: surer"
    assert json.loads(calibration.path().read_text())[key]["model"] == SEVEN


def test_a_series_is_its_median_and_its_scatter() -> None:
    short = Series("decode", 60, (90.0, 100.0, 104.0), 80.0)
    assert (short.median_tps, short.factor) == (100.0, 1.25)
    assert short.scatter == pytest.approx(0.14)
    deep = Series("decode", 1000, (45.0,), 50.0)
    assert calibration.together([short, deep]) == pytest.approx((1.25 * 0.9) ** 0.5)
    assert calibration.together([]) == 1.0


def test_calibration_refuses_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    for rate in (0.0, -3.0, float("nan")):
        with pytest.raises(InputError, match="no correction"):
            calibration.together([Series("decode", 0, (rate,), 50.0)])
    with pytest.raises(InputError, match="too far apart"):
        calibration.together([Series("decode", 0, (1.0,), 50.0)])
    calibration.path().write_text("[1]")
    with pytest.raises(FileFormatError, match="not a calibration"):
        calibration.load()
