"""Settings, one class a stage. Command line > environment (`PIXEL_AGENT_*`, nested with `__`) > file > default.

The file is `pixel-agent.toml` in the working folder, or what `PIXEL_AGENT_CONFIG` names. An unknown key, in the file or
in the environment, is an error. This is the only module that reads the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pixel_agent.errors import ConfigurationError

PREFIX = "PIXEL_AGENT_"
CONFIG_VARIABLE = "PIXEL_AGENT_CONFIG"
DEFAULT_FILE = "pixel-agent.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """Where the HTTP service listens."""

    host: str = Field("127.0.0.1", description="Address to bind to.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind to; 0 picks a free one.")
    drain_timeout_s: float = Field(30.0, ge=0, description="How long a stopping server finishes what runs.")


class PhotoSettings(_Section):
    """Limits and quality gate of the photo stage."""

    max_bytes: int = Field(20 * 2**20, gt=0, description="Largest upload of one photo, in bytes.")
    max_pixels: int = Field(50_000_000, gt=0, description="Largest photo, in pixels, checked before decoding.")
    max_photos: int = Field(8, ge=1, le=8, description="Most photos in one request.")
    min_threads: int = Field(1, ge=1, description="Fewest decoding threads.")
    max_threads: int = Field(2, ge=1, description="Most decoding threads.")


class EvidenceSettings(_Section):
    """Barcodes and QR codes, read on the CPU beside the device."""

    threads: int = Field(1, ge=1, description="Threads that read codes.")
    grace_s: float = Field(1.0, ge=0, description="How long an answer of the engine waits for codes, in seconds.")
    first_pixels: int = Field(1_300_000, gt=0, description="Resolution of the first look, in pixels.")


class EmbeddedSettings(_Section):
    """The engine that needs no GPU: text reading on ONNX Runtime, and rules."""

    threads: int = Field(2, ge=1, description="Threads of ONNX Runtime, all sessions together.")
    max_items: int = Field(4, ge=1, description="Most photos in one batch.")


class SimulatedSettings(_Section):
    """The simulated device: t = base + per_item·n + per_token·tokens, one batch at a time."""

    base_ms: float = Field(117.0, ge=0, description="Time of an empty batch, in milliseconds.")
    per_item_ms: float = Field(8.0, ge=0, description="Time added by each item, in milliseconds.")
    per_token_ms: float = Field(0.0, ge=0, description="Time added by each visual token, in milliseconds.")
    max_items: int = Field(16, ge=1, description="Most items in one batch.")


class Settings(_Section):
    """Everything an operator can set."""

    engine: Literal["auto", "embedded", "simulated"] = Field("auto", description="Which engine answers.")
    data_dir: Path | None = Field(None, description="Folder for what is kept; unset: the user's data folder.")
    tasks_file: Path | None = Field(None, description="File with the operator's own tasks (TOML).")
    insecure: bool = Field(False, description="Allow to listen beyond this machine without API keys.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line shown.")
    server: ServerSettings = ServerSettings()
    photo: PhotoSettings = PhotoSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    simulated: SimulatedSettings = SimulatedSettings()


def load(overrides: Mapping[str, JsonValue] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Merge file, environment and command line (`overrides`, nested as in the file) into checked settings.

    Raises ConfigurationError that names the key, where it came from and what is accepted.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(CONFIG_VARIABLE)
    path = Path(named or DEFAULT_FILE)
    merged: dict[str, JsonValue] = {}
    if named or path.is_file():
        merged = _read_file(path)
    _merge(merged, _from_environment(environment))
    _merge(merged, dict(overrides or {}))
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigurationError(_explain(error), "See docs/operations.md for every setting.") from None


def _read_file(path: Path) -> dict[str, JsonValue]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"Cannot read the configuration file {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The configuration file {path} is not valid TOML: {error}.") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        node = found
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        for section in sections:
            child = node.setdefault(section, {})
            if not isinstance(child, dict):
                raise ConfigurationError(f"{name} sets a part of {section}, which another variable sets as a whole.")
            node = child
        node[key] = value
    return found


def _merge(into: dict[str, JsonValue], more: Mapping[str, JsonValue]) -> None:
    for key, value in more.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            into[key] = value


def _explain(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        variable = PREFIX + "__".join(str(part).upper() for part in problem["loc"])
        what = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"].lower()
        parts.append(f"{key} (environment: {variable}): {what}")
    return "; ".join(parts) + "."
