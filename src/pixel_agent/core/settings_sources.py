"""Sources of settings by precedence: command line, environment (`PIXEL_AGENT_*`, nested with `__`), file, default.

The file is `pixel-agent.toml` in the working folder, or the file named by `PIXEL_AGENT_CONFIG`. `settings.py` defines the keys.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from pixel_agent.core.errors import ConfigurationError

PREFIX = "PIXEL_AGENT_"
CONFIG_VARIABLE = "PIXEL_AGENT_CONFIG"
DEFAULT_FILE = "pixel-agent.toml"


def gather(overrides: Mapping[str, JsonValue], environment: Mapping[str, str]) -> dict[str, JsonValue]:
    """Merge file, environment and command line (`overrides`, nested as in the file), unvalidated.

    Raises ConfigurationError for a file that cannot be read, and for variables that contradict each other.
    """
    named = environment.get(CONFIG_VARIABLE)
    path = Path(named or DEFAULT_FILE)
    merged: dict[str, JsonValue] = {}
    if named or path.is_file():
        merged = _read_file(path)
    _merge(merged, _from_environment(environment))
    _merge(merged, overrides)
    return merged


def explain(error: ValidationError) -> str:
    """Describe each error by its key and its environment variable."""
    parts = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        variable = PREFIX + "__".join(str(part).upper() for part in problem["loc"])
        what = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"].lower()
        parts.append(f"{key} (environment: {variable}): {what}")
    return "; ".join(parts) + "."


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
