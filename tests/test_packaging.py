"""The package as a whole: what depends on what, what is exported, what is declared."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

import askhistory

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "askhistory"

# From the ground up: a module imports from those before it only.
ORDER = (
    "schema",
    "text",
    "settings",
    "logs",
    "notes",
    "chunking",
    "models",
    "language_model",
    "lexicon",
    "quantities",
    "polarity",
    "reading",
    "contradiction",
    "roles",
    "support",
    "storage",
    "manifest",
    "quantization",
    "index",
    "smalltalk",
    "question",
    "topics",
    "binding",
    "retrieval",
    "relevance",
    "conversation",
    "selection",
    "answering",
    "writing",
    "phrasing",
    "suggestions",
    "assistant",
    "evaluation",
    "ui",
    "doctor",
    "cli",
    "__init__",
    "__main__",
)
# numpy's arrays are what modules hand each other, so that it has no home.
SHARED = {"numpy"}
# The foundations of sentence-transformers and of Gradio: which versions fit is theirs to say.
CARRIED = {"torch", "transformers", "tokenizers", "safetensors", "starlette"}


def dotted(path: Path) -> str:
    """A file's name below the package: `ui/turns.py` is `ui.turns`, `ui/__init__.py` is `ui`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")

MODULES = {dotted(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module named in an import statement, wherever it stands; ours without `askhistory.`.

    What stands behind `from … import` counts as a module where it is one of ours; the package
    itself is `__init__`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parent = name.removeprefix("askhistory.").rpartition(".")[0]
            if name == "askhistory":
                yield "__init__"
            elif not name.startswith("askhistory."):
                yield name
            elif name.removeprefix("askhistory.") in MODULES:
                yield name.removeprefix("askhistory.")
            else:
                yield parent or "__init__"


def third_party() -> dict[str, set[str]]:
    """Top-level name of each third-party library imported → the modules that import it."""
    homes = defaultdict(set)
    for module, tree in MODULES.items():
        for name in set(imports(tree)) - set(MODULES):
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names:
                homes[top].add(module.partition(".")[0])
    return homes


def distribution(requirement: str) -> str:
    """Name of the distribution that a requirement asks for, in its normal form."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def declared() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return {distribution(line) for line in lines if line and not line.startswith("#")}


def python(*arguments: str) -> str:
    """Standard output of a fresh interpreter."""
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_every_module_has_its_place_in_the_order() -> None:
    assert {module.partition(".")[0] for module in MODULES} <= set(ORDER)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module: str) -> None:
    place = module.partition(".")[0]
    allowed = {*ORDER[: ORDER.index(place)], place}
    ours = set(imports(MODULES[module])) & set(MODULES)
    assert {name for name in ours if name.partition(".")[0] not in allowed} == set()


def test_imports_run_in_no_circle() -> None:
    graph = {module: set(imports(tree)) & set(MODULES) for module, tree in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_every_library_has_one_home() -> None:
    shared = {name: homes for name, homes in third_party().items() if len(homes) > 1}
    assert set(shared) <= SHARED, shared


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    providers = packages_distributions()
    imported = {
        distribution(provider)
        for name in set(third_party()) - CARRIED
        for provider in providers[name]
    }
    assert imported == declared()


def test_the_installed_package_asks_for_what_requirements_txt_lists() -> None:
    installed = requires("askhistory") or []
    assert {distribution(line) for line in installed if "extra ==" not in line} == declared()


def locked() -> dict[str, str]:
    """Version of each package in requirements.lock, by its name in normal form."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", text)
    return {distribution(name): version for name, version in pinned}


def test_the_lock_holds_what_is_declared_in_versions_that_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    wanted += [Requirement(line) for extra in ("dev", "bench") for line in extras[extra]]
    pinned = locked()
    for one in wanted:
        version = pinned.get(distribution(one.name))
        assert version is not None, f"{one.name} is not in requirements.lock: run make lock"
        assert one.specifier.contains(version, prereleases=True), f"{one}: run make lock"


def test_every_package_of_the_lock_has_hashes_and_none_has_an_address() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    blocks = [block for block in re.split(r"(?m)^(?=[^\s#])", text) if "==" in block]
    assert {distribution(block) for block in blocks} == set(locked())
    assert len(blocks) > 80
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert not {"torch", "triton"} & set(locked())
    assert not any(name.startswith(("nvidia-", "cuda-")) for name in locked())


def test_what_is_exported() -> None:
    assert set(askhistory.__all__) == {
        "Answer",
        "AskHistoryError",
        "Assistant",
        "Citation",
        "Point",
        "Settings",
        "build_index",
    }
    for name in askhistory.__all__:
        assert getattr(askhistory, name).__name__ == name


@pytest.mark.parametrize("statement", ["import askhistory", "from askhistory.cli import main"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    heavy = (
        "{'torch', 'sentence_transformers', 'transformers', 'gradio', 'faiss', 'huggingface_hub'}"
    )
    assert python("-c", f"import sys; {statement}; print({heavy} & set(sys.modules))") == "set()\n"


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_the_licences(tmp_path: Path) -> None:
    # From a copy, because a build leaves its traces beside the sources.
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=IGNORED)
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*pip, tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("askhistory-*.whl")
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = {
        path.relative_to(source / "src").as_posix()
        for path in source.glob("src/askhistory/**/*")
        if path.is_file()
    }
    assert files - packed == set()
    licences = {name.split("/licenses/")[1] for name in packed if "/licenses/" in name}
    fonts = {f"src/{name}" for name in files if "/fonts/LICENSE-" in name}
    assert licences == {"LICENSE", "NOTICE", *fonts}


@pytest.fixture
def installed_copy(tmp_path: Path) -> Path:
    """A checkout with an environment that make takes for installed."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/python", ".installed", ".installed-dev"):
        (tmp_path / ".venv" / name).touch()
    return tmp_path


def make_would(folder: Path, target: str) -> list[str]:
    """The commands that make would run for a target."""
    return subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
def test_a_second_run_installs_nothing(installed_copy: Path) -> None:
    assert make_would(installed_copy, "run") == [".venv/bin/askhistory serve"]


@needs_make
@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_requirement_is_installed(name: str, installed_copy: Path) -> None:
    stamp = installed_copy / ".venv" / ".installed"
    later = stamp.stat().st_mtime + 10
    os.utime(installed_copy / name, (later, later))
    assert make_would(installed_copy, "run") == [
        ".venv/bin/python scripts/install_torch.py",
        ".venv/bin/python -m pip --disable-pip-version-check install --editable .",
        "touch .venv/.installed",
        ".venv/bin/askhistory serve",
    ]


def test_nothing_is_unpickled_and_nothing_evaluated() -> None:
    dangerous = {"pickle", "marshal", "shelve", "dill", "joblib", "subprocess", "runpy", "ctypes"}
    called = {"eval", "exec", "compile", "__import__"}
    for module, tree in MODULES.items():
        assert not dangerous & {name.partition(".")[0] for name in imports(tree)}, module
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in called, f"{module}:{node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant)
                assert node.value.value is False, module
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"np.load", "os.system"}:
                assert "allow_pickle=False" in ast.unparse(node), f"{module}:{node.lineno}"


def test_the_tests_that_docs_security_md_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text("utf-8")))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"(?m)^(?:async )?def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 30
    assert named - written == set()
