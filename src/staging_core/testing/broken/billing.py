"""Billing backends that break one sentence each."""

from __future__ import annotations

from uuid import uuid4

from msgspec.structs import replace

from staging_core.backends.free_billing import FreeBilling
from staging_core.errors import UsageLimitExceeded
from staging_core.models import (
    Order,
    Period,
    Plan,
    Quote,
    Reservation,
    Settlement,
    Standing,
)
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


class Outside(Limited):
    """The sound backend that the broken ones with credits outside are made of.

    An account is named for how many it has.
    """

    source = "credits"

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.held: dict[str, Reservation | None] = {}

    async def reserve(self, reservation: Reservation) -> None:
        if reservation.id not in self.held:
            self.take(reservation.account_id, reservation.images)
            self.held[reservation.id] = reservation

    async def settle(self, settlement: Settlement) -> None:
        held = self.held.get(settlement.reservation_id)
        self.held[settlement.reservation_id] = None
        if held is not None:
            self.take(held.account_id, -settlement.released)

    def take(self, account: str, images: int) -> None:
        left = self.left.setdefault(account, int(account.split("-", maxsplit=1)[0])) - images
        if left < 0:
            raise UsageLimitExceeded("There are not so many.")
        self.left[account] = left


class NamesItselfAtLength(Outside):
    """Has an address in place of a name."""

    source = "https://credits.example"


class HoldsItHereToo(Outside):
    """Lets our ledger hold what it holds outside."""

    async def quote(self, order: Order) -> Quote:
        await super().quote(order)
        return Quote(allowance=order.images, rule="twice")


class HasNoBottom(Outside):
    """Holds more than the account has."""

    def take(self, account: str, images: int) -> None:
        return


class HoldsItAgain(Outside):
    """Takes a repeat for another reservation."""

    async def reserve(self, reservation: Reservation) -> None:
        there = self.held.get(reservation.id)
        id = reservation.id if there is None else str(uuid4())
        await super().reserve(replace(reservation, id=id))


class ForgetsWhatIsOver(Outside):
    """Holds what was released before it came."""

    async def reserve(self, reservation: Reservation) -> None:
        if self.held.get(reservation.id, reservation) is None:
            del self.held[reservation.id]
        await super().reserve(reservation)


class GivesNothingBack(Outside):
    """Keeps what was released."""

    async def settle(self, settlement: Settlement) -> None:
        await super().settle(replace(settlement, released=0))


class TakesItAgain(Outside):
    """Takes what was captured each time that it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: dict[str, str] = {}

    async def reserve(self, reservation: Reservation) -> None:
        self.settled[reservation.id] = reservation.account_id
        await super().reserve(reservation)

    async def settle(self, settlement: Settlement) -> None:
        id = settlement.reservation_id
        if id in self.settled and self.held[id] is None:
            self.left[self.settled[id]] -= settlement.captured
        await super().settle(settlement)


class KnowsOnlyItsOwn(Outside):
    """Fails at what it does not know."""

    async def settle(self, settlement: Settlement) -> None:
        if settlement.reservation_id not in self.held:
            raise LookupError(settlement.reservation_id)
        await super().settle(settlement)


class _Suite(BillingConformance):
    too_much = Order(account_id="local", images=LIMIT + 1, model="fake")

    async def account_with(self, credits: int) -> str:
        return f"{credits}-{uuid4()}"


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
    _billing(NamesItselfAtLength, "test_a_service_has_a_name"),
    _billing(HoldsItHereToo, "test_what_is_held_outside_is_not_held_here"),
    _billing(
        HasNoBottom,
        "test_what_is_held_is_not_there_for_others",
        "test_what_is_captured_is_taken_and_the_rest_given_back",
    ),
    _billing(HoldsItAgain, "test_the_same_is_held_once"),
    _billing(ForgetsWhatIsOver, "test_what_comes_too_late_is_not_held"),
    _billing(GivesNothingBack, "test_what_is_captured_is_taken_and_the_rest_given_back"),
    _billing(TakesItAgain, "test_the_same_is_settled_once"),
    _billing(
        KnowsOnlyItsOwn,
        "test_what_is_unknown_can_be_released",
        "test_what_comes_too_late_is_not_held",
    ),
)
