"""Photos that the tests draw, the paths of real photos, and the application on the simulated engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from pydantic import JsonValue

from pixel_agent.core import Pixels
from tests.paths import SHARED_PHOTOS

if TYPE_CHECKING:
    from tests.serving import Served

pytest_plugins = ["tests.databases"]

# An example may take its time, and so may its making: a slow machine is no failure.
settings.register_profile("unhurried", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where services of the tests keep what they keep, unless told otherwise: never in the user's own folder."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))
        patch.setenv("PIXEL_AGENT_DATA_DIR", str(folder / "data"))
        yield folder


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of real photos; tests that want them skip where it is absent."""
    if not SHARED_PHOTOS.is_dir():
        pytest.skip(f"the real photos are not at {SHARED_PHOTOS}")
    return SHARED_PHOTOS


@pytest.fixture(scope="session")
def scene() -> Pixels:
    """A sharp, well-lit, textured picture of 640 x 480."""
    rng = np.random.default_rng(7)
    pixels = np.full((480, 640, 3), 200, np.uint8)
    for _ in range(60):
        x, y = int(rng.integers(0, 600)), int(rng.integers(0, 440))
        colour = tuple(int(c) for c in rng.integers(0, 255, 3))
        cv2.rectangle(pixels, (x, y), (x + int(rng.integers(10, 80)), y + int(rng.integers(10, 60))), colour, -1)
    return pixels


@pytest.fixture(scope="session")
def jpeg(scene: Pixels) -> bytes:
    """The scene as a JPEG file."""
    return bytes(cv2.imencode(".jpg", scene)[1])


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny random model, built once a session."""
    from tests.tiny_model import build

    return build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
async def served(database: dict[str, JsonValue]) -> AsyncIterator[Served]:
    """The application, once on SQLite and once on PostgreSQL."""
    from tests.serving import serving

    async with serving(database) as served:
        yield served


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Served]:
    """The application on SQLite alone, for what no database decides."""
    from tests.serving import serving

    async with serving({"data_dir": str(tmp_path)}) as served:
        yield served


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Served]:
    """The same with a device that takes an hour for anything."""
    from tests.serving import SLOW, serving

    async with serving({"data_dir": str(tmp_path), **SLOW}) as served:
        yield served
