"""Looks at what was told of, and writes what the provider says of it now.

The provider is asked outside any transaction, by whoever has the thing's lease; what it says is
written in one transaction, and only while the lease is still the one under which it was asked. So
events may come late, in any order, often or only once: the last look decides. What cannot be
written yet (its customer is not known here, its price neither) stays due, and is never dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from staging_core.database import (
    billing_events,
    customers,
    payment_events,
    payment_objects,
    subscriptions,
)
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import Busy, PaymentsUnavailable
from staging_core.models import Paid, PaidCustomer, PaidPurchase, PaidSubscription
from staging_core.ports import Ports

from . import news
from .applying import Applying, Outcome
from .overage import Overage
from .provider import Provider, provider_of

log = logging.getLogger("staging_core")

LEASE_S = 120.0
"""How long one process may take to look at a thing and to write what it is."""

_LOOK_S, _WHOSE_S = 60.0, 30.0
_AT_ONCE = 8
_LONGEST_S = 3600.0
_WAITS_S = 6 * 3600.0
_QUIET_S = 300.0
_AGAIN_S = 60.0


class Following:
    """What one process does about things that are due."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._told = asyncio.Event()

    async def follow(self, *, within_s: float = 5.0) -> int:
        """Look at what is due, a few at a time; how many were written.

        ``within_s``: after so many seconds nothing more is begun.
        """
        provider = provider_of(self.ports)
        if provider is None:
            return 0
        until, written = time.monotonic() + within_s, 0
        while time.monotonic() < until and (claimed := await self._claim(provider)):
            written += sum(await asyncio.gather(*(self._one(provider, row) for row in claimed)))
        return written

    async def renewed(self) -> int:
        """Mark subscriptions whose period is over: they went on, or ended, and nobody said it."""
        provider = provider_of(self.ports)
        if provider is None:
            return 0

        async def mark(tx: Transaction) -> int:
            over = await subscriptions.over(tx, provider.source, quiet_s=_QUIET_S)
            for each in over:
                await payment_objects.mark(tx, provider.source, "subscription", each.id, None)
            return len(over)

        return await self.ports.database.transact(None, mark)

    # --- in the process that was told -----------------------------------------------------------

    def wake(self) -> None:
        """Something was told of: look soon."""
        self._told.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look whenever woken while the block runs; what is left then is left to the sweeps."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await self.follow(within_s=LEASE_S)
            except Exception:
                # The loop outlives a database that is away: what is due stays due in its row.
                log.warning("payments were not followed, a sweep will", exc_info=True)

    # --- one thing ------------------------------------------------------------------------------

    async def _claim(self, provider: Provider) -> list[Row]:
        async def claim(tx: Transaction) -> list[Row]:
            return await payment_objects.claim(tx, provider.source, lease_s=LEASE_S, limit=_AT_ONCE)

        return await self.ports.database.transact(None, claim)

    async def _one(self, provider: Provider, claimed: Row) -> bool:
        """Whether it was looked at and written."""
        try:
            async with asyncio.timeout(_LOOK_S):
                paid = await provider.reports.look(claimed["kind"], claimed["object_id"])
            paid, again = await Overage(self.ports).put_right(provider, claimed, paid)
            whose = await self._whose(provider, claimed, paid)
            return await self._written(provider, claimed, paid, whose, again=again)
        except Exception as error:
            # Whatever a provider's client raises: one thing's trouble holds up no other thing.
            known = isinstance(error, (Busy, PaymentsUnavailable, TimeoutError))
            log.warning(
                "%s %s was not looked at: %s: %s",
                claimed["kind"],
                claimed["object_id"],
                type(error).__name__,
                error,
                exc_info=None if known else error,
            )
        await self._put_off(claimed)
        return False

    async def _whose(self, provider: Provider, claimed: Row, paid: Paid | None) -> str | None:
        """Its customer; of a payment that is no pack's the provider is asked, as for a dispute."""
        if paid is not None or claimed["kind"] != "purchase" or provider.names is None:
            return _customer_of(paid)
        if claimed["customer_id"] is not None:
            return str(claimed["customer_id"])
        async with asyncio.timeout(_WHOSE_S):
            return await provider.names.payer(claimed["object_id"])

    async def _put_off(self, claimed: Row) -> None:
        async def put_off(tx: Transaction) -> None:
            await payment_objects.later(tx, claimed, _pause_s(claimed, _LONGEST_S))

        await self.ports.database.transact(None, put_off)

    async def _written(
        self,
        provider: Provider,
        claimed: Row,
        paid: Paid | None,
        customer_id: str | None,
        *,
        again: bool,
    ) -> bool:
        async def write(tx: Transaction) -> bool:
            row = await payment_objects.hold(tx, claimed)
            if row is None:
                log.info("%s was taken by another process", claimed["object_id"])
                return False
            outcome = await self._applied(tx, provider, row, paid)
            if outcome.waits is not None:
                log.warning("%s %s waits: %s", row["kind"], row["object_id"], outcome.waits)
                pause_s = _pause_s(claimed, _WAITS_S)
                await payment_objects.later(
                    tx, claimed, pause_s, state=outcome.state, customer_id=customer_id
                )
                return False
            again_s = max(_AGAIN_S, _pause_s(claimed, _LONGEST_S)) if again else None
            await payment_objects.done(tx, claimed, outcome.state, customer_id, again_s=again_s)
            if row["told"] == claimed["told"]:
                source, until = provider.source, tx.now
                read = await payment_events.read(tx, source, row["object_id"], until=until)
                await self._tell(tx, provider, read, paid, customer_id or row["customer_id"])
            return True

        return await self.ports.database.transact(None, write)

    async def _tell(
        self,
        tx: Transaction,
        provider: Provider,
        read: list[Row],
        paid: Paid | None,
        customer_id: str | None,
    ) -> None:
        """Tell plugins what these events say, each once: it was read in this transaction."""
        if provider.names is None:
            return
        for event in read:
            told = news.of_event(provider.names, event, paid)
            whose = customer_id or event["customer_id"]
            if told is None or whose is None:
                continue
            account_id = await customers.account_of(tx, provider.source, whose)
            if account_id is not None:
                type, data = told
                await billing_events.tell(tx, account_id, type, {**data, "source": provider.source})

    async def _applied(
        self, tx: Transaction, provider: Provider, row: Row, paid: Paid | None
    ) -> Outcome:
        applying = Applying(self.ports.settings, provider.source)
        before = row["state"] or {}
        match paid:
            case PaidCustomer():
                return await applying.customer(tx, paid, before)
            case PaidSubscription():
                return await applying.subscription(tx, paid, before)
            case PaidPurchase():
                return await applying.purchase(tx, paid, before)
            case None:
                # A key of another account would say so of everything: what we have stays. Of a
                # payment that went back nobody can tell before whether it was for a pack or a bill.
                level = logging.INFO if row["kind"] == "purchase" else logging.ERROR
                log.log(level, "the provider knows no %s %s", row["kind"], row["object_id"])
                return Outcome({**before, "missing": True})


def _customer_of(paid: Paid | None) -> str | None:
    if isinstance(paid, PaidCustomer):
        return paid.id
    return None if paid is None else paid.customer_id


def _pause_s(claimed: Row, longest_s: float) -> float:
    return float(min(2.0 ** min(claimed["tries"], 20), longest_s))
