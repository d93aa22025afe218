"""Who may import whom, how large things may be, and which words we use: the design, enforced."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ponder

SRC = Path(ponder.__file__).parent
FILES = sorted(SRC.rglob("*.py"))

# A folder or top-level module → what of ponder it may import, besides itself and `errors`.
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "core": set(),
    "world": set(),
    "catalog": {"core"},
    "engine": {"core"},
    "reason": {"core"},
    "store": {"core"},
    "fit": {"core", "catalog"},
    "foreign": {"core", "reason"},
    "check": {"core", "reason"},
    "steer": {"core", "reason"},
    "interventions": {"core", "steer", "engine"},
    "spine": {"core", "steer", "engine", "reason", "interventions"},
    "opened": {"core", "catalog", "engine", "fit", "steer"},
    "warm": {"core", "catalog", "engine", "store", "opened"},
    "session": {"core", "engine", "steer", "store", "spine", "opened", "warm"},
    "replaying": {"core", "engine", "store", "spine", "opened", "warm"},
    "api": {"core", "store", "opened", "session", "warm"},
    "endings": {"core", "steer", "store", "opened", "session"},
    "blame": {"core", "check", "engine", "steer", "store", "opened", "session", "endings"},
    "evaluate": {"core", "world", "steer", "opened", "session", "engine", "reason", "check", "store"},
    "quantize": {"core", "catalog", "evaluate"},
    "distill": {
        "core",
        "fit",
        "opened",
        "catalog",
        "engine",
        "reason",
        "check",
        "evaluate",
        "quantize",
        "store",
        "spine",
        "session",
        "world",
    },
}
DOORS = {"cli", "serve", "__init__", "__main__"}

# A package from elsewhere → the only folders that may import it.
PLACES: dict[str, set[str]] = {
    "xllamacpp": {"engine"},
    "httpx": {"engine", "catalog"},
    "sympy": {"check"},
    "math_verify": {"evaluate"},
    "reasoning_gym": {"evaluate"},
    "torch": {"distill"},
    "safetensors": {"distill"},
    "transformers": {"distill"},
    "trl": {"distill"},
    "peft": {"distill"},
    "tokenizers": {"distill"},
    "sqlite3": {"store"},
    "starlette": {"serve"},
    "jinja2": {"serve"},
    "uvicorn": {"serve"},
    "click": {"cli"},
    "rich": {"cli"},
}

FORBIDDEN_MODULES = {"utils", "helpers", "common", "misc", "util", "helper"}
FORBIDDEN_WORDS = {
    "thoughts",
    "thought_tokens",
    "chain_of_thought",
    "quantization_type",
    "ctx_size",
    "context_length_tokens",
}
MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 400, 60, 6


def place(path: Path) -> str:
    parts = path.relative_to(SRC).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            for alias in node.names:  # `from ponder.store import ids` means the module, if there is one
                inner = SRC.parent.joinpath(*module.split("."), alias.name + ".py")
                yield (f"{module}.{alias.name}" if inner.exists() else module), node


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def test_every_folder_imports_only_what_it_may(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        here = place(path)
        for name, _ in imports(tree):
            parts = name.split(".")
            if parts[0] == "ponder" and len(parts) > 1 and here not in DOORS:
                assert parts[1] in {here, "errors"} | LAYERS[here], f"{path} imports {name}"
            if parts[0] in PLACES:
                assert here in PLACES[parts[0]], f"{path} imports {name}"
            if here in {"core", "errors", "world"} and parts[0] != "ponder":
                assert parts[0] in sys.stdlib_module_names, f"{path} imports {name}"


def test_nobody_imports_a_door(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        for name, _ in imports(tree):
            door = name.startswith(("ponder.cli", "ponder.serve"))
            assert not door or name.split(".")[1] == place(path) or path.stem == "__main__", f"{path}: {name}"


def test_there_is_no_import_cycle(trees: dict[Path, ast.Module]) -> None:
    graph = {}
    for path, tree in trees.items():
        module = ".".join(("ponder", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")
        graph[module] = {
            name
            for name, node in imports(tree)
            if name.startswith("ponder.") and not _typing_only(tree, node)
        }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {error.args[1]}")


def _typing_only(tree: ast.Module, wanted: ast.AST) -> bool:
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and any(child is wanted for child in ast.walk(node))
        for node in tree.body
    )


def test_no_own_import_hides_in_a_function(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                hidden = [name for name, _ in imports(function) if name.startswith("ponder")]
                assert not hidden, f"{path}: {function.name} imports {hidden}"


def test_sizes_stay_readable(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, f"{path} is too long"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= MOST_FUNCTION_LINES, f"{path}: {node.name} has {lines} lines"
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = len([a for a in arguments if a.arg not in {"self", "cls"}])
                command = any(
                    "option" in ast.dump(d) or "command" in ast.dump(d) for d in node.decorator_list
                )
                assert command or count <= MOST_PARAMETERS, f"{path}: {node.name} has {count} parameters"


def test_every_module_opens_with_its_idea(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        assert ast.get_docstring(tree), f"{path} has no docstring"
        assert path.stem not in FORBIDDEN_MODULES, f"{path}: call it by what it does"


def test_names_use_the_dictionary(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        assert not names & FORBIDDEN_WORDS, f"{path}: {names & FORBIDDEN_WORDS}"


def test_the_public_api_is_small_and_complete() -> None:
    assert len(ponder.__all__) <= 25
    assert all(getattr(ponder, name) is not None for name in ponder.__all__)
    with pytest.raises(AttributeError):
        _ = ponder.nothing_of_that_name


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        (
            "import ponder",
            {"click", "rich", "httpx", "sqlite3", "numpy", "xllamacpp", "json"},
        ),
        (
            "from ponder.cli.main import group; group(['--help'], standalone_mode=False)",
            {"rich", "httpx", "sqlite3", "numpy", "xllamacpp", "psutil"},
        ),
        ("import ponder.session", {"rich", "httpx", "numpy", "xllamacpp"}),
    ],
)
def test_starting_loads_nothing_heavy(code: str, heavy: set[str]) -> None:
    code += "\nimport sys; print(); print(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not heavy & set(out.splitlines()[-1].split())
