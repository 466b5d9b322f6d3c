"""Who may reach what: every route by everybody who must not, from the table of routes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from staging_core import Principal
from staging_core.models import SCOPES
from staging_core.testing.issuer import Issuer, running_issuer
from staging_embed.routing import Route

from .access_rows import ROUTES, ROWS, SIGNED_IN
from .access_world import VICTIM, is_refused, world

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def test_every_route_has_a_row() -> None:
    assert ROWS.keys() == ROUTES.keys()


@both
def test_nobody_reaches_anything(tmp_path: Path, database: dict[str, Any]) -> None:
    """Without a token, with one that is none, that has expired, or that was revoked."""

    async def scenario(issuer: Issuer, auth: str) -> None:
        async with world(tmp_path, auth=("keys:", auth), **database) as found:
            expired = await found.key(VICTIM, expires_in_s=0.001)
            revoked = await found.staging.acting_as(VICTIM).keys.create("k", scopes=SCOPES)
            await found.staging.acting_as(VICTIM).keys.revoke(revoked.key.id)
            assert (await found.call("get_me", issuer.token(VICTIM.user_id))).is_success
            late = issuer.token(VICTIM.user_id, fault="expired")
            tokens = [None, "x", "sk_stg_" + "0" * 40, expired, revoked.secret, late]
            wrong = []
            for name in SIGNED_IN:
                for token in tokens:
                    answer = await found.call(name, token)
                    if not is_refused(answer, 401) or found.told(answer):
                        wrong.append((name, token and token[:8], answer.status_code))
            assert not wrong

    with running_issuer() as running:
        assert running.issuer is not None
        asyncio.run(scenario(running.issuer, running.auth()))


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


def test_routes_that_anyone_may_call_are_few_and_say_why() -> None:
    names = {name for name, route in ROUTES.items() if route.access.who == "anyone"}
    assert names == {
        "put_object",
        "post_object",
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
