"""One purchase: asked for under its id, and written down when its outcome is known."""

from __future__ import annotations

from staging_core.database import payment_objects, purchases
from staging_core.database.engine import Transaction
from staging_core.database.paid_plans import NOT_PAYING
from staging_core.database.row import Row
from staging_core.errors import AskedOtherwise, PaymentRefused
from staging_core.interfaces import ReportsPayments, TakesPayments, WithdrawsOffers, supports
from staging_core.models import Offer, PaidSubscription
from staging_core.ports import Ports

from .catalogue import as_sold_to
from .taking import return_url


async def ask(
    ports: Ports, takes: TakesPayments, purchase: Row, offer: Offer, customer_id: str
) -> PaidSubscription | str:
    """Ask the provider for it; the subscription, or the address of the page to pay on.

    Under the purchase's key, its id at first, so that asking again within a day changes nothing.
    ``PaymentRefused`` ends it; after any other error its outcome is not known. It is refused as
    well when the account has chosen otherwise meanwhile, and this was not paid at once.
    ``AskedOtherwise``: the settings have changed since, and what was begun may still be paid until
    it is taken back.
    """
    try:
        answer = await _asked(ports, takes, purchase, offer, customer_id)
    except AskedOtherwise:
        if purchase["deed"] == "switch" and purchase["state"] == "begun":
            await is_refused(ports, purchase)  # the next one takes its place at the provider
        raise
    except PaymentRefused:
        await is_refused(ports, purchase)
        raise
    if isinstance(answer, str):
        state = await _tell(ports, purchase, "open", None)
    else:
        state = await found(ports, purchase, answer)
    if state in ("unwanted", "over"):
        await take_back(ports, takes, purchase, customer_id)
        raise PaymentRefused(
            "The account has begun something else since.",
            remedy="Ask again for what is wanted now.",
        )
    return answer


async def _asked(
    ports: Ports, takes: TakesPayments, purchase: Row, offer: Offer, customer_id: str
) -> PaidSubscription | str:
    id, offer = purchase["id"], await as_sold_to(ports, purchase, offer)
    key = purchase["key"] or id
    if purchase["deed"] == "switch":
        return await takes.switch(purchase["object_id"], offer, key=key)
    if purchase["deed"] == "subscribe":
        return await takes.subscribe(customer_id, offer, purchase_id=id, key=key)
    return await takes.checkout(
        customer_id,
        offer,
        purchase_id=id,
        success_url=return_url(ports, "success"),
        cancel_url=return_url(ports, "cancelled"),
        key=key,
    )


async def find(
    ports: Ports, takes: TakesPayments, purchase: Row, customer_id: str
) -> PaidSubscription | None:
    """What has become of it at the provider, where anything has; of a page nobody can tell."""
    if purchase["deed"] != "switch":
        is_plan = purchase["kind"] == "plan"
        return await takes.begun(customer_id, purchase["id"]) if is_plan else None
    now = await look(ports, purchase)
    return now if now is not None and now.price_id == purchase["price_id"] else None


async def look(ports: Ports, purchase: Row) -> PaidSubscription | None:
    """The subscription that is to go over to another plan, as it is now."""
    reports = supports(ports.billing, ReportsPayments)
    now = None if reports is None else await reports.look("subscription", purchase["object_id"])
    return now if isinstance(now, PaidSubscription) else None


async def found(ports: Ports, purchase: Row, paid: PaidSubscription) -> str:
    """It has become this subscription, which is to be looked at; the purchase's state then."""
    return await _tell(ports, purchase, _state(purchase, paid), paid)


async def take_back(
    ports: Ports, takes: TakesPayments, purchase: Row, customer_id: str, *, late: bool = False
) -> PaidSubscription | None:
    """See that nobody pays for what is not wanted any more; what was paid of it nevertheless.

    ``late``: nothing more can come of it, as its call has ended long ago.
    """
    withdraws = supports(ports.billing, WithdrawsOffers)
    if withdraws is None or purchase["deed"] == "switch":
        there = await find(ports, takes, purchase, customer_id)
    else:
        there = await withdraws.withdraw(customer_id, purchase["id"])
    if there is not None and pays(there):
        await found(ports, purchase, there)
        return there
    if there is not None or late:
        await _tell(ports, purchase, "over", there)
    return None


async def is_refused(ports: Ports, purchase: Row) -> None:
    """The provider has said no: nothing came of it, unless it is asked for once more."""
    await _tell(ports, purchase, "refused", None)


async def is_over(ports: Ports, purchase: Row) -> None:
    """Nothing came of it, and nothing will."""
    await _tell(ports, purchase, "over", None)


def pays(paid: PaidSubscription) -> bool:
    """Whether it is paid for, or owed."""
    return paid.status not in NOT_PAYING


def _state(purchase: Row, paid: PaidSubscription) -> purchases.State:
    if purchase["deed"] == "switch":
        return "done" if paid.price_id == purchase["price_id"] else "open"
    if pays(paid):
        return "done"
    return "open" if paid.status == "incomplete" else "over"


async def _tell(
    ports: Ports, purchase: Row, state: purchases.State, paid: PaidSubscription | None
) -> str:
    """In the engine's own transaction, since things of a provider are no account's.

    The thing's row comes first, as it does for whoever looks at it. The purchase's state then.
    """

    async def write(tx: Transaction) -> str:
        object_id = purchase["object_id"] if paid is None else paid.id
        if object_id is not None:
            whose = None if paid is None else paid.customer_id
            await payment_objects.mark(tx, purchase["source"], "subscription", object_id, whose)
        await purchases.tell(tx, purchase["account_id"], purchase["id"], state, object_id=object_id)
        row = await purchases.get(tx, purchase["account_id"], purchase["id"])
        return state if row is None else str(row["state"])

    return await ports.database.transact(None, write)
