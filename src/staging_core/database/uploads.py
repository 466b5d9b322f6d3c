"""Uploads: announced, put, looked at, used by images; or gone when their time is over."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Upload

from .engine import Transaction
from .row import Row
from .tables import uploads

_PLAIN = ("id", "account_id", "key", "filename", "content_type", "size", "url", "created_at")


async def add(tx: Transaction, **values: Any) -> Row:
    """Keep an upload's row."""
    row = await tx.row(sa.insert(uploads).values(created_at=tx.now, **values).returning(*uploads.c))
    assert row is not None
    return row


async def get(tx: Transaction, account_id: str, upload_id: str) -> Row:
    """The account's upload; ``NotFound``, also when its time is over."""
    row = await tx.row(_there(tx, account_id).where(uploads.c.id == upload_id))
    if row is None:
        raise NotFound(f"There is no upload {upload_id}.")
    return row


async def of_key(tx: Transaction, account_id: str, key: str) -> Row | None:
    """The account's upload of that key."""
    return await tx.row(_there(tx, account_id).where(uploads.c.key == key))


async def whose(tx: Transaction, key: str) -> str | None:
    """The account of the upload of that key; for who acts for no account."""
    row = await tx.row(sa.select(uploads.c.account_id).where(uploads.c.key == key))
    return None if row is None else str(row["account_id"])


async def sign(tx: Transaction, upload_id: str, *, url: str | None, signed_until: float) -> Row:
    """Somebody may put it at that address, until then."""
    row = await tx.row(
        sa.update(uploads)
        .where(uploads.c.id == upload_id)
        .values(url=url, signed_until=signed_until)
        .returning(*uploads.c)
    )
    assert row is not None
    return row


async def complete(tx: Transaction, upload_id: str, **values: Any) -> Row | None:
    """It is there and was looked at; None when somebody else was faster."""
    return await tx.row(
        sa.update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.completed_at.is_(None))
        .values(completed_at=tx.now, **values)
        .returning(*uploads.c)
    )


async def use(tx: Transaction, upload_id: str, original_id: str) -> None:
    """It is that original's, and stays as long as the original."""
    await tx.execute(
        sa.update(uploads)
        .where(uploads.c.id == upload_id)
        .values(original_id=original_id, expires_at=None)
    )


async def expire(tx: Transaction, *, limit: int = 100) -> int:
    """Forget uploads that nobody used in time; how many. Their files go by themselves."""
    old = sa.select(uploads.c.id).where(uploads.c.expires_at <= tx.now).limit(limit)
    gone = await tx.execute(
        sa.delete(uploads).where(
            uploads.c.id.in_(old.scalar_subquery()), uploads.c.expires_at <= tx.now
        )
    )
    return gone.rowcount


def _there(tx: Transaction, account_id: str) -> sa.Select[Any]:
    return sa.select(uploads).where(
        uploads.c.account_id == account_id,
        sa.or_(uploads.c.expires_at.is_(None), uploads.c.expires_at > tx.now),
    )


def as_upload(row: Row, *, replayed: bool = False) -> Upload:
    """The row as its account sees it."""
    return Upload(
        replayed=replayed,
        **{name: row[name] for name in _PLAIN},
        complete=row["completed_at"] is not None,
        expires_at=row["expires_at"],
    )
