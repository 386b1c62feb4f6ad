"""The client of a request, and ids that cannot be guessed."""

from __future__ import annotations

import uuid

from fastapi import Request


def client_of(request: Request) -> str:
    """The client's address, for its fair share."""
    return request.client.host if request.client else ""


def new_scan_id() -> str:
    """A new id that cannot be guessed."""
    return uuid.uuid4().hex
