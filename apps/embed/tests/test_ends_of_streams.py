"""Whoever was let in need not be let in for ever: streams end when what opened them does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from staging_core import OWNER, Principal, Staging, admission, live
from staging_core.acting import Acting
from staging_core.errors import Unauthorized
from staging_core.testing.issuer import running_issuer
from staging_embed import staging_app
from staging_embed.app import StagingApp

from .house import API, by_token, listening, photo
from .sse import Message, following

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.1)


@dataclass(frozen=True)
class House:
    """Two processes' installations on one database: what one does, streams of the other notice."""

    me: Acting
    elsewhere: Staging
    app: StagingApp
    url: str

    @property
    def acting_elsewhere(self) -> Acting:
        return self.elsewhere.acting_as(self.me.principal)

    async def key(self, **chosen: Any) -> tuple[str, dict[str, str]]:
        """The id of a new key that may follow, and it as headers."""
        made = await self.me.keys.create("follows", scopes=["events:read"], **chosen)
        return made.key.id, {"Authorization": f"Bearer {made.secret}"}

    async def asked_again(self, headers: dict[str, str], **query: str) -> tuple[int, str]:
        """What a new attempt gets; a key that was let in a moment ago is let in for a second."""
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.timeout(20):
            while True:
                answer = await client.get(f"{API}/events", params=query, headers=headers)
                if answer.status_code != 200:
                    return answer.status_code, answer.json()["code"]


@asynccontextmanager
async def house(
    home: Path, me: Principal = OWNER, *, signs_in: bool = True, **settings: Any
) -> AsyncIterator[House]:
    usual: dict[str, Any] = {"home": home, "worker": False, "stager": "fake:", "plugins": ()}
    usual |= {"auth": "keys:", "secret_key": "0" * 16, **settings}
    async with Staging(**usual) as staging, Staging(**usual) as elsewhere:
        app = staging_app(staging, principal=None if signs_in else by_token)
        async with listening(app) as url:
            yield House(staging.acting_as(me), elsewhere, app, url)


async def rest_of(stream: AsyncIterator[Message]) -> list[str]:
    """The kinds of what comes until the stream ends."""
    async with asyncio.timeout(20):
        return [message.event async for message in stream]


@both
def test_the_stream_of_a_key_that_another_process_revokes_ends_and_tells_nothing_more(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as at:
            (revoked, by_revoked), (_, by_other) = await at.key(), await at.key()
            async with following(at.url, by_revoked) as ends, following(at.url, by_other) as stays:
                assert [(await anext(each)).event for each in (ends, stays)] == ["connected"] * 2
                await at.acting_elsewhere.keys.revoke(revoked)
                assert await rest_of(ends) == ["retry"]
                await at.me.images.submit(photo(), room="bedroom", style="modern")
                assert (await anext(stays)).event == "job_update"
            assert await at.asked_again(by_revoked) == (401, "unauthorized")

    asyncio.run(scenario())


@both
def test_the_stream_of_a_key_ends_when_the_key_expires(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as at:
            _, headers = await at.key(expires_in_s=1.5)
            async with following(at.url, headers) as stream:
                assert await rest_of(stream) == ["connected", "retry"]
            assert await at.asked_again(headers) == (401, "unauthorized")

    asyncio.run(scenario())


def test_the_stream_of_a_token_ends_when_the_token_does_however_often_it_was_shown(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        with running_issuer() as issuer:
            auth = issuer.auth(leeway_s="0", account_claim="org")
            async with house(tmp_path, auth=auth) as at:
                lasting, ending = (
                    {"Authorization": f"Bearer {issuer.token('ada', org='a', exp=exp)}"}
                    for exp in (int(time.time()) + 600, int(time.time()) + 3)
                )
                async with following(at.url, lasting) as stays, following(at.url, ending) as ends:
                    assert await rest_of(ends) == ["connected", "retry"]
                    assert (await anext(stays)).event == "connected"
                    assert len(at.app.service.streams.open) == 1
                assert await at.asked_again(ending) == (401, "unauthorized")

    asyncio.run(scenario())


Undo = Callable[[House, str], Awaitable[object]]


async def close_account(at: House, _: str) -> None:
    await at.acting_elsewhere.account.delete(confirm=at.me.principal.account_id)


async def delete_project(at: House, project_id: str) -> None:
    await at.acting_elsewhere.projects.delete(project_id)


@both
@pytest.mark.parametrize(
    ("undo", "answer"),
    [(close_account, (403, "account_closing")), (delete_project, (404, "not_found"))],
)
def test_a_stream_ends_with_the_account_or_the_project_that_it_follows(
    tmp_path: Path, database: dict[str, Any], undo: Undo, answer: tuple[int, str]
) -> None:
    async def scenario() -> None:
        own = Principal(account_id="own", user_id="anna", role="admin")
        async with house(tmp_path, own, signs_in=False, **database) as at:
            headers = {"Authorization": "Bearer token-of-own"}
            project = await at.me.projects.create("Elm Street 7")
            async with following(at.url, headers, project_id=project.id) as stream:
                assert (await anext(stream)).event == "connected"
                await undo(at, project.id)
                assert await rest_of(stream) == ["retry"]
            assert await at.asked_again(headers, project_id=project.id) == answer

    asyncio.run(scenario())


@both
@pytest.mark.parametrize("what", ["image_id", "group_id"])
def test_a_stream_ends_with_the_image_or_the_last_image_of_the_group_that_it_follows(
    tmp_path: Path, database: dict[str, Any], what: str
) -> None:
    async def scenario() -> None:
        own = Principal(account_id="own", user_id="anna")
        async with house(tmp_path, own, signs_in=False, **database) as at:
            headers = {"Authorization": "Bearer token-of-own"}
            group = await at.me.images.submit(photo(), room="bedroom", style="modern", variants=2)
            first, second = [image.id for image in group.images]
            followed = {what: {"image_id": first, "group_id": group.id}[what]}
            async with following(at.url, headers, **followed) as stream:
                assert (await anext(stream)).event == "connected"
                await at.acting_elsewhere.images.delete(second)
                await at.acting_elsewhere.images.delete(first)
                assert (await rest_of(stream))[-1] == "retry"
            assert await at.asked_again(headers, **followed) == (404, "not_found")

    asyncio.run(scenario())


@both
def test_an_account_that_is_still_to_come_is_followed_until_it_is_there(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        own = Principal(account_id="own", user_id="anna")
        async with house(tmp_path, own, signs_in=False, **database) as at:
            headers = {"Authorization": "Bearer token-of-own"}
            async with following(at.url, headers) as stream:
                assert (await anext(stream)).event == "connected"
                with checks() as looked:
                    while len(looked) < 2:  # noqa: ASYNC110 - it looks in its time
                        await asyncio.sleep(0.05)
                await at.acting_elsewhere.images.submit(photo(), room="bedroom", style="modern")
                async with asyncio.timeout(20):
                    assert (await anext(stream)).event == "job_update"

    asyncio.run(scenario())


@both
def test_the_stream_of_a_ticket_ends_with_the_key_that_the_ticket_was_made_with(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as at:
            key_id, headers = await at.key()
            async with httpx.AsyncClient(base_url=at.url, headers=headers) as client:
                first, second = [
                    (await client.post(f"{API}/events/tickets")).json()["ticket"] for _ in range(2)
                ]
            async with following(at.url, {}, ticket=first) as stream:
                assert (await anext(stream)).event == "connected"
                await at.acting_elsewhere.keys.revoke(key_id)
                assert await rest_of(stream) == ["retry"]
            assert await at.asked_again({}, ticket=second) == (401, "unauthorized")

    asyncio.run(scenario())


@contextmanager
def checks() -> Iterator[list[float]]:
    """When those who follow were looked up again."""
    looked: list[float] = []
    real = admission.admitted

    async def noted(*args: Any, **more: Any) -> Any:
        found = await real(*args, **more)
        looked.append(time.monotonic())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "admitted", noted)
        yield looked


@both
def test_looking_up_three_hundred_streams_takes_three_statements(
    tmp_path: Path, database: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECK_S", 3600.0)

    async def scenario() -> None:
        async with Staging(
            home=tmp_path, worker=False, stager="fake:", plugins=(), **database
        ) as staging:
            me = staging.acting_as(OWNER)
            projects = [(await me.projects.create(f"House {n}")).id for n in range(3)]
            followers = [
                await staging.acting_as(Principal(account_id=account, key_id=f"key-{n}")).follow(
                    lambda: None, project_id=project
                )
                for n in range(100)
                for account, project in ((OWNER.account_id, each) for each in projects)
            ]
            found = staging._live
            assert found is not None
            with statements(staging) as asked:
                await found._check_some(list(found._accounts))
            tables = ("staging_accounts", "staging_api_keys", "staging_projects")
            plain = [" ".join(each.split()) for each in asked]
            assert [sum(f"FROM {name} " in each for each in plain) for name in tables] == [1, 1, 1]
            for follower, _ in followers:
                with pytest.raises(Unauthorized):  # there are no such keys
                    await follower.take()
                follower.close()

    asyncio.run(scenario())


@contextmanager
def statements(staging: Staging) -> Iterator[list[str]]:
    """What the database is asked within the block."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    engine = staging.ports.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_the_stream_of_a_hosts_session_ends_when_the_host_says_that_it_does(tmp_path: Path) -> None:
    async def scenario() -> None:
        ends = Principal(account_id="own", user_id="anna", expires_at=time.time() + 1.5)
        async with (
            Staging(home=tmp_path, worker=False, stager="fake:", plugins=()) as staging,
            listening(staging_app(staging, principal=lambda _: ends)) as url,
            following(url, {}) as stream,
        ):
            assert await rest_of(stream) == ["connected", "retry"]

    asyncio.run(scenario())
