"""URLs as clouds give them become arguments of the driver."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from pixel_agent.core.errors import ConfigurationError
from pixel_agent.storage.postgresql import postgresql_arguments

BASE = "postgresql+asyncpg://user:secret@host:5432/name"


def test_the_parameters_of_libpq_become_arguments() -> None:
    query = (
        "sslmode=require&channel_binding=require&connect_timeout=10&application_name=shop"
        "&options=-c%20statement_timeout%3D5000%20--lock-timeout%3D100&host=/run/pg"
    )
    url, arguments = postgresql_arguments(make_url(f"{BASE}?{query}"))
    assert dict(url.query) == {"host": "/run/pg"}
    assert arguments == {
        "ssl": "require",
        "timeout": 10.0,
        "server_settings": {"application_name": "shop", "statement_timeout": "5000", "lock_timeout": "100"},
    }


def test_without_parameters_only_the_name_of_the_application_is_told() -> None:
    url, arguments = postgresql_arguments(make_url(BASE))
    assert (url, arguments) == (make_url(BASE), {"server_settings": {"application_name": "pixel-agent"}})


def test_behind_pgbouncer_no_statement_has_a_name_that_another_connection_has() -> None:
    url, arguments = postgresql_arguments(make_url(f"{BASE}?pgbouncer=true"))
    name = arguments["prepared_statement_name_func"]
    assert callable(name)
    assert name() != name()
    assert (arguments["statement_cache_size"], dict(url.query)) == (0, {"prepared_statement_cache_size": "0"})


@pytest.mark.parametrize("query", ["sslmode=maybe", "connect_timeout=soon", "options=statement_timeout"])
def test_what_cannot_be_read_is_told_at_the_start(query: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        postgresql_arguments(make_url(f"{BASE}?{query}"))
    assert "secret" not in str(error.value)
