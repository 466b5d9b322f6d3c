"""The ledger: every image that an account was given, holds, had, or lost, in double entry.

An entry takes from one book of a balance what it puts into another, so that all books together
always come to nothing. What a balance's row says is the sum of its entries, kept beside them so
that the database itself can refuse to let it go below zero. An entry's id is made of what it is
for: a hold or an end of a job, a purchase. So nothing is booked twice.

Whoever writes here holds the account's row, or writes after all else in the transaction
(``Transaction.at_last``): balances are always locked after their account.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import Entry, EntryKind

from . import billing_events, owed
from .engine import Transaction
from .prepared import Prepared, placed, places
from .row import Row
from .tables import balances, jobs, ledger
from .unsettled import settle_each
from .upsert import insert_or

CREDITS = owed.CREDITS

_BOOKS: dict[EntryKind, tuple[str, str]] = {
    "grant": ("granted", "available"),
    "reserve": ("available", "reserved"),
    "capture": ("reserved", "captured"),
    "release": ("reserved", "available"),
    "expire": ("available", "expired"),
    "refund": ("available", "refunded"),
}
_ADJUSTED = "adjusted"


# --- jobs -----------------------------------------------------------------------------------------


async def hold(tx: Transaction, account_id: str, balance: str, images: int) -> bool:
    """Take images out of a balance for jobs that are being made; False when it has not so many."""
    wanted = {"of_account": account_id, "of_name": balance, "taken": images}
    return await tx.row(_HOLD, wanted) is not None


async def reserve(tx: Transaction, account_id: str, job_id: str, balance: str) -> None:
    """The entry of a new job's image, which ``hold`` has taken."""
    await tx.also(_ENTER, _of_job("reserve", account_id, job_id, balance, tx.now))


def settle(tx: Transaction, job: Row, *, captured: bool) -> None:
    """End the hold of a job that ends in this transaction: it is paid, or given back."""
    account_id, balance = job["account_id"], job["reserved_in"]
    kind: EntryKind = "capture" if captured else "release"
    tx.at_last(_ENTER, _of_job(kind, account_id, job["id"], balance, tx.now))
    if balance == CREDITS and not captured:
        tx.at_last(*owed.take(account_id, job["id"], tx.now))
    given_back = {"of_account": account_id, "of_name": balance, "back": 0 if captured else 1}
    tx.at_last(_LET_GO, given_back)


async def settle_late(tx: Transaction, *, limit: int = 100) -> int:
    """Settle jobs that a worker of an earlier version has ended; how many."""
    return await settle_each(tx, jobs.c.reserved_in, settle, limit=limit)


def _of_job(
    kind: EntryKind, account_id: str, job_id: str, balance: str, now: float
) -> dict[str, Any]:
    from_book, to_book = _BOOKS[kind]
    return placed(
        {
            "account_id": account_id,
            # Both ends have the same name: a hold has one.
            "id": f"{job_id}-{'reserve' if kind == 'reserve' else 'settle'}",
            "balance": balance,
            "kind": kind,
            "from_book": from_book,
            "to_book": to_book,
            "job_id": job_id,
            "at": now,
        }
    )


_ENTER = Prepared(
    sa.insert(ledger).values(
        images=1,
        **places(
            ledger,
            ["account_id", "id", "balance", "kind", "from_book", "to_book", "job_id", "at"],
        ),
    )
)
_THIS = sa.and_(
    balances.c.account_id == sa.bindparam("of_account"),
    balances.c.name == sa.bindparam("of_name"),
)
_TAKEN: sa.BindParameter[int] = sa.bindparam("taken", type_=sa.Integer())
_HOLD = Prepared(
    sa.update(balances)
    .where(_THIS, balances.c.available >= _TAKEN)
    .values(available=balances.c.available - _TAKEN, reserved=balances.c.reserved + _TAKEN)
    .returning(balances.c.name)
)
_LET_GO = Prepared(owed.let_go())


# --- giving and taking back -----------------------------------------------------------------------


async def grant(
    tx: Transaction,
    account_id: str,
    balance: str,
    images: int,
    *,
    id: str,
    expires_at: float | None = None,
    note: dict[str, Any] | None = None,
) -> bool:
    """Give the account images; False when the entry ``id`` was booked before. Hold its row first.

    ``expires_at``: when what is left of the balance goes (Unix seconds), told with its first grant.
    """
    booked = await _book(tx, account_id, balance, "grant", images, id=id, note=note)
    if booked:
        await _change(tx, account_id, balance, more=images, granted=images, expires_at=expires_at)
        if balance == CREDITS:
            await _tell(tx, account_id, "credits.granted", images, id=id, note=note)
    return booked


async def raise_to(
    tx: Transaction, account_id: str, balance: str, images: int, *, expires_at: float
) -> None:
    """Give what a period's balance lacks of ``images``. Hold the account's row first.

    Never takes back: who had more in this period keeps it to its end.
    """
    row = await tx.row(
        sa.select(balances.c.granted).where(
            balances.c.account_id == account_id, balances.c.name == balance
        )
    )
    lacking = images - (0 if row is None else row["granted"])
    if lacking > 0:
        id = f"{_plain(balance)}-{images}"
        await grant(tx, account_id, balance, lacking, id=id, expires_at=expires_at)


async def keep(tx: Transaction, account_id: str, balance: str, *, until: float) -> None:
    """Let what is left of a balance not go before then. Hold the account's row first."""
    await tx.execute(
        sa.update(balances)
        .where(
            balances.c.account_id == account_id,
            balances.c.name == balance,
            balances.c.expires_at < until,
        )
        .values(expires_at=until)
    )


async def adjust(
    tx: Transaction,
    account_id: str,
    images: int,
    *,
    id: str,
    note: dict[str, Any] | None = None,
    job_id: str | None = None,
) -> bool:
    """Give credits, or with a negative number take them; False when booked before, or too many.

    Hold the account's row first. Nothing is taken that is not there. ``job_id``: what they are
    given for.
    """
    if images < 0:
        books = ("available", _ADJUSTED)
        booked = await _take(tx, account_id, -images, "adjust", id=id, note=note, books=books)
    else:
        books = (_ADJUSTED, "available")
        booked = await _book(
            tx, account_id, CREDITS, "adjust", images, id=id, note=note, books=books, job_id=job_id
        )
        if booked:
            await _change(tx, account_id, CREDITS, more=images, granted=images)
    if booked:
        await _tell(tx, account_id, "credits.adjusted", images, id=id, note=note)
    return booked


async def give_back(tx: Transaction, job: Row) -> bool:
    """Give a credit for a job whose picture was lost; False when booked before, or it took nothing.

    A credit, whatever it was taken from: a period's balance may be over. Hold the account's row
    first.
    """
    if job["reserved_in"] is None:
        return False
    return await adjust(
        tx,
        job["account_id"],
        1,
        id=f"lost-{job['id']}",
        note={"reason": "The picture was lost."},
        job_id=job["id"],
    )


async def refund(
    tx: Transaction, account_id: str, images: int, *, id: str, note: dict[str, Any] | None = None
) -> bool:
    """Take credits back whose money was given back; False when booked before, or not there.

    Hold the account's row first.
    """
    booked = await _take(tx, account_id, images, "refund", id=id, note=note)
    if booked:
        await _tell(tx, account_id, "credits.refunded", images, id=id, note=note)
    return booked


async def expire(tx: Transaction, account_id: str) -> int:
    """Take what is left of balances whose time is over; how much. Hold the account's row first."""
    over = await tx.rows(
        sa.select(balances.c.name, balances.c.available).where(
            balances.c.account_id == account_id,
            balances.c.expires_at <= tx.now,
            balances.c.available > 0,
        )
    )
    for row in over:
        # What a running job gives back later goes by an entry of its own.
        id = f"{_plain(row['name'])}-{uuid4().hex}"
        await _book(tx, account_id, row["name"], "expire", row["available"], id=id, note=None)
        await _change(tx, account_id, row["name"], more=-row["available"])
    return sum(row["available"] for row in over)


async def expiring(tx: Transaction, *, limit: int = 200) -> list[str]:
    """Accounts that have something left whose time is over."""
    rows = await tx.rows(
        sa.select(balances.c.account_id)
        .where(balances.c.expires_at <= tx.now, balances.c.available > 0)
        .group_by(balances.c.account_id)
        .limit(limit)
    )
    return [row["account_id"] for row in rows]


async def _tell(
    tx: Transaction,
    account_id: str,
    type: str,
    images: int,
    *,
    id: str,
    note: dict[str, Any] | None,
) -> None:
    """Tell plugins of an entry of credits that was booked."""
    data = {"images": images, "entry": id, "note": note or {}}
    await billing_events.tell(tx, account_id, type, data)


def _plain(balance: str) -> str:
    """A balance's name as the beginning of an id, which an address may hold."""
    return balance.replace("/", "-")


async def find(tx: Transaction, account_id: str, id: str) -> Entry | None:
    """The entry of that name; None when nothing was booked under it."""
    row = await tx.row(
        sa.select(ledger).where(ledger.c.account_id == account_id, ledger.c.id == id)
    )
    return None if row is None else Entry(**row)


async def _take(
    tx: Transaction,
    account_id: str,
    images: int,
    kind: EntryKind,
    *,
    id: str,
    note: dict[str, Any] | None,
    books: tuple[str, str] | None = None,
) -> bool:
    """Take credits that are there, by an entry that says why."""
    if await left(tx, account_id, CREDITS) < images:
        return False
    booked = await _book(tx, account_id, CREDITS, kind, images, id=id, note=note, books=books)
    if booked:
        await _change(tx, account_id, CREDITS, more=-images)
    return booked


async def left(tx: Transaction, account_id: str, balance: str) -> int:
    """How many images may still be had of a balance, which is locked. Hold the account first."""
    row = await tx.row(
        sa.select(balances.c.available)
        .where(balances.c.account_id == account_id, balances.c.name == balance)
        .with_for_update()
    )
    return 0 if row is None else int(row["available"])


async def _book(
    tx: Transaction,
    account_id: str,
    balance: str,
    kind: EntryKind,
    images: int,
    *,
    id: str,
    note: dict[str, Any] | None,
    books: tuple[str, str] | None = None,
    job_id: str | None = None,
) -> bool:
    """Add an entry; False when it is there."""
    from_book, to_book = books or _BOOKS[kind]
    added = insert_or(tx.connection, ledger).values(
        account_id=account_id,
        id=id,
        balance=balance,
        kind=kind,
        from_book=from_book,
        to_book=to_book,
        images=images,
        job_id=job_id,
        note=note,
        at=tx.now,
    )
    kept = added.on_conflict_do_nothing(index_elements=["account_id", "id"])
    return await tx.row(kept.returning(ledger.c.id)) is not None


async def _change(
    tx: Transaction,
    account_id: str,
    balance: str,
    *,
    more: int,
    granted: int = 0,
    expires_at: float | None = None,
) -> None:
    """Change what may be had of a balance, which is made with its first grant."""
    changed = await tx.row(
        sa.update(balances)
        .where(balances.c.account_id == account_id, balances.c.name == balance)
        .values(available=balances.c.available + more, granted=balances.c.granted + granted)
        .returning(balances.c.name)
    )
    if changed is None:
        await tx.execute(
            sa.insert(balances).values(
                account_id=account_id,
                name=balance,
                granted=granted,
                available=more,
                expires_at=expires_at,
            )
        )


# --- what it says ---------------------------------------------------------------------------------


async def page(
    tx: Transaction,
    account_id: str,
    *,
    before: tuple[float, str] | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The account's entries, newest first; ``before``: (at, id) of the last one seen."""
    query = (
        sa.select(ledger)
        .where(ledger.c.account_id == account_id)
        .order_by(ledger.c.at.desc(), ledger.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(sa.tuple_(ledger.c.at, ledger.c.id) < sa.tuple_(*before))
    return [Entry(**row) for row in await tx.rows(query)]
