"""What of a batch was handed in already: a small file, so that a program that was stopped can go on where it was."""

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
    """A photo that was not taken, and why."""

    filename: str
    code: str
    detail: str
    advice: str = ""


@dataclass(slots=True)
class UploadProgress:
    """How far the upload of one batch is. `key` makes it one batch, whatever is repeated.

    `sent` maps each file name to size and time of change: a changed file is another photo.
    """

    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    batch_id: str | None = None
    sent: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    closed: bool = False

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """What the file says; a new one if the file is missing or malformed."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes()) if path is not None else cls()
        except (OSError, ValidationError):
            return cls()

    def save(self, path: Path | None) -> None:
        """Write it so that a crash leaves the old file or the new one. Raises OSError."""
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")
        part.replace(path)
