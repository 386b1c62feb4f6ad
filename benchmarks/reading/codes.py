"""Benchmark of hard codes: how many are read or invented, and how fast; compared with zxing-cpp in the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

import cv2
import numpy as np
import typer
import zxingcpp
from pydantic import JsonValue

from benchmarks.report import show
from pixel_agent.core import Pixels
from pixel_agent.photo.barcodes.gs1 import gtin_of
from pixel_agent.photo.barcodes.read import read_codes

DEFAULT_FOLDERS = (Path("shared/photos/codes"), Path("../shared/photos/codes"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reader's result for one photo: `read` are the GTINs found, `ms` the fastest of the repetitions."""

    truth: str
    read: frozenset[str]
    ms: float

    @property
    def verdict(self) -> str:
        """The verdict for the photo: `wrong` if any number was invented, whatever else was read."""
        if self.read - {self.truth}:
            return "wrong"
        return "right" if self.read else "missed"


def bench_codes(
    photos: Annotated[Path | None, typer.Option(help="Folder with NAME.webp and NAME.txt (the digits).")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Repetitions per photo; the fastest counts.")] = 3,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
) -> None:
    """Read every code photo of a folder, single-threaded."""
    folder = photos or next((folder for folder in DEFAULT_FOLDERS if folder.is_dir()), None)
    truths = sorted(folder.glob("*.txt")) if folder is not None else []
    if not truths:
        raise typer.BadParameter("No NAME.txt with digits found; name the folder with --photos.")
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = _rows(truths, repeat)
    finally:
        cv2.setNumThreads(threads)
    show(f"Codes in {len(truths)} photos, one thread", rows, json_path=json_path)


def _rows(truths: list[Path], repeat: int) -> list[dict[str, JsonValue]]:
    rows: list[dict[str, JsonValue]] = []
    ours: list[Outcome] = []
    alone: list[Outcome] = []
    read_codes(np.zeros((64, 64, 3), np.uint8))
    for path in truths:
        pixels, truth = _load(path.with_suffix(".webp")), path.read_text("utf-8").strip()
        ours.append(_run(_cascade, pixels, truth, repeat))
        alone.append(_run(_zxing_alone, pixels, truth, repeat))
        rows.append(
            {
                "photo": path.stem,
                "pixel-agent": ours[-1].verdict,
                "ms": round(ours[-1].ms, 1),
                "zxing-cpp alone": alone[-1].verdict,
                "zxing ms": round(alone[-1].ms, 1),
            }
        )
    rows.append({"photo": "total", **_total("pixel-agent", "ms", ours), **_total("zxing-cpp alone", "zxing ms", alone)})
    return rows


def _total(name: str, time_name: str, outcomes: list[Outcome]) -> dict[str, JsonValue]:
    verdicts = [outcome.verdict for outcome in outcomes]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ("right", "wrong", "missed"))
    return {name: counts, time_name: round(sum(outcome.ms for outcome in outcomes) / len(outcomes), 1)}


def _run(reader: Callable[[Pixels], frozenset[str]], pixels: Pixels, truth: str, repeat: int) -> Outcome:
    times = []
    for _ in range(repeat):
        start = perf_counter()
        read = reader(pixels)
        times.append((perf_counter() - start) * 1000)
    return Outcome(truth, read, min(times))


def _cascade(pixels: Pixels) -> frozenset[str]:
    return frozenset(code.gtin or code.text for code in read_codes(pixels))


def _zxing_alone(pixels: Pixels) -> frozenset[str]:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return frozenset(gtin_of(barcode.text) or barcode.text for barcode in zxingcpp.read_barcodes(gray))


def _load(path: Path) -> Pixels:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise typer.BadParameter(f"{path} cannot be read.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
