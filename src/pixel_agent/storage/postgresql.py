"""PostgreSQL: converts libpq parameters of a database URL, as cloud providers write them, to arguments of asyncpg."""

from __future__ import annotations

import shlex
import uuid

from sqlalchemy.engine import URL

from pixel_agent.core.errors import ConfigurationError

_OWN = ("sslmode", "sslrootcert", "channel_binding", "connect_timeout", "application_name", "options", "pgbouncer")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def postgresql_arguments(url: URL) -> tuple[URL, dict[str, object]]:
    """The URL without libpq parameters, and these as arguments of `asyncpg.connect`. Raises ConfigurationError.

    `channel_binding` is dropped: asyncpg negotiates it by itself. `pgbouncer=true` is for PgBouncer before 1.21 in
    transaction mode: prepared statements get no name that another connection may use.
    """
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items() if name in _OWN}
    arguments: dict[str, object] = {}
    if "sslmode" in query:
        arguments["ssl"] = _ssl(query["sslmode"], query.get("sslrootcert"))
    if "connect_timeout" in query:
        arguments["timeout"] = _seconds(query["connect_timeout"])
    server = {"application_name": query.get("application_name", "pixel-agent"), **_options(query.get("options", ""))}
    arguments["server_settings"] = server
    if query.get("pgbouncer", "").lower() in ("true", "1"):
        arguments["statement_cache_size"] = 0
        arguments["prepared_statement_name_func"] = lambda: f"__pixel_agent_{uuid.uuid4().hex}__"
        url = url.update_query_dict({"prepared_statement_cache_size": "0"})
    return url.difference_update_query(_OWN), arguments


def _ssl(mode: str, root: str | None) -> object:
    if mode not in _SSL_MODES:
        raise ConfigurationError(f"store.url: sslmode={mode!r} is unknown.", f"Accepted: {', '.join(_SSL_MODES)}.")
    if root is None or mode not in ("verify-ca", "verify-full"):
        return mode
    import ssl

    context = ssl.create_default_context(cafile=root)
    context.check_hostname = mode == "verify-full"
    return context


def _seconds(text: str) -> float:
    try:
        return max(1.0, float(text))
    except ValueError:
        raise ConfigurationError(
            f"store.url: connect_timeout={text[:20]!r} is no number.", "Write seconds, like connect_timeout=10."
        ) from None


def _options(text: str) -> dict[str, str]:
    """Session settings from `-c name=value` and `--name=value`."""
    found: dict[str, str] = {}
    words = iter(shlex.split(text))
    for word in words:
        setting = next(words, "") if word == "-c" else word.removeprefix("-c").removeprefix("--")
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ConfigurationError(
                "store.url: `options` cannot be read.", "Write it like options=-c%20statement_timeout%3D5000."
            )
        found[name.replace("-", "_") if word.startswith("--") else name] = value
    return found
