"""Credits whose money went back while running jobs held them: taken as soon as they are released.

So an account owes no more credits than its jobs hold. What becomes a picture was used, and is not
asked for any more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from .engine import Transaction
from .prepared import Prepared
from .tables import balances, ledger

CREDITS = "credits"
"""The balance of what was bought or given, which does not end."""


class Credits(NamedTuple):
    """What an account has of them. ``owed_taken``: taken since, and of no purchase yet."""

    available: int = 0
    reserved: int = 0
    owed: int = 0
    owed_taken: int = 0


async def credits_of(tx: Transaction, account_id: str) -> Credits:
    """The account's, which are locked. Hold the account first."""
    row = await tx.row(
        sa.select(*[balances.c[name] for name in Credits._fields])
        .where(balances.c.account_id == account_id, balances.c.name == CREDITS)
        .with_for_update()
    )
    return Credits() if row is None else Credits(**row)


async def owe(tx: Transaction, account_id: str, *, more: int, claimed: int) -> None:
    """So many more of those that are held are owed; ``claimed``: are known to their purchase."""
    if more or claimed:
        await tx.execute(
            sa.update(balances)
            .where(balances.c.account_id == account_id, balances.c.name == CREDITS)
            .values(owed=balances.c.owed + more, owed_taken=balances.c.owed_taken - claimed)
        )


def take(account_id: str, job_id: str, now: float) -> tuple[Prepared, dict[str, Any]]:
    """The entry of a released credit that is owed, for before ``let_go`` takes it."""
    return _TAKE, {"of_account": account_id, "to_id": f"{job_id}-owed", "to_job": job_id, "to": now}


def let_go() -> sa.Update:
    """One image less is held in a balance: ``back`` is 1 where it is released, else 0.

    What is owed of it goes where the entry of ``take`` says.
    """
    back: sa.BindParameter[int] = sa.bindparam("back", type_=sa.Integer())
    goes = sa.case((balances.c.owed > 0, back), else_=0)
    held = balances.c.reserved - 1
    still = balances.c.owed - goes
    return (
        sa.update(balances)
        .where(
            balances.c.account_id == sa.bindparam("of_account"),
            balances.c.name == sa.bindparam("of_name"),
        )
        .values(
            available=balances.c.available + back - goes,
            reserved=held,
            owed=sa.case((still > held, held), else_=still),
            owed_taken=balances.c.owed_taken + goes,
        )
    )


def _taken(insert: Any) -> sa.Executable:
    """Of a function, so that it is known to read what others have written before it."""
    word = sa.String(16)
    entry = {
        "account_id": balances.c.account_id,
        "id": sa.bindparam("to_id", type_=ledger.c.id.type),
        "balance": balances.c.name,
        "kind": sa.literal("refund", word),
        "from_book": sa.literal("available", word),
        "to_book": sa.literal("refunded", word),
        "images": sa.literal(1, sa.Integer()),
        "job_id": sa.bindparam("to_job", type_=ledger.c.job_id.type),
        "at": sa.bindparam("to", type_=ledger.c["at"].type),
    }
    owing = sa.select(*entry.values()).where(
        balances.c.account_id == sa.bindparam("of_account"),
        balances.c.name == CREDITS,
        balances.c.owed > 0,
    )
    added: sa.Executable = (
        insert(ledger)
        .from_select(list(entry), owing)
        .on_conflict_do_nothing(index_elements=["account_id", "id"])
    )
    return added


_TAKE = Prepared(_taken)
