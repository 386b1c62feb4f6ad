"""Scans and photos that the terminal's tests start from."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np

from tests.e2e.conftest import Server
from tests.paths import EXAMPLES as EXAMPLES

HOSTILE = '<img src=x onerror="window.broken=1">\u202egnp.exe\u2066'
"""Markup that runs if anybody takes it for markup, and signs that turn the text around."""
TIMEOUT_S = 60


def photo(number: int, side: int = 240) -> bytes:
    """A small sharp JPEG; each number gives another one."""
    random = np.random.default_rng(number)
    blocks = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    pixels = cv2.resize(blocks, (side, side), interpolation=cv2.INTER_NEAREST)
    _, data = cv2.imencode(".jpg", pixels)
    return data.tobytes()


def photos(folder: Path, number: int, first: int = 0) -> list[Path]:
    """Files `photo_000.jpg` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"photo_{n:03d}.jpg" for n in range(first, first + number)]
    for n, path in enumerate(paths, first):
        path.write_bytes(photo(n))
    return paths


def scan(server: Server, data: bytes, filename: str = "photo.jpg", **fields: str) -> str:
    """Scan a photo; the scan's id."""
    files = {"photos": (filename, data, "image/jpeg")}
    answer = httpx.post(f"{server.url}/v1/scans", files=files, data={"force": "true", **fields}, timeout=TIMEOUT_S)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["scan_id"])


def record(server: Server, scan_id: str) -> dict[str, object]:
    """What the server keeps of a scan."""
    answer = httpx.get(f"{server.url}/v1/scans/{scan_id}", timeout=TIMEOUT_S)
    assert answer.status_code == 200, answer.text
    kept: dict[str, object] = answer.json()
    return kept
