"""Files: every object in the storage has a row, written before the object."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

import sqlalchemy as sa

from staging_core.errors import StorageError
from staging_core.models import Stored

from .engine import Transaction
from .outbox import post
from .prepared import Prepared, placed, places
from .tables import files, outbox

FOLDERS = ("staged/", "uploads/", "working/")
"""All keys begin with one of these, and the account's folder."""

_TOGETHER = 500
_OURS = re.compile(rf"({'|'.join(FOLDERS)})[0-9a-f]{{32}}/.+")


def is_ours(key: str) -> bool:
    """Whether the key has our shape; whatever else lies in the storage is its owner's."""
    return _OURS.fullmatch(key) is not None


_NEW = places(files, ["key", "account_id", "kind", "job_id", "expires_at", "created_at"])
_INTEND = Prepared(sa.insert(files).values(_NEW))
_BORROW = Prepared(
    lambda insert: (
        insert(files)
        .values(_NEW)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"expires_at": _NEW["expires_at"]},
            where=files.c.expires_at.is_not(None),  # what is kept stays kept
        )
    )
)
_KEEP = Prepared(
    sa.update(files)
    .where(files.c.key == sa.bindparam("of_key"))
    .values(expires_at=None, **places(files, ["size", "etag", "sha256"]))
    .returning(files.c.key)
)


async def intend(
    tx: Transaction,
    key: str,
    *,
    account_id: str,
    kind: str,
    grace_s: float,
    job_id: str | None = None,
) -> None:
    """Say that an object is about to be put; unless it is kept, it is deleted after the grace."""
    values = {"key": key, "account_id": account_id, "kind": kind, "job_id": job_id}
    times = {"expires_at": tx.now + grace_s, "created_at": tx.now}
    await tx.also(_INTEND, placed(values | times))


async def borrow(
    tx: Transaction,
    key: str,
    *,
    account_id: str,
    kind: str,
    grace_s: float,
    job_id: str | None = None,
) -> None:
    """An object that can be made again is about to be put, or used: it stays for the grace time."""
    values = {"key": key, "account_id": account_id, "kind": kind, "job_id": job_id}
    times = {"expires_at": tx.now + grace_s, "created_at": tx.now}
    await tx.also(_BORROW, placed(values | times))


async def keep(tx: Transaction, stored: Stored, *, sha256: str) -> None:
    """The object is part of the truth from this commit on; ``StorageError`` if it came too late."""
    values = {"size": stored.size, "etag": stored.etag, "sha256": sha256}
    if await tx.row(_KEEP, {"of_key": stored.key, **placed(values)}) is None:
        # Its grace time passed while we were away, and a sweep has given the object up.
        raise StorageError(f"{stored.key} was put too late to be kept.")


async def put(tx: Transaction, stored: Stored, *, sha256: str | None) -> None:
    """The object is there; it still goes when its time is over, unless ``stay`` comes first."""
    await tx.execute(
        sa.update(files)
        .where(files.c.key == stored.key)
        .values(size=stored.size, etag=stored.etag, sha256=sha256)
    )


async def stay(tx: Transaction, key: str) -> bool:
    """What was ``put`` is part of the truth from this commit on; False if it is given up."""
    kept = await tx.execute(
        sa.update(files)
        .where(files.c.key == key, files.c.expires_at > tx.now)
        .values(expires_at=None)
    )
    return kept.rowcount == 1


async def keep_only(tx: Transaction, job_id: str, keys: Collection[str]) -> None:
    """A job has ended: of all that it put or meant to put, only ``keys`` stay."""
    named = {f"kept_{n}": key for n, key in enumerate(keys)}
    await tx.also(_keeping_only(len(keys)), {"of_job": job_id, "at": tx.now, **named})


@lru_cache(maxsize=16)
def _keeping_only(number: int) -> Prepared:
    keys = [sa.bindparam(f"kept_{n}", type_=sa.String()) for n in range(number)]
    others = files.c.key.not_in(keys) if keys else sa.true()
    of_job = files.c.job_id == sa.bindparam("of_job")
    at: sa.BindParameter[float] = sa.bindparam("at", type_=sa.Double())
    return Prepared(sa.update(files).where(of_job, others).values(expires_at=at))


async def let_go(tx: Transaction, keys: Collection[str]) -> None:
    """What was to be put is not wanted any more; what a commit has kept stays."""
    await tx.execute(
        sa.update(files)
        .where(files.c.key.in_(keys), files.c.expires_at.is_not(None))
        .values(expires_at=tx.now)
    )


async def shorten(tx: Transaction, key: str, *, seconds: float) -> None:
    """What was only intended goes so soon, if not sooner."""
    await tx.execute(
        sa.update(files)
        .where(files.c.key == key, files.c.expires_at > tx.now + seconds)
        .values(expires_at=tx.now + seconds)
    )


async def expire(tx: Transaction, *, limit: int = 100) -> int:
    """Turn rows past their time into deletions in the outbox; how many there were."""
    due = sa.select(files.c.key).where(files.c.expires_at <= tx.now).limit(limit)
    gone = await tx.rows(
        sa.delete(files)
        .where(files.c.key.in_(due.scalar_subquery()), files.c.expires_at <= tx.now)
        .returning(files.c.key, files.c.account_id)
    )
    for row in gone:
        await post(tx, row["account_id"], "delete_object", {"key": row["key"]})
    return len(gone)


async def is_there(tx: Transaction, key: str) -> bool:
    """Whether the object has a row: it may have got one again after it was given up."""
    return await tx.row(sa.select(files.c.key).where(files.c.key == key)) is not None


async def known(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of ``keys`` that have a row, or a deletion that is still to be done."""
    found = set[str]()
    for begin in range(0, len(keys), _TOGETHER):
        some = keys[begin : begin + _TOGETHER]
        given_up = outbox.c.payload["key"].as_string()
        here = sa.select(files.c.key).where(files.c.key.in_(some))
        pending = sa.select(given_up.label("key")).where(
            outbox.c.kind == "delete_object", given_up.in_(some)
        )
        found |= {row["key"] for row in await tx.rows(sa.union_all(here, pending))}
    return found


async def any_left(tx: Transaction, account_id: str) -> bool:
    """Whether the account has an object, or may have."""
    its = sa.select(files.c.key).where(files.c.account_id == account_id).limit(1)
    return await tx.row(its) is not None
