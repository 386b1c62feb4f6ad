"""Group commit: many records in one transaction, since a transaction costs more than what is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pixel_agent.core.errors import StoreError

T = TypeVar("T")


async def commit(
    group: Sequence[T], write: Callable[[Sequence[T]], Awaitable[None]], refused: Callable[[T, Exception], None]
) -> None:
    """Write a group in one transaction. If the database refuses it, each is written alone, so that one keeps back no other.

    `refused` gets each record that cannot be written even alone, with the reason. Raises StoreError where the database itself
    fails; what was written until then stays written.
    """
    try:
        await write(group)
    except StoreError:
        raise
    except Exception as error:
        if len(group) == 1:
            refused(group[0], error)
            return
        for record in group:
            await commit([record], write, refused)
