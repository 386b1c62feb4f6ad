"""Paths: the repository, its documentation, and the shared folder of photos."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared"
SHARED_PHOTOS = SHARED / "photos"
