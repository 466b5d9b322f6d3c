"""API keys: shown once, kept as hashes, held to their scopes, and over when they are over."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from staging_core import OWNER, Credentials, Principal, Staging
from staging_core.acting import Acting
from staging_core.database import tables
from staging_core.errors import BadInput, Forbidden, NotFound, Unauthorized, ValidationFailed
from staging_core.models import SCOPES, ApiKey
from staging_core.models.scope import grantable_scopes
from staging_core.models.secret_token import KEY_PREFIX, TICKET_PREFIX, is_whole, new_token

from .conftest import Believes, Install, both, signed_in, token

HeldBy = Callable[[str], Credentials]


def bearer(secret: str) -> Credentials:
    return Credentials(bearer=secret)


@pytest.fixture
def install_with_keys(install: Install) -> Install:
    """Installations that know keys, and believe every other token."""
    return lambda **settings: install(auth=["keys:", Believes()], **settings)


async def person(staging: Staging, name: str = "ada", **claims: Any) -> Acting:
    return staging.acting_as(await signed_in(staging, token(name, **claims)))


async def rows(staging: Staging) -> list[dict[str, Any]]:
    async with staging.ports.database.read() as tx:
        return [dict(row) for row in await tx.rows(sa.select(tables.api_keys))]


async def set_columns(staging: Staging, **values: Any) -> None:
    async with staging.ports.database.write() as tx:
        await tx.execute(sa.update(tables.api_keys).values(**values))
    staging.ports.recent.forget()


# --- what a key is --------------------------------------------------------------------------------


@both
def test_a_key_signs_in_as_its_user_held_to_its_scopes(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            made = await ada.keys.create("camera", scopes=["images:read", "events:read"])
            by_key = await signed_in(staging, bearer(made.secret))
            assert by_key.account_id == ada.principal.account_id
            assert by_key.user_id == ada.principal.user_id
            assert by_key.scopes == {"images:read", "events:read"}
            assert await staging.acting_as(by_key).images.page() == []
            with pytest.raises(Forbidden, match="images:write"):
                await staging.acting_as(by_key).images.cancel("any")

    asyncio.run(scenario())


@both
def test_the_key_itself_is_kept_nowhere(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            made = await ada.keys.create("camera")
            (row,) = await rows(staging)
            kept = json.dumps({**row, "scopes": list(row["scopes"])})
            assert made.secret not in kept
            assert made.secret not in repr(made)
            assert made.secret.removeprefix(made.key.prefix) not in kept
            assert made.secret.startswith(made.key.prefix)
            assert len(made.key.prefix) == len(KEY_PREFIX) + 4
            assert re.fullmatch(r"[0-9a-f]{64}", row["digest"])
            (listed,) = await ada.keys.page()
            assert listed == made.key

    asyncio.run(scenario())


@given(st.integers(0, 45), st.sampled_from("0Az-_ é"))
def test_one_wrong_character_is_told_without_asking_anybody(place: int, letter: str) -> None:
    secret = new_token(KEY_PREFIX)
    changed = secret[:place] + letter + secret[place + 1 :]
    assert is_whole(changed, KEY_PREFIX) is (changed == secret)
    assert not is_whole(secret[:-1], KEY_PREFIX)
    assert not is_whole(secret + "0", KEY_PREFIX)
    assert not is_whole(secret, TICKET_PREFIX)


@given(st.text(max_size=60) | st.text(max_size=60).map(KEY_PREFIX.__add__))
def test_what_is_made_up_is_no_key(text: str) -> None:
    assert not is_whole(text, KEY_PREFIX)


def test_keys_are_all_different_and_look_alike() -> None:
    made = {new_token(KEY_PREFIX) for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"sk_stg_[0-9A-Za-z]{38}", secret) for secret in made)


# --- when it is over ------------------------------------------------------------------------------


@both
def test_a_key_that_a_key_has_made_ends_with_it(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            scopes = ["keys:write", "images:read"]
            first = await ada.keys.create("first", scopes=scopes, expires_in_s=3600)
            assert first.key.made_by is None
            by_first = staging.acting_as(await signed_in(staging, bearer(first.secret)))
            second = await by_first.keys.create("second", scopes=scopes)
            assert second.key.expires_at == first.key.expires_at
            assert second.key.made_by == first.key.id
            short = await by_first.keys.create("short", scopes=scopes, expires_in_s=60)
            assert short.key.expires_at is not None
            assert first.key.expires_at is not None
            assert short.key.expires_at < first.key.expires_at
            by_second = staging.acting_as(await signed_in(staging, bearer(second.secret)))
            third = await by_second.keys.create("third", scopes=scopes)
            own = await ada.keys.create("own", scopes=scopes)
            await ada.keys.revoke(first.key.id)
            for made in (first, second, short, third):
                with pytest.raises(Unauthorized, match="was revoked"):
                    await signed_in(staging, bearer(made.secret))
            await signed_in(staging, bearer(own.secret))
            with pytest.raises(Unauthorized):
                await by_second.keys.create("too late", scopes=scopes)
            assert len(await ada.keys.page()) == 5

    asyncio.run(scenario())


@both
def test_a_key_opens_nothing_once_it_is_revoked_or_expired(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            made = await ada.keys.create("camera", expires_in_s=3600)
            assert made.key.expires_at == pytest.approx(made.key.created_at + 3600)
            await signed_in(staging, bearer(made.secret))
            await set_columns(staging, expires_at=made.key.created_at)
            with pytest.raises(Unauthorized, match="has expired"):
                await staging.authenticate(bearer(made.secret))
            await set_columns(staging, expires_at=None)
            await signed_in(staging, bearer(made.secret))
            revoked = await ada.keys.revoke(made.key.id)
            assert revoked.revoked_at is not None
            with pytest.raises(Unauthorized, match="was revoked"):
                await staging.authenticate(bearer(made.secret))
            assert await ada.keys.revoke(made.key.id) == revoked
            assert [key.revoked_at for key in await ada.keys.page()] == [revoked.revoked_at]

    asyncio.run(scenario())


@both
def test_that_a_key_was_used_is_written_once_a_minute(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            made = await ada.keys.create("camera")

            async def used_at() -> float:
                (key,) = await ada.keys.page()
                assert key.last_used_at is not None
                return key.last_used_at

            await signed_in(staging, bearer(made.secret))
            first = await used_at()
            assert first >= made.key.created_at
            for ago_s, written in ((30.0, False), (61.0, True)):
                await set_columns(staging, last_used_at=first - ago_s)
                await signed_in(staging, bearer(made.secret))
                assert (await used_at() > first - ago_s) is written

    asyncio.run(scenario())


def test_a_key_that_is_none_of_ours_is_turned_away(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            for secret in (new_token(KEY_PREFIX), KEY_PREFIX, new_token(KEY_PREFIX)[:-1]):
                with pytest.raises(Unauthorized) as caught:
                    await staging.authenticate(bearer(secret))
                assert secret == KEY_PREFIX or secret not in f"{caught.value} {caught.value.remedy}"

    asyncio.run(scenario())


def test_without_keys_in_auth_a_key_is_nobodys(install: Install) -> None:
    async def scenario() -> None:
        async with install(auth=["local:"], secret_key=None) as staging:
            made = await staging.acting_as(OWNER).keys.create("camera")
            assert await staging.authenticate(bearer(made.secret)) is None

    asyncio.run(scenario())


# --- what it may do -------------------------------------------------------------------------------


@both
def test_a_keys_role_is_the_granted_one_and_not_a_tokens_word(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            grace = await person(staging, "grace", role="operator")
            made = await grace.keys.create("ops", scopes=["installation:operate"])
            by_key = await signed_in(staging, bearer(made.secret))
            assert by_key.role == "member"
            with pytest.raises(Forbidden):
                staging.operating_as(by_key)
            await staging.operating("tests").grant(grace.principal.user_id, "operator")
            staging.operating_as(await signed_in(staging, bearer(made.secret)))
            await staging.operating("tests").grant(grace.principal.user_id, "member")
            with pytest.raises(Forbidden):
                staging.operating_as(await signed_in(staging, bearer(made.secret)))

    asyncio.run(scenario())


@given(
    held=st.sets(st.sampled_from(list(SCOPES)), min_size=1),
    asked=st.sets(st.sampled_from(list(SCOPES)), min_size=1),
)
def test_a_key_never_makes_one_that_may_do_more(held: set[str], asked: set[str]) -> None:
    maker = Principal(account_id="a", scopes=frozenset(held))
    try:
        granted = grantable_scopes(maker, asked)
    except Forbidden:
        assert not all(maker.may(scope) for scope in asked)
    else:
        made = Principal(account_id="a", scopes=granted)
        assert all(maker.may(scope) for scope in SCOPES if made.may(scope))


@both
def test_keys_make_keys_only_within_their_own_scopes(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            maker = await ada.keys.create("maker", scopes=["keys:write", "images:read"])
            by_key = staging.acting_as(await signed_in(staging, bearer(maker.secret)))
            await by_key.keys.create("reader", scopes=["images:read"])
            for more in ("images:write", "account:admin"):
                with pytest.raises(Forbidden, match=more):
                    await by_key.keys.create("more", scopes=["images:read", more])
            reader = await ada.keys.create("reader", scopes=["images:read"])
            by_reader = staging.acting_as(await signed_in(staging, bearer(reader.secret)))
            with pytest.raises(Forbidden, match="keys:write"):
                await by_reader.keys.page()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 256}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"expires_in_s": 0}, "expires_in_s"),
        ({"expires_in_s": -1}, "expires_in_s"),
        ({"expires_in_s": float("nan")}, "expires_in_s"),
        ({"expires_in_s": 1e12}, "expires_in_s"),
        ({"scopes": []}, None),
        ({"scopes": ["everything"]}, None),
    ],
)
def test_a_wrong_wish_is_named_and_makes_nothing(
    install_with_keys: Install, wish: dict[str, Any], wrong: str | None
) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            with pytest.raises(BadInput) as caught:
                await ada.keys.create(**{"name": "camera", **wish})
            if wrong is not None:
                assert isinstance(caught.value, ValidationFailed)
                assert caught.value.fields.keys() == {wrong}
            assert await rows(staging) == []

    asyncio.run(scenario())


# --- whose they are -------------------------------------------------------------------------------


@both
def test_keys_are_their_users_and_an_admins_of_the_account(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging, "ada", account_id="acme")
            bob = await person(staging, "bob", account_id="acme")
            eve = await person(staging, "eve", account_id="other", role="admin")
            admin = await person(staging, "grace", account_id="acme", role="admin")
            key = (await ada.keys.create("camera")).key
            for stranger in (bob, eve):
                assert await stranger.keys.page() == []
                with pytest.raises(NotFound):
                    await stranger.keys.revoke(key.id)
            with pytest.raises(Forbidden, match="admin"):
                await bob.keys.page(everybodys=True)
            assert await eve.keys.page(everybodys=True) == []
            assert await admin.keys.page() == []
            assert await admin.keys.page(everybodys=True) == [key]
            held = Principal(
                account_id="acme",
                user_id=admin.principal.user_id,
                role="admin",
                scopes=frozenset({"keys:write"}),
            )
            with pytest.raises(NotFound):
                await staging.acting_as(held).keys.revoke(key.id)
            with pytest.raises(Forbidden, match="account:admin"):
                await staging.acting_as(held).keys.page(everybodys=True)
            assert (await admin.keys.revoke(key.id)).revoked_at is not None

    asyncio.run(scenario())


@both
def test_keys_are_listed_newest_first_page_by_page(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await person(staging)
            made = [(await ada.keys.create(f"key {n}")).key for n in range(5)]
            seen: list[ApiKey] = []
            before = None
            while page := await ada.keys.page(limit=2, before=before):
                seen += page
                before = page[-1]
            assert sorted(seen, key=lambda key: key.name) == made
            newest = sorted(made, key=lambda key: (key.created_at, key.id), reverse=True)
            assert seen == newest

    asyncio.run(scenario())
