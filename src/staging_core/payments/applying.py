"""What a payment provider says of a thing, written into our tables: in the caller's transaction.

It holds the row of the thing, then that of the account, then writes balances; nothing else.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import msgspec

from staging_core.config import Settings
from staging_core.database import (
    accounts,
    audit_log,
    billing_events,
    customers,
    ledger,
    owed,
    payment_objects,
    periods,
    price_codes,
    purchases,
    standing,
    subscriptions,
)
from staging_core.database.engine import Transaction
from staging_core.models import Actor, AuditAction, PaidCustomer, PaidPurchase, PaidSubscription

from . import news, overage
from .packs import Pack as Bought
from .packs import come_to

log = logging.getLogger("staging_core")


class Outcome(NamedTuple):
    """What is kept of the thing; ``waits``: why it could not be written yet."""

    state: dict[str, Any] | None = None
    waits: str | None = None


class Applying:
    """Writes what ``source`` says. ``before``: what was kept of the thing when it was last seen."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._actor = Actor(user_id=source)

    async def customer(
        self, tx: Transaction, paid: PaidCustomer, before: dict[str, Any]
    ) -> Outcome:
        """Link it to the account that it names, unless another customer pays for that one.

        When it is gone its account may have another, and what it had is looked at once more. One
        whose account was deleted stays nobody's.
        """
        if before.get("left"):
            return Outcome({"left": True, "deleted": paid.deleted})
        known = await customers.account_of(tx, self._source, paid.id)
        state = {**_kept(paid), "account_id": known}
        if paid.deleted:
            await customers.unlink(tx, self._source, paid.id)
            if not before.get("deleted"):
                await payment_objects.mark_of_customer(tx, self._source, paid.id)
            return Outcome({**state, "deleted": True})
        account_id = paid.account_id or known
        if account_id is None:
            return Outcome(state)  # somebody else's, who is paid through the same provider
        if known not in (None, account_id):
            linked: customers.Linked = "refused"
        else:
            linked = await customers.link(tx, self._source, account_id, paid)
        if linked == "unknown":
            return Outcome(waits=f"there is no account {account_id!r}")
        if linked == "refused":
            if before.get("refused") != account_id:
                after = {"customer_id": paid.id, "says": account_id}
                await self._report(tx, "billing.customer_refused", paid.id, account_id, after)
            return Outcome({**state, "refused": account_id})
        if known is None:
            await payment_objects.mark_of_customer(tx, self._source, paid.id)
        for type, data in news.of_customer(before.get("paid", {}), paid):
            await billing_events.tell(tx, account_id, type, {**data, "source": self._source})
        return Outcome({**state, "account_id": account_id})

    async def subscription(
        self, tx: Transaction, paid: PaidSubscription, before: dict[str, Any]
    ) -> Outcome:
        """The account has this plan in this period; what it has more by that is there at once."""
        account_id = await self._account_of(tx, paid.customer_id)
        if account_id is None:
            return await self._nobodys(tx, paid)
        settings = self._settings
        code = await price_codes.code_of(tx, self._source, "plan", paid.price_id, settings.plans)
        if code is None and before.get("unknown_price") != paid.price_id:
            await self._report(
                tx, "billing.price_unknown", paid.id, account_id, {"price_id": paid.price_id}
            )
        metered = await overage.charged(tx, settings, self._source, code, paid)
        trial_of = None if "paid" in before else await self._trial_of(tx, account_id, paid)
        if not await subscriptions.put(
            tx, self._source, account_id, code, paid, began_with=trial_of, overage=metered
        ):
            log.error("subscription %s is another account's already", paid.id)
            return Outcome(waits="it is another account's already")
        await self._tell_of_plan(tx, account_id, paid, code, before.get("paid", {}))
        await self._give(tx, account_id, paid, trial_of)
        await self._end_purchases(tx, account_id, paid)
        unknown = {} if code is not None else {"unknown_price": paid.price_id}
        return Outcome({**_kept(paid), **unknown})

    async def _trial_of(
        self, tx: Transaction, account_id: str, paid: PaidSubscription
    ) -> str | None:
        """The plan that its trial was begun with, where another was chosen since."""
        if paid.status != "trialing" or paid.purchase_id is None:
            return None
        begun = await purchases.get(tx, account_id, paid.purchase_id)
        if begun is None or begun["price_id"] == paid.price_id:
            return None
        plans = self._settings.plans
        return await price_codes.code_of(tx, self._source, "plan", begun["price_id"], plans)

    async def _give(
        self, tx: Transaction, account_id: str, paid: PaidSubscription, trial_of: str | None
    ) -> None:
        """What was given in a period stays to its end: a smaller plan takes nothing back.

        Also where nobody looked before the smaller plan was chosen: the period was paid for. What
        is not paid gives nothing, and what is left of the period before stays until it is.
        ``trial_of``: the plan that a trial gives, where that is another.
        """
        settings = self._settings
        now = await standing.read(tx, account_id, settings.plans, settings.default_plan)
        if not now.subscribed or now.period.end <= tx.now:
            return
        balance = periods.allowance_of(now.period)
        until = periods.kept_until(now.period)
        for each in periods.balances_of(now.period):  # its end may be later than it was
            await ledger.keep(tx, account_id, each, until=until)
        if now.awaits_payment:
            if trial_of is not None and now.period.start == paid.period_start:
                given = settings.plans[trial_of].images
                await ledger.raise_to(tx, account_id, balance, given, expires_at=until)
            return
        images = now.plan.images
        gives = paid.status in subscriptions.GIVE and now.period.start == paid.period_start
        if paid.paid_price_id is not None and gives:
            id, plans = paid.paid_price_id, settings.plans
            code = await price_codes.code_of(tx, self._source, "plan", id, plans)
            images = max(images, 0 if code is None else plans[code].images)
        await ledger.raise_to(tx, account_id, balance, images, expires_at=until)

    async def _tell_of_plan(
        self,
        tx: Transaction,
        account_id: str,
        paid: PaidSubscription,
        code: str | None,
        before: dict[str, Any],
    ) -> None:
        """Plugins of what has changed; an operator of an account that pays for two plans."""
        was, sold = None, self._settings.plans
        if before:
            was = await price_codes.code_of(tx, self._source, "plan", before["price_id"], sold)
        for type, data in news.of_subscription(before, paid, was=was, plan=code):
            await billing_events.tell(tx, account_id, type, {**data, "source": self._source})
        if paid.status not in subscriptions.GIVE or before.get("status") in subscriptions.GIVE:
            return
        sold_to = await subscriptions.sold(tx, account_id)
        if len(sold_to) > 1:
            after = {"subscriptions": sold_to}
            await self._report(tx, "billing.paid_twice", paid.id, account_id, after)

    async def _end_purchases(
        self, tx: Transaction, account_id: str, paid: PaidSubscription
    ) -> None:
        """What became of the purchase that began it, and of the changes that it waited for."""
        ended = paid.status in subscriptions.FINAL
        begun: purchases.State = "over" if paid.status == "incomplete_expired" else "done"
        if paid.purchase_id is not None and (ended or paid.status in subscriptions.GIVE):
            await purchases.tell(tx, account_id, paid.purchase_id, begun, object_id=paid.id)
        await purchases.switched(
            tx, account_id, self._source, paid.id, price_id=paid.price_id, ended=ended
        )

    async def purchase(
        self, tx: Transaction, paid: PaidPurchase, before: dict[str, Any]
    ) -> Outcome:
        """Credits that were paid are given once; those whose money went back are taken back.

        Only what is still there is taken, once for each amount that went back, and of what jobs
        hold what they release; what a bank gives back to us is given again.
        """
        account_id = await self._account_of(tx, paid.customer_id)
        if account_id is None:
            return await self._nobodys(tx, paid)
        bought = Bought(**before.get("pack", {}))
        if not bought.credits and not paid.paid:
            return Outcome(_kept(paid))
        if not bought.credits:
            credits = await self._credits(tx, paid.price_id)
            if credits is None:
                if before.get("unknown_price") != paid.price_id:
                    await self._report(
                        tx,
                        "billing.price_unknown",
                        paid.id,
                        account_id,
                        {"price_id": paid.price_id},
                    )
                return Outcome({"unknown_price": paid.price_id}, waits="its price is unknown")
            note = {"purchase_id": paid.id, "price_id": paid.price_id}
            id = f"purchase-{paid.id}"
            await ledger.grant(tx, account_id, ledger.CREDITS, credits, id=id, note=note)
            if paid.purchase_id is not None:
                await purchases.tell(tx, account_id, paid.purchase_id, "done", object_id=paid.id)
            bought = Bought(credits=credits)
        bought = await self._settle(tx, account_id, paid, bought)
        for type, data in news.of_purchase(before.get("paid", {}), paid):
            await billing_events.tell(tx, account_id, type, {**data, "source": self._source})
        return Outcome({**_kept(paid), "pack": bought._asdict()})

    async def _settle(
        self, tx: Transaction, account_id: str, paid: PaidPurchase, bought: Bought
    ) -> Bought:
        """Take or give what the pack has too much or too little after what was paid for it."""
        change, after = come_to(bought, paid, await owed.credits_of(tx, account_id))
        # The row of the thing is locked and says how many changes there were: each is booked once.
        id = f"purchase-{paid.id}-{after.changes}"
        note = {"purchase_id": paid.id, "refunded_cents": paid.refunded_cents}
        if change.credits < 0:
            await ledger.refund(tx, account_id, -change.credits, id=id, note=note)
        elif change.credits > 0:
            await ledger.grant(tx, account_id, ledger.CREDITS, change.credits, id=id, note=note)
        await owed.owe(tx, account_id, more=change.owed, claimed=change.claimed)
        return after

    async def _account_of(self, tx: Transaction, customer_id: str) -> str | None:
        """Whose customer it is, with the account's row held; None: that is not known."""
        account_id = await customers.account_of(tx, self._source, customer_id)
        if account_id is not None:
            await accounts.hold(tx, account_id)
        return account_id

    async def _nobodys(self, tx: Transaction, paid: PaidSubscription | PaidPurchase) -> Outcome:
        """It waits until its customer is known; a stranger's is left alone until it is ours."""
        known = await payment_objects.known(tx, self._source, [paid.customer_id])
        customer = known.get(paid.customer_id)
        if customer is None:
            id = paid.customer_id
            await payment_objects.mark(tx, self._source, "customer", id, id)
        elif is_strangers(customer["state"]):
            return Outcome(_kept(paid))
        return Outcome(waits=f"customer {paid.customer_id} is not known")

    async def _credits(self, tx: Transaction, price_id: str) -> int | None:
        packs = self._settings.packs
        code = await price_codes.code_of(tx, self._source, "pack", price_id, packs)
        return None if code is None else packs[code].credits

    async def _report(
        self,
        tx: Transaction,
        action: AuditAction,
        target: str,
        account_id: str,
        after: dict[str, Any],
    ) -> None:
        """What an operator has to look at."""
        log.error("%s: %s of account %s: %r", action, target, account_id, after)
        await audit_log.add(
            tx, action, self._actor, target=target, account_id=account_id, after=after
        )


def is_strangers(state: dict[str, Any] | None) -> bool:
    """Whether a customer was looked at, and names no account: others may sell there, too."""
    return state is not None and not (state.get("account_id") or state.get("refused"))


def _kept(paid: PaidCustomer | PaidSubscription | PaidPurchase) -> dict[str, Any]:
    """All that was said, for a later comparison, without what is secret."""
    return {"paid": said(paid)}


def said(paid: PaidCustomer | PaidSubscription | PaidPurchase) -> dict[str, Any]:
    """What the provider says, as it is kept."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(paid))
    told.pop("client_secret", None)
    return told
