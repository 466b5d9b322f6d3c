"""A person gets a user and an account at first sight, once, and the issuer's word is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from staging_core import Credentials, Principal, Staging
from staging_core.database import users
from staging_core.database.tables import accounts
from staging_core.errors import BadInput, Forbidden, NotFound, StagingError, Unauthorized
from staging_core.models import ROLES, Identity, User, highest
from staging_core.sign_in import PERSONAL, personal_account

from .conftest import Believes, Install, both, in_the_process, signed_in, token


async def all_users(staging: Staging) -> list[User]:
    return await staging.operating("tests").users(limit=1000)


async def all_accounts(staging: Staging) -> list[str]:
    async with staging.ports.database.read() as tx:
        return [row["id"] for row in await tx.rows(sa.select(accounts.c.id))]


@both
def test_a_first_sign_in_makes_a_user_and_an_account_of_their_own(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token("ada"))
            assert ada.account_id.startswith(PERSONAL)
            assert ada.user_id
            assert ada.role == "member"
            assert await signed_in(staging, token("ada")) == ada
            assert await staging.acting_as(ada).images.page() == []
        async with install() as staging:
            assert await signed_in(staging, token("ada")) == ada
            assert [user.id for user in await all_users(staging)] == [ada.user_id]
            assert await all_accounts(staging) == [ada.account_id]

    asyncio.run(scenario())


@both
@pytest.mark.parametrize("calls", [4, 40])
def test_first_calls_at_one_moment_make_one_user(install: Install, calls: int) -> None:
    async def scenario() -> None:
        async with install() as one, install() as another:
            found = await asyncio.gather(
                *(signed_in((one, another)[n % 2], token("ada", email="a@x")) for n in range(calls))
            )
            assert len({principal.user_id for principal in found}) == 1
            assert len(await all_users(one)) == len(await all_accounts(one)) == 1

    asyncio.run(scenario())


@both
def test_two_people_never_share_an_account_unless_it_is_named(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            people = [
                token("ada"),
                token("bob"),
                token("ada", issuer="https://other.example"),
                token("ada", account_id="acme"),
                token("bob", account_id="acme"),
            ]
            found = [await signed_in(staging, person) for person in people]
            assert len({principal.user_id for principal in found}) == 5
            assert len({principal.account_id for principal in found}) == 4
            assert found[3].account_id == found[4].account_id == "acme"
            assert [await signed_in(staging, person) for person in people] == found

    asyncio.run(scenario())


@both
def test_what_the_issuer_says_is_kept_up_to_date_and_what_the_user_wrote_stays(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token(email="ada@old.example", full_name="Ada L."))
            me = staging.acting_as(ada)
            told = await me.profile.get()
            assert (told.email, told.full_name) == ("ada@old.example", "Ada L.")
            await signed_in(staging, token(email="ada@new.example"))
            told = await me.profile.patch({"full_name": "Countess of Lovelace"})
            assert (told.email, told.full_name) == ("ada@new.example", "Countess of Lovelace")
            await signed_in(staging, token(email="ada@new.example", full_name="Ada L."))
            assert (await me.profile.get()).full_name == "Countess of Lovelace"
            await signed_in(staging, token(full_name="Ada King"))
            told = await me.profile.get()
            assert (told.email, told.full_name) == ("ada@new.example", "Ada King")

    asyncio.run(scenario())


@both
def test_that_a_user_is_still_there_is_written_once_a_minute(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token())

            async def seen() -> float:
                (user,) = await all_users(staging)
                return user.last_seen_at

            for ago_s, written in ((30.0, False), (61.0, True)):
                async with staging.ports.database.write() as tx:
                    before = tx.now - ago_s
                    await users.change(tx, ada.account_id, ada.user_id, last_seen_at=before)
                staging.ports.recent.forget()
                await signed_in(staging, token())
                assert (await seen() > before) is written

    asyncio.run(scenario())


@both
def test_a_role_is_the_higher_of_the_tokens_and_the_granted_one(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token())
            operating = staging.operating("tests")
            granted = await operating.grant(ada.user_id, "admin")
            assert (granted.id, granted.role) == (ada.user_id, "admin")
            for said, role in (("member", "admin"), ("admin", "admin"), ("operator", "operator")):
                assert (await signed_in(staging, token(role=said))).role == role
            assert [user.role for user in await all_users(staging)] == ["admin"]
            assert (await operating.grant(ada.user_id, "member")).role == "member"
            assert (await signed_in(staging, token())).role == "member"
            assert (await signed_in(staging, token(role="operator"))).role == "operator"

    asyncio.run(scenario())


def test_who_granted_what_to_whom_is_in_the_log(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> str:
        async with install() as staging:
            ada = await signed_in(staging, token())
            with caplog.at_level(logging.INFO, "staging_core"):
                await staging.operating("Grace").grant(ada.user_id, "operator")
            return ada.user_id

    user_id = asyncio.run(scenario())
    assert f"user {user_id}" in caplog.text
    assert "operator, was member, by Grace" in caplog.text


def test_a_role_is_granted_to_a_user_that_is_there_and_is_the_only_one(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            operating = staging.operating("tests")
            with pytest.raises(NotFound, match="nobody"):
                await operating.grant("nobody", "admin")
            for account_id in ("one", "two"):
                await staging.acting_as(
                    Principal(account_id=account_id, user_id="eve")
                ).profile.get()
            with pytest.raises(BadInput, match="Several accounts"):
                await operating.grant("eve", "admin")
            await operating.grant("eve", "admin", account_id="two")
            roles = {user.account_id: user.role for user in await all_users(staging)}
            assert roles == {"one": "member", "two": "admin"}

    asyncio.run(scenario())


def test_only_an_operator_operates(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for role in ("member", "admin"):
                with pytest.raises(Forbidden, match="operator"):
                    staging.operating_as(await signed_in(staging, token(role=role)))
            grace = await signed_in(staging, token(role="operator"))
            assert staging.operating_as(grace).operator == grace.user_id

    asyncio.run(scenario())


# --- what an authenticator may not say ------------------------------------------------------------


@pytest.mark.parametrize(
    "credentials",
    [
        token(""),
        token("ada", issuer=""),
        token("ada\0"),
        token("ada\nroot"),
        token("a" * 256),
        token("ada", issuer="https://" + "x" * 600),
        token("ada", account_id="with space"),
        token("ada", account_id="ä"),
        token("ada", account_id="a" * 256),
        token("ada", account_id=personal_account(Identity(issuer="i", subject="bob"))),
    ],
)
def test_an_identity_that_cannot_be_kept_or_names_somebodys_own_account_is_turned_away(
    install: Install, credentials: Credentials
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises(Unauthorized):
                await staging.authenticate(credentials)
            assert await all_users(staging) == []
            assert await all_accounts(staging) == []

    asyncio.run(scenario())


def test_a_name_that_cannot_be_kept_is_left_out(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token(email="a" * 400, full_name="Ada\0Lovelace"))
            told = await staging.acting_as(ada).profile.get()
            assert (told.email, told.full_name) == (None, None)

    asyncio.run(scenario())


@asynccontextmanager
async def opened(home: Path, database: dict[str, Any]) -> AsyncIterator[Staging]:
    settings: dict[str, Any] = {
        "auth": [Believes()],
        "secret_key": "0" * 16,
        "stager": "fake:",
        "plugins": (),
    }
    async with Staging(home=home, worker=False, **settings, **database) as staging:
        yield staging


texts = st.text(max_size=300) | st.text(st.characters(codec="utf-8"), max_size=5)


@both
def test_whatever_an_authenticator_says_gives_a_user_or_is_turned_away(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    with asyncio.Runner() as runner:
        entered = opened(tmp_path, database)
        staging = runner.run(entered.__aenter__())
        accounts_of: dict[str, tuple[str, str]] = {}

        @given(texts, texts, texts | st.none(), texts | st.none(), st.just("") | texts)
        def law(
            issuer: str, subject: str, email: str | None, full_name: str | None, account: str
        ) -> None:
            said = {"email": email, "full_name": full_name, "account_id": account}
            try:
                found = runner.run(staging.authenticate(token(subject, issuer=issuer, **said)))
            except Unauthorized:
                return
            assert found is not None
            me = staging.acting_as(found)
            assert runner.run(me.profile.get()).id == found.user_id
            if account:
                assert found.account_id == account
            else:
                person = (issuer, subject)
                assert accounts_of.setdefault(found.account_id, person) == person

        try:
            law()
        finally:
            runner.run(entered.__aexit__(None, None, None))


# --- without an identity --------------------------------------------------------------------------


def test_a_hosts_own_principal_passes_as_it_is(install: Install) -> None:
    mine = Principal(
        account_id="acme", user_id="7", role="admin", scopes=frozenset({"images:read"})
    )

    class Host:
        async def authenticate(self, credentials: Credentials) -> Principal | None:
            return mine

    async def scenario() -> None:
        async with install(auth=[Host()]) as staging:
            assert await staging.authenticate(Credentials()) == mine
            assert await all_users(staging) == []

    asyncio.run(scenario())


@in_the_process
def test_an_identity_does_not_act_before_it_has_a_user(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises(BadInput, match="account"):
                staging.acting_as(Principal(account_id=""))
        with pytest.raises(StagingError, match="not open"):
            await staging.authenticate(token())

    asyncio.run(scenario())


def test_roles_are_in_order() -> None:
    member, admin, operator = (Principal(account_id="a", role=role) for role in ROLES)
    assert operator.has_role("admin")
    assert admin.has_role("member")
    assert not admin.has_role("operator")
    assert not member.has_role("admin")
    assert highest("admin", "member", "operator") == "operator"


@both
def test_a_person_looks_after_an_account_of_their_own(install: Install) -> None:
    async def scenario() -> None:
        async with install(webhook_hosts=("http://127.0.0.1:9",)) as staging:
            principal = await signed_in(staging, token("ada"))
            assert principal.role == "member"
            ada = staging.acting_as(principal)
            made = await ada.webhooks.create("http://127.0.0.1:9/webhooks")
            assert [each.id for each in await ada.webhooks.page()] == [made.endpoint.id]
            shared = staging.acting_as(await signed_in(staging, token("bob", account_id="agency")))
            with pytest.raises(Forbidden):
                await shared.webhooks.page()

    asyncio.run(scenario())
