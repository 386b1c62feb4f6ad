"""Who asks, and ids that nobody guesses."""

from __future__ import annotations

import uuid

from fastapi import Request


def client_of(request: Request) -> str:
    """Who asks, for a fair share."""
    return request.client.host if request.client else ""


def new_scan_id() -> str:
    """A new id that nobody guesses."""
    return uuid.uuid4().hex
