"""What the account has used, what it may have, and what things would cost."""

from __future__ import annotations

from staging_core.database import customers, ledger, subscriptions, usage
from staging_core.database.pages import check_limit
from staging_core.errors import BadInput, NotFound
from staging_core.interfaces import KeepsPlans, TakesPayments, supports
from staging_core.models import (
    MOST_QUOTED,
    Entry,
    Invoice,
    Payable,
    PaymentMethod,
    Place,
    Principal,
    Quote,
    Standing,
    Subscription,
    Usage,
)
from staging_core.payments.buying import Buying
from staging_core.payments.customers import customer_of
from staging_core.payments.taking import calling, return_url, taking
from staging_core.ports import Ports
from staging_core.reservation import quoted
from staging_core.runtime_settings import active_model
from staging_core.scoped import needs
from staging_core.submission import open_model


class Billing:
    """The account's plan, credits and ledger."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id
        self._buying = Buying(ports, principal.account_id)

    @needs("billing:read")
    async def usage(self) -> Usage:
        """How many images became ready in this period, and how many may still be had."""
        plans = supports(self._ports.billing, KeepsPlans)
        if plans is not None:
            return _usage(await plans.standing(self._account_id), await self._entitled_to())
        async with self._ports.database.read(self._account_id) as tx:
            return await usage.of_now(tx, self._account_id)

    @needs("billing:read")
    async def quote(self, images: int = 1, *, model: str | None = None) -> Quote:
        """What so many images of a model (by default the active one) would cost the account now.

        Takes nothing and promises nothing: what is there is held when an order is accepted.
        ``UsageLimitExceeded`` when the account may not have so many, ``UnknownModel``, ``BadInput``
        for a number that is not 1 to 1000.
        """
        if not 1 <= images <= MOST_QUOTED:
            raise BadInput(f"A quote is of 1 to {MOST_QUOTED} images, not {images}.")
        name = model or await active_model(self._ports)
        open_model(self._ports, name)
        return await quoted(self._ports, self._account_id, name, images)

    @needs("billing:read")
    async def subscriptions(self, *, limit: int = 50, offset: int = 0) -> list[Subscription]:
        """Plans that the account was sold or given, also those that have ended, newest first."""
        check_limit(limit)
        async with self._ports.database.read(self._account_id) as tx:
            return await subscriptions.page(tx, self._account_id, limit=limit, offset=offset)

    @needs("billing:read")
    async def entries(self, *, limit: int = 50, before: Entry | Place | None = None) -> list[Entry]:
        """The account's ledger, newest first; ``before``: the last entry of the page before."""
        check_limit(limit)
        place = before.place if isinstance(before, Entry) else before
        async with self._ports.database.read(self._account_id) as tx:
            return await ledger.page(tx, self._account_id, before=place, limit=limit)

    # --- paying -----------------------------------------------------------------------------------

    @needs("billing:write")
    async def checkout(self, price_id: str, *, idempotency_key: str | None = None) -> str:
        """The address of a page of the provider, on which a plan or a pack is paid.

        Nothing is bought before. A repeat for the same price while nobody has paid leads to the
        same page, as does one under the same ``idempotency_key``. ``UnknownPrice``,
        ``AlreadySubscribed`` for a second plan, ``ServiceUnavailable`` where nothing takes
        payments, ``PaymentRefused``, ``PaymentsUnavailable``: ask again, nothing is charged twice.
        """
        with calling():
            return await self._buying.checkout(price_id, key=idempotency_key)

    @needs("billing:write")
    async def portal(self) -> str:
        """The address of the provider's own page for this account, for a short while.

        Errors of the provider as for ``checkout``.
        """
        takes = taking(self._ports)
        back = return_url(self._ports)
        with calling():
            customer_id = await customer_of(self._ports, takes, self._account_id)
            return await takes.portal(customer_id, return_url=back)

    @needs("billing:write")
    async def subscribe(self, price_id: str, *, idempotency_key: str | None = None) -> Payable:
        """Begin a plan, which is there when what this answers is paid in the provider's form.

        A repeat for the same price before that is the same subscription, with its secret as it is
        now. ``UnknownPrice`` also for a pack's; other errors as for ``checkout``.
        """
        with calling():
            return await self._buying.subscribe(price_id, key=idempotency_key)

    @needs("billing:write")
    async def switch(self, price_id: str, *, idempotency_key: str | None = None) -> Payable:
        """Go over to another plan; a dearer one is there when its bill is paid.

        An account that pays for none begins one, as by ``subscribe``. ``CurrencyDiffers``,
        ``NoActiveSubscription`` for one that has ended; other errors as for ``subscribe``.
        """
        with calling():
            return await self._buying.switch(price_id, key=idempotency_key)

    @needs("billing:write")
    async def cancel(self) -> None:
        """Let the plan end with its period; until then everything is as it was.

        ``NoActiveSubscription``; errors of the provider as for ``checkout``.
        """
        with calling():
            await self._buying.cancel()

    @needs("billing:write")
    async def resume(self) -> None:
        """Take ``cancel`` back while the plan has not ended; errors as for that."""
        with calling():
            await self._buying.resume()

    @needs("billing:read")
    async def payment_methods(self) -> list[PaymentMethod]:
        """The account's ways to pay, the default one first; none before it has begun to buy."""
        takes = taking(self._ports)
        customer_id = await self._customer(takes)
        if customer_id is None:
            return []
        with calling():
            return await takes.payment_methods(customer_id)

    @needs("billing:write")
    async def choose_payment_method(self, method_id: str) -> None:
        """Pay in this way from now on; ``NotFound`` when it is not the account's."""
        takes = taking(self._ports)
        customer_id = await self._customer_with(takes, method_id)
        with calling():
            await takes.choose_payment_method(customer_id, method_id)

    @needs("billing:write")
    async def remove_payment_method(self, method_id: str) -> None:
        """Forget a way to pay; ``NotFound`` when it is not the account's."""
        takes = taking(self._ports)
        customer_id = await self._customer_with(takes, method_id)
        with calling():
            await takes.remove_payment_method(customer_id, method_id)

    @needs("billing:read")
    async def invoices(self, *, limit: int = 50, offset: int = 0) -> list[Invoice]:
        """The account's bills, newest first; none where nothing takes payments."""
        check_limit(limit)
        takes = supports(self._ports.billing, TakesPayments)
        customer_id = None if takes is None else await self._customer(takes)
        if takes is None or customer_id is None:
            return []
        with calling():
            return await takes.invoices(customer_id, limit=limit, offset=offset)

    async def _entitled_to(self) -> tuple[str, ...]:
        """By the payment provider, where there is one."""
        takes = supports(self._ports.billing, TakesPayments)
        if takes is None:
            return ()
        async with self._ports.database.read(self._account_id) as tx:
            return await customers.features_of(tx, self._account_id, takes.source)

    async def _customer(self, takes: TakesPayments) -> str | None:
        async with self._ports.database.read(self._account_id) as tx:
            return await customers.customer_of(tx, self._account_id, takes.source)

    async def _customer_with(self, takes: TakesPayments, method_id: str) -> str:
        customer_id = await self._customer(takes)
        if customer_id is None:
            raise NotFound(f"There is no way to pay {method_id!r}.")
        return customer_id


def _usage(standing: Standing, entitled_to: tuple[str, ...]) -> Usage:
    # Each once, those of the plan first.
    features = dict.fromkeys((*standing.plan.features, *entitled_to))
    return Usage(
        used=standing.used,
        period_start=standing.period.start,
        period_end=standing.period.end,
        limit=standing.plan.images,
        remaining=standing.allowance + standing.credits,
        overage=standing.overage,
        plan_code=standing.plan_code,
        has_subscription=standing.subscribed,
        features=tuple(features),
    )
