"""`pixel-agent doctor`: versions, devices, and which engines can run here; for each problem, the reason and the fix."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from pixel_agent.cli.common import Exit, load_settings
from pixel_agent.core.settings import Settings

PACKAGES = (
    "pixel-agent",
    "fastapi",
    "uvicorn",
    "numpy",
    "opencv-python-headless",
    "simplejpeg",
    "pillow",
    "pillow-heif",
    "zxing-cpp",
    "biip",
    "rapidocr",
    "onnxruntime",
)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `fix` is the advice if `ok` is False; a part that is not `needed` can be missing."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True


def doctor_command(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show versions, devices and engines, and how to fix problems. Exit code 1 if a required part is missing."""
    checks = examine(load_settings(None))
    if as_json:
        print(json.dumps([{"name": c.name, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in checks], indent=1))
    else:
        table = Table(box=None)
        for column in ("", "what", "found", "to do"):
            table.add_column(column, overflow="fold")
        for check in checks:
            mark = "[green]✓[/]" if check.ok else "[red]✗[/]" if check.needed else "[dim]–[/]"
            table.add_row(mark, check.name, check.detail, "" if check.ok else check.fix)
        Console().print(table)
    raise typer.Exit(Exit.OK if all(check.ok or not check.needed for check in checks) else Exit.SOME_FAILED)


def examine(settings: Settings) -> list[Check]:
    """Run all checks; never raises, and does not use the network."""
    return [*_machine(), *(_package(name) for name in PACKAGES), _gpu(), *_engines(settings)]


def _machine() -> list[Check]:
    memory = psutil.virtual_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [
        Check("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Check("cores", True, str(cores)),
        Check(
            "memory",
            memory.available > 2**30,
            f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free",
            "Free at least 1 GiB: the text models and a few photos need it.",
        ),
    ]


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed", f"pip install {name}")


def _gpu() -> Check:
    try:
        import pynvml

        pynvml.nvmlInit()
        try:
            count = pynvml.nvmlDeviceGetCount()
            names = [str(pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(i))) for i in range(count)]
        finally:
            pynvml.nvmlShutdown()
        return Check("gpu", True, ", ".join(names) or "none")
    except Exception as error:  # NVML has an error class per code, but none for a missing library
        return Check("gpu", True, f"none ({error}); the embedded engine needs none")


def _engines(settings: Settings) -> list[Check]:
    return [
        _engine(
            "embedded",
            _installed("rapidocr", "onnxruntime"),
            ("ready", "text models missing"),
            "pip install rapidocr onnxruntime",
            needed=True,
        ),
        _engine(
            "transformers",
            _installed("torch", "transformers", "accelerate", "xgrammar"),
            ("packages are here; wants a GPU of 24 GB and the model", "packages missing"),
            "pip install 'pixel-agent[transformers]'",
        ),
        _engine(
            "openai",
            bool(settings.openai.urls),
            (f"servers: {settings.openai.urls}", "no server named"),
            "set openai.urls (PIXEL_AGENT_OPENAI__URLS)",
        ),
        _engine(
            "vllm",
            shutil.which(settings.vllm.executable) is not None,
            ("program found", f"no program {settings.vllm.executable!r}"),
            "install vLLM into an environment of its own, and set vllm.executable; see docs/engines.md",
        ),
        Check("engine simulated", True, "ready (for tests and load planning; it reads nothing)"),
    ]


def _engine(name: str, ok: bool, details: tuple[str, str], fix: str, *, needed: bool = False) -> Check:
    """`details`: the text if the engine can run, and the text if it cannot."""
    return Check(f"engine {name}", ok, details[not ok], fix, needed)


def _installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)
