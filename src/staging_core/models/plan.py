"""Plans: what an account may have in a period, and what it costs. They are configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

Images = Annotated[int, Meta(ge=0, le=1_000_000)]
Cents = Annotated[int, Meta(ge=0, le=100_000_000)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plan. Money is in the smallest unit of ``currency`` (ISO 4217, small letters).

    As Stripe has it: cents of a dollar, whole yen, thousandths of a Kuwaiti dinar.

    ``images``: the allowance of a period; what is left of it ends with the period.
    ``price_cents``: of a period. ``overage_images``: how many more may be had in a period beyond
    allowance and credits, at ``overage_cents`` each, charged afterwards; none by default, so that
    no bill runs away. ``weight``: of two accounts that wait, one of twice the weight may have twice
    as many jobs at work. ``price_ids``: what the payment provider calls its price; the first is the
    one that is sold. ``overage_price_id``: its metered price of one image beyond the plan.
    ``trial_days``: free days that it begins with. ``features``: names that a page may show, and a
    host may ask for.
    """

    images: Images
    name: Annotated[str, Meta(max_length=100)] = ""
    price_cents: Cents = 0
    currency: Annotated[str, Meta(pattern="^[a-z]{3}$")] = "usd"
    overage_images: Images = 0
    overage_cents: Cents = 0
    weight: Annotated[int, Meta(ge=1, le=100)] = 1
    price_ids: tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...] = ()
    overage_price_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    trial_days: Annotated[int, Meta(ge=0, le=730)] = 0
    features: tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...] = ()

    @property
    def charges_overage(self) -> bool:
        """Whether what is had beyond it costs something."""
        paid = self.overage_cents > 0 or self.overage_price_id is not None
        return self.overage_images > 0 and paid


USUAL_PLANS: Mapping[str, Plan] = {
    "free": Plan(name="Free", images=10),
    "pro": Plan(name="Pro", images=100, price_cents=2900, weight=2),
    "business": Plan(name="Business", images=500, price_cents=9900, weight=4),
}
"""What the original sold: images a month, and dollars."""
