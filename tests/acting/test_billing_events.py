"""Plugins are told what happened to an account's plan and credits, in order, after the commit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import OWNER, Staging, hookimpl
from staging_core.database import accounts, billing_events, ledger
from staging_core.errors import CreditsMissing, UsageLimitExceeded
from staging_core.models import BillingEvent

from .conftest import Install, in_the_process
from .pictures import photo

WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
pytestmark = [both, in_the_process]


class Clerk:
    """Keeps what it is shown; can be told to fail."""

    def __init__(self, *, fails: int = 0) -> None:
        self.seen: list[BillingEvent] = []
        self.fails = fails

    @hookimpl
    def staging_billing_event(self, event: BillingEvent) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not now")
        self.seen.append(event)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.seen]


class Calm(Clerk):
    """Another plugin."""


def of_two_images(**plan: Any) -> dict[str, Any]:
    return {"billing": "plans:", "plans": {"free": {"images": 2, **plan}, "pro": {"images": 9}}}


async def after(staging: Staging, clerk: Clerk) -> list[str]:
    """The types of what the plugin has seen by the next sweep."""
    await staging.sweep()
    return clerk.types


def test_what_an_operator_gives_and_takes_is_told_once_and_in_order(install: Install) -> None:
    clerk = Clerk()

    async def scenario() -> None:
        async with install(**of_two_images(), plugins=(clerk,)) as staging:
            billing = staging.operating("ada").billing
            await billing.credit("local", 5, reason="a present", key="once")
            await billing.credit("local", 5, reason="a present", key="once")
            await billing.credit("local", -2, reason="a mistake")
            with pytest.raises(CreditsMissing):
                await billing.credit("local", -9, reason="too much")
            await billing.give_plan("local", "pro")
            await billing.give_plan("local", "free")
            await billing.give_plan("local", None)
            await billing.give_plan("local", None)
            assert clerk.seen == []
            assert await after(staging, clerk) == [
                "credits.adjusted",
                "credits.adjusted",
                "plan.given",
                "plan.given",
                "plan.ended",
            ]
            assert await after(staging, clerk) == clerk.types[:5]

    asyncio.run(scenario())
    assert [event.position for event in clerk.seen] == [1, 2, 3, 4, 5]
    assert {event.account_id for event in clerk.seen} == {"local"}
    given, taken, pro, free, ended = (event.data for event in clerk.seen)
    assert (given["images"], given["note"]["reason"]) == (5, "a present")
    assert (taken["images"], taken["note"]["by"]) == (-2, "ada")
    assert pro == {"plan": "pro", "was": None, "source": "operator"}
    assert free == {"plan": "free", "was": "pro", "source": "operator"}
    assert ended == {"plan": "free", "source": "operator"}


def test_the_last_image_of_a_period_and_the_last_credit_are_told_with_what_is_left(
    install: Install,
) -> None:
    clerk = Clerk()

    async def scenario() -> None:
        async with install(**of_two_images(overage_images=1), plugins=(clerk,)) as staging:
            me = staging.acting_as(OWNER)
            await staging.operating("ada").billing.credit("local", 1, reason="a present")
            for _ in range(4):
                await me.images.submit(photo(), **WISH)
            with pytest.raises(UsageLimitExceeded):
                await me.images.submit(photo(), **WISH)
            assert await after(staging, clerk) == [
                "credits.adjusted",
                "allowance.spent",
                "credits.spent",
            ]

    asyncio.run(scenario())
    _, allowance, credits = (event.data for event in clerk.seen)
    period = allowance.pop("period")
    assert allowance == {"plan": "free", "credits": 1, "overage": 1}
    assert credits == {"plan": "free", "period": period, "overage": 1}


def test_credits_that_are_bought_and_refunded_are_told_and_allowances_are_not(
    install: Install,
) -> None:
    clerk = Clerk()

    async def scenario() -> None:
        async with install(plugins=(clerk,)) as staging:
            async with staging.ports.database.write("local") as tx:
                await accounts.ensure(tx, "local")
                for _ in range(2):
                    await ledger.grant(tx, "local", ledger.CREDITS, 3, id="bought")
                    await ledger.refund(tx, "local", 2, id="refunded")
                await ledger.raise_to(tx, "local", "allowance/x", 7, expires_at=tx.now + 1)
            assert await after(staging, clerk) == ["credits.granted", "credits.refunded"]

    asyncio.run(scenario())
    assert [event.data["entry"] for event in clerk.seen] == ["bought", "refunded"]


def test_what_is_rolled_back_is_not_told_and_takes_no_number(install: Install) -> None:
    clerk = Clerk()

    async def scenario() -> None:
        async with install(plugins=(clerk,)) as staging:

            async def change(*, fails: bool) -> None:
                async with staging.ports.database.write("local") as tx:
                    await accounts.ensure(tx, "local")
                    await billing_events.tell(tx, "local", "plan.changed")
                    if fails:
                        raise ValueError("after all")

            with pytest.raises(ValueError, match="after all"):
                await change(fails=True)
            await change(fails=False)
            await staging.sweep()

    asyncio.run(scenario())
    assert [event.position for event in clerk.seen] == [1]


def test_a_plugin_that_fails_is_shown_it_again_and_harms_no_neighbour(install: Install) -> None:
    failing, calm = Clerk(fails=1), Calm()

    async def scenario() -> None:
        settings = {"backoff_max_s": 1, "plugins": (failing, calm)}
        async with install(**settings) as staging:
            for _ in range(3):
                await staging.operating("ada").billing.credit("local", 1, reason="a present")
            await staging.sweep()
            assert (len(failing.seen), len(calm.seen)) == (0, 3)
            async with asyncio.timeout(20):
                while not failing.seen:
                    await asyncio.sleep(0.1)
                    await staging.sweep()

    asyncio.run(scenario())
    assert failing.seen == calm.seen


def test_two_at_one_moment_are_told_one_after_the_other(install: Install) -> None:
    clerk = Clerk()

    async def scenario() -> None:
        async with install(plugins=(clerk,)) as staging:
            billing = staging.operating("ada").billing
            await asyncio.gather(
                *(billing.credit("local", n, reason="a present") for n in range(1, 13))
            )
            await staging.sweep()

    asyncio.run(scenario())
    assert [event.position for event in clerk.seen] == list(range(1, 13))
    assert sum(event.data["images"] for event in clerk.seen) == sum(range(1, 13))
