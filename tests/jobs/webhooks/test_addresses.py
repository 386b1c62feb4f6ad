"""Which addresses are public, and that a connection goes to the address that was checked."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.jobs.webhooks.addresses import Target, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "64:ff9b:1::7f00:1",
        "5f00::1",
        "4000::1",
        "::127.0.0.1",
        "2001:20::1",
        "3fff::1",
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
    ],
)
def test_addresses_of_this_machine_and_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@settings(deadline=None, max_examples=100)
@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_never_more_public_than_alone(address: object) -> None:
    if not is_public(str(address)):
        number = int.from_bytes(bytes(int(part) for part in str(address).split(".")))
        assert not is_public(f"::ffff:{address}")
        assert not is_public(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}")
        assert not is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")


async def test_a_name_is_looked_up_and_the_request_is_pinned_to_its_address() -> None:
    target = await resolve(httpx.URL("http://localhost:8080/path"))
    assert target.private
    async with httpx.AsyncClient() as client:
        request = target.request(client, "POST", "127.0.0.1", {"X": "1"}, b"body")
    assert str(request.url) == "http://127.0.0.1:8080/path"
    assert request.headers["host"] == "localhost:8080"
    assert request.extensions["sni_hostname"] == "localhost"


def test_one_private_address_among_public_ones_is_enough_to_be_neither() -> None:
    target = Target(httpx.URL("https://example.com"), ("8.8.8.8", "10.0.0.1"))
    assert (target.public, target.private) == (False, False)
