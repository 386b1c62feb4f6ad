"""Hashing a photo's bytes without holding up the event loop."""

from __future__ import annotations

import asyncio

from pixel_agent.core.photo import sha256_of

LARGE_BYTES = 2**20
"""Up to this size (about 1 ms) bytes are hashed on the event loop: a thread would cost more."""


async def hash_photo(data: bytes) -> str:
    """As `sha256_of`, in a thread where it takes long."""
    return await asyncio.to_thread(sha256_of, data) if len(data) > LARGE_BYTES else sha256_of(data)
