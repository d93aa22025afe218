"""The Fit page: as a form without scripts, as parts for its sliders, and all the way to a run."""

import re
from urllib.parse import quote, urlencode

import pytest

from tests.serve.running import Running

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OTHER = {"machine": "other", "gpu": "2x RTX 3090", "ram": "64", "ram_bandwidth": "80", "cores": "8"}


def place(path: str = "/fit", **values: str) -> str:
    return f"{path}?{urlencode(values)}"


def cache_bytes(plan: str) -> float:
    """The cache that a plan's key names, in MB."""
    found = re.search(r"cache of the context ([\d.]+) (MB|GB)", plan)
    assert found
    return float(found[1]) * (1000 if found[2] == "GB" else 1)


def test_this_machine_gets_a_page_that_is_whole_without_scripts(server: Running) -> None:
    page = server.get("/fit")
    assert page.status == 200
    assert "This machine: " in page.text
    assert page.text.count('<option value="GeForce RTX ') > 50, "every known device can be searched"
    assert '<select name="ctx">' in page.text
    assert '<form method="get" action="/fit"' in page.text


def test_another_machine_is_recommended_a_model_with_its_reason(server: Running) -> None:
    page = server.get(place(**OTHER)).text
    assert "<b>Take <a href=" in page
    assert "models that fit and answer within" in page
    assert "<circle" in page
    links = re.findall(r'<a href="(/fit\?machine=other&amp;gpu=2x\+RTX\+3090[^"]*)" data-plan>', page)
    assert len(links) > 20, "every model that fits leads to its own plan"
    assert server.get(links[-1].replace("&amp;", "&")).status == 200


def test_the_plan_follows_the_sliders(server: Running) -> None:
    chosen = OTHER | {"model": "deepseek-r1:32b", "quant": "Q4_K_M"}
    plans = {n: server.get(place("/fit/plan", **chosen, ctx=n)).json for n in ("8192", "16384")}
    one, other = (cache_bytes(found["plan"]) for found in plans.values())
    assert other == pytest.approx(2 * one, rel=0.05)
    assert plans["8192"]["values"] == {
        "model": "deepseek-r1:32b", "quant": "Q4_K_M", "ctx": "8192", "kv": "f16", "batch": "1",
    }  # fmt: skip
    half = server.get(place("/fit/plan", **chosen, ctx="16384", kv="q8_0")).json["plan"]
    assert cache_bytes(half) == pytest.approx(other * 34 / 64, rel=0.05)
    assert server.get(place("/fit/plan", **chosen, ctx="8192", batch="4")).json["plan"].count("together") == 1
    assert "<circle" in server.get(place("/fit/chart", **chosen, ctx="8192")).json["chart"]


def test_what_is_too_big_says_what_is_missing(server: Running) -> None:
    page = server.get(place(machine="other", gpu="RTX 3060", model="deepseek-r1:671b"))
    assert page.status == 200
    assert "too big" in page.text
    assert "memory: weights and cache take" in page.text
    assert "Run this" not in page.text


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"machine": "other", "gpu": "RTX 9999"}, 404, "No device is called &#39;RTX 9999&#39;"),
        ({"machine": "other"}, 400, "neither a GPU nor RAM"),
        ({"machine": "mine"}, 400, "choose one of here, other"),
        ({"ctx": "-5"}, 400, "give a whole number from 0"),
        ({"ctx": "many"}, 400, "ctx is &#39;many&#39;"),
        ({"kv": "q1"}, 400, "choose one of f16"),
        ({"model": "no-such-model"}, 404, "no model is called"),
        ({"model": "../../etc/passwd.gguf"}, 404, "no model is called"),
        ({"model": "deepseek-r1:7b", "quant": "Q99"}, 400, "There is no quantisation"),
        ({"machine": "other", "gpu": "<script>alert(1)</script>"}, 404, "&lt;script&gt;alert(1)"),
        ({"machine": "other", "ram": "1e999"}, 400, "ram is"),
    ],
)
def test_bad_input_is_told_in_the_page_and_kept(
    server: Running, values: dict[str, str], status: int, sentence: str
) -> None:
    page = server.get(place(**values))
    assert page.status == status
    assert sentence in page.text
    assert "<script>alert" not in page.text
    if "gpu" in values and "<" not in values["gpu"]:
        assert f'value="{values["gpu"]}"' in page.text, "the form keeps what was typed"
    part = server.get(place("/fit/plan", **values))
    assert part.status == status
    assert part.json["refused"]


def test_a_plan_is_run_with_its_context_and_cache(speaking: Running) -> None:
    page = speaking.get("/fit?model=speaker&ctx=512&kv=bf16").text
    (address,) = re.findall(r'<a class="button" href="([^"]+)">Run this', page)
    address = address.replace("&amp;", "&")
    assert address == "/ask?model=speaker&ctx=512&kv=bf16"
    assert '<input type="number" name="ctx" min="1" max="1000000" value="512"' in speaking.get(address).text
    form = {"question": "Why?", "model": "speaker", "ctx": "512", "kv": "bf16"}
    asked = speaking.post("/ask", urlencode(form).encode(), headers=FORM)
    assert asked.status == 303, asked.text
    place_of_run = asked.headers["location"]
    assert '"doing":"done"' in speaking.get(f"{place_of_run}/events").text
    (loaded,) = speaking.service.models.loaded.values()
    assert (loaded.opened.facts["n_ctx"], loaded.opened.facts["kv_type"]) == (512, "bf16")
    change = urlencode({"step": 1, "kind": "none"}).encode()
    branch = speaking.post(f"{place_of_run}/correct", change, headers=FORM).headers["location"]
    assert '"doing":"done"' in speaking.get(f"{branch}/events").text
    assert loaded is speaking.service.models.loaded["speaker"], "a branch has the context of its trace"
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
    assert speaking.post("/v1/chat/completions", body).status == 200
    (usual,) = speaking.service.models.loaded.values()
    assert usual.opened.facts["n_ctx"] == 1024, "who wants nothing special gets what the server was told"


def test_a_context_that_the_model_has_not_is_refused(speaking: Running) -> None:
    form = {"question": "Why?", "model": "speaker", "ctx": "999999"}
    refused = speaking.post("/ask", urlencode(form).encode(), headers=FORM)
    assert refused.status == 400
    assert "999999" in refused.text


def test_a_device_of_the_list_is_found_by_its_name(server: Running) -> None:
    page = server.get("/fit").text
    listed = re.findall(r'<option value="([^"]+)">[\d.]+ GiB', page)
    assert len(listed) > 550
    for name in listed[::80]:
        assert server.get(f"/fit/plan?machine=other&ram=64&ram_bandwidth=80&gpu={quote(name)}").status == 200
