"""Packs of credits that accounts of ``world`` buy, as a provider reports them again and again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import accounts, customers, ledger, tables
from staging_core.database.owed import credits_of
from staging_core.models import Pack, PaidCustomer, PaidPurchase
from staging_core.payments.applying import Applying
from staging_core.ports import Ports

SOURCE = "shop"
CREDITS, CENTS = 3, 300
_SETTINGS = Settings(
    packs={"three": Pack(credits=CREDITS, price_cents=CENTS, price_ids=("price_three",))}
)


class Packs:
    """``states``: what is kept of each, as whoever follows reports keeps it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.states: dict[tuple[str, str], dict[str, Any]] = {}

    async def report(self, account: str, name: str, *, refunded: int, disputed: bool) -> None:
        """The pack is paid, and this is how its money stands now."""
        paid = PaidPurchase(
            id=f"pi-{account}-{name}",
            customer_id=f"cus-{account}",
            price_id="price_three",
            paid=True,
            amount_cents=CENTS,
            currency="usd",
            created_at=0.0,
            refunded_cents=refunded,
            disputed=disputed,
        )
        applying = Applying(_SETTINGS, SOURCE)
        async with self._ports.database.write() as tx:
            await accounts.ensure(tx, account)
            customer = PaidCustomer(id=paid.customer_id, account_id=account)
            await customers.link(tx, SOURCE, account, customer)
            before = self.states.get((account, name), {})
            outcome = await applying.purchase(tx, paid, before)
        assert outcome.state is not None
        self.states[account, name] = outcome.state

    async def wrong(self) -> str:
        """What does not add up between packs, their accounts' credits and the ledger."""
        if not self.states:
            return ""
        async with self._ports.database.write() as tx:
            for account in {account for account, _ in self.states}:
                its = [one["pack"] for (owner, _), one in self.states.items() if owner == account]
                has = await credits_of(tx, account)
                entries = await tx.rows(
                    sa.select(tables.ledger).where(
                        tables.ledger.c.account_id == account,
                        tables.ledger.c.balance == ledger.CREDITS,
                    )
                )
                back = sum(
                    entry["images"] if entry["kind"] == "refund" else -entry["images"]
                    for entry in entries
                    if _of_money(entry["id"])
                )
                if back != sum(pack["taken"] for pack in its) + has.owed_taken:
                    return f"{account}: {back} went back, the packs say {its}, {has}"
                if has.owed > sum(pack["owed"] for pack in its):
                    return f"{account} owes more than of packs: {its}, {has}"
        return ""

    async def granted(self) -> int:
        """All that was ever given for packs."""
        if not self.states:
            return 0
        async with self._ports.database.read() as tx:
            mine = tables.ledger.c.id.like("purchase-pi-%")
            given = sa.select(sa.func.sum(tables.ledger.c.images).label("images")).where(
                mine, tables.ledger.c.kind == "grant"
            )
            row = await tx.row(given)
        return 0 if row is None else int(row["images"] or 0)


def _of_money(id: str) -> bool:
    """Of an entry: a credit that was owed, or a change of a pack; not that it was given."""
    return id.endswith("-owed") or (id.startswith("purchase-pi-") and id.count("-") == 4)
