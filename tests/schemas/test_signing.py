"""Signatures of webhooks (Standard Webhooks): only a valid one is accepted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.schemas.signing import is_signed, key_of, new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example_of_the_standard_is_signed_as_published() -> None:
    body = b'{"test": 2432232314}'
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.integers(0, 2**40), st.integers(0, 199))
def test_a_changed_body_id_or_time_does_not_pass(body: bytes, at_s: int, place: int) -> None:
    signature = sign(SECRET, "msg", at_s, body)
    assert is_signed(SECRET, "msg", at_s, body, f"v1a,other {signature}")
    changed = bytearray(body or b"x")
    changed[place % len(changed)] ^= 1
    assert not is_signed(SECRET, "msg", at_s, bytes(changed), signature)
    assert not is_signed(SECRET, "msg", at_s + 1, body, signature)
    assert not is_signed(SECRET, "msh", at_s, body, signature)
    assert not is_signed(new_secret(), "msg", at_s, body, signature)


def test_a_new_secret_is_one_and_another_each_time() -> None:
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "secret", ["", "secret", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "whsec_" + base64.b64encode(bytes(65)).decode()]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret|whsec"):
        key_of(secret)
