"""Clients of event streams that are cut off all the time, and a server that stops and is killed.

A deployment as in production: an API process, a worker, PostgreSQL, Redis. Clients follow an
account, a project or one image of it, and resume with ``Last-Event-ID``. In the end every one has
been told every event of its scope since it began, in order, once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from staging_core import Acting, Group, Principal, Staging
from staging_core.models import JobEvent
from staging_core.testing.fake_photo import small_photo
from staging_core.testing.servers.databases import Databases

from .deployment import Api, Deployment, Worker, deployed
from .stream_client import StreamClient

WITHIN_S = 60.0
ACCOUNTS = ("elm", "oak")


@dataclass(frozen=True)
class Form:
    """``cut_s``: how long a connection lives. Jobs end at a rate for ``for_s`` seconds.

    Half of them are there before anybody follows, the others are submitted meanwhile.
    """

    clients: int
    cut_s: float
    for_s: float
    jobs_a_second: float

    @property
    def stager(self) -> str:
        """Four places in the worker, each as slow as it takes for the rate."""
        return f"fake:?in_flight=4&delay_ms={4000 / self.jobs_a_second:.0f}"

    @property
    def half(self) -> int:
        """Of the jobs."""
        return round(self.for_s * self.jobs_a_second / 2)


@dataclass(frozen=True)
class Account:
    """Whose events are followed: with a key, in a project, of images that nobody works on yet."""

    id: str
    token: str
    project_id: str
    groups: list[Group]

    def scopes(self) -> Iterator[Mapping[str, str]]:
        """What clients follow, in turn: everything, the project, an image, without end."""
        while True:
            for group in self.groups:
                yield {}
                yield {"project_id": self.project_id}
                yield {"image_id": group.images[0].id}


def covered(events: Sequence[JobEvent], account: Account, client: StreamClient) -> list[JobEvent]:
    """Those of the account's events that the client has to be told."""
    assert client.begin is not None
    project_of = {group.images[0].id: group.images[0].project_id for group in account.groups}
    return [
        event
        for event in events
        if event.position > client.begin
        and client.query.get("image_id") in (None, event.image_id)
        and client.query.get("project_id") in (None, project_of[event.image_id])
    ]


class Run:
    """One run of a form."""

    def __init__(self, deployment: Deployment, staging: Staging, form: Form) -> None:
        self._deployment = deployment
        self._staging = staging
        self._form = form
        self._number = 0

    async def run(self, processes: ExitStack) -> tuple[list[Account], list[list[StreamClient]]]:
        """Clients of each account, when all are level with the event log."""
        api = await asyncio.to_thread(Api, self._deployment)
        processes.callback(api.kill)
        accounts = [await self._account(name) for name in ACCOUNTS]
        clients = [self._clients(account) for account in accounts]
        dice = random.Random(20_261_128)  # noqa: S311 - repeatable
        async with asyncio.TaskGroup() as following:
            tasks = [
                following.create_task(client.follow(api.port, dice, cut_s=self._form.cut_s))
                for each in clients
                for client in each
            ]
            await until(lambda: all(client.begin is not None for of in clients for client in of))
            worker = Worker(self._deployment)
            processes.callback(worker.kill)
            submitting = asyncio.create_task(self._submit_all(accounts))
            await self._stop_and_kill(api)
            await submitting
            for account, of_it in zip(accounts, clients, strict=True):
                await self._until_level(account, of_it)
            for task in tasks:
                task.cancel()
        await asyncio.to_thread(api.stop)
        await asyncio.to_thread(worker.stop)
        return accounts, clients

    async def events(self, account: Account) -> list[JobEvent]:
        """The account's whole event log."""
        found: list[JobEvent] = []
        while True:
            after = found[-1].position if found else 0
            page = await self._me(account.id).read_events(after=after)
            if not page.events:
                return found
            found += page.events

    def _me(self, name: str) -> Acting:
        return self._staging.acting_as(Principal(account_id=name, user_id=name))

    async def _account(self, name: str) -> Account:
        me = self._me(name)
        key = await me.keys.create("pages")
        project = await me.projects.create("12 Elm Street")
        account = Account(name, key.secret, project.id, [])
        for _ in range(self._form.half // len(ACCOUNTS)):
            await self._submit(account)
        return account

    def _clients(self, account: Account) -> list[StreamClient]:
        scopes = account.scopes()
        count = self._form.clients // len(ACCOUNTS)
        return [StreamClient(account.token, next(scopes)) for _ in range(count)]

    async def _submit_all(self, accounts: list[Account]) -> None:
        for number in range(self._form.half):
            await self._submit(accounts[number % len(accounts)])
            await asyncio.sleep(self._form.for_s / self._form.half)

    async def _submit(self, account: Account) -> None:
        """Every other one in the project."""
        self._number += 1
        project_id = account.project_id if self._number % 2 else None
        group = await self._me(account.id).images.submit(
            small_photo(self._number), room="bedroom", style="modern", project_id=project_id
        )
        account.groups.append(group)

    async def _stop_and_kill(self, api: Api) -> None:
        """In the middle of it a restart as in an upgrade, then one as after a crash."""
        for end in (api.stop, api.kill):
            await asyncio.sleep(self._form.for_s / 4)
            await asyncio.to_thread(end)
            await asyncio.to_thread(api.start)

    async def _until_level(self, account: Account, clients: list[StreamClient]) -> None:
        for group in account.groups:
            await self._me(account.id).wait(group)
        events = await self.events(account)
        ends = [(client, told_as(covered(events, account, client)[-1])) for client in clients]
        await until(lambda: all(client.told[-1:] == [end] for client, end in ends))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110 - clients have no event for it
            await asyncio.sleep(0.1)


def told_as(event: JobEvent) -> tuple[int, str, int]:
    return event.position, event.image_id, event.seq


def check(postgresql: Databases, home: Path, form: Form) -> None:
    async def scenario(deployment: Deployment) -> None:
        with ExitStack() as processes:
            async with deployment.client() as staging:
                run = Run(deployment, staging, form)
                accounts, clients = await run.run(processes)
                for account, of_it in zip(accounts, clients, strict=True):
                    check_account(account, of_it, await run.events(account))

    with deployed(postgresql, home, stager=form.stager) as deployment:
        asyncio.run(scenario(deployment))


def check_account(account: Account, clients: list[StreamClient], events: list[JobEvent]) -> None:
    assert len(events) >= 5 * len(account.groups)
    for client in clients:
        assert client.told == [told_as(event) for event in covered(events, account, client)]
        assert client.connections > 2
        assert client.refused == []
    # Whoever was connected when the server was told to stop was told when to come back.
    assert sum(client.hints for client in clients) >= len(clients) // 2


def test_sixty_clients_cut_off_every_second(postgresql: Databases, tmp_path: Path) -> None:
    check(postgresql, tmp_path, Form(clients=60, cut_s=1.0, for_s=6.0, jobs_a_second=4.0))


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_five_hundred_clients_cut_off_every_three_seconds(
    postgresql: Databases, tmp_path: Path
) -> None:
    check(postgresql, tmp_path, Form(clients=500, cut_s=3.0, for_s=60.0, jobs_a_second=3.0))
