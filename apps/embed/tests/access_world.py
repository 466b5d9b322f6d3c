"""An installation with a victim, who has something of everything, and one of another account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from staging_core import Principal, Staging
from staging_core.database.engine import Database
from staging_core.models import SCOPES
from staging_core.testing.servers.databases import migrated_file
from staging_embed import staging_app
from staging_embed.routes import GROUPS
from staging_embed.routing import Route

from .access_rows import NOBODY, ROUTES, ROWS, SIGNED_IN, Victim
from .house import photo

SECRETS = (
    "Villa Victim",
    "a prompt of the victim",
    "the victim's key",
    "victim@example.com",
    "the victim's CRM",
)
VICTIM = Principal(account_id="account-of-the-victim", user_id="vera", role="admin")
OTHER = Principal(account_id="account-of-another", user_id="otto", role="admin")


@dataclass
class World:
    """An installation with a victim, and somebody of another account."""

    staging: Staging
    client: httpx.AsyncClient
    victim: Victim

    @property
    def database(self) -> Database:
        """Where its rows are."""
        return self.staging.ports.database

    async def call(self, name: str, token: str | None, **changes: Any) -> httpx.Response:
        """Call a route as its row says."""
        route, row = ROUTES[name], ROWS[name]
        path = route.template.format(**row.path(self.victim))
        headers = dict(row.headers(self.victim)) | changes.get("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        query = dict(row.query(self.victim)) | changes.get("query", {})
        sent = {"content": row.content} if row.content else {"json": row.body(self.victim)}
        if row.content:
            headers["Content-Type"] = "image/png"
        return await self.client.request(route.method, path, params=query, headers=headers, **sent)

    async def key(self, principal: Principal, **wish: Any) -> str:
        """A fresh API key of somebody."""
        wish = {"scopes": sorted(SCOPES), **wish}
        made = await self.staging.acting_as(principal).keys.create("k", **wish)
        # A key has the role that was granted here, whatever its maker had when they made it.
        operating = self.staging.operating("the tests")
        await operating.grant(principal.user_id, principal.role, account_id=principal.account_id)
        return made.secret

    def told(self, answer: httpx.Response) -> list[str]:
        """What of the victim stands in an answer, but for the ids that were sent."""
        sent = str(answer.request.url) + answer.request.content.decode("latin-1")
        secrets = [*SECRETS, self.victim.account_id, self.victim.key, self.victim.group]
        secrets += [self.victim.project, self.victim.image, self.victim.upload]
        secrets += [self.victim.object_key, self.victim.job, self.victim.upload_key]
        secrets += [self.victim.endpoint, self.victim.delivery]
        shown = answer.text + str(answer.headers)
        return [secret for secret in secrets if secret and secret in shown and secret not in sent]


@asynccontextmanager
async def world(home: Path, **settings: Any) -> AsyncIterator[World]:
    """``settings``: those of its database."""
    if "database" not in settings:
        migrated_file(home)
    staging = Staging(
        home=home,
        stager="fake:",
        plugins=(),
        auth="keys:",
        secret_key="0123456789abcdef",  # noqa: S106
        worker=False,
        webhook_hosts=(NOBODY,),
        rate_limit_failures=100_000,
        **settings,
    )
    async with staging:
        app = staging_app(staging, include=GROUPS.keys())
        inside = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=inside, base_url="http://localhost") as client:
            found = World(staging, client, Victim(VICTIM.account_id))
            await fill(found)
            yield found


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def fill(found: World) -> None:
    """The victim's things."""
    me, victim = found.staging.acting_as(VICTIM), found.victim
    project = await me.projects.create("Villa Victim")
    await me.projects.create("Villa Victim II")
    group = await me.images.submit(
        photo(),
        room="bedroom",
        style="modern",
        prompt="a prompt of the victim",
        project_id=project.id,
    )
    key = (await me.keys.create("the victim's key")).key
    await me.profile.patch({"email": "victim@example.com"})
    victim.project, victim.group, victim.key = project.id, group.id, key.id
    victim.image, victim.object_key = group.images[0].id, group.images[0].original_key
    victim.job = group.images[0].job.id
    upload = await me.uploads.receive(chunks(photo(1)), "a.png")
    victim.upload, victim.upload_key = upload.id, upload.key
    for _ in range(2):
        made = await me.webhooks.create(f"http://{NOBODY}/", description="the victim's CRM")
        victim.endpoint = made.endpoint.id
    for _ in range(2):
        victim.delivery = (await me.webhooks.test(victim.endpoint)).id
    token = await found.key(VICTIM)
    for name, route in SIGNED_IN.items():
        if _is_paged(route) and route.access.who != "operator":
            page = await found.call(name, token, query={"limit": "1"})
            assert page.status_code == 200, (name, page.text)
            victim.cursors[name] = page.json()["next_cursor"] or ""
    await found.staging.acting_as(VICTIM).images.cancel(victim.image)
    history = await me.images.history(victim.image)
    victim.position = history[-1].position


def _is_paged(route: Route) -> bool:
    return route.query is not None and "cursor" in route.query.__struct_fields__


def is_refused(answer: httpx.Response, *statuses: int) -> bool:
    kind = answer.headers.get("content-type")
    return answer.status_code in statuses and kind == "application/problem+json"
