"""Opening ``stripe:``: key, secrets, address; nothing is asked of Stripe yet."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from staging_core.errors import MissingSetting, SettingError
from staging_core.interfaces import BillingContext
from staging_core.urls import BackendURL, api_address

from .billing import StripeBilling
from .line import Line

STRIPE = "https://api.stripe.com"
_KEY = re.compile(r"(?:sk|rk)_(test|live)_[!-~]{8,250}", re.ASCII)
_SECRET = re.compile(r"whsec_[!-+\--~]{8,250}", re.ASCII)


@asynccontextmanager
async def open_stripe_billing(
    url: BackendURL, context: BillingContext
) -> AsyncIterator[StripeBilling]:
    """Billing by plans that are paid at Stripe, until the context is left.

    Variables: ``STRIPE_SECRET_KEY``, ``STRIPE_WEBHOOK_SECRETS`` (one or several, with spaces or
    commas between), and ``STRIPE_BASE_URL`` where it is set. Option: ``tax``, ``on`` or ``off``.
    """
    tax = _tax(url)
    key = checked_key(context.secret("STRIPE_SECRET_KEY"))
    secrets = webhook_secrets(context.secret("STRIPE_WEBHOOK_SECRETS"))
    api = api_address("STRIPE_BASE_URL", _base_url(context), STRIPE)
    async with aclosing(Line(key, api=api)) as line:
        yield StripeBilling(
            line, tax=tax, secrets=secrets, live=is_live(key), standings=context.standings
        )


def _tax(url: BackendURL) -> bool:
    if url.path or set(url.options) - {"tax"}:
        raise SettingError(
            "stripe: takes no path, and no option but tax.",
            remedy="Write stripe: or stripe:?tax=on.",
        )
    tax = url.options.get("tax", "off")
    if tax not in ("on", "off"):
        raise SettingError("The option tax of stripe: is on or off.")
    return tax == "on"


def checked_key(text: str) -> str:
    """The secret key without white space around it; anything else is refused, unshown."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise SettingError(
            "STRIPE_SECRET_KEY is no secret key of Stripe.",
            remedy="Copy sk_test_… or sk_live_… from the page API keys of Stripe's dashboard.",
        )
    return key


def is_live(key: str) -> bool:
    """Whether it is a key of real money."""
    return "_live_" in key[:8]


def webhook_secrets(text: str) -> tuple[str, ...]:
    """The secrets that events may be signed with, at least one."""
    secrets = tuple(text.replace(",", " ").split())
    if not secrets or not all(map(_SECRET.fullmatch, secrets)):
        raise SettingError(
            "STRIPE_WEBHOOK_SECRETS holds no secrets of the form whsec_….",
            remedy="Copy the endpoint's from Stripe's dashboard; separate several by a space.",
        )
    return secrets


def _base_url(context: BillingContext) -> str:
    try:
        return context.secret("STRIPE_BASE_URL")
    except MissingSetting:
        return ""
