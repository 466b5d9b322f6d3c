"""Deleting an account: said in one transaction, done by sweeps, so no crash leaves it half done.

First the account is closed: nobody signs in to it, its keys open nothing, nothing new is accepted.
Then, a part at a time: its jobs are cancelled and its images cleared as if their owner had deleted
them; its objects go; what it pays for ends (``payments``). When nothing outside is left of it its
rows go, and the account's own last.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa

from .database import (
    account_rows,
    accounts,
    attempts,
    audit_log,
    customers,
    deletions,
    endpoints,
    files,
    outbox,
    reservations,
    usage,
)
from .database.engine import Transaction
from .database.tables import api_keys, tickets
from .deletion import clear_image
from .errors import DatabaseFailed
from .interfaces import ReservesElsewhere, supports
from .models import Actor
from .ports import Ports
from .recent import KEPT_S

log = logging.getLogger("staging_core")

_AT_ONCE = 1_000
_ROUNDS = 20
_SETTLED_S = 2 * KEPT_S
"""By then no process remembers whom it let in before the account was closed."""


async def close_account(ports: Ports, account_id: str, actor: Actor) -> float:
    """From this commit on the account is being deleted; since when. Doing it again changes nothing.

    What it had used stays in the audit log: how many images, in how many months.
    """
    async with ports.database.write(account_id) as tx:
        if not await accounts.is_there(tx, account_id):
            return tx.now
        closing_at = await accounts.hold(tx, account_id)
        if closing_at is not None:
            return closing_at
        await accounts.close(tx, account_id)
        for table in (api_keys, tickets):
            await tx.execute(sa.delete(table).where(table.c.account_id == account_id))
        await endpoints.disable_all(tx, account_id)
        await audit_log.add(
            tx,
            "account.deleted",
            actor,
            target=account_id,
            account_id=account_id,
            before={"usage": await usage.by_month(tx, account_id)},
        )
        closing_at = tx.now
    ports.recent.forget()
    return closing_at


async def delete_closed(ports: Ports) -> int:
    """Go on with the accounts that are being deleted; how many are gone now."""
    async with ports.database.read() as tx:
        closed = await accounts.closed(tx)
    return sum([await _go_on(ports, account_id) for account_id in closed])


async def _go_on(ports: Ports, account_id: str) -> bool:
    """Whether the account is gone; what fails is left to the next sweep."""
    try:
        for _ in range(_ROUNDS):
            if not await _clear_some(ports, account_id):
                break
        else:
            return False
        if await _is_at_rest(ports, account_id):
            return await _delete_rows(ports, account_id)
    except DatabaseFailed:
        log.info("an account is not deleted yet", exc_info=True)
    return False


async def _clear_some(ports: Ports, account_id: str) -> bool:
    """Hide and clear images, then let objects go; False when nothing of that is left."""
    async with ports.database.write(account_id) as tx:
        hidden = await account_rows.hide_some(tx, account_id, most=_AT_ONCE)
        left = await deletions.uncleared(tx, account_id=account_id, limit=100)
    for row in left:
        await clear_image(ports, row)
    if hidden or left:
        return True
    async with ports.database.write(account_id) as tx:
        return await account_rows.give_up_some_files(tx, account_id, most=_AT_ONCE) > 0


async def _is_at_rest(ports: Ports, account_id: str) -> bool:
    """Nothing outside is left of it: no object, no prediction, nothing that is paid for it.

    Nor anything that a credit service holds, while it is one that can be told.
    """
    service = supports(ports.billing, ReservesElsewhere)
    async with ports.database.read(account_id) as tx:
        closing_at = await accounts.closing_at(tx, account_id)
        if closing_at is None or tx.now - closing_at < _SETTLED_S:
            return False
        if await attempts.any_looked_for(tx, account_id):
            return False
        if await files.any_left(tx, account_id):
            return False
        if await customers.any_made(tx, account_id):
            return False
        if service is not None and await reservations.any_untold(tx, account_id, service.source):
            return False
        return not await outbox.any_left(tx, account_id)


async def _delete_rows(ports: Ports, account_id: str) -> bool:
    """Table by table, a part in each transaction; the account itself goes with the last one."""
    rounds = 0
    for table in account_rows.tables():
        while True:
            async with ports.database.write(account_id) as tx:
                gone = await _delete_some(tx, table, account_id)
            rounds += 1
            if gone < _AT_ONCE:
                break
            if rounds >= _ROUNDS:
                return False
    return True


async def _delete_some(tx: Transaction, table: sa.Table, account_id: str) -> int:
    return await account_rows.delete_some(tx, table, account_id, most=_AT_ONCE)
