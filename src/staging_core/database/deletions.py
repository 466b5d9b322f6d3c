"""Deleted images: hidden at once, then cleared one by one, so that nothing of them stays."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.errors import NotFound

from . import accounts, words
from .engine import Transaction
from .row import Row
from .tables import files, images, jobs, originals, uploads


async def hide(tx: Transaction, account_id: str, image_id: str) -> None:
    """From this commit on the image is not there for anybody; ``NotFound``."""
    hidden = await tx.row(
        sa.update(images)
        .where(
            images.c.account_id == account_id,
            images.c.id == image_id,
            images.c.deleted_at.is_(None),
        )
        .values(deleted_at=tx.now)
        .returning(images.c.id)
    )
    if hidden is None:
        raise NotFound(f"There is no image {image_id}.")


async def uncleared(
    tx: Transaction, *, account_id: str | None = None, project_id: str | None = None, limit: int
) -> list[Row]:
    """Images (``id``, ``account_id``, ``job_id``) that are hidden only, the longest first."""
    query = (
        sa.select(images.c.id, images.c.account_id, images.c.job_id)
        .where(images.c.deleted_at.is_not(None), images.c.cleared_at.is_(None))
        .order_by(images.c.deleted_at)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(images.c.account_id == account_id)
    if project_id is not None:
        query = query.where(images.c.project_id == project_id)
    return await tx.rows(query)


async def is_uncleared(tx: Transaction, image_id: str) -> Row | None:
    """The row of ``uncleared`` of one image; None when it is cleared, or not deleted."""
    return await tx.row(
        sa.select(images.c.id, images.c.account_id, images.c.job_id).where(
            images.c.id == image_id,
            images.c.deleted_at.is_not(None),
            images.c.cleared_at.is_(None),
        )
    )


async def clear(tx: Transaction, image_id: str) -> None:
    """The image's objects are to go, its words too; its job has ended.

    The account is held last, as by everybody who ends a job, and decides about the original: who
    submits it again holds the account too.
    """
    uncleared = (images.c.id == image_id, images.c.cleared_at.is_(None))
    row = await tx.row(
        sa.select(images.c.account_id, images.c.original_id, images.c.request)
        .where(*uncleared)
        .with_for_update(key_share=True)
    )
    if row is None:
        return
    silent = {name: value for name, value in row["request"].items() if name != "prompt"}
    # Once: PostgreSQL looks after the foreign keys of a row that its transaction wrote before,
    # and so holds what they refer to.
    await tx.execute(
        sa.update(images)
        .where(*uncleared)
        .values(cleared_at=tx.now, original_url=None, filename=None, request=silent)
    )
    await words.forget(tx, image_id)
    await _let_go(tx, files.c.job_id.in_(sa.select(jobs.c.id).where(jobs.c.image_id == image_id)))
    await accounts.hold(tx, row["account_id"])
    await _leave_original(tx, row["original_id"])


async def unstage(tx: Transaction, image_id: str, job_id: str) -> Row:
    """The image has no result any more; its row as it is then. ``NotFound`` unless it is there.

    ``job_id``: its newest job, or it is not.
    """
    which = sa.and_(
        images.c.id == image_id, images.c.job_id == job_id, images.c.deleted_at.is_(None)
    )
    row = await tx.row(sa.select(images).where(which).with_for_update(key_share=True))
    if row is None:
        raise NotFound(f"There is no image {image_id}.")
    keys = [key for name in _RESULTS if (key := row[name]) is not None]
    await tx.execute(sa.update(images).where(which).values(dict.fromkeys(_RESULTS)))
    await _let_go(tx, files.c.key.in_(keys))
    return row


_RESULTS = ("staged_key", "labelled_key", "thumbnail_key")


async def _leave_original(tx: Transaction, original_id: str) -> None:
    """Unless another image uses it, the original goes too, and can come again as a new one."""
    used = sa.exists().where(images.c.original_id == original_id, images.c.deleted_at.is_(None))
    gone = await tx.row(
        sa.update(originals)
        .where(originals.c.id == original_id, originals.c.gone_at.is_(None), ~used)
        .values(gone_at=tx.now, sha256=originals.c.id)
        .returning(originals.c.key, originals.c.working_key)
    )
    if gone is not None:
        await _let_go(tx, files.c.key.in_((gone["key"], gone["working_key"])))
        await tx.execute(sa.delete(uploads).where(uploads.c.original_id == original_id))


async def _let_go(tx: Transaction, which: sa.ColumnElement[Any]) -> None:
    await tx.execute(sa.update(files).where(which).values(expires_at=tx.now))
