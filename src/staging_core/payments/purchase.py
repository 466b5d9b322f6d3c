"""One purchase: asked for under its id, and written down when its outcome is known."""

from __future__ import annotations

from staging_core.database import payment_objects, purchases
from staging_core.database.engine import Transaction
from staging_core.database.paid_plans import NOT_PAYING
from staging_core.database.row import Row
from staging_core.errors import PaymentRefused
from staging_core.interfaces import TakesPayments
from staging_core.models import Offer, PaidSubscription
from staging_core.ports import Ports

from .catalogue import as_sold_to
from .taking import return_url


async def ask(
    ports: Ports, takes: TakesPayments, purchase: Row, offer: Offer, customer_id: str
) -> PaidSubscription | str:
    """Ask the provider for it; the subscription, or the address of the page to pay on.

    Under the purchase's id as its key, so that asking again within a day changes nothing.
    ``PaymentRefused`` ends it; after any other error its outcome is not known.
    """
    try:
        answer = await _asked(ports, takes, purchase, offer, customer_id)
    except PaymentRefused:
        await _tell(ports, purchase, "refused", None)
        raise
    if isinstance(answer, str):
        await _tell(ports, purchase, "open", None)
    else:
        await found(ports, purchase, answer)
    return answer


async def _asked(
    ports: Ports, takes: TakesPayments, purchase: Row, offer: Offer, customer_id: str
) -> PaidSubscription | str:
    id, offer = purchase["id"], await as_sold_to(ports, purchase, offer)
    if purchase["deed"] == "switch":
        return await takes.switch(purchase["object_id"], offer, key=id)
    if purchase["deed"] == "subscribe":
        return await takes.subscribe(customer_id, offer, purchase_id=id, key=id)
    return await takes.checkout(
        customer_id,
        offer,
        purchase_id=id,
        success_url=return_url(ports, "success"),
        cancel_url=return_url(ports, "cancelled"),
        key=id,
    )


async def found(ports: Ports, purchase: Row, paid: PaidSubscription) -> None:
    """It has become this subscription, which is to be looked at."""
    await _tell(ports, purchase, _state(purchase, paid), paid)


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
) -> None:
    """In the engine's own transaction, since things of a provider are no account's.

    The thing's row comes first, as it does for whoever looks at it.
    """

    async def write(tx: Transaction) -> None:
        object_id = purchase["object_id"] if paid is None else paid.id
        if object_id is not None:
            whose = None if paid is None else paid.customer_id
            await payment_objects.mark(tx, purchase["source"], "subscription", object_id, whose)
        await purchases.tell(tx, purchase["account_id"], purchase["id"], state, object_id=object_id)

    await ports.database.transact(None, write)
