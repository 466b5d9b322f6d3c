"""An installation with a victim, who has something of everything, and one of another account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from staging_core import Principal, Staging
from staging_core.database.engine import Database
from staging_core.models import SCOPES
from staging_core.testing.servers.databases import migrated_file
from staging_embed import StagingApp, staging_app
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
OPERATOR = msgspec.structs.replace(VICTIM, user_id="opal", role="operator")
OTHER = Principal(account_id="account-of-another", user_id="otto", role="admin")


@dataclass
class World:
    """An installation with a victim, and somebody of another account."""

    staging: Staging
    app: StagingApp
    client: httpx.AsyncClient
    victim: Victim

    @property
    def database(self) -> Database:
        """Where its rows are."""
        return self.staging.ports.database

    async def call(self, name: str, token: str | None, **changes: Any) -> httpx.Response:
        """Call a route as its row says. ``whose``: what it names is somebody else's."""
        route, row = ROUTES[name], ROWS[name]
        whose: Victim = changes.get("whose", self.victim)
        path = route.template.format(**row.path(whose))
        headers = dict(row.headers(whose)) | changes.get("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        query = dict(row.query(whose)) | changes.get("query", {})
        sent = {"content": row.content} if row.content else {"json": row.body(whose)}
        if row.content:
            headers.setdefault("Content-Type", "image/png")
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
    """``settings``: those of its database, and others than the usual ones."""
    if "database" not in settings:
        migrated_file(home)
    usual: dict[str, Any] = {
        "stager": "fake:",
        "plugins": (),
        "auth": "keys:",
        "secret_key": "0123456789abcdef",
        "worker": False,
        "webhook_hosts": (NOBODY,),
        "rate_limit_failures": 100_000,
    }
    staging = Staging(home=home, **{**usual, **settings})
    async with staging:
        app = staging_app(staging, include=GROUPS.keys())
        inside = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=inside, base_url="http://localhost") as client:
            found = World(staging, app, client, Victim(VICTIM.account_id))
            await fill(found)
            yield found


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def fill(found: World) -> None:
    """The victim's things, two of each: pages have an end, and a cursor."""
    me, victim = found.staging.acting_as(VICTIM), found.victim
    project = await me.projects.create("Villa Victim", **under("create_project"))
    await me.projects.create("Villa Victim II")
    wish: dict[str, Any] = {"room": "bedroom", "style": "modern", "project_id": project.id}
    wish["prompt"] = "a prompt of the victim"
    await me.images.submit(photo(2), **wish)
    group = await me.images.submit(photo(), **wish, **under("create_image"))
    key = (await me.keys.create("the victim's key", **under("create_key"))).key
    await me.profile.patch({"email": "victim@example.com"})
    victim.project, victim.group, victim.key = project.id, group.id, key.id
    victim.image, victim.object_key = group.images[0].id, group.images[0].original_key
    victim.job = group.images[0].job.id
    upload = await me.uploads.receive(chunks(photo(1)), "a.png", **under("upload_photo"))
    victim.upload, victim.upload_key = upload.id, upload.key
    for keys in ({}, under("create_webhook_endpoint")):
        crm = f"http://{NOBODY}/"
        made = await me.webhooks.create(crm, description="the victim's CRM", **keys)
        victim.endpoint = made.endpoint.id
    for keys in ({}, under("send_test_webhook")):
        victim.delivery = (await me.webhooks.test(victim.endpoint, **keys)).id
    await me.images.cancel(victim.image)
    history = await me.images.history(victim.image)
    victim.position = history[-1].position
    token, operator = await found.key(VICTIM), await found.key(OPERATOR)
    for name, route in SIGNED_IN.items():
        if _is_paged(route):
            who = operator if route.access.who == "operator" else token
            page = await found.call(name, who, query={"limit": "1"})
            assert page.status_code == 200, (name, page.text)
            victim.cursors[name] = page.json()["next_cursor"] or ""


def under(name: str) -> dict[str, str]:
    """The key under which somebody else will call that operation too."""
    return {"idempotency_key": name}


async def own_things(found: World) -> Victim:
    """As much of the other account's as lists are asked with."""
    me, mine = found.staging.acting_as(OTHER), Victim(OTHER.account_id)
    mine.project = (await me.projects.create("mine")).id
    group = await me.images.submit(photo(3), project_id=mine.project)
    mine.group, mine.image = group.id, group.images[0].id
    mine.endpoint = (await me.webhooks.create(f"http://{NOBODY}/mine")).endpoint.id
    return mine


def _is_paged(route: Route) -> bool:
    return route.query is not None and "cursor" in route.query.__struct_fields__


def is_refused(answer: httpx.Response, *statuses: int) -> bool:
    kind = answer.headers.get("content-type")
    return answer.status_code in statuses and kind == "application/problem+json"
