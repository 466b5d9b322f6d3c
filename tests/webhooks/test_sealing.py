"""Endpoints' secrets are sealed with the installation's keys, each for its endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from staging_core import Settings
from staging_core.errors import SecretsUnavailable
from staging_core.webhooks import EndpointKeys, new_secret

KEY = "a key of the installation"
SECRET = new_secret()


def keys(*secrets_key: str, secret_key: str = KEY) -> EndpointKeys:
    settings = Settings.from_keywords(secret_key=secret_key, secrets_key=secrets_key)
    return EndpointKeys(settings)


def row(sealed: str, **more: Any) -> Any:
    """An endpoint with that secret."""
    values = {"id": "we_1", "previous_secret": None, "previous_secret_until": None}
    return {**values, "secret": sealed, **more}


def test_what_was_sealed_is_opened_again_and_looks_different_each_time() -> None:
    sealed = keys().sealed(SECRET, "we_1")
    assert keys().signing(row(sealed), 0) == [SECRET]
    assert keys().sealed(SECRET, "we_1") != sealed
    assert SECRET.removeprefix("whsec_") not in sealed


def test_another_key_or_another_endpoint_opens_nothing() -> None:
    sealed = keys().sealed(SECRET, "we_1")
    for others, endpoint in (
        (keys(secret_key="another key of somebody"), row(sealed)),  # noqa: S106
        (keys(), row(sealed, id="we_2")),
        (keys(), row("whsec_never_sealed")),
    ):
        with pytest.raises(SecretsUnavailable) as caught:
            others.signing(endpoint, 0)
        assert SECRET not in str(caught.value)


def test_a_secrets_key_may_come_later_and_then_seals() -> None:
    before = keys().sealed(SECRET, "we_1")
    chosen = Fernet.generate_key().decode()
    assert keys(chosen).signing(row(before), 0) == [SECRET]
    after = keys(chosen).sealed(SECRET, "we_1")
    assert keys(chosen, secret_key="another key of somebody").signing(row(after), 0) == [SECRET]  # noqa: S106
    with pytest.raises(SecretsUnavailable):
        keys().signing(row(after), 0)


def test_the_secret_before_signs_until_its_time_is_over() -> None:
    old, new = new_secret(), new_secret()
    endpoint = row(
        keys().sealed(new, "we_1"),
        previous_secret=keys().sealed(old, "we_1"),
        previous_secret_until=100.0,
    )
    assert keys().signing(endpoint, 99.9) == [new, old]
    assert keys().signing(endpoint, 100.0) == [new]
