"""The catalogue: a product of every plan and pack, and a price of every amount that it has had."""

from __future__ import annotations

from typing import Any

from staging_core.errors import PaymentRefused
from staging_core.models import Listing, OfferKind
from staging_core.models.money import as_money

from .line import Params
from .refusal import is_missing, is_taken
from .seen import Named, Price
from .usage import EVENT_NAME, Usage


class Catalogue(Usage):
    """Things are known by their names, so that publishing twice is publishing once.

    A product's id is ``staging_plan_CODE`` or ``staging_pack_CODE``, with ``_overage`` for what is
    beyond a plan; the lookup key of its price is that with the amount and the currency.
    """

    async def publish(self, listing: Listing) -> str:
        """Found by its lookup key; one that was archived is sold again."""
        product = _product_id(listing)
        lookup_key = f"{product}_{listing.amount_cents}_{listing.currency}"
        price = await self._price(lookup_key)
        if price is not None and _fits(price, listing):
            if not price.active:
                await self._activate(price)
            return price.id
        await self._have_product(product, listing)
        # A key that somebody gave to a price that does not fit is taken from it.
        key = {"lookup_key": lookup_key, "transfer_lookup_key": price is not None}
        return await self._make_price(product, key, listing)

    async def unfit(self, price_id: str, kind: OfferKind) -> str | None:
        """By what Stripe has of the price; one that it does not know is refused when it is sold."""
        price = await self._named(price_id)
        if price is None:
            return None
        if kind == "plan":
            return None if price.is_of_a_plan else "it is not one amount a month, paid before"
        once = price.recurring is None and price.is_one_amount
        return None if once else "it is not one amount, paid once"

    async def unlike(self, price_id: str, listing: Listing) -> str | None:
        """By Stripe's price; one that is metered has to count by our meter."""
        price = await self._named(price_id)
        if price is None:
            return "Stripe does not know it"
        if not _fits(price, listing):
            return f"it is {_amount(price)}{_comes(price)}"
        if listing.overage and price.meter != await self._find_meter():
            return f"it counts by another meter than that of {EVENT_NAME}"
        return None

    async def _named(self, price_id: str) -> Price | None:
        try:
            return await self._line.ask(self._v1.prices.retrieve_async(price_id), Price)
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise
            return None

    async def _price(self, lookup_key: str) -> Price | None:
        listed = self._line.each(self._v1.prices.list_async, {"lookup_keys": [lookup_key]}, Price)
        return next(iter([one async for one in listed]), None)

    async def _activate(self, price: Price) -> None:
        await self._line.ask(self._v1.prices.update_async(price.id, {"active": True}), Named)

    async def _have_product(self, product: str, listing: Listing) -> None:
        name = _name(listing)
        try:
            known = await self._line.ask(self._v1.products.retrieve_async(product), Named)
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise
            await self._make_product({"id": product, "name": name})
            return
        if known.name != name or not known.active:
            changed: Params = {"name": name, "active": True}
            await self._line.ask(self._v1.products.update_async(product, changed), Named)

    async def _make_product(self, params: Params) -> None:
        try:
            await self._line.ask(self._v1.products.create_async(params), Named)
        except PaymentRefused as error:
            if not is_taken(error.__cause__):
                raise

    async def _make_price(self, product: str, key: dict[str, Any], listing: Listing) -> str:
        params: Params = {
            "product": product,
            "currency": listing.currency,
            "unit_amount": listing.amount_cents,
            **key,
        }
        if listing.kind == "plan":
            params["recurring"] = {"interval": "month"}
        if listing.overage:
            meter = await self._have_meter()
            params["recurring"] |= {"usage_type": "metered", "meter": meter}
        try:
            return (await self._line.ask(self._v1.prices.create_async(params), Price)).id
        except PaymentRefused as error:
            made = await self._price(key["lookup_key"]) if is_taken(error.__cause__) else None
            if made is None:
                raise
            return made.id

    async def _have_meter(self) -> str:
        if known := await self._find_meter():
            return known
        params: Params = {
            "display_name": "Images beyond the plan",
            "event_name": EVENT_NAME,
            "default_aggregation": {"formula": "sum"},
        }
        try:
            return (await self._line.ask(self._v1.billing.meters.create_async(params), Named)).id
        except PaymentRefused as error:
            made = await self._find_meter() if is_taken(error.__cause__) else None
            if made is None:
                raise
            return made


def _product_id(listing: Listing) -> str:
    return f"staging_{listing.kind}_{listing.code}{'_overage' * listing.overage}"


def _name(listing: Listing) -> str:
    name = listing.name or listing.code
    return f"{name}: an image beyond the plan" if listing.overage else name


def _fits(price: Price, listing: Listing) -> bool:
    return (
        price.unit_amount == listing.amount_cents
        and price.currency == listing.currency
        and price.metered == listing.overage
        and _comes_as(price, listing)
    )


def _amount(price: Price) -> str:
    """What it is, or its currency where that is not one amount."""
    if price.unit_amount is None:
        return price.currency
    return as_money(price.unit_amount, price.currency)


def _comes(price: Price) -> str:
    """How it is charged, as far as that is not an amount once."""
    comes = price.recurring
    if comes is None:
        return "" if price.is_one_amount else " in tiers or parts of a cent"
    every = f" every {comes.interval_count} {comes.interval}"
    metered = ", by what was metered" if price.metered else ""
    return f"{every}{metered}{'' if price.is_one_amount else ', in tiers or parts of a cent'}"


def _comes_as(price: Price, listing: Listing) -> bool:
    if listing.kind == "pack":
        return price.recurring is None and price.is_one_amount
    return price.is_one_amount if listing.overage else price.is_of_a_plan
