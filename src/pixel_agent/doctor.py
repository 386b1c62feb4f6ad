"""`pixel-agent doctor`: versions, devices, and which engines can run here; for what cannot, why and what to do."""

from __future__ import annotations

import importlib.util
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil

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
    """One thing that was looked at. `fix` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def examine() -> list[Check]:
    """Look at everything; never raises, never reaches for the network."""
    return [*_machine(), *(_package(name) for name in PACKAGES), _gpu(), *_engines()]


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
    except Exception as error:  # NVML has an error class per code, and none where its library is missing
        return Check("gpu", True, f"none ({error}); the embedded engine needs none")


def _engines() -> list[Check]:
    reader = importlib.util.find_spec("rapidocr") is not None and importlib.util.find_spec("onnxruntime") is not None
    return [
        Check(
            "engine embedded", reader, "ready" if reader else "text models missing", "pip install rapidocr onnxruntime"
        ),
        Check("engine simulated", True, "ready (for tests and load planning; it reads nothing)"),
    ]
