"""Who may reach what: every route by everybody who must not, from the table of routes.

A route that is new has to get a row in ``ROWS``: how it is called with what is another account's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Principal, Staging
from staging_core.database.engine import Database
from staging_core.models import SCOPES
from staging_embed import staging_app
from staging_embed.routes import GROUPS
from staging_embed.routing import Route

from .forgetful import forgetful, seeing_all
from .house import API, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
each_way = pytest.mark.parametrize(
    ("database", "repository"),
    [("sqlite", nullcontext), ("postgresql", nullcontext), ("postgresql", forgetful)],
    indirect=["database"],
    ids=["sqlite", "postgresql", "postgresql, where the repository forgets accounts"],
)
Repository = Callable[[Database], AbstractContextManager[None]]
ROUTES = {route.operation_id: route for routes in GROUPS.values() for route in routes.all}
SIGNED_IN = {name: route for name, route in ROUTES.items() if route.access.who != "anyone"}
READING = [name for name, route in ROUTES.items() if route.method == "GET" and not route.live]
SECRETS = (
    "Villa Victim",
    "a prompt of the victim",
    "the victim's key",
    "victim@example.com",
    "the victim's CRM",
)


@dataclass
class Victim:
    """What there is of somebody. ``cursors``: of its lists, by operation."""

    account_id: str
    project: str = ""
    image: str = ""
    group: str = ""
    job: str = ""
    key: str = ""
    upload: str = ""
    upload_key: str = ""
    object_key: str = ""
    endpoint: str = ""
    delivery: str = ""
    position: int = 0
    cursors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """How a route is called with what is the victim's.

    ``own``: it names nothing of anybody. ``some``: what is refused is told one by one. ``unpaid``:
    it needs a payment provider, and there is none.
    """

    path: Callable[[Victim], dict[str, str]] = lambda _: {}
    query: Callable[[Victim], dict[str, str]] = lambda _: {}
    headers: Callable[[Victim], dict[str, str]] = lambda _: {}
    body: Callable[[Victim], Any] = lambda _: None
    content: bytes | None = None
    own: bool = False
    some: bool = False
    unpaid: bool = False


def of(**names: str) -> Callable[[Victim], dict[str, str]]:
    """Parts of a path, each from a field of the victim's."""
    return lambda victim: {name: getattr(victim, attribute) for name, attribute in names.items()}


PROJECT, IMAGE = Row(path=of(project_id="project")), Row(path=of(image_id="image"))
JOB = Row(path=of(job_id="job"))
ENDPOINT = Row(path=of(endpoint_id="endpoint"))
DELIVERY = Row(path=of(endpoint_id="endpoint", delivery_id="delivery"))
NAMED = {"name": "mine"}
NOBODY = "127.0.0.1:9"


def order(victim: Victim) -> dict[str, str]:
    """An image of the victim's photo in the victim's project."""
    return {"project_id": victim.project, "upload_id": victim.upload}


OWN = Row(own=True)
# Nobody can pay here yet; whoever may ask is told so.
PAID = Row(body=lambda _: {"price_id": "p", "paymentMethodId": "m"}, unpaid=True)
# No account's, and for operators only.
OPERATORS, MODEL = Row(), Row(path=lambda _: {"model_id": "fake"})

ROWS: dict[str, Row] = {
    "create_project": Row(body=lambda _: NAMED, own=True),
    "list_projects": OWN,
    "get_project": PROJECT,
    "rename_project": Row(path=of(project_id="project"), body=lambda _: NAMED),
    "delete_project": PROJECT,
    "list_project_images": PROJECT,
    "list_project_images_grouped": PROJECT,
    "list_project_originals": PROJECT,
    "get_project_archive": PROJECT,
    "get_project_cost": PROJECT,
    "presign_upload": Row(
        body=lambda _: {"filename": "a.jpg", "content_type": "image/jpeg", "file_size": 5}, own=True
    ),
    "upload_photo": Row(query=lambda _: {"filename": "a.png"}, content=photo(), own=True),
    "upload_from_url": Row(body=lambda _: {"url": "https://127.0.0.1/a.jpg"}),
    "find_upload": Row(query=of(address="upload_key")),
    "get_upload": Row(path=of(upload_id="upload")),
    "complete_upload": Row(path=of(upload_id="upload")),
    "create_image": Row(body=order),
    "create_images": Row(body=lambda victim: {"images": [order(victim)]}, some=True),
    "presign_picture": IMAGE,
    "look_at_picture": Row(path=lambda victim: {"image_id": victim.image, "kind": "original"}),
    "get_picture": Row(path=lambda victim: {"image_id": victim.image, "kind": "original"}),
    "put_object": Row(path=of(key="object_key"), content=b"x"),
    "get_object": Row(path=of(key="object_key")),
    "list_images": Row(query=of(project_id="project")),
    "get_image": IMAGE,
    "delete_image": IMAGE,
    "list_image_events": IMAGE,
    "cancel_image": IMAGE,
    "retry_image": IMAGE,
    "get_group": Row(path=of(group_id="group")),
    "list_jobs": OWN,
    "get_job": JOB,
    "list_job_attempts": JOB,
    "list_job_events": JOB,
    "cancel_job": JOB,
    "create_event_ticket": OWN,
    "list_events": Row(query=of(group_id="group")),
    "follow_events": Row(query=of(image_id="image")),
    "get_catalog": OWN,
    "get_me": OWN,
    "get_profile": OWN,
    "change_profile": Row(body=lambda _: {"phone": "1"}, own=True),
    "create_key": Row(body=lambda _: {"name": "mine", "scopes": ["images:read"]}, own=True),
    "list_keys": OWN,
    "revoke_key": Row(path=of(key_id="key")),
    "create_webhook_endpoint": Row(body=lambda _: {"url": f"http://{NOBODY}/mine"}, own=True),
    "list_webhook_endpoints": OWN,
    "get_webhook_endpoint": ENDPOINT,
    "change_webhook_endpoint": Row(
        path=of(endpoint_id="endpoint"), body=lambda _: {"enabled": False}
    ),
    "delete_webhook_endpoint": ENDPOINT,
    "rotate_webhook_secret": Row(path=of(endpoint_id="endpoint"), body=lambda _: {"overlap": 0}),
    "send_test_webhook": ENDPOINT,
    "list_webhook_deliveries": ENDPOINT,
    "get_webhook_delivery": DELIVERY,
    "redeliver_webhook": DELIVERY,
    "export_account": OWN,
    "delete_account": Row(query=of(confirm="account_id")),
    "get_usage": OWN,
    "list_subscriptions": OWN,
    "list_invoices": OWN,
    "create_checkout": PAID,
    "create_billing_portal": PAID,
    "create_subscription_elements": PAID,
    "list_payment_methods": PAID,
    "set_default_payment_method": PAID,
    "remove_payment_method": PAID,
    "upgrade_subscription": PAID,
    "cancel_subscription": PAID,
    "receive_stripe_webhook": PAID,
    "list_admin_models": OPERATORS,
    "get_active_model": OPERATORS,
    "activate_model": Row(body=lambda _: {"value": "fake"}),
    "get_model_config": MODEL,
    "configure_model": Row(path=lambda _: {"model_id": "fake"}, body=lambda _: {}),
    "get_model_config_schema": MODEL,
    "list_settings": OPERATORS,
    "get_setting": Row(path=lambda _: {"key": "max_queued"}),
    "change_setting": Row(path=lambda _: {"key": "max_queued"}, body=lambda _: {"value": 9}),
    "list_audit_log": OPERATORS,
    "list_admin_jobs": OPERATORS,
    "requeue_job": Row(path=of(job_id="job")),
    "cancel_admin_job": Row(path=of(job_id="job")),
    "reconcile_images": Row(body=lambda _: {"dry_run": False}),
    "get_statistics": OPERATORS,
    "receive_callback": Row(path=lambda _: {"attempt_id": "0" * 32}),
    "receive_replicate_webhook": OWN,
    "get_health": OWN,
    "get_readiness": OWN,
    "get_openapi_document": OWN,
    "get_documentation": OWN,
    "get_documentation_asset": Row(path=lambda _: {"name": "start.js"}, own=True),
}


def test_every_route_has_a_row() -> None:
    assert ROWS.keys() == ROUTES.keys()


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


VICTIM = Principal(account_id="account-of-the-victim", user_id="vera", role="admin")
OTHER = Principal(account_id="account-of-another", user_id="otto", role="admin")


@asynccontextmanager
async def world(home: Path, **settings: Any) -> AsyncIterator[World]:
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


@both
def test_nobody_reaches_anything(tmp_path: Path, database: dict[str, Any]) -> None:
    """Without a token, with one that is none, that has expired, or that was revoked."""

    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            expired = await found.key(VICTIM, expires_in_s=0.001)
            revoked = await found.staging.acting_as(VICTIM).keys.create("k", scopes=SCOPES)
            await found.staging.acting_as(VICTIM).keys.revoke(revoked.key.id)
            tokens = [None, "x", "sk_stg_" + "0" * 40, expired, revoked.secret]
            wrong = []
            for name in SIGNED_IN:
                for token in tokens:
                    answer = await found.call(name, token)
                    if not is_refused(answer, 401) or found.told(answer):
                        wrong.append((name, token and token[:8], answer.status_code))
            assert not wrong

    asyncio.run(scenario())


async def reached(found: World, token: str, names: Iterable[str] = ROWS) -> dict[str, Any]:
    """Those of the routes that do or tell what they must not, for somebody of another account."""
    wrong = {}
    for name in names:
        row, answer = ROWS[name], await found.call(name, token)
        allowed = answer.is_success if row.own else is_refused(answer, 404, 422, 401, 403)
        if row.some:
            allowed = answer.status_code == 207 and answer.json()["success"] == 0
        if row.unpaid:
            allowed = is_refused(answer, 503)
        if name == "receive_replicate_webhook":
            allowed = is_refused(answer, 401)
        if not allowed or found.told(answer):
            wrong[name] = (answer.status_code, answer.text[:200], found.told(answer))
    return wrong


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
            token = await found.key(OTHER)
            with repository(found.database):
                assert any(found.victim.cursors.values())
                for name, cursor in found.victim.cursors.items():
                    if cursor and ROWS[name].own:
                        answer = await found.call(name, token, query={"cursor": cursor})
                        assert is_refused(answer, 422), name
                        assert not found.told(answer)
                seen = []
                other = found.staging.acting_as(OTHER)
                _, standing = await other.follow(lambda: None, after=0)
                follower, _ = await other.follow(lambda: None, after=found.victim.position)
                seen = [*standing, *await follower.take()]
                assert seen == []

    asyncio.run(scenario())


@both
def test_a_key_without_the_scope_reaches_nothing(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            wrong = []
            for name, route in SIGNED_IN.items():
                scope = route.access.scope
                if not scope:
                    continue
                writing = re.sub(":read$", ":write", scope)
                token = await found.key(VICTIM, scopes=sorted(SCOPES.keys() - {scope, writing}))
                answer = await found.call(name, token)
                if not is_refused(answer, 403) or found.told(answer):
                    wrong.append((name, answer.status_code))
            assert not wrong

    asyncio.run(scenario())


@both
def test_who_has_not_the_role_reaches_nothing(tmp_path: Path, database: dict[str, Any]) -> None:
    """Members on routes of admins, and admins on those of operators."""

    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            below = {"admin": "member", "operator": "admin"}
            for name, route in SIGNED_IN.items():
                if route.access.who in below:
                    role: Any = below[route.access.who]
                    token = await found.key(Principal(account_id="low", user_id=role, role=role))
                    await found.staging.operating("root").grant(role, role)
                    answer = await found.call(name, token)
                    assert is_refused(answer, 403), name
            token = await found.key(Principal(account_id="low", user_id="m"))
            answer = await found.call("list_keys", token, query={"everybodys": "true"})
            assert is_refused(answer, 403)

    asyncio.run(scenario())


@both
def test_an_operator_reaches_operators_routes_unless_the_key_lacks_the_scope(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with world(tmp_path, **database) as found:
            olga = Principal(account_id="house", user_id="olga", role="operator")
            token = await found.key(olga)
            await found.staging.operating("root").grant("olga", "operator")
            low = await found.key(olga, scopes=sorted(SCOPES.keys() - {"installation:operate"}))
            for name, route in SIGNED_IN.items():
                if route.access.who == "operator":
                    assert is_refused(await found.call(name, low), 403), name
                    answer = await found.call(name, token)
                    # The victim's job has ended, so nobody can end it or make it anew.
                    assert answer.is_success or is_refused(answer, 409), (name, answer.text)

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


def test_routes_that_anyone_may_call_are_few_and_say_why() -> None:
    names = {name for name, route in ROUTES.items() if route.access.who == "anyone"}
    assert names == {
        "put_object",
        "get_object",
        "receive_stripe_webhook",
        "receive_callback",
        "receive_replicate_webhook",
        "get_health",
        "get_readiness",
        "get_openapi_document",
        "get_documentation",
        "get_documentation_asset",
    }


def test_only_declared_scopes_and_roles_stand_in_routes() -> None:
    routes: list[Route] = [*SIGNED_IN.values()]
    for route in routes:
        writing = re.sub(":read$", ":write", route.access.scope)
        assert {route.access.scope, writing} & {"", *SCOPES}, route.operation_id
