"""The direction of imports: nouns know no stage, stages know only nouns, adapters alone know the heavy libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "pixel_agent"
NOUNS = {"core", "core_photo", "errors", "config", "config_sources", "envelope"}
COMPOSERS = {
    "service",
    "api",
    "cli",
    "cli_common",
    "cli_export",
    "cli_local",
    "cli_remote",
    "client",
    "console",
    "doctor",
    "bench",
    "stats",
    "metrics",
    "__init__",
    "top",
}
MODEL = {
    "engines/transformers.py",
    "engines/qwen.py",
    "engines/qwen_features.py",
    "engines/qwen_pixels.py",
    "engines/qwen_prompt.py",
    "engines/kv_cache.py",
    "engines/grammars.py",
    "engines/generation.py",
    "engines/loading.py",
    "bench/tiny_model.py",
    "bench/device.py",
    "bench/device_contenders.py",
    "bench/device_models.py",
}
"""The adapter of the model in this process, in rooms; only its first is imported before the engine starts."""
HEAVY = {
    "torch": MODEL,
    "transformers": MODEL,
    "xgrammar": {"engines/grammars.py"},
    "ray": set[str](),
    "pynvml": {"monitor.py", "doctor.py"},
    "onnxruntime": {"engines/text_models.py"},
    "rapidocr": {"engines/text_models.py", "bench/ocr.py"},
}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "reference" not in path.parts)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_stay_in_their_adapters(path: Path) -> None:
    name = path.relative_to(SOURCE).as_posix()
    used = {module.split(".")[0] for module in imported(path)}
    assert not {library for library, homes in HEAVY.items() if library in used and name not in homes}


def ours(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("pixel_agent.")}


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_nouns_import_no_stage(noun: str) -> None:
    assert ours(SOURCE / f"{noun}.py") <= NOUNS


@pytest.mark.parametrize("path", [p for p in modules() if room(p) not in COMPOSERS], ids=lambda p: p.stem)
def test_stages_do_not_import_who_composes_them(path: Path) -> None:
    assert not ours(path) & (COMPOSERS - {"__init__"})


@pytest.mark.parametrize("path", [p for p in modules() if room(p) == "service"], ids=lambda p: p.stem)
def test_the_service_does_not_know_http(path: Path) -> None:
    assert not ours(path) & {"api", "cli", "console"}
    assert not {name for name in imported(path) if name.split(".")[0] in {"fastapi", "starlette"}}


@pytest.mark.parametrize("path", [p for p in modules() if room(p) == "rules"], ids=lambda p: p.stem)
def test_rules_are_pure(path: Path) -> None:
    assert ours(path) <= {"core", "rules"}


@pytest.mark.parametrize("path", [p for p in modules() if room(p) == "client"], ids=lambda p: p.stem)
def test_the_client_knows_the_server_by_what_goes_over_the_wire(path: Path) -> None:
    wire = {"api.records", "api.wire", "api.batch_wire", "api.webhook_wire", "api.comparison_wire"}
    names = {name.removeprefix("pixel_agent.") for name in imported(path) if name.startswith("pixel_agent.")}
    modules_named = {name for name in names if (SOURCE / f"{name.replace('.', '/')}.py").is_file()}
    assert {name for name in modules_named if not name.startswith("client.")} <= wire | {
        "core",
        "envelope",
        "errors",
        "paths",
        "signing",
    }


def test_benchmarks_load_the_model_only_to_measure_it() -> None:
    code = (
        "import sys, pixel_agent.bench.app; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_client_loads_neither_the_service_nor_heavy_libraries() -> None:
    heavy = "numpy cv2 torch PIL fastapi starlette sqlalchemy onnxruntime pixel_agent.service pixel_agent.config"
    code = f"import sys, pixel_agent.client; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
