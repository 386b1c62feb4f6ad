"""Wire types of liveness, readiness and settings."""

from __future__ import annotations

from pydantic import BaseModel


class Alive(BaseModel):
    """The process is alive."""

    status: str = "alive"


class Ready(BaseModel):
    """The engine is warm and accepts scans."""

    status: str = "ready"
    engine: str
    model: str


class SettingOut(BaseModel):
    """One setting: its value, default and description. Secrets are shown as ***."""

    name: str
    value: str
    default: str
    description: str


class SettingsOut(BaseModel):
    """Every setting in force."""

    engine: str
    model: str
    settings: list[SettingOut]
