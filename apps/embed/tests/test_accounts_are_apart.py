"""Nothing leads from one account to another: not where the repository forgets accounts, either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Principal
from staging_core.database.engine import Database

from .access_rows import ROUTES, ROWS
from .access_world import OTHER, VICTIM, World, is_refused, own_things, world
from .forgetful import forgetful, seeing_all
from .house import API

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
each_way = pytest.mark.parametrize(
    ("database", "repository"),
    [("sqlite", nullcontext), ("postgresql", nullcontext), ("postgresql", forgetful)],
    indirect=["database"],
    ids=["sqlite", "postgresql", "postgresql, where the repository forgets accounts"],
)
Repository = Callable[[Database], AbstractContextManager[None]]
ELSEWHERE = Principal(account_id="house", user_id="olga", role="operator")
# Plans are free here, so that nobody's ledger has entries.
UNPAGED = {"list_ledger"}
READING = [name for name, route in ROUTES.items() if route.method == "GET" and not route.live]


async def reached(found: World, token: str, names: Iterable[str] = ROWS) -> dict[str, Any]:
    """Those of the routes that do or tell what they must not, for somebody of another account."""
    wrong = {}
    for name in names:
        row, answer = ROWS[name], await found.call(name, token, headers=_victims(found, name))
        allowed = answer.is_success if row.own else is_refused(answer, 404, 422, 401, 403)
        if row.some:
            allowed = answer.status_code == 207 and answer.json()["success"] == 0
        if row.unpaid:
            allowed = is_refused(answer, 503)
        if name == "receive_replicate_webhook":
            allowed = is_refused(answer, 401)
        if not allowed or found.told(answer) or "idempotent-replayed" in answer.headers:
            wrong[name] = (answer.status_code, answer.text[:200], found.told(answer))
    return wrong


def _victims(found: World, name: str) -> dict[str, str]:
    """What the victim has called it with, and was told."""
    return {"Idempotency-Key": name, "Last-Event-ID": str(found.victim.position)}


@each_way
def test_another_account_reaches_nothing_of_the_victims(
    tmp_path: Path, database: dict[str, Any], repository: Repository
) -> None:
    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            token = await found.key(OTHER)
            with repository(found.database):
                assert not await reached(found, token)
            me = found.staging.acting_as(VICTIM)
            assert (await me.projects.get(found.victim.project)).name == "Villa Victim"
            assert (await me.images.get(found.victim.image)).job.state == "cancelled"
            assert [key.revoked_at for key in await me.keys.page() if key.id == found.victim.key]

    asyncio.run(scenario())


@both
def test_where_the_repository_forgets_accounts_and_no_policy_holds_everything_is_told(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    """So nothing but PostgreSQL keeps accounts apart where the repository forgets them."""

    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            token = await found.key(OTHER)
            with forgetful(found.database), seeing_all(found.database):
                told = await reached(found, token, READING)
            by_id = {name for name in READING if ROUTES[name].access.who in ("member", "admin")}
            by_id = {name for name in by_id if not ROWS[name].own and not ROWS[name].unpaid}
            # The key of an upload itself says whose it is.
            assert told.keys() >= by_id - {"find_upload"} | {"list_projects", "list_jobs"}

    asyncio.run(scenario())


@each_way
def test_a_cursor_or_an_event_id_of_the_victims_opens_nothing(
    tmp_path: Path, database: dict[str, Any], repository: Repository
) -> None:
    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            token, mine = await found.key(OTHER), await own_things(found)
            operator = await found.key(ELSEWHERE)
            assert {name for name, cursor in found.victim.cursors.items() if not cursor} == UNPAGED
            with repository(found.database):
                for name, cursor in found.victim.cursors.items():
                    who = operator if ROUTES[name].access.who == "operator" else token
                    query = {"cursor": cursor or "x"}
                    for whose, statuses in ((mine, (422,)), (found.victim, (404, 422))):
                        answer = await found.call(name, who, whose=whose, query=query)
                        assert is_refused(answer, *statuses), (name, answer.text)
                        assert not found.told(answer)
                seen = []
                other = found.staging.acting_as(OTHER)
                _, standing = await other.follow(lambda: None, after=0)
                follower, _ = await other.follow(lambda: None, after=found.victim.position)
                seen = [*standing, *await follower.take()]
                assert {each.image_id for each in seen} <= {mine.image}

    asyncio.run(scenario())


@each_way
def test_a_stream_that_goes_on_from_the_victims_events_tells_none_of_them(
    tmp_path: Path, database: dict[str, Any], repository: Repository
) -> None:
    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            token, victims = await found.key(OTHER), await found.key(VICTIM)
            found.app.end_streams()  # each tells what there is, and ends

            async def stream(token: str, last: int, query: dict[str, str]) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(last)}
                return await found.client.get(f"{API}/events", params=query, headers=headers)

            told = await stream(victims, 0, {})
            assert found.victim.image in told.text
            victim = found.victim
            foreign = {"image": victim.image, "group": victim.group, "project": victim.project}
            with repository(found.database):
                for last in (0, victim.position - 1, victim.position):
                    answer = await stream(token, last, {})
                    assert answer.is_success
                    assert "event: connected" in answer.text
                    assert "job_update" not in answer.text
                    assert not found.told(answer)
                    for name, which in foreign.items():
                        answer = await stream(token, last, {f"{name}_id": which})
                        assert is_refused(answer, 404), (name, answer.text)

    asyncio.run(scenario())


@each_way
def test_nobody_stages_what_another_has_uploaded(
    tmp_path: Path, database: dict[str, Any], repository: Repository
) -> None:
    """Not by its id, its key, its address; nor into another's project."""

    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            token = await found.key(OTHER)
            with repository(found.database):
                headers = {"Authorization": f"Bearer {token}"}
                mine = (await found.call("create_project", token)).json()["id"]
                victim = found.victim
                photos = [
                    {"upload_id": victim.upload},
                    {"original_url": victim.object_key},
                    {"original_url": f"http://localhost{API}/objects/{victim.object_key}"},
                ]
                own = (await found.call("upload_photo", token)).json()["id"]
                orders = [({"project_id": mine, **each}, 422) for each in photos]
                orders.append(({"project_id": victim.project, "upload_id": own}, 404))
                for body, status in orders:
                    answer = await found.client.post(f"{API}/images", json=body, headers=headers)
                    assert is_refused(answer, status), (body, answer.text)
                    assert not found.told(answer)

    asyncio.run(scenario())


def test_a_ticket_opens_one_stream_once_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with world(tmp_path) as found:
            token = await found.key(OTHER)
            ticket = (await found.call("create_event_ticket", token)).json()["ticket"]
            for path in ("/me", "/projects"):
                answer = await found.client.get(f"{API}{path}", params={"ticket": ticket})
                assert is_refused(answer, 401)
            bearer = {"Authorization": f"Bearer {ticket}"}
            assert is_refused(await found.client.get(f"{API}/me", headers=bearer), 401)
            # It opens a stream of its own account only, and is used up by that.
            for status in (404, 401):
                answer = await found.call("follow_events", None, query={"ticket": ticket})
                assert is_refused(answer, status)

    asyncio.run(scenario())
