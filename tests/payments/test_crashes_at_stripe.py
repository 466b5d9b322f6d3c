"""A process that dies anywhere in a switch or a settlement at Stripe leaves the same end.

It dies before or after a commit, and before or after each call that our backend makes over HTTP: an
upgrade is three of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter as Counted
from collections.abc import Iterator
from typing import Any

import pytest
from tests.engine.crashing import Crash, Cut

from staging_core.backends.stripe_billing.line import Line
from staging_core.database import tables
from staging_core.models import Payable
from staging_core.payments.customers import customer_of
from staging_core.payments.metering import Metering
from staging_core.payments.taking import taking

from .till import DAY_S, PLANS, Till, open_till

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@contextlib.contextmanager
def cut_into(at: Till, cut: Cut) -> Iterator[Any]:
    """Ports that die at the cut, down to the line to Stripe."""
    whole = Line.ask

    async def ask(self: Line, call: Any, shape: Any) -> Any:
        try:
            await cut.point()
        except Crash:
            call.close()
            raise
        answer = await whole(self, call, shape)
        await cut.point()
        return answer

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Crash):
        patch.setattr(Line, "ask", ask)
        yield cut.into(at.house.ports)


# --- another plan --------------------------------------------------------------------------------


class Switch:
    """``card``: what the bill of a dearer plan is charged to; ``pays``: with another one later.

    ``ends``: the plan in the end, with so many images of ``allowance``.
    """

    def __init__(
        self, card: str, ends: str, allowance: int, *, to: str = "business", pays: bool = False
    ) -> None:
        self.card, self.ends, self.allowance, self.pays = card, ends, allowance, pays
        self.begins, self.to = "pro" if to == "business" else "business", to

    async def prepare(self, at: Till, account: str) -> None:
        """The account pays for the plan that it leaves."""
        await at.account(account)
        begun = await at.billing(account).subscribe(at.price[self.begins])
        await _confirm(at, begun)
        owner = {"customer": await self.customer(at, account)}
        card = await at.v1.payment_methods.attach_async(self.card, owner)
        await at.billing(account).choose_payment_method(card.id)
        await at.follow()

    async def customer(self, at: Till, account: str) -> str:
        return await customer_of(at.house.ports, taking(at.house.ports), account)

    async def go_on(self, at: Till, account: str, *, again: bool) -> None:
        """What comes after: sweeps, whoever was cut asks again, and pays where they do."""
        await at.sweep()
        assert not [row for row in await self.purchases(at, account) if row["state"] == "begun"]
        answer: Payable | None = None
        if again or self.pays:
            answer = await at.billing(account).switch(at.price[self.to])
        if self.pays and answer is not None:
            await _confirm(at, answer)
        await at.send_new()
        await at.follow()

    async def purchases(self, at: Till, account: str) -> list[dict[str, Any]]:
        rows = await at.rows(tables.purchases)
        return [row for row in rows if row["account_id"] == account]

    async def end(self, at: Till, account: str) -> dict[str, Any]:
        """Of the account's, at Stripe and here."""
        customer = await self.customer(at, account)
        theirs: dict[str, list[dict[str, Any]]] = {
            kind: [one for one in await at.objects(kind) if one["customer"] == customer]
            for kind in ("subscription", "charge", "invoice")
        }
        ours = [row for row in await at.rows(tables.subscriptions) if row["account_id"] == account]
        standing = await at.house.ports.billing.standing(account)  # type: ignore[attr-defined]
        switches = [row for row in await self.purchases(at, account) if row["deed"] == "switch"]
        return {
            "prices": [
                [item["price"]["id"] for item in one["items"]["data"]]
                for one in theirs["subscription"]
            ],
            "paid": Counted(one["amount"] for one in theirs["charge"] if one["paid"]),
            "bills": Counted(
                one["amount_due"] for one in theirs["invoice"] if one["status"] == "paid"
            ),
            "owed": sum(one["status"] == "open" for one in theirs["invoice"]),
            "ours": [(row["plan"], row["status"]) for row in ours],
            "standing": (standing.plan_code, standing.allowance),
            "switches": {row["state"] for row in switches},
        }


async def _confirm(at: Till, payable: Payable) -> None:
    """The provider's form does it, with the secret that it was given."""
    if payable.client_secret:
        intent = payable.client_secret.partition("_secret_")[0]
        card = {"payment_method": "pm_card_visa"}
        await at.v1.payment_intents.confirm_async(intent, card)


BEYOND: dict[str, Any] = {"overage_images": 10, "overage_cents": 50}
PLANS_OF: dict[str, dict[str, Any]] = {"with overage": {"pro": BEYOND, "business": {}}}
"""What the plans are beside the usual ones, by the case."""

SWITCHES = {
    "with overage": Switch("pm_card_visa", "business", 500),
    "paid at once": Switch("pm_card_visa", "business", 500),
    "paid later": Switch("pm_card_chargeCustomerFail", "business", 500, pays=True),
    "not paid": Switch("pm_card_chargeCustomerFail", "pro", 100),
    "to a smaller plan": Switch("pm_card_visa", "pro", 500, to="pro"),
}


@pytest.mark.parametrize("case", SWITCHES)
@both
def test_a_switch_that_is_cut_anywhere_ends_as_one_that_is_not(
    database: dict[str, Any], case: str
) -> None:
    async def switched(at: Till, switch: Switch, point: int) -> tuple[bool, dict[str, Any]]:
        account = f"account-{point}"
        await switch.prepare(at, account)
        cut = Cut(point or None)
        with cut_into(at, cut) as ports:
            await at.billing(account, ports).switch(at.price[switch.to])
        await switch.go_on(at, account, again=cut.dead)
        return cut.dead, await switch.end(at, account)

    async def scenario() -> None:
        more = PLANS_OF.get(case, {})
        plans = {code: {**plan, **more.get(code, {})} for code, plan in PLANS.items()}
        async with open_till(plans=plans, **database) as at:
            switch, point = SWITCHES[case], 1
            _, usual = await switched(at, switch, 0)
            assert usual["standing"] == (switch.ends, switch.allowance)
            assert [len(items) for items in usual["prices"]] == [1]
            assert usual["ours"] == [(switch.ends, "active")]
            assert usual["switches"] == {"done" if switch.ends == switch.to else "open"}
            while True:
                died, end = await switched(at, switch, point)
                assert end == usual, point
                if not died:
                    break
                point += 1
            assert point > 15
            await at.pass_time(DAY_S)  # what nobody paid in time is dropped
            await at.sweep()
            assert await at.problems() == set()

    asyncio.run(scenario())


# --- a settlement --------------------------------------------------------------------------------

OVERAGE: dict[str, Any] = {"overage_images": 200, "overage_cents": 50}
METERED: dict[str, Any] = {
    "free": {"images": 0},
    "pro": {"images": 0, "price_cents": 2900, **OVERAGE},
}


class Meter:
    """Images of the account ``local`` beyond its plan, and what Stripe was told of them."""

    def __init__(self, at: Till) -> None:
        self.at, self.had = at, 0

    async def begin(self) -> None:
        """The account pays for a plan that charges what is beyond it."""
        await _confirm(self.at, await self.at.billing("local").subscribe(self.at.price["pro"]))
        await self.at.follow()

    async def have(self) -> None:
        """One more image, in a minute that is over now."""
        self.had += 1
        await self.at.house.submit(number=self.had, idempotency_key=f"image-{self.had}")
        while await self.at.house.step():
            pass
        await self.at.pass_time(600)

    async def tell(self) -> None:
        await Metering(self.at.house.ports).tell()

    def told(self) -> int:
        """By the log of Stripe's double: what it took, however it was asked."""
        events = self.at.stripe.truth("meter_event")
        assert len({one["identifier"] for one in events}) == len(events)
        return sum(int(one["value"]) for one in events)


@pytest.mark.parametrize("later_s", [600.0, 30 * 3600.0])
@both
def test_a_settlement_that_is_cut_anywhere_is_told_once(
    database: dict[str, Any], later_s: float
) -> None:
    async def scenario() -> None:
        async with open_till(plans=METERED, **database) as at:
            meter, point, died = Meter(at), 0, True
            await meter.begin()
            while died:
                point += 1
                await meter.have()
                cut = Cut(point)
                with cut_into(at, cut) as ports:
                    await Metering(ports).tell()
                died = cut.dead
                await at.pass_time(later_s)
                await meter.tell()
                assert meter.told() == meter.had, point
            assert point > 8
            await at.pass_time(2 * DAY_S)
            assert await at.problems() == set()

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["lost_answer", "cut_before", "error_after", "error_before"])
@pytest.mark.parametrize("later_s", [3600.0, 25 * 3600.0, 9 * DAY_S])
def test_a_call_whose_outcome_is_unknown_is_told_once_however_late_it_is_known(
    fault: str, later_s: float
) -> None:
    async def scenario() -> None:
        async with open_till(plans=METERED) as at:
            meter = Meter(at)
            await meter.begin()
            await meter.have()
            for _ in range(2):
                at.stripe.then(fault, on="POST /v1/billing/meter_events")
                await meter.tell()
                await at.pass_time(later_s)
            for _ in range(3):
                await meter.tell()
                await at.pass_time(7200)
            assert meter.told() == meter.had == 1
            assert all(row["told_at"] for row in await at.rows(tables.metering))

    asyncio.run(scenario())
