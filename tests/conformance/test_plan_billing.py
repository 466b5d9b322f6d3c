"""Billing by plans passes the suite that every billing backend passes."""

from __future__ import annotations

from typing import ClassVar

from staging_core.models import Order
from staging_core.testing.conformance import BillingConformance


class TestPlanBilling(BillingConformance):
    url = "plans:"
    bad_urls = ("plans:free",)
    too_much: ClassVar[Order] = Order(account_id="local", images=11, model="fake")
