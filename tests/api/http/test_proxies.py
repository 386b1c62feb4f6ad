from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request

from pixel_agent.api.http.proxies import ProxyHeaders, networks, within
from pixel_agent.core.errors import ConfigurationError


async def client_of(trusted: str, peer: str, *named: str) -> str:
    app = FastAPI()
    app.add_middleware(ProxyHeaders, trusted=networks(trusted))

    @app.get("/")
    async def who(request: Request) -> str:
        assert request.client is not None
        return request.client.host

    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = [("X-Forwarded-For", one) for one in named]
        return str((await client.get("/", headers=headers)).json())


async def test_nobody_is_believed_unless_told_so() -> None:
    assert await client_of("", "127.0.0.1", "9.9.9.9") == "127.0.0.1"
    assert await client_of("10.0.0.0/8", "192.168.1.1", "9.9.9.9") == "192.168.1.1"


async def test_the_last_address_that_is_no_proxys_is_the_client() -> None:
    assert await client_of("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 9.9.9.9, 10.0.0.2") == "9.9.9.9"
    assert await client_of("10.0.0.0/8", "10.0.0.1", "1.1.1.1", "2001:db8::1") == "2001:db8::1"


@pytest.mark.parametrize("named", ["unknown", "9.9.9.9:80", "<script>", "", "1.1.1.1, x", "10.0.0.2"])
async def test_what_is_no_address_is_not_believed(named: str) -> None:
    assert await client_of("10.0.0.0/8", "10.0.0.1", named) == "10.0.0.1"


def test_a_wrong_network_is_an_error_of_the_operator() -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        networks("10.0.0.1/8")
    assert not within("nobody", networks("10.0.0.0/8"))
