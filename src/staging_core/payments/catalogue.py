"""What is sold at which price: by the settings, and by what was made at the provider for them."""

from __future__ import annotations

from msgspec.structs import replace

from staging_core.config import Settings
from staging_core.database import prices, subscriptions
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import UnknownPrice
from staging_core.models import Offer, OfferKind, Pack, Plan
from staging_core.ports import Ports


async def offer_of(
    ports: Ports, source: str, price_id: str, kind: OfferKind | None = None
) -> Offer:
    """What the price buys; ``UnknownPrice`` unless it is sold here now, as that kind.

    A plan's or pack's first price id is the one that is sold; older ones stay with those who pay
    them. A price that was made for it is sold while it is of the amount and the currency that the
    settings say.
    """
    async with ports.database.read() as tx:
        offer = await _sold(tx, ports.settings, source, price_id)
    if kind is not None and offer.kind != kind:
        raise UnknownPrice(
            f"The price {price_id!r} is that of a {offer.kind}, not of a {kind}.",
            remedy="Buy a pack by a checkout; it is no plan that could be subscribed to.",
        )
    return offer


async def as_sold_to(ports: Ports, purchase: Row, offer: Offer) -> Offer:
    """The offer as the account of this purchase has it: free days only with its first plan.

    What the purchase itself has become does not count, so that asking again is asking the same.
    """
    if not offer.trial_days:
        return offer
    account_id, source = purchase["account_id"], purchase["source"]
    async with ports.database.read(account_id) as tx:
        had = await subscriptions.had(tx, account_id, source, but=purchase["object_id"])
    return replace(offer, trial_days=0) if had else offer


async def _sold(tx: Transaction, settings: Settings, source: str, price_id: str) -> Offer:
    for code, plan in settings.plans.items():
        if plan.price_ids[:1] == (price_id,):
            return await _plan(tx, source, code, plan, price_id)
    for code, pack in settings.packs.items():
        if pack.price_ids[:1] == (price_id,):
            return Offer(kind="pack", code=code, price_id=price_id)
    row = await prices.find(tx, source, price_id)
    if row is None:
        raise UnknownPrice()
    sold: Plan | Pack | None = (settings.plans if row["kind"] == "plan" else settings.packs).get(
        row["code"]
    )
    if sold is None or (sold.price_cents, sold.currency) != (row["amount_cents"], row["currency"]):
        raise UnknownPrice(f"The {row['kind']} {row['code']} is not sold at this price any more.")
    if isinstance(sold, Plan):
        return await _plan(tx, source, row["code"], sold, price_id)
    return Offer(kind="pack", code=row["code"], price_id=price_id)


async def _plan(tx: Transaction, source: str, code: str, plan: Plan, price_id: str) -> Offer:
    return Offer(
        kind="plan",
        code=code,
        price_id=price_id,
        overage_price_id=await prices.overage(tx, source, code, plan),
        trial_days=plan.trial_days,
    )
