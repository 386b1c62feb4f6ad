"""Group commit: writes many records in one transaction, because a transaction costs more than its contents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pixel_agent.core.errors import StoreError

T = TypeVar("T")


async def commit(
    group: Sequence[T], write: Callable[[Sequence[T]], Awaitable[None]], refused: Callable[[T, Exception], None]
) -> None:
    """Write a group in one transaction. If the database rejects it, write each record alone, so one blocks no other.

    `refused` gets each record that fails even alone, with the error. Raises StoreError if the database itself fails;
    records written before that stay written.
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
