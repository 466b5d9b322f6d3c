"""Having the payment provider list what the settings sell."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from staging_core.config import Settings
from staging_core.database import audit_log, prices
from staging_core.errors import ServiceUnavailable
from staging_core.interfaces import ListsPrices, TakesPayments, supports
from staging_core.models import Actor, Listing, PublishedPrice
from staging_core.ports import Ports


def listings(settings: Settings) -> Iterator[Listing]:
    """Of every plan and pack that costs something, and of what is charged beyond a plan."""
    for code, plan in settings.plans.items():
        name, currency = plan.name or code, plan.currency
        if not plan.price_cents:
            continue
        listing = Listing(
            kind="plan", code=code, name=name, amount_cents=plan.price_cents, currency=currency
        )
        yield listing
        if plan.overage_images and plan.overage_cents:
            yield replace(listing, amount_cents=plan.overage_cents, overage=True)
    for code, pack in settings.packs.items():
        if pack.price_cents:
            yield Listing(
                kind="pack",
                code=code,
                name=pack.name or code,
                amount_cents=pack.price_cents,
                currency=pack.currency,
            )


async def publish(ports: Ports, actor: Actor) -> list[PublishedPrice]:
    """Publish each listing, and keep the id of its price; doing it again finds the same ones.

    ``ServiceUnavailable`` where there is no provider whose catalogue can be written; what it
    raises goes through, and what was published until then is kept.
    """
    takes = supports(ports.billing, TakesPayments)
    lists = supports(ports.billing, ListsPrices)
    if takes is None or lists is None:
        raise ServiceUnavailable(
            "There is no payment provider here whose catalogue can be written.",
            remedy="Set `billing` to one, such as `stripe:`.",
        )
    published = []
    for listing in listings(ports.settings):
        price_id = await lists.publish(listing)
        async with ports.database.write() as tx:
            if await prices.keep(tx, takes.source, price_id, listing):
                await audit_log.add(
                    tx,
                    "billing.price_published",
                    actor,
                    target=price_id,
                    after={
                        "kind": listing.kind,
                        "code": listing.code,
                        "overage": listing.overage,
                        "amount_cents": listing.amount_cents,
                        "currency": listing.currency,
                    },
                )
        published.append(PublishedPrice(price_id=price_id, listing=listing))
    return published
