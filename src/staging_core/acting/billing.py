"""What the account has used, what it may have, and what things would cost."""

from __future__ import annotations

from staging_core.database import ledger, subscriptions, usage
from staging_core.database.pages import check_limit
from staging_core.errors import BadInput
from staging_core.interfaces import KeepsPlans, supports
from staging_core.models import (
    MOST_QUOTED,
    Entry,
    Place,
    Principal,
    Quote,
    Standing,
    Subscription,
    Usage,
)
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

    @needs("billing:read")
    async def usage(self) -> Usage:
        """How many images became ready in this period, and how many may still be had."""
        plans = supports(self._ports.billing, KeepsPlans)
        if plans is not None:
            return _usage(await plans.standing(self._account_id))
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


def _usage(standing: Standing) -> Usage:
    return Usage(
        used=standing.used,
        period_start=standing.period.start,
        period_end=standing.period.end,
        limit=standing.plan.images,
        remaining=standing.allowance + standing.credits,
        overage=standing.overage,
        plan_code=standing.plan_code,
        has_subscription=standing.subscribed,
    )
