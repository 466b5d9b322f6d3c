"""Messages are signed as the Standard Webhooks specification says, and verified by its words."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.testing.webhooks import NotVerified, verified
from staging_core.webhooks import new_secret, signed_headers

# The reference vector of the specification's libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

HEADERS = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE}


def test_the_reference_vector_is_signed_as_in_the_specification() -> None:
    assert signed_headers(ID, AT + 0.9, BODY, [SECRET]) == HEADERS


def test_the_test_receiver_verifies_the_reference_vector() -> None:
    assert verified([SECRET], HEADERS, BODY, now=AT + 299) == ID
    upper = {name.upper(): value for name, value in HEADERS.items()}
    assert verified([SECRET], upper, BODY, now=AT - 299) == ID


def test_a_new_secret_has_as_many_bytes_as_the_specification_asks_for() -> None:
    prefix, _, encoded = new_secret().partition("_")
    assert prefix == "whsec"
    assert 24 <= len(base64.b64decode(encoded, validate=True)) <= 64
    assert new_secret() != new_secret()


@given(body=st.binary(), keys=st.integers(1, 3))
def test_each_of_several_secrets_verifies_by_itself(body: bytes, keys: int) -> None:
    secrets = [new_secret() for _ in range(keys)]
    headers = signed_headers(ID, AT, body, secrets)
    assert len(headers["webhook-signature"].split(" ")) == keys
    for secret in secrets:
        assert verified([secret], headers, body, now=AT) == ID
    with pytest.raises(NotVerified):
        verified([new_secret()], headers, body, now=AT)


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({"webhook-id": "msg_other"}, BODY, AT),
        ({"webhook-timestamp": str(AT + 1)}, BODY, AT),
        ({"webhook-timestamp": "soon"}, BODY, AT),
        ({"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, BODY, AT),
        ({"webhook-signature": ""}, BODY, AT),
        ({}, BODY + b" ", AT),
        ({}, BODY, AT + 301),
        ({}, BODY, AT - 301),
    ],
)
def test_what_was_changed_or_is_stale_is_not_verified(
    changed: dict[str, str], body: bytes, now: float
) -> None:
    with pytest.raises(NotVerified):
        verified([SECRET], HEADERS | changed, body, now=now)


@pytest.mark.parametrize("missing", HEADERS)
def test_what_is_not_signed_is_not_verified(missing: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    with pytest.raises(NotVerified, match=missing):
        verified([SECRET], headers, BODY, now=AT)
