"""Signatures of webhooks: Standard Webhooks, HMAC-SHA256 over `id.timestamp.body`."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from hashlib import sha256

PREFIX = "whsec_"
VERSION = "v1"
KEY_BYTES = range(24, 65)
"""Minimum and maximum length of a key in bytes, from Standard Webhooks."""


def new_secret() -> str:
    """A fresh secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key inside a secret. Raises ValueError if the secret is malformed."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"A secret begins with {PREFIX}.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"What follows {PREFIX} is not base64.") from None
    if len(key) not in KEY_BYTES:
        raise ValueError(f"A secret holds {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes; this one holds {len(key)}.")
    return key


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of the header `webhook-signature`. Raises ValueError if the secret is malformed."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return f"{VERSION},{base64.b64encode(hmac.new(key_of(secret), signed, sha256).digest()).decode()}"


def is_signed(secret: str, message_id: str, timestamp_s: int, body: bytes, signatures: str) -> bool:
    """Whether one of the signatures, separated by spaces, is valid. Compares in constant time."""
    expected = sign(secret, message_id, timestamp_s, body).encode()
    return any(hmac.compare_digest(expected, given.encode()) for given in signatures.split())
