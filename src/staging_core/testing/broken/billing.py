"""Billing backends that break one sentence each."""

from __future__ import annotations

from staging_core.backends.free_billing import FreeBilling
from staging_core.errors import UsageLimitExceeded
from staging_core.models import Order, Quote
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
        return Quote(credits=-1, rule="a present")


class ShoutsItsCurrency(Limited):
    """Writes USD."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(amount_cents=100, currency="USD", rule="a dollar")


class NamesNoRule(Limited):
    """Does not say why it costs that."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(credits=1)


class KnowsNoLimit(FreeBilling):
    """Lets an account have what it may not have."""


class CountsQuotes(Limited):
    """Takes a credit more every time somebody asks."""

    def __init__(self) -> None:
        self._asked = 0

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        self._asked += 1
        return Quote(credits=self._asked, rule="one more")


class _Suite(BillingConformance):
    too_much = Order(account_id="local", images=LIMIT + 1, model="fake")


def _billing(backend: type[FreeBilling], *fails: str) -> Broken:
    return broken(_Suite, backend, *fails)


BROKEN_BILLING = (
    _billing(PaysTheAccount, "test_a_quote_is_whole_and_not_negative"),
    _billing(ShoutsItsCurrency, "test_a_quote_names_its_currency"),
    _billing(NamesNoRule, "test_a_quote_names_its_rule"),
    _billing(KnowsNoLimit, "test_too_much_is_usage_limit_exceeded"),
    _billing(CountsQuotes, "test_quoting_has_no_effect"),
)
