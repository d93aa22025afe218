"""From a name to a kept answer: the Python API, defaults, and what a stored trace can be run again with."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

import ponder
from ponder import opened
from ponder.core.events import Finish, StepEnd, Token
from ponder.core.model import SamplingDefaults
from ponder.core.request import Message, Request, Sampling
from ponder.core.tags import FORMATS
from ponder.errors import EngineError, InputError, MemoryLimitError
from ponder.fit import launch
from ponder.fit.busy import Beside
from ponder.opened import (
    Options,
    complete,
    default_model,
    open_model,
    reopen,
    thread_count,
    told,
    voice_of,
)
from ponder.session import start
from ponder.steer.beginning import Voice
from ponder.store import open_store
from tests.tiny import PLAIN, PREFILLING, write_script


@pytest.fixture(autouse=True)
def unload() -> object:
    yield
    ponder.close()


def test_a_question_from_python(speaker_gguf: Path) -> None:
    answering = ponder.ask("Why?", model=str(speaker_gguf))
    events = list(answering)
    assert isinstance(events[-1], Finish)
    assert b"".join(e.data for e in events if isinstance(e, Token) and e.part == "answer") == b"It is 42!"
    trace = answering.trace()
    assert (trace.reasoning, trace.answer, trace.question) == ("Okay, let me think.", "It is 42!", "Why?")
    assert [trace.step_text(step) for step in trace.steps][-1] == "It is 42!"
    assert len([e for e in events if isinstance(e, StepEnd)]) == len(trace.steps)
    with open_store() as store:
        kept = store.load(trace.id)
    assert kept.ids == trace.ids
    assert kept.steps == trace.steps
    assert kept.finish == trace.finish


def test_a_conversation_from_python(speaker_gguf: Path) -> None:
    messages = [Message("user", "One?"), Message("assistant", "Two.", "Hm"), Message("user", "Three?")]
    assert ponder.ask(messages, model=str(speaker_gguf)).trace().question == "Three?"


def test_a_correction_from_python(speaker_gguf: Path) -> None:
    first = ponder.ask("Why?", model=str(speaker_gguf)).trace()
    branch = ponder.fork(first.id, 1, "Okay, it is 12.").trace()
    assert branch.parent == first.id
    assert branch.reasoning.startswith("Okay, it is 12.")
    assert len(ponder.api._loaded) == 1  # the same engine
    ponder.close()
    again = ponder.fork("last", 1, kind="none").trace()
    assert (again.parent, again.reasoning) == (branch.id, first.reasoning)


def test_one_question_at_a_time(babbler_gguf: Path) -> None:
    first, second = (ponder.ask(text, model=str(babbler_gguf)) for text in ("One?", "Two?"))
    next(iter(first))
    with pytest.raises(EngineError, match="finish or cancel that question before another"):
        second.trace()
    (end,) = first.cancel()
    assert isinstance(end, Finish)
    assert end.reason == "cancelled"
    third = ponder.ask("Three?", model=str(babbler_gguf), sampling=Sampling(max_tokens=5))
    assert third.trace().tokens


def test_the_engine_stays_for_the_next_question(speaker_gguf: Path, babbler_gguf: Path) -> None:
    first = ponder.ask("One?", model=str(speaker_gguf))
    second = ponder.ask("Two?", model=str(speaker_gguf))
    assert first.opened is second.opened
    first.trace()
    second.trace()
    assert ponder.ask("Three?", model=str(babbler_gguf)).opened is not second.opened


def test_an_empty_question_is_refused(speaker_gguf: Path) -> None:
    nothings: tuple[str | list[Message], ...] = ("", "  \n", [])
    for empty in nothings:
        with pytest.raises(InputError, match="question is empty"):
            ponder.ask(empty, model=str(speaker_gguf))


def test_sampling_is_completed_by_advice_defaults_and_a_seed(speaker_gguf: Path) -> None:
    opened = open_model(str(speaker_gguf), Options(n_ctx=256))
    whole = complete(Sampling(top_p=0.5), opened, think=True)
    assert (whole.temperature, whole.top_p, whole.top_k, whole.min_p) == (0.6, 0.5, 40, 0.0)
    assert whole.seed is not None
    assert complete(Sampling(), opened, think=True).seed != whole.seed
    opened.engine.close()


def test_the_catalogue_knows_how_a_model_reasons() -> None:
    qwen = ponder.find_model("qwen3:8b")
    assert qwen.sampling != SamplingDefaults()
    assert voice_of("qwen3:8b", qwen, "").thinks == "switchable"
    assert voice_of("r1", ponder.find_model("deepseek-r1:7b"), "").thinks == "always"
    assert voice_of("file", None, PREFILLING).thinks == "always"
    assert voice_of("file", None, PREFILLING + "{{ enable_thinking }}").thinks == "switchable"
    assert voice_of("file", None, "{{ messages }}").tags is None


@pytest.mark.parametrize("options", [Options(n_ctx=4096), Options(n_ctx=4096, llama_server="/bin/false")])
def test_a_model_that_does_not_fit_is_refused_with_both_numbers(
    options: Options, speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "available_bytes", lambda: 100_000_000)
    with pytest.raises(MemoryLimitError, match=r"needs 0\.1 GB .* 4096 tokens, but 0\.1 GB are free: take"):
        open_model(str(speaker_gguf), options)


def test_the_default_context_is_halved_until_it_fits(
    babbler_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worst_bytes(n_ctx: int) -> int:
        local = open_model(str(babbler_gguf), Options(n_ctx=n_ctx)).local
        here = local.here() if local else None
        assert here is not None
        assert here.ram_share is not None
        return here.ram_share.worst_bytes

    enough = worst_bytes(2048)
    assert worst_bytes(4096) > enough
    for free, n_ctx in ((1 << 40, 4096), (enough, 2048)):
        monkeypatch.setattr(launch, "available_bytes", lambda free=free: free)
        assert open_model(str(babbler_gguf), Options()).facts["n_ctx"] == n_ctx
    monkeypatch.setattr(launch, "available_bytes", lambda: enough - 1)
    with pytest.raises(MemoryLimitError, match="context of 2048 tokens"):
        open_model(str(babbler_gguf), Options())


def test_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_model() == "ponder-builtin"
    monkeypatch.setenv("PONDER_MODEL", "qwq:32b")
    assert default_model() == "qwq:32b"


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("PONDER_THREADS", "all")
    with pytest.raises(InputError, match="PONDER_THREADS=all"):
        thread_count()
    monkeypatch.delenv("PONDER_THREADS")
    assert thread_count() >= 1


def test_what_a_trace_needs_to_be_run_again_is_kept(speaker_gguf: Path) -> None:
    trace = ponder.ask("Why?", model=str(speaker_gguf), options=Options(n_ctx=512)).trace()
    with open_store() as store:
        bundle = store.bundle(trace.id)
    assert bundle.environment["weights"] == str(speaker_gguf)
    assert bundle.environment["weights_bytes"] == speaker_gguf.stat().st_size
    assert "xllamacpp" in bundle.trace.engine
    assert "key" not in " ".join(bundle.environment)
    pieces = [note for note in bundle.notes if note.kind == "piece"]
    assert pieces[0].data["seed"] == bundle.trace.request.sampling.seed
    again = reopen(bundle.environment, trace.model)
    assert again.facts["n_ctx"] == 512
    again.engine.close()


def test_reasoning_that_shows_itself_late_is_kept_as_reasoning(tmp_path: Path) -> None:
    # A model that answers at once by its template, but then closes a reasoning it never opened.
    script = ["Hmm", " well\n", "</think>", "Yes"]
    gguf = write_script(tmp_path / "late.gguf", script, template=PLAIN)
    opened = open_model(str(gguf), Options(n_ctx=256))
    late = replace(opened, voice=Voice(FORMATS["think"], "prefill"))
    with open_store() as store:
        trace = start(late, Request((Message("user", "?"),), think="off"), store).trace()
        kept = store.load(trace.id)
    late.engine.close()
    assert (trace.reasoning, trace.answer) == ("Hmm well", "Yes")
    assert (kept.reasoning, kept.answer) == ("Hmm well", "Yes")


def test_the_plan_of_a_card_reaches_the_engine(
    tmp_path: Path, speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in llama-server lists an RTX 3090, so the plan puts every layer there."""
    program = tmp_path / "llama-server"
    script = Path(__file__).parent.joinpath("engine", "llama_server.py").read_text()
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(0o755)
    monkeypatch.setattr(launch, "may_have_gpu", lambda: True)
    opened = open_model(str(speaker_gguf), Options(llama_server=str(program)))
    try:
        here = opened.local.here() if opened.local else None
        assert here is not None
        assert here.plan.placement is not None
        assert here.plan.placement.kind == "one GPU"
        settings = opened.engine.settings  # type: ignore[attr-defined]
        assert told(settings, launch.launch_of(here.plan)) == settings
        assert settings.n_gpu_layers == opened.facts["gpu_layers"] == here.plan.placement.gpu_layers > 1
        opened.engine.serve()
        lines = [each.cmdline() for each in psutil.Process(opened.engine.pid).children()]  # type: ignore[attr-defined]
        assert any(str(settings.n_gpu_layers) == line[line.index("--n-gpu-layers") + 1] for line in lines)
    finally:
        opened.engine.close()


def test_a_long_answer_is_compared_with_its_plan(babbler_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ponder.opened.ENOUGH_S", 0.0)
    with open_store() as store:
        opened = open_model(str(babbler_gguf), Options(n_ctx=1024))
        sampling = Sampling(max_tokens=200, seed=1, logit_bias=((1, -100.0),))
        answering = start(opened, Request((Message("user", "Talk."),), sampling=sampling), store)
        trace = answering.trace()
        opened.engine.close()
        notes = [note.data for note in store.bundle(trace.id).notes if note.kind == "predicted"]
    ram, buffers = answering.compared  # of the rate nothing is known: this home has no measurement
    assert ram.right
    assert buffers.right
    assert notes == [{"RAM": asdict(ram), "CPU buffers": asdict(buffers)}]
    assert answering.opened.facts["gpu_layers"] == 0


@pytest.mark.parametrize(("others", "threads"), [(0.0, 8), (0.4, 8), (1.0, 7), (2.6, 5), (30.0, 1)])
def test_busy_cores_are_left_to_others(monkeypatch: pytest.MonkeyPatch, others: float, threads: int) -> None:
    monkeypatch.delenv("PONDER_THREADS", raising=False)
    monkeypatch.setattr(opened, "usual_thread_count", lambda: 8)
    monkeypatch.setattr(Beside, "cores", lambda beside: others)
    assert thread_count() == threads
