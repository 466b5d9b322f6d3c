"""Opening ``stripe:``: what it needs, what it refuses, and that plans hold as under ``plans:``."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from staging_core.backends.stripe_billing.opening import open_stripe_billing
from staging_core.config import Settings
from staging_core.errors import MissingSetting, SettingError
from staging_core.hooks import Hooks
from staging_core.interfaces import (
    KeepsPlans,
    ListsPrices,
    MetersUsage,
    ReportsPayments,
    TakesPayments,
)
from staging_core.models import Order
from staging_core.plugins import load_plugins
from staging_core.registry import Registry, capabilities
from staging_core.testing.conformance import BillingConformance
from staging_core.urls import BackendURL

from .conftest import Context

KEY, SECRET = "sk_test_of_these_tests", "whsec_of_these_tests"  # pragma: allowlist secret
GIVEN = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRETS": SECRET}


def open_with(home: Path, url: str = "stripe:", **changes: str) -> None:
    """Open it and close it again."""
    secrets = {name: value for name, value in {**GIVEN, **changes}.items() if value != "unset"}

    async def opened() -> None:
        async with open_stripe_billing(BackendURL.parse(url), Context(home, secrets=secrets)):
            pass

    asyncio.run(opened())


class TestStripeBilling(BillingConformance):
    url = "stripe:"
    secrets = GIVEN
    bad_urls = ("stripe:live", "stripe:?tax=maybe", "stripe:?currency=eur")
    too_much = Order(account_id="local", images=11, model="fake")


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_a_variable_that_is_not_set_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        open_with(tmp_path, **{name: "unset"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "pk_test_published_key"),
        ("STRIPE_SECRET_KEY", "sk_test_of two words"),
        ("STRIPE_SECRET_KEY", "sk_test_short"),
        ("STRIPE_WEBHOOK_SECRETS", " , "),
        ("STRIPE_WEBHOOK_SECRETS", ""),
        ("STRIPE_WEBHOOK_SECRETS", f"{SECRET} not-one"),
        ("STRIPE_BASE_URL", "http://stripe.example"),
        ("STRIPE_BASE_URL", "ftp://stripe.example"),
        ("STRIPE_BASE_URL", "https://ada@stripe.example"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named_and_not_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingError, match=name) as refused:
        open_with(tmp_path, **{name: value})
    assert not value.strip(" ,") or value not in f"{refused.value} {refused.value.remedy}"


@pytest.mark.parametrize(
    "changes",
    [
        {"STRIPE_SECRET_KEY": "rk_live_of_these_tests"},  # pragma: allowlist secret
        {"STRIPE_WEBHOOK_SECRETS": f"{SECRET}, {SECRET}_2\n{SECRET}_3"},
        {"STRIPE_BASE_URL": "http://127.0.0.1:8011/"},
        {"STRIPE_BASE_URL": "http://stripe-double:8011/v1"},
        {"STRIPE_BASE_URL": "https://gateway.example/stripe"},
    ],
)
def test_what_makes_sense_is_opened_and_asks_nobody(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    open_with(tmp_path, **changes)
    open_with(tmp_path, "stripe:?tax=on", **changes)


def test_it_can_all_that_payments_need(tmp_path: Path) -> None:
    settings = Settings.from_keywords(home=tmp_path)
    registry = Registry(Hooks(load_plugins(None)), settings, secrets=GIVEN)

    async def can() -> tuple[str, ...]:
        async with AsyncExitStack() as stack:
            billing = await registry.open("billing", "stripe:", stack=stack, role="tool")
            return capabilities("billing", billing)

    wanted = (KeepsPlans, TakesPayments, ReportsPayments, MetersUsage, ListsPrices)
    assert asyncio.run(can()) == tuple(one.__name__ for one in wanted)
