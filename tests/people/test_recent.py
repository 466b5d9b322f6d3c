"""A burst of calls looks a user up once, and no change is overlooked for more than a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from staging_core import Credentials, Staging
from staging_core.errors import Unauthorized
from staging_core.recent import KEPT_S, Recent
from staging_core.testing import FakeClock

from .conftest import Believes, Install, both, signed_in, token


@pytest.fixture
def install_with_keys(install: Install) -> Install:
    return lambda **settings: install(auth=["keys:", Believes()], **settings)


def counted(staging: Staging) -> Callable[[], int]:
    """How many statements the database was asked since."""
    asked: list[str] = []
    engine = staging.ports.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    return lambda: len(asked)


@both
def test_a_burst_of_calls_asks_the_database_once(install_with_keys: Install) -> None:
    async def scenario() -> None:
        async with install_with_keys() as staging:
            ada = await signed_in(staging, token())
            made = await staging.acting_as(ada).keys.create("camera")
            for credentials in (token(), Credentials(bearer=made.secret)):
                await signed_in(staging, credentials)
                statements = counted(staging)
                assert len({await signed_in(staging, credentials) for _ in range(20)}) == 1
                assert statements() == 0
                staging.ports.recent.forget()
                await signed_in(staging, credentials)
                assert statements() > 0

    asyncio.run(scenario())


@both
def test_another_process_notices_a_revocation_and_a_role_within_a_second(
    install_with_keys: Install,
) -> None:
    async def scenario() -> None:
        async with install_with_keys() as here, install_with_keys() as there:
            clock = FakeClock()
            there.ports.recent._clock = clock
            ada = await signed_in(here, token())
            made = await here.acting_as(ada).keys.create("camera")
            by_key = Credentials(bearer=made.secret)
            await signed_in(there, by_key)
            await signed_in(there, token())
            await here.acting_as(ada).keys.revoke(made.key.id)
            await here.operating("tests").grant(ada.user_id, "admin")
            with pytest.raises(Unauthorized, match="revoked"):
                await here.authenticate(by_key)
            assert (await signed_in(here, token())).role == "admin"
            clock.advance(KEPT_S)
            with pytest.raises(Unauthorized, match="revoked"):
                await there.authenticate(by_key)
            assert (await signed_in(there, token())).role == "admin"

    asyncio.run(scenario())


def test_what_the_issuer_says_anew_is_heard_at_once(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for said in ({"email": "a@old.example"}, {"email": "a@new.example"}):
                ada = await signed_in(staging, token(**said))
                assert (await staging.acting_as(ada).profile.get()).email == said["email"]
            assert (await signed_in(staging, token(role="operator"))).role == "operator"
            assert (await signed_in(staging, token())).role == "member"

    asyncio.run(scenario())


@given(st.lists(st.sampled_from(["keep", "change", "pass"]), max_size=30))
def test_what_was_looked_up_before_a_change_is_never_given_after_it(deeds: list[str]) -> None:
    clock = FakeClock()
    recent, truth = Recent(clock), 0
    looked_up = (recent.changes, truth)
    for deed in deeds:
        if deed == "keep":
            recent.keep("key", looked_up[1], changes=looked_up[0])
            looked_up = (recent.changes, truth)
        elif deed == "change":
            truth += 1
            recent.forget()
        else:
            clock.advance(0.6)
        assert recent.get("key") in (None, truth)


def test_it_does_not_grow_for_ever() -> None:
    recent = Recent(FakeClock())
    for n in range(25_000):
        recent.keep(n, n, changes=0)
    assert len(recent._kept) <= 10_000
    assert recent.get(24_999) == 24_999
