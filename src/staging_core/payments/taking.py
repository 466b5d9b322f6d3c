"""What takes payments here, and where its pages lead back to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from staging_core.config import Settings
from staging_core.errors import Busy, MissingSetting, PaymentsUnavailable, ServiceUnavailable
from staging_core.interfaces import TakesPayments, supports
from staging_core.models import Pack, Plan
from staging_core.ports import Ports

KEY_KNOWN_S = 20 * 3600.0
"""A provider knows a key for a day at least; a call may take a while, and clocks differ."""

FRESH_S = 60.0
"""A call that was begun so long ago has ended, whatever came of it."""


def taking(ports: Ports) -> TakesPayments:
    """The billing backend through which accounts pay; ``ServiceUnavailable`` without one."""
    takes = supports(ports.billing, TakesPayments)
    if takes is None:
        raise ServiceUnavailable(
            "Payments are not configured here: nothing is charged, and everybody has the free plan."
        )
    return takes


def return_url(ports: Ports, outcome: str = "") -> str:
    """Where a page of the provider leads back to; ``outcome`` stands in its query.

    It is a setting, never what a request says, which could lead anywhere.
    """
    settings = ports.settings
    base = settings.billing_return_url or settings.public_url
    if not base:
        raise ServiceUnavailable(
            "Nobody has said where the pages on which accounts pay lead back to.",
            remedy="Set STAGING_BILLING_RETURN_URL, or STAGING_PUBLIC_URL.",
        )
    if not outcome:
        return base
    return f"{base}{'&' if '?' in base else '?'}checkout={outcome}"


def check_way_back(billing: object, settings: Settings) -> None:
    """``MissingSetting`` where plans or packs are sold, and pages would lead back to nowhere."""
    sold: list[Plan | Pack] = [*settings.plans.values(), *settings.packs.values()]
    sells = any(one.price_cents or one.price_ids for one in sold)
    if not sells or supports(billing, TakesPayments) is None:
        return
    if not (settings.billing_return_url or settings.public_url):
        raise MissingSetting(
            "The setting `billing_return_url` is required where accounts pay for plans or packs.",
            remedy="Set STAGING_BILLING_RETURN_URL to the page that the provider's pages lead back "
            "to, or STAGING_PUBLIC_URL.",
        )


@contextmanager
def calling() -> Iterator[None]:
    """Around calls for somebody who waits: a provider that is busy is away, for them."""
    try:
        yield
    except Busy as busy:
        raise PaymentsUnavailable("The payment provider takes no calls just now.") from busy
