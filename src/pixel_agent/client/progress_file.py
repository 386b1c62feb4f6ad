"""The progress of a batch upload in a small file, so that an interrupted program can resume it."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError


@dataclass(slots=True)
class Refusal:
    """A photo that was refused, and the reason."""

    filename: str
    code: str
    detail: str
    advice: str = ""


@dataclass(slots=True)
class UploadProgress:
    """Progress of one batch upload. `key` is the Idempotency-Key, so that a repeated request creates only one batch.

    `sent` maps each file name to its size and modification time: a changed file counts as another photo.
    """

    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    batch_id: str | None = None
    sent: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    closed: bool = False

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read the file; a new progress if it is missing or malformed."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes()) if path is not None else cls()
        except (OSError, ValidationError):
            return cls()

    def save(self, path: Path | None) -> None:
        """Write the file atomically: a crash leaves the old content or the new one. Raises OSError."""
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")
        part.replace(path)
