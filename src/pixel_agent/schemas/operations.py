"""Liveness, readiness and settings on the wire."""

from __future__ import annotations

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The engine has warmed up and takes scans."""

    status: str = "ready"
    engine: str
    model: str


class SettingOut(BaseModel):
    """One setting: its value, its default and its description. Secrets are shown as ***."""

    name: str
    value: str
    default: str
    description: str


class SettingsOut(BaseModel):
    """Every setting in force."""

    engine: str
    model: str
    settings: list[SettingOut]
