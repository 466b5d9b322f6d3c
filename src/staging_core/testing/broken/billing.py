"""Billing backends that break one sentence each."""

from __future__ import annotations

from msgspec.structs import replace

from staging_core.backends.free_billing import FreeBilling
from staging_core.errors import UsageLimitExceeded
from staging_core.models import Order, Period, Plan, Quote, Standing
from staging_core.testing.conformance import BillingConformance

from .row import Broken, broken

LIMIT = 100


class Limited(FreeBilling):
    """The sound backend that the broken ones are made of: 100 images at most."""

    async def quote(self, order: Order) -> Quote:
        if order.images > LIMIT:
            raise UsageLimitExceeded(f"{LIMIT} images at most.")
        return await super().quote(order)


class PaysTheAccount(Limited):
    """Takes less than nothing."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(allowance=1, credits=-1, rule="a present")


class TakesOneMore(Limited):
    """Takes one more than was ordered."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(allowance=order.images, credits=1, rule="one more than all")


class Planned(Limited):
    """The sound backend that the broken ones with plans are made of."""

    async def standing(self, account_id: str) -> Standing:
        period = Period(name="2026-01", start=1767225600.0, end=1769904000.0)
        return Standing(
            account_id=account_id,
            plan_code="free",
            plan=Plan(images=LIMIT),
            period=period,
            allowance=LIMIT,
        )


class EndsBeforeItBegins(Planned):
    """Tells the period from its end to its start."""

    async def standing(self, account_id: str) -> Standing:
        told = await super().standing(account_id)
        period = Period(name="2026-01", start=told.period.end, end=told.period.start)
        return replace(told, period=period)


class KnowsNoNewAccount(Planned):
    """Has nothing for an account that has never ordered."""

    async def standing(self, account_id: str) -> Standing:
        told = await super().standing(account_id)
        return told if account_id == "local" else replace(told, allowance=0)


class ShoutsItsCurrency(Limited):
    """Writes USD."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(amount_cents=100, currency="USD", rule="a dollar")


class NamesNoRule(Limited):
    """Does not say why it costs that."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(amount_cents=1)


class KnowsNoLimit(FreeBilling):
    """Lets an account have what it may not have."""


class CountsQuotes(Limited):
    """Takes a credit more every time somebody asks."""

    def __init__(self) -> None:
        self._asked = 0

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        self._asked += 1
        return Quote(amount_cents=self._asked, rule="one more")


class _Suite(BillingConformance):
    too_much = Order(account_id="local", images=LIMIT + 1, model="fake")


def _billing(backend: type[FreeBilling], *fails: str) -> Broken:
    return broken(_Suite, backend, *fails)


BROKEN_BILLING = (
    _billing(PaysTheAccount, "test_a_quote_is_whole_and_not_negative"),
    _billing(TakesOneMore, "test_a_quote_takes_all_or_nothing"),
    _billing(EndsBeforeItBegins, "test_a_standing_is_whole"),
    _billing(KnowsNoNewAccount, "test_a_new_account_has_a_standing"),
    _billing(ShoutsItsCurrency, "test_a_quote_names_its_currency"),
    _billing(NamesNoRule, "test_a_quote_names_its_rule"),
    _billing(KnowsNoLimit, "test_too_much_is_usage_limit_exceeded"),
    _billing(CountsQuotes, "test_quoting_has_no_effect"),
)
