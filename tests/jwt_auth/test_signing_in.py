"""From a token of an issuer to a user who works in an account, on both databases."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from staging_core import Credentials, Principal, Staging
from staging_core.cli.checks import examined
from staging_core.errors import Forbidden, SignInUnavailable, Unauthorized
from staging_core.sign_in import PERSONAL
from staging_core.testing.issuer import FAULTS, RunningIssuer, running_issuer

Install = Callable[..., Staging]

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer("/") as running:
        yield running


@pytest.fixture
def install(tmp_path: Path, database: dict[str, Any], issuer: RunningIssuer) -> Install:
    def build(*, auth: Any = None, **settings: Any) -> Staging:
        usual: dict[str, Any] = {"plugins": (), "stager": "fake:", "secret_key": "0" * 16}
        usual |= {"auth": auth or [issuer.auth(account_claim="org_id"), "keys:"], **database}
        return Staging(home=tmp_path / "home", worker=False, **{**usual, **settings})

    return build


async def signed_in(staging: Staging, token: str) -> Principal:
    principal = await staging.authenticate(Credentials(bearer=token))
    assert principal is not None
    return principal


@both
def test_people_sign_in_work_and_are_kept_apart(install: Install, issuer: RunningIssuer) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, issuer.token("auth0|ada", email="ada@example.com"))
            bob = await signed_in(staging, issuer.token("auth0|bob", org_id="acme"))
            eve = await signed_in(staging, issuer.token("auth0|eve", org_id="acme"))
            assert ada.account_id.startswith(PERSONAL)
            assert bob.account_id == eve.account_id == "acme"
            assert bob.user_id != eve.user_id
            profile = await staging.acting_as(ada).profile.get()
            assert (profile.email, profile.role) == ("ada@example.com", "member")
            key = await staging.acting_as(bob).keys.create("camera")
            by_key = await signed_in(staging, key.secret)
            assert (by_key.account_id, by_key.user_id) == (bob.account_id, bob.user_id)

    asyncio.run(scenario())


@both
def test_four_first_calls_of_a_new_user_at_one_moment(
    install: Install, issuer: RunningIssuer
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            token = issuer.token("auth0|ada")
            found = await asyncio.gather(*(signed_in(staging, token) for _ in range(4)))
            assert len(set(found)) == 1
            assert len(await staging.operating("tests").users()) == 1
            assert len(issuer.fetches("jwks.json")) == 1

    asyncio.run(scenario())


def test_roles_of_the_token_open_what_they_open(install: Install, issuer: RunningIssuer) -> None:
    async def scenario() -> None:
        async with install() as staging:
            grace = issuer.token("grace", permissions=["staging:operator"])
            staging.operating_as(await signed_in(staging, grace))
            again = await signed_in(staging, issuer.token("grace"))
            with pytest.raises(Forbidden):  # the token's word lives as long as the token
                staging.operating_as(again)

    asyncio.run(scenario())


def test_a_token_that_is_held_to_scopes_does_and_passes_on_no_more(
    install: Install, issuer: RunningIssuer
) -> None:
    async def scenario() -> None:
        async with install(auth=[issuer.auth(scopes_claim="scope"), "keys:"]) as staging:
            all_of_it = issuer.token("ada", scope="images:write keys:write profile:read")
            ada = staging.acting_as(await signed_in(staging, all_of_it))
            assert (await ada.projects.create("Elm Street")).name == "Elm Street"
            little = issuer.token("ada", scope="images:read keys:write")
            program = staging.acting_as(await signed_in(staging, little))
            assert [each.name for each in await program.projects.page()] == ["Elm Street"]
            with pytest.raises(Forbidden):
                await program.projects.create("Oak Street")
            with pytest.raises(Forbidden):
                await program.keys.create("camera", scopes=["images:write"])
            with pytest.raises(Unauthorized):
                await signed_in(staging, issuer.token("ada", scope="openid"))

    asyncio.run(scenario())


@both
def test_the_owner_of_this_machine_signs_in_beside_an_issuer(
    install: Install, issuer: RunningIssuer
) -> None:
    async def scenario() -> None:
        async with install(auth=["local:", issuer.auth()]) as staging:
            owner = await staging.authenticate(Credentials(loopback=True))
            assert owner is not None
            assert (owner.account_id, owner.role) == ("local", "operator")
            assert (await signed_in(staging, issuer.token())).account_id != "local"

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", FAULTS)
def test_no_wrong_token_makes_a_user_or_is_seen_anywhere(
    install: Install,
    issuer: RunningIssuer,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    token = issuer.token("mallory", fault=fault, email="canary@example.com")

    async def scenario() -> list[str]:
        async with install() as staging:
            told = []
            try:
                assert await staging.authenticate(Credentials(bearer=token)) is None
            except Unauthorized as error:
                told = [str(error), repr(error), error.remedy, str(error.__cause__)]
            assert await staging.operating("tests").users() == []
            return [*told, repr(staging.settings), repr(Credentials(bearer=token))]

    with caplog.at_level(logging.DEBUG):
        told = asyncio.run(scenario())
    seen = "\n".join([*told, caplog.text, *capfd.readouterr()])
    secrets = [part for part in (token, *token.split(".")) if len(part) > 16]
    assert secrets
    assert not [secret for secret in secrets if secret in seen]
    assert "canary@example.com" not in seen


@both
def test_a_good_token_and_a_key_are_seen_nowhere(
    install: Install,
    issuer: RunningIssuer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    token = issuer.token("ada")

    async def scenario() -> list[str]:
        async with install() as staging:
            ada = await signed_in(staging, token)
            me = staging.acting_as(ada)
            key = await me.keys.create("camera")
            ticket = await me.tickets.issue()
            by_key = await signed_in(staging, key.secret)
            await staging.redeem(ticket.token)
            issuer.mode("outage")
            with pytest.raises(SignInUnavailable) as caught:
                await signed_in(staging, issuer.token(fault="unknown_kid"))
            shown = json.dumps([repr(each) for each in (ada, by_key, key, ticket, caught.value)])
            seen = "\n".join([shown, caplog.text, *capfd.readouterr()])
            assert not [each for each in (token, key.secret, ticket.token) if each in seen]
            return [key.secret, ticket.token, *token.split(".")]

    with caplog.at_level(logging.DEBUG):
        secrets = asyncio.run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_the_doctor_looks_at_the_issuer(
    issuer: RunningIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "AUTH": f"{issuer.auth()},keys:",
        "SECRET_KEY": "0" * 16,
        "STAGER": "fake:",
        "PLUGINS": "staging-core",
    }.items():
        monkeypatch.setenv(f"STAGING_{name}", value)

    def looked() -> tuple[bool, str]:
        (check,) = [each for each in asyncio.run(examined()) if each.name == "auth: issuer"]
        return check.ok, check.message

    ok, message = looked()
    assert ok
    assert "publishes 1 usable keys for RS256" in message
    issuer.mode("outage")
    ok, message = looked()
    assert not ok
    assert "503" in message
