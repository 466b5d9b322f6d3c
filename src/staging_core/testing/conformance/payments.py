"""The contracts of billing backends through which accounts pay."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from staging_core.errors import Busy, InvalidCallback, InvalidSignature
from staging_core.interfaces import (
    DescribesCustomers,
    EndsPayments,
    NamesEvents,
    WithdrawsOffers,
    supports,
)
from staging_core.models import Face, PaidPurchase, PaymentNotice

from .at_a_provider import ACCOUNT, DEARER, MONTHLY, OVERAGE, PACK, PURCHASE
from .base import check
from .taking_payments import TakingPayments

_KINDS = ("customer", "subscription", "purchase")


class PaymentsConformance(TakingPayments):
    """The subject takes and reports payments, meters usage and lists prices.

    What customers and the provider do is told by the subclass: ``open`` (a provider of its own for
    each check) and the abstract methods of ``AtAProvider``.
    """

    # --- ReportsPayments ------------------------------------------------------------------------

    @check("Verify a report; ``InvalidSignature``")
    async def test_a_report_that_was_changed_is_not_believed(self, billing: Any) -> None:
        await self.a_customer(billing)
        for report in await self.reports():
            with pytest.raises(InvalidSignature):
                await billing.receive(replace(report, body=report.body + b" "))
            with pytest.raises(InvalidSignature):
                await billing.receive(replace(report, headers={}))

    @check("``InvalidCallback`` where it makes no sense.")
    async def test_a_report_that_makes_no_sense_is_invalid(self, billing: Any) -> None:
        with pytest.raises(InvalidCallback):
            await billing.receive(await self.signed(b"This is no report."))

    @check("Does not ask the provider.")
    async def test_a_report_is_verified_while_the_provider_is_away(self, billing: Any) -> None:
        await self.a_customer(billing)
        reports = await self.reports()
        assert reports
        async with self.away():
            for report in reports:
                await billing.receive(report)

    @check("A verified report of the payment provider: look at this thing.")
    async def test_a_report_tells_what_to_look_at(self, billing: Any) -> None:
        customer = await self.a_customer(billing)
        await self.pay(await self.a_page(billing, customer, PACK))
        notices = [await billing.receive(report) for report in await self.reports()]
        assert all(isinstance(notice, PaymentNotice) for notice in notices)
        told = {notice.object_id for notice in notices if notice.kind == "purchase"}
        seen = [await billing.look("purchase", one) for one in sorted(filter(None, told))]
        bought = [one for one in seen if isinstance(one, PaidPurchase)]
        assert [(one.paid, one.purchase_id) for one in bought] == [(True, PURCHASE)]
        assert (bought[0].customer_id, bought[0].amount_cents) == (customer, PACK.amount_cents)

    @check("the same for every delivery of one event")
    async def test_every_delivery_of_one_event_has_one_id(self, billing: Any) -> None:
        await self.a_customer(billing)
        for report in await self.reports():
            first, second = await billing.receive(report), await billing.receive(report)
            assert first == second
            assert first.event_id

    @check("The latest state of one thing; None when there is no such thing.")
    async def test_there_is_nothing_where_nothing_is(self, billing: Any) -> None:
        for kind in _KINDS:
            assert await billing.look(kind, "nothing-has-this-id") is None

    @check("Every thing of a kind that was made since (Unix seconds), as it is now")
    async def test_all_things_are_as_they_look(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        for kind, id in (("subscription", bought.id), ("customer", bought.customer_id)):
            seen = [one async for one in billing.all_of(kind, since=bought.created_at - 60)]
            assert seen == [await billing.look(kind, id)]
            later = billing.all_of(kind, since=bought.created_at + 3600)
            assert [one async for one in later] == []

    @check("Events since (Unix seconds) that the provider could not deliver.")
    async def test_what_was_not_delivered_is_missed(self, billing: Any) -> None:
        since = await self.now() - 60
        await self.deliver(well=True)
        await self.a_customer(billing)
        assert [one async for one in billing.missed(since=since)] == []
        await self.deliver(well=False)
        lost = await self.a_customer(billing, "another-account")
        missed = [one async for one in billing.missed(since=since)]
        assert {(one.kind, one.object_id) for one in missed} == {("customer", lost)}
        reported = [await billing.receive(report) for report in await self.reports()]
        assert {one.event_id for one in missed} <= {one.event_id for one in reported}
        assert [one async for one in billing.missed(since=since + 3600)] == []

    # --- NamesEvents ----------------------------------------------------------------------------

    @check("What an event of this ``type`` tells, in our words; None: nothing that is told on.")
    async def test_a_bill_that_is_paid_is_told_once(self, billing: Any) -> None:
        if (names := supports(billing, NamesEvents)) is None:
            return
        bought = await self.a_plan(billing)
        reported = [await billing.receive(report) for report in await self.reports()]
        bills = [one for one in reported if names.news_of(one.type) == "bill.paid"]
        assert [one.customer_id for one in bills] == [bought.customer_id]
        assert names.news_of("nothing.of.this.type") is None

    @check("The customer of a payment that is no pack's, as that of a bill; None: it has none.")
    async def test_what_nobody_paid_has_no_payer(self, billing: Any) -> None:
        if (names := supports(billing, NamesEvents)) is None:
            return
        await self.a_plan(billing)
        assert await names.payer("nobody-has-this-id") is None

    # --- EndsPayments ---------------------------------------------------------------------------

    @check("End all subscriptions of the customer at once, and close the pages it could pay on.")
    async def test_nothing_is_paid_any_more(self, billing: Any) -> None:
        if (ends := supports(billing, EndsPayments)) is None:
            return
        bought = await self.a_plan(billing)
        page = await self.a_page(billing, bought.customer_id, PACK, purchase="another")
        await ends.end_payments(bought.customer_id)
        seen = await billing.look("subscription", bought.id)
        assert seen.status == "canceled"
        with suppress(Exception):  # however the provider says that the page is closed
            await self.pay(page)
        assert not [one for one in await self.all_of(billing, "purchase") if one.paid]

    @check(
        "Of a customer that has nothing, or is gone, this does nothing; doing it twice is doing it"
        " once."
    )
    async def test_ending_what_has_ended_does_nothing(self, billing: Any) -> None:
        if (ends := supports(billing, EndsPayments)) is None:
            return
        bought, other = await self.a_plan(billing), await self.a_customer(billing, "another")
        before = await billing.look("subscription", bought.id)
        for customer in (other, "nobody-has-this-id"):
            await ends.end_payments(customer)
        assert await billing.look("subscription", bought.id) == before
        await ends.end_payments(bought.customer_id)
        ended = await billing.look("subscription", bought.id)
        await ends.end_payments(bought.customer_id)
        assert await billing.look("subscription", bought.id) == ended

    @check("Nothing is given back; what was metered is billed.")
    async def test_the_end_gives_nothing_back(self, billing: Any) -> None:
        if (ends := supports(billing, EndsPayments)) is None:
            return
        bought = await self.a_plan(billing)
        await ends.end_payments(bought.customer_id)
        bills = await billing.invoices(bought.customer_id, limit=10, offset=0)
        assert (bills[-1].status, bills[-1].amount_paid) == ("paid", MONTHLY.amount_cents)

    # --- WithdrawsOffers ------------------------------------------------------------------------

    @check(
        "Nobody can pay any more for the plan of this purchase; its subscription, where it is one."
    )
    async def test_what_was_withdrawn_is_not_paid(self, billing: Any) -> None:
        if (withdraws := supports(billing, WithdrawsOffers)) is None:
            return
        begun = await self.a_beginning(billing)
        page = await self.a_page(billing, begun.customer_id, MONTHLY, purchase="another")
        seen = await withdraws.withdraw(begun.customer_id, PURCHASE)
        assert seen is not None
        assert (seen.id, seen.status) == (begun.id, "incomplete_expired")
        assert seen == await billing.begun(begun.customer_id, PURCHASE)
        assert await withdraws.withdraw(begun.customer_id, "another") is None
        with suppress(Exception):  # however the provider says that the page is closed
            await self.pay(page)
        assert [one.id for one in await self.all_of(billing, "subscription")] == [begun.id]

    @check("One that is paid stays as it is.")
    async def test_what_is_paid_is_not_withdrawn(self, billing: Any) -> None:
        if (withdraws := supports(billing, WithdrawsOffers)) is None:
            return
        bought = await self.a_plan(billing)
        assert await withdraws.withdraw(bought.customer_id, PURCHASE) == bought
        assert (await billing.look("subscription", bought.id)).status == "active"

    @check(
        "Of a purchase that nothing is known of this does nothing, and neither does it the second"
        " time."
    )
    async def test_withdrawing_nothing_does_nothing(self, billing: Any) -> None:
        if (withdraws := supports(billing, WithdrawsOffers)) is None:
            return
        begun = await self.a_beginning(billing)
        for customer in (begun.customer_id, "nobody-has-this-id"):
            assert await withdraws.withdraw(customer, "nothing-has-this-id") is None
        assert (await billing.look("subscription", begun.id)).status == "incomplete"
        first = await withdraws.withdraw(begun.customer_id, PURCHASE)
        assert await withdraws.withdraw(begun.customer_id, PURCHASE) == first

    # --- DescribesCustomers ---------------------------------------------------------------------

    @check(
        "Tell who the customer is, where that is something else than what was told last."
        " What is not said stays as the provider has it, and so does what the customer has told the"
        " provider since, until something else is said."
    )
    async def test_who_a_customer_is_may_be_told_again(self, billing: Any) -> None:
        if (describes := supports(billing, DescribesCustomers)) is None:
            return
        customer = await self.a_customer(billing)
        before = await billing.look("customer", customer)
        address = {"line1": "1 Baker Street", "city": "London", "country": "gb", "floor": "2"}
        for face in (Face(address=address), Face(address=address), Face(name="Ada L."), Face()):
            await describes.describe_customer(customer, face)
            assert await billing.look("customer", customer) == before

    # --- MetersUsage, ListsPrices ---------------------------------------------------------------

    @check(
        "Tell that ``images`` were had at ``at`` (Unix seconds); under one ``key`` once a day."
        " ``key``: 1 to 100 characters."
    )
    async def test_one_key_is_counted_once(self, billing: Any) -> None:
        await billing.publish(OVERAGE)
        customer, at = await self.a_customer(billing), await self.now()
        for key in ("1", "1", "2" * 100, "2" * 100):
            await billing.meter(customer, 2, at=at, key=key)
        minute = at - at % 60
        assert await billing.metered(customer, since=minute, until=minute + 60) == 4

    @check(
        "How many images were told of that were had in whole minutes from ``since`` to ``until``."
    )
    async def test_what_was_metered_is_counted_by_its_minute(self, billing: Any) -> None:
        await billing.publish(OVERAGE)
        customer, other = [await self.a_customer(billing, name) for name in (ACCOUNT, "another")]
        now = await self.now()
        minute = now - now % 60
        for at, images in ((minute - 60, 1), (minute - 1, 2), (minute, 4)):
            await billing.meter(customer, images, at=at, key=f"{images}")
        assert await billing.metered(customer, since=minute - 60, until=minute) == 3
        assert await billing.metered(customer, since=minute, until=minute + 60) == 4
        assert await billing.metered(customer, since=minute - 120, until=minute + 60) == 7
        assert await billing.metered(other, since=minute - 60, until=minute + 60) == 0

    @check("Have the subscription charge what is metered from now on at this price; None: at none.")
    async def test_what_is_metered_is_charged_at_a_price(self, billing: Any) -> None:
        bought, beyond = await self.a_plan(billing), await billing.publish(OVERAGE)
        charged = await billing.charge_beyond(bought.id, beyond, instead_of=(), key="beyond")
        seen = await billing.look("subscription", bought.id)
        for one in (charged, seen):
            assert (one.price_id, one.overage_price_ids) == (bought.price_id, (beyond,))
        none = await billing.charge_beyond(bought.id, None, instead_of=(beyond,), key="none")
        assert none.overage_price_ids == ()

    @check(
        "It takes the place of the prices ``instead_of``, at which what was metered until now is"
        " still charged. To ask for what is so already changes nothing."
    )
    async def test_one_price_takes_the_place_of_another(self, billing: Any) -> None:
        bought, dearer = await self.a_plan(billing), replace(OVERAGE, amount_cents=50)
        prices = [await billing.publish(listing) for listing in (OVERAGE, dearer)]
        await billing.charge_beyond(bought.id, prices[0], instead_of=(), key="beyond")
        for key in ("dearer", "dearer again"):
            now = await billing.charge_beyond(
                bought.id, prices[1], instead_of=(prices[0],), key=key
            )
            assert now.overage_price_ids == (prices[1],)

    @check("``Busy`` while a change of the subscription waits to be paid.")
    async def test_a_change_that_waits_is_not_undone(self, billing: Any) -> None:
        bought, beyond = await self.a_plan(billing), await billing.publish(OVERAGE)
        await self.have_card(bought.customer_id, pays=False)
        await billing.switch(bought.id, await self.an_offer(billing, DEARER), key="up")
        with pytest.raises(Busy):
            await billing.charge_beyond(bought.id, beyond, instead_of=(), key="beyond")
        seen = await billing.look("subscription", bought.id)
        assert (seen.price_id, seen.overage_price_ids) == (bought.price_id, ())

    @check("The id of the price of exactly that listing, which is made where it is not there.")
    async def test_every_listing_has_one_price(self, billing: Any) -> None:
        listings = (MONTHLY, replace(MONTHLY, amount_cents=3900), DEARER, OVERAGE, PACK)
        first = [await billing.publish(one) for one in listings]
        assert len(set(first)) == len(listings)
        assert [await billing.publish(one) for one in listings] == first

    @check(
        "Why the price cannot be a plan's, one amount a month, or a pack's, one amount once."
        " None where it can, and where there is no such price."
    )
    async def test_a_price_is_fit_for_what_it_is_of(self, billing: Any) -> None:
        for listing, other in ((MONTHLY, "pack"), (PACK, "plan")):
            price = await billing.publish(listing)
            assert await billing.unfit(price, listing.kind) is None
            assert await billing.unfit(price, other)
        assert await billing.unfit("nobody-sells-this", "plan") is None

    @check(
        "What the price charges otherwise than the listing says."
        " None where it charges just that, under whatever name; that there is no such price is"
        " said."
    )
    async def test_a_price_that_charges_something_else_is_seen(self, billing: Any) -> None:
        for listing in (MONTHLY, OVERAGE, PACK):
            price = await billing.publish(listing)
            assert await billing.unlike(price, replace(listing, name="Another")) is None
            assert await billing.unlike(price, replace(listing, amount_cents=3))
            assert await billing.unlike(price, replace(listing, overage=not listing.overage))
            assert await billing.unlike("nobody-sells-this", listing)

    @check("A price never changes; one of another amount stays for those who pay it.")
    async def test_a_price_stays_for_those_who_pay_it(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        now = await billing.publish(replace(MONTHLY, amount_cents=3900))
        seen = await billing.look("subscription", bought.id)
        assert (seen.status, seen.price_id) == ("active", bought.price_id)
        assert bought.price_id != now
