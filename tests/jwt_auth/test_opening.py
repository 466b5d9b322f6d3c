"""A ``jwt:`` URL names an issuer that can be trusted, or is refused with what to write instead."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from staging_core import Staging
from staging_core.backends.jwt_auth.trust import Trust
from staging_core.errors import MissingExtra, MissingSetting, SettingError
from staging_core.urls import BackendURL


def trust(text: str) -> Trust:
    return Trust.parse(BackendURL.parse(text))


@pytest.mark.parametrize(
    ("text", "issuer"),
    [
        ("jwt:https://acme.eu.auth0.com/?audience=api", "https://acme.eu.auth0.com"),
        ("jwt:https://acme.eu.auth0.com?audience=api", "https://acme.eu.auth0.com"),
        ("jwt:https://id.acme:8443/realms/x?audience=api", "https://id.acme:8443/realms/x"),
        ("jwt:http://127.0.0.1:8020?audience=api", "http://127.0.0.1:8020"),
        ("jwt:http://[::1]:8020/?audience=api", "http://[::1]:8020"),
        ("jwt:http://localhost:8020/?audience=api", "http://localhost:8020"),
    ],
)
def test_an_issuer_is_read_with_or_without_its_slash(text: str, issuer: str) -> None:
    read = trust(text)
    assert read.issuer == issuer
    assert read.spellings == (issuer, issuer + "/")
    assert (read.audience, read.leeway_s) == ("api", 30)


def test_options_are_read() -> None:
    options = "audience=https%3A%2F%2Fapi&roles_claim=a.b&account_claim=org_id"
    options += "&scopes_claim=scope&leeway_s=5"
    read = trust(f"jwt:https://issuer/?{options}")
    assert (read.audience, read.roles_claim) == ("https://api", "a.b")
    assert (read.account_claim, read.scopes_claim, read.leeway_s) == ("org_id", "scope", 5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jwt:", "no audience"),
        ("jwt:https://issuer/", "no audience"),
        ("jwt:https://issuer/?audience=", "'audience' is empty"),
        ("jwt:?audience=api", "no issuer"),
        ("jwt:issuer?audience=api", "no issuer"),
        ("jwt:https://?audience=api", "no issuer"),
        ("jwt:https://[half?audience=api", "no issuer"),
        ("jwt:https://issuer:0/?audience=api", "no issuer"),
        ("jwt:https://issuer:x/?audience=api", "no issuer"),
        ("jwt:https://isßuer/?audience=api", "no issuer"),
        ("jwt:ftp://issuer/?audience=api", "no issuer"),
        ("jwt:http://issuer/?audience=api", "without TLS"),
        ("jwt:http://10.0.0.7/?audience=api", "without TLS"),
        ("jwt:http://127.0.0.1.nip.io/?audience=api", "without TLS"),
        ("jwt:http://localhost.example/?audience=api", "without TLS"),
        ("jwt:https://ada:secret@issuer/?audience=api", "no user"),
        ("jwt:https://issuer/?audience=api&colour=red", "no option 'colour'"),
        ("jwt:https://issuer/?audience=api&leeway_s=soon", "leeway_s=soon"),
        ("jwt:https://issuer/?audience=api&leeway_s=301", "leeway_s=301"),
        ("jwt:https://issuer/?audience=api&leeway_s=nan", "leeway_s=nan"),
    ],
)
def test_a_url_that_cannot_be_trusted_is_refused_with_a_remedy(text: str, told: str) -> None:
    with pytest.raises(SettingError, match=told) as caught:
        trust(text)
    assert caught.value.remedy
    assert "secret" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://keys.example/set", True),
        ("https://keys.example:8443/set", True),
        ("http://keys.example/set", False),
        ("http://127.0.0.1/set", False),
        ("https://ada:secret@keys.example/", False),
        ("file:///etc/passwd", False),
        ("//keys.example", False),
        ("https://", False),
        ("https://[half", False),
        ("", False),
    ],
)
def test_keys_are_fetched_over_https_only(url: str, may: bool) -> None:
    assert trust("jwt:https://issuer/?audience=api").may_ask(url) is may


def test_an_issuer_on_this_machine_keeps_its_keys_there_or_behind_https() -> None:
    local = trust("jwt:http://127.0.0.1:8020/?audience=api")
    assert local.may_ask("http://127.0.0.1:9000/keys")
    assert local.may_ask("https://keys.example/")
    assert not local.may_ask("http://keys.example/")


def opening(home: Path, **settings: object) -> None:
    async def run() -> None:
        async with Staging(home=home, stager="fake:", plugins=(), worker=False, **settings):  # type: ignore[arg-type]
            pass

    asyncio.run(run())


@pytest.mark.parametrize("auth", ["jwt:https://issuer/?audience=api", "keys:", "local:, keys:"])
def test_without_a_secret_key_nothing_but_local_opens(tmp_path: Path, auth: str) -> None:
    with pytest.raises(MissingSetting, match="secret_key") as caught:
        opening(tmp_path, auth=auth)
    assert "STAGING_SECRET_KEY" in caught.value.remedy
    assert not list(tmp_path.iterdir())


def test_an_issuer_that_is_away_does_not_keep_it_from_opening(tmp_path: Path) -> None:
    opening(tmp_path, auth="jwt:http://127.0.0.1:9/?audience=api, keys:", secret_key="0" * 16)


def test_a_missing_package_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("staging_core.backends.jwt_auth")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(MissingExtra) as caught:
        opening(tmp_path, auth="jwt:https://issuer/?audience=api", secret_key="0" * 16)
    assert "pip install 'staging-core[jwt]'" in caught.value.remedy
