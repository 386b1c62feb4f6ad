"""Migrates a database to the newest schema when the store opens; the Alembic revisions are part of the package."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import StoreUnavailable

NEWEST = "0002"
"""The newest revision that this version knows."""
_LOCK = 7_095_113
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time; an arbitrary number."""


async def migrate(conn: AsyncConnection) -> None:
    """Apply all missing revisions. Raises StoreUnavailable if a newer version has migrated the database."""
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    await conn.run_sync(_migrate)


def _migrate(connection: Connection) -> None:
    from alembic.runtime.migration import MigrationContext  # 0.2 s to import, and rarely needed

    found = MigrationContext.configure(connection).get_current_revision()
    if found != NEWEST:
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "pixel_agent.storage:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailable(
            f"The database has a layout that this version does not know: {error}.",
            "Run the version that made it, or a newer one.",
        ) from error
