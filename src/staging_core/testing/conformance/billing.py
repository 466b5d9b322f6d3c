"""The contract of ``Billing``."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from staging_core.errors import UsageLimitExceeded
from staging_core.interfaces import Billing, KeepsPlans, supports
from staging_core.models import Order, Quote, Standing

from .base import OpensConformance, check


class BillingConformance(OpensConformance):
    """``url`` names the billing backend.

    ``orders``: what the account may have. ``too_much``: an order that it may not have, None when
    the backend turns nothing away.
    """

    kind = "billing"
    orders: ClassVar[tuple[Order, ...]] = (
        Order(account_id="local", images=1, model="fake"),
        Order(account_id="local", images=3, model="fake", model_cost_usd=0.12),
    )
    too_much: ClassVar[Order | None] = None

    @check("What the order would cost")
    async def test_a_quote_is_whole_and_not_negative(self, billing: Billing) -> None:
        for order in self.orders:
            quote = await billing.quote(order)
            assert isinstance(quote, Quote)
            takes = (quote.allowance, quote.credits, quote.overage, quote.amount_cents)
            assert all(type(number) is int for number in takes)
            assert min(takes) >= 0

    @check(
        "What it takes (allowance, credits, overage) comes to the order's images, or to nothing."
    )
    async def test_a_quote_takes_all_or_nothing(self, billing: Billing) -> None:
        for order in self.orders:
            assert (await billing.quote(order)).images in (0, order.images)

    @check("``currency``: money for the whole order")
    async def test_a_quote_names_its_currency(self, billing: Billing) -> None:
        for order in self.orders:
            currency = (await billing.quote(order)).currency
            assert currency.isascii()
            assert currency.isalpha()
            assert currency.islower()
            assert len(currency) == 3

    @check("``rule``: the plan rule that applied, in one plain phrase")
    async def test_a_quote_names_its_rule(self, billing: Billing) -> None:
        for order in self.orders:
            rule = (await billing.quote(order)).rule
            assert rule.strip()
            assert "\n" not in rule

    @check("``UsageLimitExceeded`` when the account may not have it")
    async def test_too_much_is_usage_limit_exceeded(self, billing: Billing) -> None:
        if self.too_much is not None:
            with pytest.raises(UsageLimitExceeded):
                await billing.quote(self.too_much)

    @check("Has no effect: quoting twice costs nothing and answers the same while nothing changed.")
    async def test_quoting_has_no_effect(self, billing: Billing) -> None:
        for order in self.orders:
            first = await billing.quote(order)
            assert await asyncio.gather(*(billing.quote(order) for _ in range(20))) == [first] * 20

    # --- KeepsPlans -----------------------------------------------------------------------------

    @check("The account's plan and period, and what it has left of them.")
    async def test_a_standing_is_whole(self, billing: Billing) -> None:
        if (plans := supports(billing, KeepsPlans)) is None:
            return
        for order in self.orders:
            standing = await plans.standing(order.account_id)
            assert isinstance(standing, Standing)
            assert standing.account_id == order.account_id
            assert standing.plan_code.strip()
            assert standing.period.start < standing.period.end
            left = (standing.used, standing.allowance, standing.credits, standing.overage)
            assert min(left) >= 0

    @check("An account that nobody has seen yet stands as a new one.")
    async def test_a_new_account_has_a_standing(self, billing: Billing) -> None:
        if (plans := supports(billing, KeepsPlans)) is None:
            return
        standing = await plans.standing("nobody-has-seen-it")
        assert standing.used == 0
        assert standing.allowance == standing.plan.images
        quoted = await billing.quote(Order(account_id="nobody-has-seen-it", images=1, model="fake"))
        assert quoted.images in (0, 1)
