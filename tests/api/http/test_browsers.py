from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from pixel_agent.api.http.browsers import BrowserGuard, matches
from pixel_agent.core.settings import ServerSettings

HERE = "127.0.0.1:8000"


@pytest.fixture
async def asked() -> AsyncIterator[httpx.AsyncClient]:
    async with client(ServerSettings(allowed_hosts="scan.example.com, *.shop.example")) as asked:
        yield asked


def client(settings: ServerSettings) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(BrowserGuard, settings=settings)
    for path in ("/v1/scans", "/v1/exports", "/scan"):
        app.add_api_route(path, lambda: {"done": True}, methods=["GET", "POST", "DELETE"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HERE}")


@pytest.mark.parametrize(
    "host", [HERE, "localhost", "LocalHost:8000", "[::1]:8000", "scan.example.com", "a.shop.example:80"]
)
async def test_the_servers_own_names_are_taken(asked: httpx.AsyncClient, host: str) -> None:
    assert (await asked.get("/v1/scans", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.test:8000", "shop.example", "192.168.1.7", "127.0.0.1.evil.test", "", "[::1", "a b"]
)
async def test_a_name_that_was_rebound_reads_nothing(asked: httpx.AsyncClient, host: str) -> None:
    answer = await asked.get("/v1/scans", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")


async def test_a_server_for_others_is_reached_by_its_address_but_by_no_foreign_name() -> None:
    async with client(ServerSettings(host="0.0.0.0")) as asked:
        assert (await asked.get("/v1/scans", headers={"Host": "192.168.1.7:8000"})).status_code == 200
        assert (await asked.get("/v1/scans", headers={"Host": "evil.test"})).status_code == 421


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "localhost"]])
async def test_no_host_and_two_hosts_are_errors(asked: httpx.AsyncClient, hosts: list[str]) -> None:
    request = httpx.Request("GET", f"http://{HERE}/v1/scans")
    request.headers = httpx.Headers([("Host", host) for host in hosts])
    assert (await asked.send(request)).status_code == 400


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("origin", ["http://evil.test", "http://127.0.0.1:8336", "null", "https://evil.test:8000"])
async def test_a_foreign_page_changes_nothing(asked: httpx.AsyncClient, method: str, origin: str) -> None:
    answer = await asked.request(method, "/v1/scans", headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_page")


@pytest.mark.parametrize("origin", [f"http://{HERE}", "https://scan.example.com", "https://a.shop.example"])
async def test_pages_of_this_server_and_of_allowed_hosts_may(asked: httpx.AsyncClient, origin: str) -> None:
    assert (await asked.post("/v1/scans", headers={"Origin": origin})).status_code == 200


async def test_a_default_port_need_not_be_named(asked: httpx.AsyncClient) -> None:
    headers = {"Host": "localhost", "Origin": "https://localhost:443"}
    assert (await asked.post("/v1/scans", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "mode", "status"),
    [
        ("POST", "/v1/scans", "navigate", 403),
        ("POST", "/v1/scans", "no-cors", 403),
        ("GET", "/v1/scans", "no-cors", 403),
        ("GET", "/v1/scans", "navigate", 200),
        ("GET", "/v1/exports", "navigate", 403),
    ],
)
async def test_another_site_may_only_lead_somebody_here(
    asked: httpx.AsyncClient, method: str, path: str, mode: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert (await asked.request(method, path, headers=headers)).status_code == status


async def test_errors_have_the_form_of_their_path(asked: httpx.AsyncClient) -> None:
    answer = await asked.post("/scan", headers={"Origin": "http://evil.test"})
    assert (answer.status_code, answer.json()["status"]) == (403, "error")


def test_every_name_is_allowed_by_a_star() -> None:
    assert matches("anything", ["*"])
    assert not matches("example.com", ["*.example.com"])
