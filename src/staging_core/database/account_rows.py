"""Everything that is an account's, whatever it is: read for an export, deleted with the account.

Goes by the tables themselves, so that a new one is neither forgotten here nor there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import accounts, audit_log, files, images, metadata, outbox, tickets

SECRET = "secret"  # noqa: S105 - the name of a mark
"""A column whose ``info`` has this mark is never exported."""

_NOT_EXPORTED = frozenset({tickets.name, outbox.name})
"""What is a secret as a whole, or only the engine's note to itself."""


def tables() -> Iterator[sa.Table]:
    """Those with rows of accounts, what hangs on others first, the accounts themselves last.

    Not the audit log, which outlives the accounts.
    """
    for table in reversed(metadata.sorted_tables):
        if "account_id" in table.c and table is not audit_log:
            yield table
    yield accounts


def exported() -> Iterator[sa.Table]:
    """Tables of an export, in a reader's order."""
    for table in reversed(list(tables())):
        if table.name not in _NOT_EXPORTED:
            yield table


async def page(
    tx: Transaction, table: sa.Table, account_id: str, *, after: tuple[Any, ...] | None, limit: int
) -> list[Row]:
    """The account's next rows of a table, in the order of its key, without what is secret."""
    key = tuple(table.primary_key.columns)
    shown = [column for column in table.c if not column.info.get(SECRET)]
    query = sa.select(*shown).where(_owner(table) == account_id).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
    return await tx.rows(query)


def key_of(table: sa.Table, row: Row) -> tuple[Any, ...]:
    """Where the page after that row begins."""
    return tuple(row[column.name] for column in table.primary_key.columns)


async def delete_some(tx: Transaction, table: sa.Table, account_id: str, *, most: int) -> int:
    """Delete at most so many of the account's rows; how many."""
    key = tuple(table.primary_key.columns)
    some = sa.select(*key).where(_owner(table) == account_id).limit(most)
    named = key[0] if len(key) == 1 else sa.tuple_(*key)
    gone = await tx.execute(sa.delete(table).where(_owner(table) == account_id, named.in_(some)))
    return gone.rowcount


def _owner(table: sa.Table) -> sa.ColumnElement[str]:
    owner: sa.ColumnElement[str] = table.c.id if table is accounts else table.c.account_id
    return owner


# --- on the way out -------------------------------------------------------------------------------


async def hide_some(tx: Transaction, account_id: str, *, most: int) -> int:
    """Delete, as its owner would, at most so many of the account's images; how many."""
    some = (
        sa.select(images.c.id)
        .where(images.c.account_id == account_id, images.c.deleted_at.is_(None))
        .limit(most)
    )
    hidden = await tx.execute(
        sa.update(images).where(images.c.id.in_(some)).values(deleted_at=tx.now)
    )
    return hidden.rowcount


async def give_up_some_files(tx: Transaction, account_id: str, *, most: int) -> int:
    """Let at most so many of the account's objects go; how many stayed until now."""
    some = (
        sa.select(files.c.key)
        .where(
            files.c.account_id == account_id,
            sa.or_(files.c.expires_at.is_(None), files.c.expires_at > tx.now),
        )
        .limit(most)
    )
    given_up = await tx.execute(
        sa.update(files).where(files.c.key.in_(some)).values(expires_at=tx.now)
    )
    return given_up.rowcount
