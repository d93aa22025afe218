"""The pages' own files: none of them names another server, and what is vendored is what it says."""

import re
from pathlib import Path

import pytest

import ponder.serve
from ponder.serve.static import manifest

FOLDER = Path(ponder.serve.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
ELSEWHERE = re.compile(r"""(?:https?:|["'(=]\s*)//[\w.-]+""")
NAMESPACES = re.compile(r"http://www\.w3\.org/\S+")
"""Names, not addresses: nothing is ever loaded from them."""


FILES = [name for name in sorted(manifest()) if not name.endswith(".txt")]


@pytest.mark.parametrize("name", [*FILES, *(str(path.relative_to(FOLDER)) for path in TEMPLATES)])
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    data = manifest()[name].data if name in manifest() else (FOLDER / name).read_bytes()
    text = NAMESPACES.sub("", data.decode("utf-8", "replace"))
    code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert ELSEWHERE.findall(code) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_what_the_policy_blocks(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "|safe" not in text
