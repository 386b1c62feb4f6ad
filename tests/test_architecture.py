"""The architecture as one table: which folder can import which, and which module can import a heavy library."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCE = ROOT / "src" / "pixel_agent"
MAY_IMPORT = {
    "core": set[str](),
    "tasks": {"core"},
    "photo": {"core"},
    "engines": {"core", "photo", "tasks"},
    "storage": {"core", "photo", "tasks", "schemas"},
    "scheduling": {"core", "engines"},
    "schemas": {"core"},
    "jobs": {"core", "photo", "tasks", "scheduling", "schemas", "storage"},
    "client": {"core", "schemas"},
    "service": {"core", "engines", "jobs", "photo", "scheduling", "schemas", "storage", "tasks"},
    "api": {"core", "jobs", "photo", "scheduling", "schemas", "service", "storage", "tasks"},
    "cli": {"api", "client", "core", "schemas", "service", "storage", "tasks"},
}
"""Folder → the folders that it may import. Every folder with Python at the root of the package stands here."""
MAX_NAMES = 14
"""Most names at the root of the package, without `__init__.py` and `py.typed`."""
MODEL = {
    *(f"engines/qwen/{name}.py" for name in ("engine", "model", "features", "pixels", "prompt", "kv_cache")),
    *(f"engines/qwen/{name}.py" for name in ("grammars", "generation", "loading")),
    "benchmarks/tiny_model.py",
    *(f"benchmarks/device/{name}.py" for name in ("run", "contenders", "models")),
}
"""The model in this process. Only `engine.py` is imported before the engine starts."""
HEAVY = {
    "torch": MODEL,
    "transformers": MODEL,
    "xgrammar": {"engines/qwen/grammars.py"},
    "ray": set[str](),
    "pynvml": {"service/monitor.py", "cli/doctor.py"},
    "onnxruntime": {"engines/ocr/text_models.py"},
    "rapidocr": {"engines/ocr/text_models.py", "benchmarks/reading/ocr.py"},
}
"""Heavy library → the modules that may import it."""


def name_of(path: Path) -> str:
    """The path below the package, or below the repository for what stands outside it."""
    return path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT).as_posix()


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def benchmarks() -> list[Path]:
    scripts = {"streamlit_page", "streamlit_server", "ray_server", "transformers_serve"}
    return [path for path in sorted((ROOT / "benchmarks").rglob("*.py")) if path.stem not in scripts]


def imported(path: Path) -> set[str]:
    """Everything that a module imports, at its top and inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def folder(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def known(path: Path) -> str:
    """The dotted name of a module of the package."""
    parts = ("pixel_agent", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_at_most_fourteen_names_stand_at_the_root() -> None:
    hidden = {"__init__.py", "__pycache__", "py.typed"}
    assert len([path for path in SOURCE.iterdir() if path.name not in hidden]) <= MAX_NAMES


def test_the_table_names_every_folder() -> None:
    assert {folder(path) for path in modules() if path.parent != SOURCE} == set(MAY_IMPORT)


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_folders_import_only_what_the_table_allows(name: str) -> None:
    paths = [path for path in modules() if folder(path) == name]
    used = {
        (name_of(path), module.split(".")[1])
        for path in paths
        for module in imported(path)
        if module.startswith("pixel_agent.")
    }
    assert not {(path, other) for path, other in used if other != name and other not in MAY_IMPORT[name]}


@pytest.mark.parametrize("path", [*modules(), *benchmarks()], ids=name_of)
def test_heavy_libraries_stay_in_their_adapters(path: Path) -> None:
    used = {module.split(".")[0] for module in imported(path)}
    assert not {library for library, homes in HEAVY.items() if library in used and name_of(path) not in homes}


def test_the_product_does_not_import_its_benchmarks() -> None:
    assert not {known(path) for path in modules() if any(name.startswith("benchmarks") for name in imported(path))}


@pytest.mark.parametrize("path", [path for path in modules() if folder(path) == "service"], ids=name_of)
def test_the_service_does_not_know_http(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] in {"fastapi", "starlette"}}


def test_benchmarks_load_the_model_only_to_measure_it() -> None:
    code = "import sys, benchmarks.__main__; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_client_loads_neither_the_service_nor_heavy_libraries() -> None:
    heavy = "numpy cv2 torch PIL fastapi starlette sqlalchemy onnxruntime "
    heavy += " ".join(f"pixel_agent.{name}" for name in ("service", "storage", "tasks", "api", "core.settings"))
    code = f"import sys, pixel_agent.client; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths = {known(path): path for path in modules()}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        others = {other for other in imported(path) if other in paths and other != name}
        # `from package.module import noun` names the package, too, and does not use its __init__.
        graph[name] = {other for other in others if not any(one.startswith(f"{other}.") for one in others)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
