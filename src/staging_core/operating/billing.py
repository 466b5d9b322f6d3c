"""Plans and credits of accounts, as an operator gives and takes them."""

from __future__ import annotations

import hashlib
from uuid import uuid4

from msgspec.structs import replace

from staging_core.creation import check_key
from staging_core.database import accounts, audit_log, ledger, standing, subscriptions
from staging_core.database.engine import Transaction
from staging_core.errors import BadInput, CreditsMissing, IdempotencyMismatch, NotFound, UnknownPlan
from staging_core.models import Actor, Entry, Place, PublishedPrice, Standing
from staging_core.nearest import nearest
from staging_core.payments.comparison import Compared, Comparison, paid_twice
from staging_core.payments.following import Following
from staging_core.payments.publishing import publish
from staging_core.ports import Ports
from staging_core.standings import charged_by

MOST = 1_000_000


class Billing:
    """What an operator does where payment goes by another way than this installation."""

    def __init__(self, ports: Ports, actor: Actor) -> None:
        self._ports = ports
        self._actor = actor

    async def standing(self, account_id: str) -> Standing:
        """The account's plan, period and what it has left; ``NotFound`` for none."""
        async with self._ports.database.read() as tx:
            if not await accounts.is_there(tx, account_id):
                raise NotFound(f"There is no account {account_id!r}.")
            return await self._standing(tx, account_id)

    async def entries(
        self, account_id: str, *, limit: int = 50, before: Entry | Place | None = None
    ) -> list[Entry]:
        """The account's ledger, newest first."""
        place = before.place if isinstance(before, Entry) else before
        async with self._ports.database.read(account_id) as tx:
            return await ledger.page(tx, account_id, before=place, limit=limit)

    async def publish_prices(self) -> list[PublishedPrice]:
        """Have the payment provider list the plans and packs of the settings; what it calls them.

        Prices that it has already are found. ``ServiceUnavailable`` where there is no provider
        whose catalogue can be written, ``PaymentsUnavailable``, ``PaymentRefused``, ``Busy``.
        """
        return await publish(self._ports, self._actor)

    async def credit(
        self, account_id: str, images: int, *, reason: str, key: str | None = None
    ) -> Standing:
        """Give the account credits, or take (a negative number) what is still there.

        ``reason`` stands in its ledger, for it to read. ``key``: a repeat under the same one does
        nothing; ``IdempotencyMismatch`` when it was used for another number. ``BadInput`` for 0 or
        more than a million, ``CreditsMissing`` when it has not so many, ``AccountClosing``. An
        account that is not there yet is made.
        """
        if not 1 <= abs(images) <= MOST:
            raise BadInput(f"Credits are 1 to {MOST} images, or as many less, not {images}.")
        if not reason.strip() or len(reason) > 500:
            raise BadInput("A reason is 1 to 500 characters: it stands in the account's ledger.")
        id = f"operator-{uuid4().hex if key is None else _name(key)}"
        async with self._ports.database.write(accounts.check(account_id)) as tx:
            await accounts.ensure(tx, account_id)
            note = {"reason": reason.strip(), "by": self._actor.user_id}
            booked = await ledger.adjust(tx, account_id, images, id=id, note=note)
            if booked:
                await audit_log.add(
                    tx,
                    "billing.credited",
                    self._actor,
                    target=account_id,
                    account_id=account_id,
                    after={"images": images, "reason": reason.strip()},
                )
            else:
                _check_same(await ledger.find(tx, account_id, id), images)
            return await self._standing(tx, account_id)

    async def give_plan(self, account_id: str, plan: str | None) -> Standing:
        """Give the account a plan that is paid for elsewhere; None takes that back.

        What the new plan allows more is there at once; what it allows less holds from the next
        period on. ``UnknownPlan``, ``AccountClosing``. An account that is not there yet is made.
        """
        settings = self._ports.settings
        if plan is not None and plan not in settings.plans:
            raise UnknownPlan(
                f"There is no plan {plan!r} here.", remedy=nearest(plan, settings.plans)
            )
        async with self._ports.database.write(accounts.check(account_id)) as tx:
            await accounts.ensure(tx, account_id)
            before = await self._standing(tx, account_id)
            await subscriptions.give(tx, account_id, plan)
            after = await self._standing(tx, account_id)
            await audit_log.add(
                tx,
                "billing.plan_given",
                self._actor,
                target=account_id,
                account_id=account_id,
                before={"plan": before.plan_code},
                after={"plan": after.plan_code},
            )
        return after

    async def compare(self) -> Compared:
        """Compare all that accounts pay with what the payment provider has; what was found.

        What differs is looked at soon, by a sweep at the latest. ``ServiceUnavailable`` where
        nothing is paid through a provider, ``PaymentsUnavailable`` and ``Busy`` from it.
        """
        return await Comparison(self._ports).compare()

    async def sync(self, *, within_s: float = 60.0) -> Compared:
        """The same, and look at what differs at once; what takes longer is left to sweeps."""
        compared = await self.compare()
        await Following(self._ports).follow(within_s=within_s)
        return replace(compared, paid_twice=await paid_twice(self._ports))

    async def _standing(self, tx: Transaction, account_id: str) -> Standing:
        settings, charges = self._ports.settings, charged_by(self._ports.billing)
        return await standing.read(
            tx, account_id, settings.plans, settings.default_plan, charged_by=charges
        )


def _check_same(earlier: Entry | None, images: int) -> None:
    """What stands under the key already is what is asked for now."""
    if earlier is None:
        raise CreditsMissing(f"The account has not {-images} credits to take.")
    booked = earlier.images if earlier.to_book == "available" else -earlier.images
    if booked != images:
        raise IdempotencyMismatch(f"Under this key {booked} credits were booked, not {images}.")


def _name(key: str) -> str:
    check_key(key)
    return hashlib.sha256(key.encode()).hexdigest()
