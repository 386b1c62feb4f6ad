"""The address of a request's client, and new scan ids that cannot be guessed."""

from __future__ import annotations

import uuid

from fastapi import Request


def client_of(request: Request) -> str:
    """The client's address; admission shares capacity fairly between addresses."""
    return request.client.host if request.client else ""


def new_scan_id() -> str:
    """A new random scan id that cannot be guessed."""
    return uuid.uuid4().hex
