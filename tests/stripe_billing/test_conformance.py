"""The backend keeps the contracts of payments, and each check catches one that does not."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import stripe as vendor
from msgspec.structs import replace

from staging_core.backends.stripe_billing.billing import StripeBilling
from staging_core.errors import StagingError
from staging_core.models import Callback, PaymentNotice
from staging_core.testing.conformance import PaymentsConformance
from staging_core.testing.conformance.base import checks
from staging_core.testing.stripe import RunningStripe, running_stripe

from .conftest import SECRETS, opened


class TestStripePayments(PaymentsConformance):
    url = "stripe:"
    subject: ClassVar[type[StripeBilling]] = StripeBilling
    stripe: RunningStripe

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[StripeBilling]:
        """The backend at a double of its own."""
        with running_stripe() as self.stripe:
            async with opened(self.stripe, home) as billing:
                billing.__class__ = self.subject
                yield billing

    async def pay(self, url: str) -> None:
        """On the page of the double."""
        self.stripe.pay(url.rpartition("/")[2])

    async def reports(self) -> list[Callback]:
        """The double's events, signed as it signs them."""
        return [_signed(event) for event in self.stripe.objects("event")]

    async def now(self) -> float:
        """The double's time is the real one, as nothing advances it."""
        return time.time()


def _signed(event: dict[str, Any]) -> Callback:
    text = json.dumps(event)
    header = vendor.WebhookSignature.generate_signature_header(text, SECRETS.split()[0])
    headers = {"stripe-signature": header}
    return Callback(body=text.encode(), headers=headers, received_at=time.time())


# --- backends that break one sentence each -------------------------------------------------------


class NamesAProduct(StripeBilling):
    source = "Stripe, Inc."


class TellsNobodyWhose(StripeBilling):
    async def make_customer(self, account_id: str, **named: Any) -> str:
        return await super().make_customer("somebody", **named)


class ForgetsItsKeys(StripeBilling):
    async def make_customer(self, account_id: str, **named: Any) -> str:
        named["key"] = f"{time.monotonic_ns()}"
        return await super().make_customer(account_id, **named)


class FindsTheNewest(StripeBilling):
    async def find_customer(self, account_id: str, *, since: float) -> Any:
        async for one in self.all_of("customer", since=since):
            return one
        return None


class BuysBeforeItIsPaid(StripeBilling):
    async def checkout(self, customer_id: str, offer: Any, **named: Any) -> str:
        await self.subscribe(customer_id, offer, purchase_id=named["purchase_id"], key="early")
        return await super().checkout(customer_id, offer, **named)


class LosesThePurchase(StripeBilling):
    async def checkout(self, customer_id: str, offer: Any, **named: Any) -> str:
        return await super().checkout(customer_id, offer, **{**named, "purchase_id": "lost"})


class IsActiveAtOnce(StripeBilling):
    async def subscribe(self, customer_id: str, offer: Any, **named: Any) -> Any:
        return replace(await super().subscribe(customer_id, offer, **named), status="active")


class KeepsTheSecret(StripeBilling):
    async def subscribe(self, customer_id: str, offer: Any, **named: Any) -> Any:
        return replace(await super().subscribe(customer_id, offer, **named), client_secret=None)


class TakesAnySubscription(StripeBilling):
    async def begun(self, customer_id: str, purchase_id: str) -> Any:
        async for one in self.all_of("subscription", since=0):
            return one
        return None


class StaysWhereItIs(StripeBilling):
    async def switch(self, subscription_id: str, offer: Any, *, key: str) -> Any:
        return await self.look("subscription", subscription_id)


class NeverEnds(StripeBilling):
    async def end_with_period(self, subscription_id: str, *, key: str) -> Any:
        return await self.look("subscription", subscription_id)


class EndsAnyway(StripeBilling):
    async def go_on(self, subscription_id: str, *, key: str) -> Any:
        return await self.look("subscription", subscription_id)


class HasNoDefault(StripeBilling):
    async def payment_methods(self, customer_id: str) -> Any:
        found = await super().payment_methods(customer_id)
        return [replace(one, is_default=False) for one in found]


class TakesAnybodysCard(StripeBilling):
    async def _check_owned(self, customer_id: str, method_id: str) -> None:
        return None


class ListsNothing(StripeBilling):
    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> Any:
        return []


class BelievesAnybody(StripeBilling):
    def _verify(self, callback: Callback) -> None:
        return None


class SaysNothing(StripeBilling):
    async def receive(self, callback: Callback) -> PaymentNotice:
        return replace(await super().receive(callback), kind=None, object_id=None)


class CountsDeliveries(StripeBilling):
    async def receive(self, callback: Callback) -> PaymentNotice:
        return replace(await super().receive(callback), event_id=f"{time.monotonic_ns()}")


class SeesGhosts(StripeBilling):
    async def look(self, kind: Any, object_id: str) -> Any:
        seen = await super().look(kind, object_id)
        return seen or await super()._by_intent(object_id)


class KnowsNoTime(StripeBilling):
    def all_of(self, kind: Any, *, since: float) -> Any:
        return super().all_of(kind, since=0)


class CountsTwice(StripeBilling):
    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        await super().meter(customer_id, images, at=at, key=f"{time.monotonic_ns()}")


class SellsAtAnyPrice(StripeBilling):
    async def publish(self, listing: Any) -> str:
        return await super().publish(replace(listing, amount_cents=2900))


BROKEN = {
    NamesAProduct: "test_a_source_is_a_short_word",
    TellsNobodyWhose: "test_a_customer_says_whose_it_is",
    ForgetsItsKeys: "test_one_key_makes_one_customer",
    FindsTheNewest: "test_the_oldest_customer_is_found",
    BuysBeforeItIsPaid: "test_a_page_buys_nothing_by_itself",
    LosesThePurchase: "test_a_plan_that_was_bought_carries_its_purchase",
    IsActiveAtOnce: "test_a_subscription_begins_incomplete",
    KeepsTheSecret: "test_a_subscription_comes_with_its_secret",  # pragma: allowlist secret
    TakesAnySubscription: "test_only_the_purchases_subscription_is_found",
    StaysWhereItIs: "test_a_dearer_plan_that_is_paid_is_there",
    NeverEnds: "test_it_ends_with_its_period",
    EndsAnyway: "test_it_goes_on",
    HasNoDefault: "test_the_card_that_paid_is_a_way_to_pay",
    TakesAnybodysCard: "test_another_customers_way_to_pay_is_not_found",
    ListsNothing: "test_the_first_bill_is_listed",
    BelievesAnybody: "test_a_report_that_was_changed_is_not_believed",
    SaysNothing: "test_a_report_tells_what_to_look_at",
    CountsDeliveries: "test_every_delivery_of_one_event_has_one_id",
    SeesGhosts: "test_there_is_nothing_where_nothing_is",
    KnowsNoTime: "test_all_things_are_as_they_look",
    CountsTwice: "test_one_key_is_counted_once",
    SellsAtAnyPrice: "test_every_listing_has_one_price",
}


@pytest.mark.parametrize("backend", BROKEN, ids=lambda backend: backend.__name__)
def test_a_backend_that_breaks_a_sentence_is_caught(backend: type[StripeBilling]) -> None:
    suite = type(backend.__name__, (TestStripePayments,), {"subject": backend})
    with pytest.raises((AssertionError, StagingError, pytest.fail.Exception)) as caught:
        getattr(suite(), BROKEN[backend])()
    assert any("The contract says" in note for note in caught.value.__notes__)


def test_every_check_catches_some_backend() -> None:
    assert set(BROKEN.values()) == set(checks(PaymentsConformance))
