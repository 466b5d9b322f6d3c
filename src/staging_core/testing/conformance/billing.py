"""The contract of ``Billing``."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import ClassVar
from uuid import uuid4

import pytest

from staging_core.errors import UsageLimitExceeded
from staging_core.interfaces import Billing, KeepsPlans, ReservesElsewhere, supports
from staging_core.models import Order, Quote, Reservation, Settlement, Standing

from .base import OpensConformance, check


class BillingConformance(OpensConformance):
    """``url`` names the billing backend.

    ``orders``: what the account may have. ``too_much``: an order that it may not have, None when
    the backend turns nothing away. ``account_with``: who has so many credits outside.
    """

    kind = "billing"
    orders: ClassVar[tuple[Order, ...]] = (
        Order(account_id="local", images=1, model="fake"),
        Order(account_id="local", images=3, model="fake", model_cost_usd=0.12),
    )
    too_much: ClassVar[Order | None] = None

    async def account_with(self, credits: int) -> str | None:
        """A fresh account that has exactly so many credits at the service outside.

        None: what is held there is not checked.
        """
        return None

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

    # --- ReservesElsewhere ----------------------------------------------------------------------

    @check("The service's name, 1 to 32 small letters")
    async def test_a_service_has_a_name(self, billing: Billing) -> None:
        if (service := supports(billing, ReservesElsewhere)) is not None:
            assert re.fullmatch("[a-z]{1,32}", service.source)

    @check("It quotes nothing that the core's ledger would hold: an image is held in one place.")
    async def test_what_is_held_outside_is_not_held_here(self, billing: Billing) -> None:
        if supports(billing, ReservesElsewhere) is not None:
            for order in self.orders:
                assert (await billing.quote(order)).images == 0

    @check("Hold what the images take; ``UsageLimitExceeded`` when the account has not so much.")
    async def test_what_is_held_is_not_there_for_others(self, billing: Billing) -> None:
        if (outside := await self._outside(billing, 3)) is not None:
            service, account = outside
            await service.reserve(_of(account, 2))
            with pytest.raises(UsageLimitExceeded):
                await service.reserve(_of(account, 2))
            await service.reserve(_of(account, 1))

    @check("Reserving the same again changes nothing.")
    async def test_the_same_is_held_once(self, billing: Billing) -> None:
        if (outside := await self._outside(billing, 2)) is not None:
            service, account = outside
            reservation = _of(account, 1)
            for _ in range(3):
                await service.reserve(reservation)
            await service.reserve(_of(account, 1))

    @check("What was settled before it came is not held.")
    async def test_what_comes_too_late_is_not_held(self, billing: Billing) -> None:
        if (outside := await self._outside(billing, 1)) is not None:
            service, account = outside
            late = _of(account, 1)
            await service.settle(Settlement(reservation_id=late.id, released=1))
            with suppress(Exception):  # it may say so, or not
                await service.reserve(late)
            await service.reserve(_of(account, 1))

    @check("Take what was captured for good, and give back what was released.")
    async def test_what_is_captured_is_taken_and_the_rest_given_back(
        self, billing: Billing
    ) -> None:
        if (outside := await self._outside(billing, 3)) is not None:
            service, account = outside
            three = _of(account, 3)
            await service.reserve(three)
            ended = Settlement(reservation_id=three.id, captured=1, released=2)
            await service.settle(ended)
            with pytest.raises(UsageLimitExceeded):
                await service.reserve(_of(account, 3))
            await service.reserve(_of(account, 2))

    @check("Settling the same again changes nothing.")
    async def test_the_same_is_settled_once(self, billing: Billing) -> None:
        if (outside := await self._outside(billing, 2)) is not None:
            service, account = outside
            reservation = _of(account, 1)
            await service.reserve(reservation)
            for _ in range(3):
                await service.settle(Settlement(reservation_id=reservation.id, captured=1))
            await service.reserve(_of(account, 1))

    @check("Releasing an unknown reservation is done.")
    async def test_what_is_unknown_can_be_released(self, billing: Billing) -> None:
        if (service := supports(billing, ReservesElsewhere)) is not None:
            unknown = Settlement(reservation_id=str(uuid4()), released=1)
            for _ in range(2):
                await service.settle(unknown)

    async def _outside(
        self, billing: Billing, credits: int
    ) -> tuple[ReservesElsewhere, str] | None:
        """The service, and an account that has so many credits there."""
        service = supports(billing, ReservesElsewhere)
        account = None if service is None else await self.account_with(credits)
        return None if service is None or account is None else (service, account)


def _of(account: str, images: int) -> Reservation:
    return Reservation(id=str(uuid4()), account_id=account, model="fake", images=images)
