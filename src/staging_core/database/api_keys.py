"""API keys: their hashes, whose they are, and what they may do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import ApiKey

from .engine import Transaction
from .row import Row
from .tables import api_keys, users

USED_EVERY_S = 60.0
"""How often it is written down that a key was used."""

_COLUMNS = [api_keys.c[name] for name in ApiKey.__struct_fields__]


async def add(tx: Transaction, **values: Any) -> None:
    """Keep a key."""
    await tx.execute(sa.insert(api_keys).values(created_at=tx.now, **values))


async def by_digest(tx: Transaction, digest: str) -> Row | None:
    """The key with that hash, whoever's it is, and its user's ``role``."""
    user = sa.and_(users.c.account_id == api_keys.c.account_id, users.c.id == api_keys.c.user_id)
    query = sa.select(api_keys, users.c.role).join(users, user)
    return await tx.row(query.where(api_keys.c.digest == digest))


async def used(tx: Transaction, key_id: str) -> None:
    """The key was used just now."""
    await tx.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=tx.now))


async def get(tx: Transaction, account_id: str, key_id: str, *, user_id: str | None) -> ApiKey:
    """The account's key, with ``user_id`` only when it is that user's; ``NotFound``."""
    row = await tx.row(_of(account_id, user_id).where(api_keys.c.id == key_id))
    if row is None:
        raise NotFound(f"There is no API key {key_id}.")
    return as_api_key(row)


async def page(
    tx: Transaction,
    account_id: str,
    *,
    user_id: str | None,
    before: tuple[float, str] | None,
    limit: int,
) -> list[ApiKey]:
    """The account's keys, or those of one user of it, newest first."""
    return await _newest(tx, _of(account_id, user_id), before, limit)


async def search(
    tx: Transaction,
    *,
    key_id: str | None = None,
    account_id: str | None = None,
    user_id: str | None = None,
    before: tuple[float, str] | None = None,
    limit: int,
) -> list[ApiKey]:
    """Keys of any account for which all that is given holds, newest first."""
    equal = {
        api_keys.c.id: key_id,
        api_keys.c.account_id: account_id,
        api_keys.c.user_id: user_id,
    }
    query = sa.select(*_COLUMNS).where(
        *(column == value for column, value in equal.items() if value is not None)
    )
    return await _newest(tx, query, before, limit)


async def _newest(
    tx: Transaction, query: sa.Select[Any], before: tuple[float, str] | None, limit: int
) -> list[ApiKey]:
    newest = query.order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc()).limit(limit)
    if before is not None:
        newest = newest.where(sa.tuple_(api_keys.c.created_at, api_keys.c.id) < sa.tuple_(*before))
    return [as_api_key(row) for row in await tx.rows(newest)]


async def hold(tx: Transaction, account_id: str, key_id: str) -> ApiKey | None:
    """The key, which stays as it is until this transaction ends; None when it opens nothing."""
    row = await tx.row(_of(account_id, None).where(api_keys.c.id == key_id).with_for_update())
    if row is None or row["revoked_at"] is not None:
        return None
    expires_at = row["expires_at"]
    return as_api_key(row) if expires_at is None or expires_at > tx.now else None


async def open_among(tx: Transaction, key_ids: Collection[str]) -> set[str]:
    """Those of the keys, whoever's they are, that are there and neither revoked nor expired."""
    query = _opening(tx.now).where(api_keys.c.id.in_(list(key_ids)))
    return {row["id"] for row in await tx.rows(query)}


async def any_opens(tx: Transaction) -> bool:
    """Whether anybody has a key that is neither revoked nor expired."""
    return await tx.row(_opening(tx.now).limit(1)) is not None


def _opening(now: float) -> sa.Select[Any]:
    return sa.select(api_keys.c.id).where(
        api_keys.c.revoked_at.is_(None),
        api_keys.c.expires_at.is_(None) | (api_keys.c.expires_at > now),
    )


async def made_with(tx: Transaction, account_id: str, key_id: str) -> list[ApiKey]:
    """The keys that were made with that one, or with one of those, and are not revoked."""
    found: dict[str, ApiKey] = {}
    makers = [key_id]
    while makers:
        rows = await tx.rows(_of(account_id, None).where(api_keys.c.made_by.in_(makers)))
        made = [as_api_key(row) for row in rows if row["id"] not in found]
        found |= {key.id: key for key in made}
        makers = [key.id for key in made]
    return [key for key in found.values() if key.revoked_at is None]


async def revoke(tx: Transaction, account_id: str, key_id: str) -> None:
    """The key opens nothing from now on; the first revocation counts."""
    await tx.execute(
        sa.update(api_keys)
        .where(
            api_keys.c.account_id == account_id,
            api_keys.c.id == key_id,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=tx.now)
    )


def as_api_key(row: Row) -> ApiKey:
    """The row as its user sees it."""
    values = {name: row[name] for name in ApiKey.__struct_fields__}
    return ApiKey(**{**values, "scopes": tuple(row["scopes"])})


def _of(account_id: str, user_id: str | None) -> sa.Select[Any]:
    query = sa.select(*_COLUMNS).where(api_keys.c.account_id == account_id)
    return query if user_id is None else query.where(api_keys.c.user_id == user_id)
