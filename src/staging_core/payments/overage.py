"""What is had beyond a plan is charged by the subscription that the plan is paid with.

Which price a subscription charges it at follows the plan: a plan may have begun to sell more, or
its price has changed, or the subscription went to another plan or was made at the provider. That it
is to be otherwise is seen whenever the subscription is looked at, and put right in the same lease:
when a process dies in between, it is looked at again. Until it is right nobody has more than their
plan, see ``standing``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from staging_core.config import Settings
from staging_core.database import customers, metering, price_codes, prices, subscriptions
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import SettingError
from staging_core.models import Paid, PaidSubscription
from staging_core.ports import Ports
from staging_core.standings import charged_by

from .provider import Provider

log = logging.getLogger("staging_core")

_CALL_S = 40.0
"""Looking, this and writing are within one lease."""


class Change(NamedTuple):
    """``price_id``: at which it is to be charged, None for none; ``instead_of``: at which not."""

    price_id: str | None
    instead_of: tuple[str, ...]


async def charged(
    tx: Transaction, settings: Settings, source: str, code: str | None, paid: PaidSubscription
) -> tuple[str | None, int | None]:
    """At which metered price, and with how much where that is what the plan says; else None."""
    has = paid.overage_price_ids
    if code is not None:
        wanted = await prices.overage(tx, source, code, settings.plans[code])
        if wanted is not None and wanted in has:
            return wanted, settings.plans[code].overage_cents
    return next(iter(has), None), None


async def change_of(
    tx: Transaction, settings: Settings, source: str, paid: PaidSubscription
) -> Change | None:
    """What is to be otherwise about a subscription; None: nothing, or nothing that we know of.

    What somebody else meters on it is left alone. Where that is all that it has, nothing is put
    beside it: two prices of one meter would charge everything twice.
    """
    plans, has = settings.plans, paid.overage_price_ids
    if not has and not any(plan.charges_overage for plan in plans.values()):
        return None
    code = await price_codes.code_of(tx, source, "plan", paid.price_id, plans)
    if code is None or paid.status not in subscriptions.GIVE:
        return None
    wanted = await prices.overage(tx, source, code, plans[code])
    if wanted is None and plans[code].charges_overage:
        return None  # nobody has said at which price yet: ``doctor`` says so
    ours = {plan.overage_price_id for plan in plans.values()}
    ours |= await prices.published_overage(tx, source, has)
    ours.add(await subscriptions.sold_beyond(tx, paid.id))  # as the settings named it then
    wrong = tuple(id for id in has if id in ours and id != wanted)
    if wanted is not None and wanted not in has and len(wrong) < len(has):
        log.warning("subscription %s meters something else: nothing beyond its plan", paid.id)
        return None
    return Change(wanted, wrong) if wrong or wanted not in (None, *has) else None


def check_paid(billing: object, settings: Settings) -> None:
    """``SettingError`` for a plan that charges overage where it is no plan that is paid for."""
    if charged_by(billing) is None:
        return
    for code, plan in settings.plans.items():
        if plan.overage_images and plan.overage_cents and not (plan.price_cents or plan.price_ids):
            raise SettingError(
                f"Nobody would be charged for what is beyond the plan {code}: nobody pays for it.",
                remedy=f"Set overage_images of the plan {code} to 0, or give it a price.",
            )


async def unpublished(ports: Ports) -> list[str]:
    """Codes of plans that charge what is beyond them, at a price that the provider has not."""
    source, plans = charged_by(ports.billing), ports.settings.plans
    if source is None:
        return []
    async with ports.database.read() as tx:
        return [
            code
            for code, plan in plans.items()
            if plan.charges_overage and await prices.overage(tx, source, code, plan) is None
        ]


class Overage:
    """What one process does about it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def put_right(
        self, provider: Provider, claimed: Row, paid: Paid | None
    ) -> tuple[Paid | None, bool]:
        """The subscription as it is then, and whether that has to be tried again later.

        A price that goes is charged until then: it waits until all that was had is told.
        """
        if provider.meters is None or not isinstance(paid, PaidSubscription):
            return paid, False
        async with self._ports.database.write() as tx:
            account_id = await customers.account_of(tx, provider.source, paid.customer_id)
            change = await change_of(tx, self._ports.settings, provider.source, paid)
            if change is None or account_id is None:
                return paid, False
            if change.instead_of and await metering.is_unsettled(tx, account_id):
                return paid, True
            if paid.overage_price_ids:
                await subscriptions.is_metered(tx, paid.id)
        # The lease is the intent, and its number makes the key: what was asked for in an earlier
        # one is seen by looking, and is not asked for again.
        key = f"overage-{paid.id}-{claimed['lease_no']}"
        try:
            async with asyncio.timeout(_CALL_S):
                right = await provider.meters.charge_beyond(
                    paid.id, change.price_id, instead_of=change.instead_of, key=key
                )
        except Exception as error:
            # Whatever a provider's client raises: how the subscription stands is written all the
            # same, and what it would have charged is not sold.
            log.warning("subscription %s charges not as its plan says: %s", paid.id, error)
            return paid, True
        return right, False
