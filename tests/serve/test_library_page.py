"""The Library page against the stand-in of the hub: what is here, getting more of it, deleting it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from ponder.catalog import download
from ponder.catalog.library import repo_folder, unfinished
from ponder.serve.pulls import Pull
from ponder.store.caches import Caches, folder_beside
from tests.catalog.hub import Hub, serving
from tests.catalog.test_pull import BIG, Q4, Q8, R1_7B
from tests.conftest import SCRIPT
from tests.engine.asking import wait_for
from tests.serve.running import Answer, Running, running
from tests.tiny import write_script

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(server: Running, path: str, **values: str) -> Answer:
    return server.post(path, urlencode(values).encode(), headers=FORM)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one repository of the catalogue."""
    with serving(Hub({R1_7B: {Q8: BIG + b"more", Q4: BIG}})) as it:
        monkeypatch.setenv("HF_ENDPOINT", it.endpoint)
        monkeypatch.setenv("HF_HOME", "/nonexistent")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(download, "PAUSE_S", 0.001)
        yield it


@pytest.fixture
def library(hub: Hub) -> Iterator[Running]:
    """A server with an empty library."""
    with running() as it:
        yield it


def test_a_model_is_found_pulled_and_deleted(library: Running, hub: Hub) -> None:
    page = library.get("/library?q=7b").text
    assert "/library/get?name=deepseek-r1%3A7b" in page
    assert "kimi" not in page
    listed = library.get("/library/get?name=deepseek-r1%3A7b").text
    assert listed.count('name="quant"') == 2
    assert listed.count("checked") == 1
    begun = post(library, "/library/pull", name="deepseek-r1:7b", quant="Q4_K_M")
    assert begun.status == 303
    wait_for(lambda: not library.get("/library/pulls").json["active"])
    assert "it is here" in library.get("/library/pulls").json["html"]
    path = repo_folder(R1_7B) / Q4
    assert path.read_bytes() == BIG
    assert "here: Q4_K_M" in library.get("/library").text
    ask = library.get("/library/delete?name=deepseek-r1%3A7b").text
    assert str(path) in ask
    assert path.exists()
    caches = Caches(folder_beside())
    caches.folder.mkdir(exist_ok=True)
    (caches.folder / caches.half("trace")).write_bytes(b"a cache")
    assert caches.keep("trace", "key", str(path), range(300))
    assert post(library, "/library/delete", name="deepseek-r1:7b").status == 303
    assert not path.exists()
    assert list(caches) == []
    assert "here: Q4_K_M" not in library.get("/library").text
    assert library.get("/library/delete?name=deepseek-r1%3A7b").status == 404


def test_a_download_is_stopped_and_goes_on_where_it_stopped(
    library: Running, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr("ponder.serve.pulls.Pull.take", slow := Slowed())
    post(library, "/library/pull", name=R1_7B, quant="Q8_0")
    wait_for(lambda: slow.seen > 0)
    assert library.get("/library/pulls").json["active"]
    assert post(library, "/library/pull", name=R1_7B, quant="Q8_0").status == 303
    assert len(library.service.pulls.all) == 1, "what runs already is not begun again"
    assert post(library, "/library/stop", number="1").status == 303
    wait_for(lambda: not library.get("/library/pulls").json["active"])
    assert "stopped; what arrived is kept" in library.get("/library/pulls").json["html"]
    ((repo, half),) = unfinished()
    kept = half.stat().st_size
    assert (repo, 0 < kept < len(BIG)) == (R1_7B, True)
    assert "half of a download" in library.get("/library").text
    hub.sent.clear()
    slow.pause_s = 0.0
    post(library, "/library/pull", name=R1_7B, quant="Q8_0")
    wait_for(lambda: not library.get("/library/pulls").json["active"])
    assert hub.sent[Q8] == len(BIG) + 4 - kept
    assert not unfinished()


class Slowed:
    """`Pull.take`, but slow, so that a test can come in between."""

    def __init__(self) -> None:
        self.take, self.seen, self.pause_s = Pull.take, 0, 0.05

    def __get__(self, job: object, kind: type) -> Callable[[int], None]:
        def take(count: int) -> None:
            self.take(job, count)  # type: ignore[arg-type]
            self.seen = max(self.seen, count)
            time.sleep(self.pause_s)

        return take


def test_what_a_download_left_can_be_deleted(library: Running, hub: Hub) -> None:
    hub.cut_after = [1_000_000] + [0] * download.ATTEMPTS
    post(library, "/library/pull", name=R1_7B, quant="Q4_K_M")
    wait_for(lambda: not library.get("/library/pulls").json["active"])
    assert "1 MB of 3 MB are kept" in library.get("/library/pulls").json["html"]
    ((repo, half),) = unfinished()
    name = f"{repo}/{half.name}"
    assert library.get(f"/library/delete?half={quote(name)}").status == 200
    assert post(library, "/library/delete", half=name).status == 303
    assert not unfinished()
    assert post(library, "/library/delete", half=name).status == 404


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("", 404, "no model is named"),
        ("foo/bar", 404, "has no repository foo/bar"),
        ("../../etc", 404, "no model is called"),
        ("<script>alert(1)</script>", 404, "&lt;script&gt;alert(1)"),
        ("r1-zero", 404, "no GGUF repository of DeepSeek-R1-Zero"),
    ],
)
def test_what_cannot_be_had_is_told_and_the_form_kept(
    library: Running, name: str, status: int, sentence: str
) -> None:
    page = library.get(f"/library/get?name={quote(name)}")
    assert page.status == status
    assert sentence in page.text
    assert "<script>alert" not in page.text
    if name == "foo/bar":
        assert 'value="foo/bar"' in page.text


def test_only_what_ponder_pulled_is_deleted(library: Running, tmp_path: Path) -> None:
    victim = tmp_path / "victim.gguf"
    victim.write_text("mine")
    for name in (str(victim), "smollm2:135m", "../../victim.gguf"):
        assert post(library, "/library/delete", name=name).status == 404
        assert post(library, "/library/delete", half=name).status == 404
    assert victim.exists()


def test_a_model_in_use_is_not_deleted(library: Running) -> None:
    path = repo_folder("somebody/tiny-GGUF") / "tiny-Q8_0.gguf"
    path.parent.mkdir(parents=True)
    write_script(path, SCRIPT)
    body = {"model": "somebody/tiny-GGUF", "messages": [{"role": "user", "content": "hi"}]}
    begun = library.post("/api/ponder/traces", body)
    assert begun.status < 300, begun.text
    (loaded,) = library.service.models.loaded.values()
    loaded.users += 1  # somebody who stays
    refused = post(library, "/library/delete", name="somebody/tiny-GGUF")
    assert refused.status == 409
    assert "is being used just now" in refused.text
    assert path.exists()
    loaded.users -= 1
    wait_for(lambda: loaded.users == 0)
    assert post(library, "/library/delete", name="somebody/tiny-GGUF").status == 303
    assert not path.exists()
    assert not library.service.models.loaded


def test_another_page_cannot_pull_or_delete(library: Running, hub: Hub) -> None:
    for path in ("/library/pull", "/library/stop", "/library/delete"):
        evil = library.post(path, b"name=x", headers=FORM | {"Origin": "http://evil.example"})
        assert evil.status == 403
        cookie = {"Cookie": f"{library.service.keys.cookie_name}={library.service.keys.new_cookie()}"}
        bare = library.post(path, b"name=x", headers=FORM | cookie, token=None)
        assert bare.status == 401, "a cookie counts only for what our own pages send"
    assert not hub.asked
