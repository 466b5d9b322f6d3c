"""Having the payment provider list what the settings sell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from msgspec.structs import replace

from staging_core.config import Settings
from staging_core.database import audit_log, prices
from staging_core.errors import (
    Busy,
    PaymentRefused,
    PaymentsUnavailable,
    ServiceUnavailable,
    SettingError,
)
from staging_core.interfaces import ListsPrices, TakesPayments, supports
from staging_core.models import Actor, Listing, OfferKind, PublishedPrice
from staging_core.models.money import as_money
from staging_core.ports import Ports

log = logging.getLogger("staging_core")

_START_S = 15.0


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


async def check_prices(billing: object, settings: Settings) -> None:
    """``SettingError`` for a price of the settings that cannot be what it is named for.

    Of any but monthly ones nobody could say what a larger plan costs more. A provider that is away
    is not waited for.
    """
    lists = supports(billing, ListsPrices)
    if lists is None:
        return
    try:
        async with asyncio.timeout(_START_S):
            for code, kind, price_id in _named(settings):
                why = await lists.unfit(price_id, kind)
                if why is not None:
                    raise SettingError(
                        f"The price {price_id!r} cannot be that of the {kind} {code!r}: {why}.",
                        remedy="Have `staging billing plans push` make one, and name that in "
                        "`price_ids`.",
                    )
    except (Busy, PaymentRefused, PaymentsUnavailable, TimeoutError) as away:
        log.warning("whether prices are fit for what they are of is not known: %s", away)


async def unlike(ports: Ports) -> list[str]:
    """What prices that the settings name, and that are sold, charge otherwise than they say.

    One sentence of each; none where there is no catalogue to look into. What the provider raises.
    """
    lists = supports(ports.billing, ListsPrices)
    if lists is None:
        return []
    said = []
    for price_id, listing in _sold(ports.settings):
        if why := await lists.unlike(price_id, listing):
            of = f"{listing.kind} {listing.code}"
            what = f"an image beyond the {of}" if listing.overage else f"the {of}"
            amount = as_money(listing.amount_cents, listing.currency)
            said.append(f"The price {price_id!r} of {what} is to be {amount}: {why}.")
    return said


def _sold(settings: Settings) -> Iterator[tuple[str, Listing]]:
    """Every price that the settings name and sell, and what they say of it."""
    for code, plan in settings.plans.items():
        listing = Listing(
            kind="plan", code=code, name="", amount_cents=plan.price_cents, currency=plan.currency
        )
        if plan.price_ids and plan.price_cents:
            yield plan.price_ids[0], listing
        if plan.charges_overage and plan.overage_price_id is not None:
            beyond = replace(listing, amount_cents=plan.overage_cents, overage=True)
            yield plan.overage_price_id, beyond
    for code, pack in settings.packs.items():
        if pack.price_ids and pack.price_cents:
            yield (
                pack.price_ids[0],
                Listing(
                    kind="pack",
                    code=code,
                    name="",
                    amount_cents=pack.price_cents,
                    currency=pack.currency,
                ),
            )


def _named(settings: Settings) -> Iterator[tuple[str, OfferKind, str]]:
    """Every price that the settings name."""
    for code, plan in settings.plans.items():
        yield from ((code, "plan", price_id) for price_id in plan.price_ids)
    for code, pack in settings.packs.items():
        yield from ((code, "pack", price_id) for price_id in pack.price_ids)


async def publish(ports: Ports, actor: Actor) -> list[PublishedPrice]:
    """Publish each listing, and keep the id of its price; doing it again finds the same ones.

    ``SettingError`` for a price of the settings that cannot be what it is named for.
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
    await check_prices(ports.billing, ports.settings)
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
