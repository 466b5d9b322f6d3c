"""The one customer that pays for an account, made once however many calls come at one moment."""

from __future__ import annotations

import asyncio
import logging

from staging_core.database import accounts, customers, payment_objects
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import AccountClosing, Busy, PaymentRefused, PaymentsUnavailable
from staging_core.interfaces import DescribesCustomers, TakesPayments, supports
from staging_core.models import Face
from staging_core.ports import Ports

from .taking import FRESH_S, KEY_KNOWN_S

log = logging.getLogger("staging_core")

_CLOCKS_S = 600.0
"""So much a provider's clock may be behind ours."""

_TRIES = 6
_PAUSE_S = 0.2


async def customer_of(ports: Ports, takes: TakesPayments, account_id: str) -> str:
    """Its id, asked for under the key of the account's row unless it is there already.

    A provider that is at the same call already is asked again in a moment. It is told what the
    account's profile says by now: taxes go by the address.
    """
    customer_id = await _known(ports, takes, account_id)
    describes = supports(ports.billing, DescribesCustomers)
    if describes is not None:
        await _describe(ports, describes, account_id, customer_id)
    return customer_id


async def _describe(
    ports: Ports, describes: DescribesCustomers, account_id: str, customer_id: str
) -> None:
    async with ports.database.read(account_id) as tx:
        face = await customers.face(tx, account_id)
    if face == Face():
        return
    try:
        await describes.describe_customer(customer_id, face)
    except PaymentRefused as refused:
        # What cannot be bought without it is refused then, and says what is missing.
        log.warning("customer %s was not told what its profile says: %s", customer_id, refused)


async def _known(ports: Ports, takes: TakesPayments, account_id: str) -> str:
    """Of the row, or made."""
    for again in range(_TRIES):
        async with ports.database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            row = await customers.ensure(tx, account_id, takes.source)
            now = tx.now
        if row["customer_id"] is not None:
            return str(row["customer_id"])
        try:
            return await make(ports, takes, row, now=now)
        except Busy:
            if again == _TRIES - 1:
                raise
            await asyncio.sleep(_PAUSE_S * 2**again)
    raise AssertionError("the last try returns or raises")


async def make(
    ports: Ports, takes: TakesPayments, row: Row, *, now: float, looked: bool = False
) -> str:
    """Under the row's key; what was asked for some time ago is looked for first.

    ``looked``: it was, and is not there. Then what fails is asked for under another key the next
    time: providers keep errors of their own by a key, too.
    """
    if not looked and now - row["created_at"] > FRESH_S:
        found = await find(ports, takes, row)
        if found is not None:
            return found
        looked = True
    if now - row["created_at"] > KEY_KNOWN_S:
        async with ports.database.write(row["account_id"]) as tx:
            await customers.renew(tx, row)
            renewed = await customers.find(tx, row["account_id"], row["source"])
        if renewed is None:
            raise AccountClosing()
        if renewed["customer_id"] is not None:
            return str(renewed["customer_id"])
        row = renewed
    async with ports.database.read(row["account_id"]) as tx:
        face = await customers.face(tx, row["account_id"])
    try:
        customer_id = await takes.make_customer(
            row["account_id"], email=face.email, name=face.name, key=row["key"]
        )
    except PaymentsUnavailable:
        if looked:
            async with ports.database.write(row["account_id"]) as tx:
                await customers.rekey(tx, row)
        raise
    return await _made(ports, row, customer_id)


async def find(ports: Ports, takes: TakesPayments, row: Row) -> str | None:
    """The customer that came of a call whose answer was lost; None: none did."""
    found = await takes.find_customer(row["account_id"], since=row["created_at"] - _CLOCKS_S)
    return None if found is None or found.deleted else await _made(ports, row, found.id)


async def _made(ports: Ports, row: Row, customer_id: str) -> str:
    """The engine's own transaction: things of a provider are no account's."""
    account_id, source = row["account_id"], row["source"]

    async def write(tx: Transaction) -> str | None:
        await payment_objects.mark(tx, source, "customer", customer_id, customer_id)
        return await customers.made(tx, account_id, source, customer_id)

    has = await ports.database.transact(None, write)
    if has is None:
        raise AccountClosing()
    return has
