"""Billing for those who bill nobody passes the suite that every billing backend passes."""

from __future__ import annotations

from staging_core.testing.conformance import BillingConformance


class TestFreeBilling(BillingConformance):
    url = "free:"
    bad_urls = ("free:lunch",)
