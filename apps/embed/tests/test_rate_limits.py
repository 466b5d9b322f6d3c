"""How often somebody may ask: by key, by user, by address."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from staging_core import Credentials, Principal
from staging_core.errors import RateLimited

from .house import API, OWN, as_other, as_own, by_token, house


def test_too_many_requests_of_one_are_turned_away_and_others_go_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_requests=2) as (_, client):
            first = await client.get(f"{API}/me", headers=as_own())
            assert first.headers["ratelimit-limit"] == "2"
            assert first.headers["ratelimit-remaining"] == "1"
            await client.get(f"{API}/me", headers=as_own())
            third = await client.get(f"{API}/me", headers=as_own())
            assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
            assert 1 <= int(third.headers["retry-after"]) <= 60
            assert third.headers["ratelimit-remaining"] == "0"
            other = {"Authorization": "Bearer token-of-other"}
            assert (await client.get(f"{API}/me", headers=other)).status_code == 200
            assert (await client.get("/health")).status_code == 200

    asyncio.run(scenario())


def test_one_key_that_runs_away_leaves_the_others_and_their_users_pages_some(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        settings = {"auth": "keys:", "secret_key": "0123456789abcdef", "rate_limit_requests": 5}
        async with house(tmp_path, app={"principal": None}, **settings) as (staging, client):
            me = staging.acting_as(OWN)
            first, second = [
                {"Authorization": f"Bearer {(await me.keys.create(name)).secret}"}
                for name in ("first", "second")
            ]
            told = [await client.get(f"{API}/me", headers=first) for _ in range(9)]
            assert [answer.status_code for answer in told] == [200] * 4 + [429] * 5
            assert told[0].headers["ratelimit-limit"] == "4"
            assert told[0].headers["ratelimit-remaining"] == "3"
            # What the first one was refused is not counted for its user.
            answer = await client.get(f"{API}/me", headers=second)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-limit"] == "5"
            assert answer.headers["ratelimit-remaining"] == "0"
            assert (await client.get(f"{API}/me", headers=second)).status_code == 429

    asyncio.run(scenario())


def test_what_creates_is_counted_twice_and_told_by_the_tighter_limit(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = {"rate_limit_requests": 3, "rate_limit_creates": 1}
        async with house(tmp_path, **settings) as (_, client):
            made, refused = [
                await client.post(f"{API}/projects", json={"name": "p"}, headers=as_own())
                for _ in range(2)
            ]
            assert (made.status_code, made.headers["ratelimit-limit"]) == (201, "1")
            assert (refused.status_code, refused.headers["ratelimit-limit"]) == (429, "1")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            answer = await client.get(f"{API}/me", headers=as_own())
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "0")

    asyncio.run(scenario())


def test_an_address_that_asks_too_often_is_turned_away_whoever_asks_but_for_probes(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_address=3) as (_, client):
            paths = (f"{API}/me", f"{API}/projects", f"{API}/objects/x", f"{API}/objects/x")
            tokens = (as_own(), as_other(), {}, {})
            told = [
                await client.get(path, headers=headers)
                for path, headers in zip(paths, tokens, strict=True)
            ]
            assert [answer.status_code for answer in told] == [200, 200, 403, 429]
            assert told[3].json()["code"] == "rate_limited"
            assert told[3].headers["ratelimit-limit"] == "3"
            assert 1 <= int(told[3].headers["retry-after"]) <= 60
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/ready")).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix:", False),
    ],
)
def test_addresses_that_one_subscriber_has_are_one(
    tmp_path: Path, one: str, another: str, are_one: bool
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_address=1) as (staging, _):
            await staging.rates.arrived(one)
            refused = pytest.raises(RateLimited) if are_one else nullcontext()
            with refused:
                await staging.rates.arrived(another)

    asyncio.run(scenario())


class Counting:
    """A host's sign-in that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def __call__(self, credentials: Credentials) -> Principal | None:
        self.asked.append(credentials.bearer)
        return by_token(credentials)


def test_of_an_address_that_fails_too_often_what_is_wrong_is_hardly_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        seen, began = Counting(), time.monotonic()
        app = {"principal": seen}
        async with house(tmp_path, app=app, rate_limit_failures=2) as (_, client):
            told = [
                await client.get(f"{API}/me", headers={"Authorization": f"Bearer wrong-{number}"})
                for number in range(100)
            ]
            assert [answer.status_code for answer in told] == [401, 401, *[429] * 98]
            assert told[-1].json()["code"] == "rate_limited"
            assert 1 <= int(told[-1].headers["retry-after"]) <= 60
            seconds = time.monotonic() - began
            assert len(seen.asked) <= 3 + 1 + seconds  # one a second, once it is locked

    asyncio.run(scenario())


def test_who_shares_an_address_with_one_who_fails_too_often_is_let_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        seen = Counting()
        async with house(tmp_path, app={"principal": seen}, rate_limit_failures=2) as (_, client):
            assert (await client.get(f"{API}/me", headers=as_own())).status_code == 200
            wrong = {"Authorization": "Bearer wrong"}
            for _ in range(5):
                await client.get(f"{API}/me", headers=wrong)
            assert seen.asked.count("wrong") == 3  # then it is known, and costs others no try
            for _ in range(20):
                assert (await client.get(f"{API}/me", headers=as_own())).status_code == 200
            # One who was not seen before is let in too: at once, or a second later.
            async with asyncio.timeout(20):
                told = 429
                while told != 200:
                    await asyncio.sleep(0.1)
                    told = (await client.get(f"{API}/me", headers=as_other())).status_code
            signed_address = await client.get(f"{API}/objects/x")
            assert signed_address.status_code == 403  # nobody signs in there

    asyncio.run(scenario())
