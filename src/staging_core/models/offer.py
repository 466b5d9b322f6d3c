"""What an account may buy."""

from __future__ import annotations

from typing import Literal

import msgspec

OfferKind = Literal["plan", "pack"]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or a pack by the price that the payment provider knows.

    ``code``: of the plan or pack in the configuration. ``overage_price_id``: the metered price of
    what is had beyond a plan. ``trial_days``: free days that a plan begins with.
    """

    kind: OfferKind
    code: str
    price_id: str
    overage_price_id: str | None = None
    trial_days: int = 0


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator sells: the provider is to have a product and a price of it.

    ``amount_cents`` in ``currency``; a plan's is paid every month, a pack's once. ``overage``: the
    price of one image beyond the plan, charged by what was metered.
    """

    kind: OfferKind
    code: str
    name: str
    amount_cents: int
    currency: str
    overage: bool = False


class PublishedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider calls the price of a listing."""

    price_id: str
    listing: Listing
