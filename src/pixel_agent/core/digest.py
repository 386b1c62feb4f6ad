"""Hashes a photo's bytes on intake, without blocking the event loop."""

from __future__ import annotations

import asyncio

from pixel_agent.core.photo import sha256_of

LARGE_BYTES = 2**20
"""Up to this size (about 1 ms) bytes are hashed on the event loop: a thread would cost more."""


async def hash_photo(data: bytes) -> str:
    """SHA-256 as `sha256_of`; more than `LARGE_BYTES` are hashed in a thread."""
    return await asyncio.to_thread(sha256_of, data) if len(data) > LARGE_BYTES else sha256_of(data)
