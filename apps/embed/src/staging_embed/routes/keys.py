"""API keys, with which programs sign in as the user who made them."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.errors import AlreadyCreated
from staging_core.models import SCOPES, ApiKey
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.fields import Before, Cursor, Limit
from staging_embed.paging import new_page
from staging_embed.routing import Routes
from staging_embed.times import rfc3339, rfc3339_or_none

keys = Routes("keys")
_keys = member("keys:write")


# The library says whether it is one.
Scope = Annotated[str, Meta(extra_json_schema={"enum": sorted(SCOPES)})]


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that is wanted. `expires_in`: seconds until it opens nothing; without it, never.

    `scopes`: all that it may do; by default what a program needs that has photos furnished.
    """

    name: Annotated[str, Meta(examples=["listing import"])]
    scopes: Annotated[list[Scope], Meta(extra_json_schema={"minItems": 1})] | None = None
    expires_in: Annotated[float, Meta(gt=0)] | None = None


class KeyAnswer(Struct, frozen=True, kw_only=True):
    """A key without its secret. `prefix`: how it begins. `last_used_at`: to the minute.

    `made_by`: the key that it was made with; it ends when that one ends.
    """

    id: str
    name: str
    prefix: str
    user_id: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    made_by: str | None


class NewKeyAnswer(KeyAnswer, frozen=True, kw_only=True):
    """A key that was just made; `secret` is told this once."""

    secret: str


class KeyList(Struct, frozen=True, kw_only=True):
    """Keys, newest first, also those that open nothing any more."""

    keys: list[KeyAnswer]
    next_cursor: str | None


class KeyPage(Struct, frozen=True, kw_only=True):
    """Which keys."""

    everybodys: Annotated[
        bool, Meta(description="All of the account, for admins; otherwise one's own.")
    ] = False
    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


@keys.post("/api-keys", _keys, status=201, creates=True, errors=(AlreadyCreated,))
async def create_key(call: Call, body: NewKey) -> NewKeyAnswer:
    """Make an API key, which is shown this once; made with a key, it ends with that one.

    A repeat under the same `Idempotency-Key` is refused, since its secret is not told again.
    """
    wanted: dict[str, Any] = {} if body.scopes is None else {"scopes": body.scopes}
    made = await call.me.keys.create(
        body.name, expires_in_s=body.expires_in, idempotency_key=call.idempotency_key, **wanted
    )
    return NewKeyAnswer(secret=made.secret, **_values(made.key))


@keys.get("/api-keys", _keys)
async def list_keys(call: Call, query: KeyPage) -> KeyList:
    """API keys, newest first."""
    scope = f"keys {query.everybodys} {call.principal.user_id}"
    before = call.before(scope, query)
    rows, more = await new_page(
        lambda limit: call.me.keys.page(everybodys=query.everybodys, limit=limit, before=before),
        query.limit,
    )
    return KeyList(
        keys=[KeyAnswer(**_values(row)) for row in rows],
        next_cursor=call.next(scope, rows[-1].place if more else None),
    )


@keys.delete("/api-keys/{key_id}", _keys, status=200)
async def revoke_key(call: Call) -> KeyAnswer:
    """Revoke a key: it opens nothing from now on, nor do those that were made with it."""
    return KeyAnswer(**_values(await call.me.keys.revoke(call.id("key_id"))))


def _values(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "user_id": key.user_id,
        "scopes": list(key.scopes),
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339_or_none(key.expires_at),
        "revoked_at": rfc3339_or_none(key.revoked_at),
        "last_used_at": rfc3339_or_none(key.last_used_at),
        "made_by": key.made_by,
    }
