"""Ids in paths: a malformed id answers 404 without a database query."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from pixel_agent.core.errors import NotFound
from pixel_agent.storage.scans import not_found

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


def check_id(scan_id: str) -> str:
    """Return the id unchanged. Raises NotFound if it is malformed."""
    if not _ID.fullmatch(scan_id):
        raise not_found(scan_id)
    return scan_id


def _batch_id(given: str) -> str:
    if not _ID.fullmatch(given):
        raise NotFound(f"There is no batch {_shown(given)}.", "GET /v1/batches lists them.")
    return given


def _webhook_id(given: str) -> str:
    if not _ID.fullmatch(given):
        raise NotFound(f"There is no webhook {_shown(given)}.", "GET /v1/webhooks lists them.")
    return given


def _shown(given: str) -> str:
    return repr(given[:32].encode("unicode_escape").decode("ascii"))


ScanId = Annotated[str, AfterValidator(check_id)]
BatchId = Annotated[str, AfterValidator(_batch_id)]
WebhookId = Annotated[str, AfterValidator(_webhook_id)]
