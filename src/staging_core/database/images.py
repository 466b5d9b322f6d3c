"""Originals, groups and images: what was handed in and what came of it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Group, Image, Job, StageRequest

from . import words
from .engine import Transaction
from .prepared import Prepared, placed, places
from .row import Row
from .tables import attempts, groups, images, jobs, originals


async def find_original(tx: Transaction, account_id: str, sha256: str) -> Row | None:
    """The account's original with those bytes, if it has one."""
    return await tx.row(_ORIGINAL, {"of_account": account_id, "of_sha256": sha256})


async def is_gone(tx: Transaction, original_id: str) -> bool:
    """Whether the original went with its last image; ask while holding the account."""
    row = await tx.row(_GONE, {"of_id": original_id})
    return row is None or row["gone_at"] is not None


async def add_original(tx: Transaction, **values: Any) -> None:
    """Keep an original's row."""
    await tx.execute(sa.insert(originals).values(created_at=tx.now, **values))


async def original(tx: Transaction, original_id: str) -> Row:
    """The original, for a worker that holds a job of it."""
    row = await tx.row(sa.select(originals).where(originals.c.id == original_id))
    if row is None:
        raise NotFound("The original is gone.")
    return row


async def source(tx: Transaction, image_id: str) -> Row:
    """The original of an image, for a worker that holds its job.

    With what is the image's: ``request`` and ``configured``.
    """
    row = await tx.row(_SOURCE, {"of_image": image_id})
    if row is None:
        raise NotFound("The image is gone.")
    return row


async def develop(tx: Transaction, original_id: str, **values: Any) -> None:
    """The original was decoded, and this is what it is."""
    await tx.execute(
        sa.update(originals).where(originals.c.id == original_id).values(developed=True, **values)
    )


_ORIGINAL = Prepared(
    sa.select(originals).where(
        originals.c.account_id == sa.bindparam("of_account"),
        originals.c.sha256 == sa.bindparam("of_sha256"),
    )
)
_GONE = Prepared(sa.select(originals.c.gone_at).where(originals.c.id == sa.bindparam("of_id")))
_SOURCE = Prepared(
    sa.select(*originals.c, images.c.request, images.c.configured)
    .join(images, images.c.original_id == originals.c.id)
    .where(images.c.id == sa.bindparam("of_image"))
)


async def find_group(tx: Transaction, account_id: str, key: str) -> Row | None:
    """The group that was submitted under this idempotency key."""
    return await tx.row(
        sa.select(groups).where(groups.c.account_id == account_id, groups.c.idempotency_key == key)
    )


async def add_group(tx: Transaction, **values: Any) -> None:
    """Keep a group's row."""
    await tx.also(_adding(groups, ("created_at", *values)), placed({"created_at": tx.now} | values))


async def add(
    tx: Transaction,
    *,
    id: str,
    account_id: str,
    request: StageRequest,
    filename: str | None = None,
    **values: Any,
) -> None:
    """Keep an image's row, and what it is found by."""
    values |= {
        "id": id,
        "account_id": account_id,
        "filename": filename,
        "created_at": tx.now,
        "variant": request.variant,
        "style": request.style,
        "request": msgspec.to_builtins(request),
    }
    await tx.also(_adding(images, tuple(values)), placed(values))
    stem = filename and (filename.rpartition(".")[0] or filename)
    await words.add(tx, account_id, id, stem, request.prompt)


@lru_cache(maxsize=16)
def _adding(table: sa.Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.insert(table).values(places(table, names)))


async def row(tx: Transaction, image_id: str, *, account_id: str | None = None) -> Row:
    """The image's row, deleted or not, for a worker that holds its job.

    With ``account_id``, ``NotFound`` also when it is deleted, or another account's.
    """
    query = sa.select(images).where(images.c.id == image_id)
    if account_id is not None:
        query = query.where(images.c.account_id == account_id, images.c.deleted_at.is_(None))
    found = await tx.row(query)
    if found is None:
        raise NotFound(f"There is no image {image_id}.")
    return found


async def reseed(tx: Transaction, image_id: str, request: dict[str, Any], seed: int) -> None:
    """The image is asked for with another seed from now on."""
    await tx.execute(
        sa.update(images).where(images.c.id == image_id).values(request={**request, "seed": seed})
    )


async def deliver(tx: Transaction, image_id: str, **values: Any) -> None:
    """The image has a result; only the transaction that makes its job ready says so."""
    await tx.also(_delivering(tuple(values)), {"of_id": image_id, **placed(values)})


@lru_cache(maxsize=8)
def _delivering(names: tuple[str, ...]) -> Prepared:
    one = sa.update(images).where(images.c.id == sa.bindparam("of_id"))
    return Prepared(one.values(places(images, names)))


async def add_thumbnail(tx: Transaction, image_id: str, key: str) -> bool:
    """The image has a thumbnail; False when it has been deleted meanwhile."""
    noted = await tx.execute(
        sa.update(images)
        .where(images.c.id == image_id, images.c.deleted_at.is_(None))
        .values(thumbnail_key=key)
    )
    return noted.rowcount == 1


async def get(tx: Transaction, account_id: str, image_id: str) -> Image:
    """The image as its account sees it."""
    found = await tx.row(_SEEN_ONE, {"of_account": account_id, "of_image": image_id})
    if found is None:
        raise NotFound(f"There is no image {image_id}.")
    return as_image(found)


async def of_group(tx: Transaction, account_id: str, group_id: str) -> Group:
    """The group with its images, in the order of their variants."""
    found = await tx.rows(_SEEN_GROUP, {"of_account": account_id, "of_group": group_id})
    if not found:
        raise NotFound(f"There is no group {group_id}.")
    return Group(id=group_id, account_id=account_id, images=tuple(as_image(row) for row in found))


async def there_among(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Those of the images, whoever's they are, that are not deleted."""
    query = sa.select(images.c.id).where(images.c.id.in_(list(ids)), images.c.deleted_at.is_(None))
    return {row["id"] for row in await tx.rows(query)}


async def groups_among(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Those of the groups, whoever's they are, of which there is an image."""
    query = (
        sa.select(images.c.group_id)
        .where(images.c.group_id.in_(list(ids)), images.c.deleted_at.is_(None))
        .distinct()
    )
    return {row["group_id"] for row in await tx.rows(query)}


# Of bytes that nobody has read yet there is none.
_DIGEST = sa.case(
    (originals.c.digest.is_not(None), originals.c.digest),
    (sa.func.length(originals.c.sha256) == 64, originals.c.sha256),
    else_="",
)


_HANDLE = (
    sa.select(attempts.c.handle)
    .where(attempts.c.job_id == jobs.c.id, attempts.c.handle.is_not(None))
    .order_by(attempts.c.number.desc())
    .limit(1)
    .scalar_subquery()
)


def seen(account_id: str | sa.BindParameter[str], *, some: bool = False) -> sa.Select[Any]:
    """The account's images, each with its newest job; what is deleted is not there.

    ``some``: the caller names them. Then the account is looked at as an expression and never looked
    up: SQLite, without statistics, would take its whole index for the shorter way.
    """
    account = sa.func.coalesce(images.c.account_id, "") if some else images.c.account_id
    job_columns = [jobs.c[name].label(f"job__{name}") for name in Job.__struct_fields__]
    return (
        sa.select(
            images,
            originals.c.key.label("original_key"),
            originals.c.content_type.label("original_type"),
            _DIGEST.label("original_sha256"),
            _HANDLE.label("handle"),
            *job_columns,
        )
        .join(originals, originals.c.id == images.c.original_id)
        .join(jobs, jobs.c.id == images.c.job_id)
        .where(account == account_id, images.c.deleted_at.is_(None))
    )


_SEEN_ONE = Prepared(
    seen(sa.bindparam("of_account")).where(images.c.id == sa.bindparam("of_image"))
)
_SEEN_GROUP = Prepared(
    seen(sa.bindparam("of_account"))
    .where(images.c.group_id == sa.bindparam("of_group"))
    .order_by(images.c.variant)
)
_FIELDS = [name for name in Image.__struct_fields__ if name not in ("job", "replayed")]


def as_image(row: Row) -> Image:
    """The row of ``seen`` as its account sees it."""
    job = {name: row[f"job__{name}"] for name in Job.__struct_fields__}
    values = {name: row[name] for name in _FIELDS}
    return msgspec.convert({**values, "job": job}, Image)
