"""What an order takes of what its account may have: quoted first, held when it is accepted."""

from __future__ import annotations

import logging
from typing import NamedTuple

from .database import accounts, billing_events, ledger, periods, standing
from .database.engine import Transaction
from .errors import BillingUnavailable, StagingError
from .interfaces import ReservesElsewhere, supports
from .models import Order, Quote, Standing
from .ports import Ports
from .standings import charged_by

log = logging.getLogger("staging_core")

MOST_QUOTES = 10
"""An order is quoted anew so often when others take what it was quoted; then it is refused."""


class Stale(Exception):
    """What was quoted is not there any more; ask again."""


class Hold(NamedTuple):
    """The balance that each image is held in, None where nothing is, and the usage period."""

    balances: tuple[str | None, ...]
    period: str | None = None


async def quoted(ports: Ports, account_id: str, model: str, images: int) -> Quote:
    """What the open billing backend says to so many images of an open model.

    Its refusals (``UsageLimitExceeded``) go through. What it cannot say, as it or somebody it asks
    is away, or says wrongly, is ``BillingUnavailable``: an order is never accepted unquoted.
    """
    cost = ports.stagers[model].card.price.usd * images
    order = Order(account_id=account_id, images=images, model=model, model_cost_usd=cost)
    try:
        quote = await ports.billing.quote(order)
    except StagingError:
        raise
    except Exception as error:
        raise BillingUnavailable("The billing backend failed.") from error
    takes = (quote.allowance, quote.credits, quote.overage, quote.amount_cents)
    allowed = (0,) if supports(ports.billing, ReservesElsewhere) is not None else (0, images)
    if min(takes) < 0 or quote.images not in allowed:
        log.error("billing quoted %r for %r", quote, order)
        raise BillingUnavailable("The billing backend quoted what cannot be.")
    return quote


async def hold(tx: Transaction, ports: Ports, account_id: str, quote: Quote, images: int) -> Hold:
    """Hold what was quoted; ``Stale`` when it is not there any more. Hold the account's row first.

    The first order of a period that is paid brings its allowance with it; each brings the weight of
    the account's plan to its turns.
    """
    if not quote.images:
        return Hold((None,) * images)
    settings = ports.settings
    charges = charged_by(ports.billing)
    now = await standing.read(
        tx, account_id, settings.plans, settings.default_plan, charged_by=charges
    )
    if charges is not None and quote.overage > now.overage:
        raise Stale  # nobody would be charged for it any more
    if charges is not None and quote.overage and not quote.amount_cents and now.plan.overage_cents:
        raise Stale  # it would be charged, and was quoted at nothing
    await accounts.weigh(tx, account_id, now.plan.weight)
    allowance = periods.allowance_of(now.period)
    overage = periods.overage_of(now.period, now.plan)
    given = {allowance: now.plan.images, overage: now.plan.overage_images}
    given = {} if now.awaits_payment else given
    until = periods.kept_until(now.period)
    takes = {allowance: quote.allowance, ledger.CREDITS: quote.credits, overage: quote.overage}
    for name, taken in takes.items():
        if not taken:
            continue
        if name in given:
            await ledger.raise_to(tx, account_id, name, given[name], expires_at=until)
        if not await ledger.hold(tx, account_id, name, taken):
            raise Stale
    await _tell_spent(tx, account_id, quote, now)
    held = (name for name, taken in takes.items() for _ in range(taken))
    return Hold(tuple(held), now.period.name)


async def _tell_spent(tx: Transaction, account_id: str, quote: Quote, before: Standing) -> None:
    """Tell plugins when the order takes the last image of the allowance, or the last credit."""
    told = {"plan": before.plan_code, "period": before.period.name}
    credits, overage = before.credits - quote.credits, before.overage - quote.overage
    if quote.allowance and quote.allowance == before.allowance:
        left = {"credits": credits, "overage": overage}
        await billing_events.tell(tx, account_id, "allowance.spent", told | left)
    if quote.credits and not credits:
        await billing_events.tell(tx, account_id, "credits.spent", told | {"overage": overage})
