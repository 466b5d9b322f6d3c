"""What an order takes is reserved at the service before it is accepted, and settled at its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.acting.pictures import photo

from staging_core import OWNER, Principal, StageRequest, Staging, reserving
from staging_core.audit import SOUND, Audit
from staging_core.errors import BillingUnavailable, Refused, TooManyQueued, UsageLimitExceeded
from staging_core.models import Staged
from staging_core.testing import FakeStager

from .conftest import Install, both
from .service import Service, is_settled, reservations_of

WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}


class Late(FakeStager):
    """Refuses the first two jobs that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 2

    async def stage(self, *args: Any) -> Staged:
        if self.refusals:
            self.refusals -= 1
            raise Refused("Not yet.")
        return await super().stage(*args)


class Picky(FakeStager):
    """Refuses every second variant."""

    async def stage(self, request: StageRequest, *args: Any) -> Staged:
        if request.variant % 2:
            raise Refused("Not this one.")
        return await super().stage(request, *args)


async def order(staging: Staging, account: str = "local", **wish: Any) -> str:
    """Submit one photo; the id of its first image."""
    me = staging.acting_as(Principal(account_id=account))
    return (await me.images.submit(photo(), **{**WISH, **wish})).images[0].id


async def come_to_rest(staging: Staging, service: Service) -> None:
    """All jobs end, sweeps do what is left, and everything agrees."""
    await staging.run_worker(until_idle=True)
    await staging.sweep()
    await is_settled(staging.ports, service)
    assert await Audit(staging.ports).count() == SOUND


@both
def test_each_image_is_reserved_captured_when_ready_and_released_when_not(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install(Picky()) as staging:
            await order(staging, variants=3)
            held = list(service.book.holds.values())
            assert [(hold.images, hold.cents, hold.state) for hold in held] == [
                (1, 51, "held"),
                (1, 50, "held"),
                (1, 50, "held"),
            ]
            assert (service.book.left("local"), service.book.held("local")) == (7, 3)
            assert await Audit(staging.ports).count() == SOUND
            await come_to_rest(staging, service)
            assert service.ends() == [(1, 0), (0, 1), (1, 0)]
            assert service.book.left("local") == 8

    asyncio.run(scenario())


@both
def test_what_the_service_refuses_is_not_accepted_and_leaves_nothing(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            service.book.give("local", -8)
            with pytest.raises(UsageLimitExceeded, match="credits for 2 of the order's 3") as lacks:
                await order(staging, variants=3)
            assert lacks.value.remedy == "Buy more at credits.example."
            assert lacks.value.status == 402
            assert await staging.acting_as(OWNER).images.page() == []
            await staging.sweep()
            assert service.book.left("local") == 2
            assert service.ends() == [(0, 1), (0, 1)]
            service.book.give("local", -2)
            with pytest.raises(UsageLimitExceeded, match="0 credits left"):
                await order(staging)
            assert await reservations_of(staging) == []
            await come_to_rest(staging, service)

    asyncio.run(scenario())


@both
def test_sixty_four_orders_at_one_moment_with_credits_for_ten_are_ten_orders(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            orders = (order(staging, seed=n + 1) for n in range(64))
            outcomes = await asyncio.gather(*orders, return_exceptions=True)
            refused = [one for one in outcomes if isinstance(one, BaseException)]
            assert len(refused) == 54
            assert {type(one) for one in refused} == {UsageLimitExceeded}
            await come_to_rest(staging, service)
            assert service.ends() == [(1, 0)] * 10

    asyncio.run(scenario())


@both
def test_of_a_batch_with_credits_for_three_three_are_accepted_and_the_others_named(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            service.book.give("local", -7)
            me = staging.acting_as(OWNER)
            wishes = [{"photo": photo(n), **WISH} for n in range(6)]
            outcomes = await me.images.submit_many(wishes, idempotency_key="k")
            assert [type(one) for one in outcomes[3:]] == [UsageLimitExceeded] * 3
            again = await me.images.submit_many(wishes, idempotency_key="k")
            assert [one.id for one in again[:3]] == [one.id for one in outcomes[:3]]  # type: ignore[union-attr]
            await come_to_rest(staging, service)
            assert service.ends() == [(1, 0)] * 3

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["away", "answer lost", "hangs", "lands late"])
@both
def test_an_order_of_which_nobody_knows_whether_it_is_held_is_not_accepted_and_released(
    install: Install, service: Service, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserving, "_ASKING_S", 0.5)

    async def scenario() -> None:
        async with install() as staging:
            service.then(("reserve", fault))
            with pytest.raises(BillingUnavailable):
                await order(staging, variants=2)
            assert await staging.acting_as(OWNER).images.page() == []
            await staging.sweep()
            service.land()
            assert (service.book.left("local"), service.book.held("local")) == (10, 0)
            await order(staging)
            await come_to_rest(staging, service)
            assert service.book.left("local") == 9

    asyncio.run(scenario())


@both
def test_an_order_that_is_refused_for_another_reason_is_released(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install(max_queued=1) as staging:
            with pytest.raises(TooManyQueued):
                await order(staging, variants=2)
            await come_to_rest(staging, service)
            assert service.book.left("local") == 10

    asyncio.run(scenario())


@both
def test_a_repeat_is_told_of_the_first_order_and_holds_nothing_more(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            calls = (order(staging, idempotency_key="once", seed=1) for _ in range(5))
            assert len(set(await asyncio.gather(*calls))) == 1
            await come_to_rest(staging, service)
            assert service.book.left("local") == 9

    asyncio.run(scenario())


@both
def test_an_order_that_takes_too_long_is_not_accepted_with_what_was_released_meanwhile(
    install: Install, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserving, "_GOOD_S", 0.0)

    async def scenario() -> None:
        async with install() as staging:
            reserve = service.reserve

            async def slow(reservation: Any) -> None:
                await reserve(reservation)
                await staging.sweep()

            monkeypatch.setattr(service, "reserve", slow)
            with pytest.raises(BillingUnavailable, match="took too long"):
                await order(staging)
            await come_to_rest(staging, service)
            assert service.ends() == [(0, 1)]

    asyncio.run(scenario())


@both
def test_a_retry_and_a_requeue_are_reserved_anew(install: Install, service: Service) -> None:
    async def scenario() -> None:
        async with install(Late()) as staging:
            image = await order(staging)
            await staging.run_worker(until_idle=True)
            me = staging.acting_as(OWNER)
            await me.images.retry(image)
            await staging.run_worker(until_idle=True)
            job = (await me.images.get(image)).job
            await staging.operating("ada").requeue(job.id)
            await come_to_rest(staging, service)
            assert service.ends() == [(0, 1), (0, 1), (1, 0)]
            service.book.give("local", -9)
            other = await order(staging, account="else", seed=7)
            await staging.acting_as(Principal(account_id="else")).images.cancel(other)
            service.book.give("else", -10)
            with pytest.raises(UsageLimitExceeded):
                await staging.acting_as(Principal(account_id="else")).images.retry(other)
            await come_to_rest(staging, service)

    asyncio.run(scenario())


@both
def test_a_picture_that_was_paid_and_lost_is_made_again_for_nothing(
    install: Install, service: Service
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await order(staging)
            for _ in range(2):
                await staging.run_worker(until_idle=True)
                async for stored in staging.ports.storage.entries("staged/"):
                    await staging.ports.storage.delete(stored.key)
                told = await staging.operating("ada").reconcile(dry_run=False)
                assert told.updated == 1
                await me.images.retry(image)
            await come_to_rest(staging, service)
            assert service.ends() == [(1, 0)]
            assert service.book.left("local") == 9

    asyncio.run(scenario())


@both
def test_what_is_cancelled_or_deleted_is_released(install: Install, service: Service) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("Elm Street")
            cancelled, deleted, _ = [
                await order(staging, seed=n, project_id=project.id) for n in (1, 2, 3)
            ]
            await me.images.cancel(cancelled)
            await me.images.delete(deleted)
            await me.projects.delete(project.id)
            await come_to_rest(staging, service)
            assert service.ends() == [(0, 1)] * 3

    asyncio.run(scenario())
