"""Purchases and customers whose outcome is not known: looked for, then asked for again or ended.

The provider is looked at first. What is not there is asked for again, under its old key, for an
hour: so long it is what the account wants, unless it has chosen otherwise since; after that it is
over, and nobody is charged for what they have given up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable

from staging_core.database import accounts, customers, paid_plans, purchases
from staging_core.database.row import Row
from staging_core.errors import (
    AskedOtherwise,
    Busy,
    PaymentRefused,
    PaymentsUnavailable,
    StagingError,
)
from staging_core.interfaces import TakesPayments, supports
from staging_core.ports import Ports

from . import purchase as one
from .catalogue import offer_of
from .customers import find, make
from .taking import FRESH_S, KEY_KNOWN_S

log = logging.getLogger("staging_core")

WANTED_S = 3600.0
_AT_ONCE = 20
_LONGEST_S = 600.0
_FORGOTTEN_S = 3600.0


class Unfinished:
    """What one process does about them. ``grace_s``: younger ones may still be at work."""

    def __init__(self, ports: Ports, *, grace_s: float = FRESH_S) -> None:
        self._ports = ports
        self._grace_s = grace_s
        self._away = Rests()
        self._failing = Rests()

    async def settle(self) -> int:
        """Find out about some; how many are settled.

        While the provider is away it rests. One that only fails itself rests itself, and holds up
        no other.
        """
        takes = supports(self._ports.billing, TakesPayments)
        if takes is None or self._away.names():
            return 0
        settled = 0
        try:
            for row in await self._unmade(takes):
                settled += await self._alone(row["account_id"], self._customer(takes, row))
            for row in await self._begun(takes):
                settled += await self._alone(row["id"], self._purchase(takes, row))
        except (Busy, PaymentsUnavailable) as away:
            self._away.add(takes.source)
            log.warning("what was begun to be bought is not settled yet: %s", away)
        else:
            self._away.end(takes.source)
        return settled

    async def _alone(self, name: str, settling: Awaitable[bool]) -> bool:
        """Whatever becomes of one, others come first the next time. While away nothing goes on."""
        try:
            return await settling
        except (Busy, PaymentsUnavailable):
            self._failing.add(name)
            raise
        except Exception:
            # Whatever a provider's client raises: one's trouble holds up no other.
            log.warning("%s was begun to be bought and is not settled", name, exc_info=True)
            self._failing.add(name)
            return False

    async def _unmade(self, takes: TakesPayments) -> list[Row]:
        async with self._ports.database.read() as tx:
            rows = await customers.unmade(
                tx,
                takes.source,
                before=tx.now - self._grace_s,
                limit=_AT_ONCE,
                but=self._failing.names(),
            )
            return [{**row, "age": tx.now - row["created_at"]} for row in rows]

    async def _customer(self, takes: TakesPayments, row: Row) -> bool:
        if await find(self._ports, takes, row) is not None:
            return True
        if row["age"] < WANTED_S:
            now = row["created_at"] + row["age"]
            try:
                await make(self._ports, takes, row, now=now, looked=True)
            except StagingError as error:
                log.warning("no customer was made of account %s: %s", row["account_id"], error)
                self._failing.add(row["account_id"])
            else:
                self._failing.end(row["account_id"])
                return True
        if row["age"] < KEY_KNOWN_S:
            return False
        async with self._ports.database.write(row["account_id"]) as tx:
            await customers.drop_unmade(tx, row)
        return True

    async def _begun(self, takes: TakesPayments) -> list[Row]:
        async with self._ports.database.read() as tx:
            rows = await purchases.unsettled(
                tx,
                takes.source,
                before=tx.now - self._grace_s,
                limit=_AT_ONCE,
                but=self._failing.names(),
            )
            return [{**row, "age": tx.now - row["created_at"]} for row in rows]

    async def _purchase(self, takes: TakesPayments, row: Row) -> bool:
        async with self._ports.database.read(row["account_id"]) as tx:
            customer_id = await customers.customer_of(tx, row["account_id"], row["source"])
        if customer_id is None:
            await one.is_over(self._ports, row)
        elif row["state"] == "unwanted":
            await one.take_back(self._ports, takes, row, customer_id, late=True)
        elif found := await one.find(self._ports, takes, row, customer_id):
            await one.found(self._ports, row, found)
        elif row["age"] < WANTED_S and await self._is_wanted(row):
            return await self._ask_again(takes, row, customer_id)
        else:
            await one.is_over(self._ports, row)
        return True

    async def _is_wanted(self, row: Row) -> bool:
        """Whether the account has not chosen otherwise since, here or at the provider."""
        if row["deed"] == "switch":
            now = await one.look(self._ports, row)
            if now is None or not one.pays(now) or (now.canceled_at or 0.0) > row["created_at"]:
                return False
        async with self._ports.database.write(row["account_id"]) as tx:
            await accounts.hold(tx, row["account_id"])
            its = await purchases.get(tx, row["account_id"], row["id"])
            pays = await paid_plans.find(tx, row["account_id"], row["source"])
        begins_plan = row["kind"] == "plan" and row["deed"] != "switch"
        return its is not None and its["state"] == "begun" and not (begins_plan and pays)

    async def _ask_again(self, takes: TakesPayments, row: Row, customer_id: str) -> bool:
        """What fails at a provider that has just said there is none is asked under another key."""
        try:
            offer = await offer_of(self._ports, takes.source, row["price_id"])
            await one.ask(self._ports, takes, row, offer, customer_id)
        except (Busy, PaymentsUnavailable) as error:
            log.warning("purchase %s is not settled yet: %s", row["id"], error)
            self._failing.add(row["id"])
            if isinstance(error, PaymentsUnavailable):
                async with self._ports.database.write(row["account_id"]) as tx:
                    await purchases.renew(tx, row)
            return False
        except AskedOtherwise:
            log.info("purchase %s was begun with other settings, and is taken back", row["id"])
            await one.take_back(self._ports, takes, row, customer_id, late=True)
        except PaymentRefused as refused:
            log.info("purchase %s was refused: %s", row["id"], refused)
        except StagingError as error:
            log.info("purchase %s is over: %s", row["id"], error)
            await one.is_over(self._ports, row)
        self._failing.end(row["id"])
        return True


class Rests:
    """What has failed, by name, is left alone: each time twice as long, ten minutes at most."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[int, float]] = {}

    def add(self, name: str) -> None:
        """It has failed once more."""
        times = self._until.get(name, (0, 0.0))[0] + 1
        self._until[name] = times, time.monotonic() + min(2.0**times, _LONGEST_S)

    def end(self, name: str) -> None:
        """It has not."""
        self._until.pop(name, None)

    def names(self) -> list[str]:
        """Those that rest now; what has not been heard of for an hour is forgotten."""
        now = time.monotonic()
        self._until = {
            name: (times, until)
            for name, (times, until) in self._until.items()
            if now < until + _FORGOTTEN_S
        }
        return [name for name, (_, until) in self._until.items() if now < until]
