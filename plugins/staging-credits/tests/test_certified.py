"""The whole certification: name a URL, inherit the contract. The double plays the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar
from uuid import uuid4

import pytest

from staging_core.models import Order
from staging_core.testing import conformance
from staging_core.testing.credits import TOKEN, RunningCredits, Settings, running_credits


class TestCreditBilling(conformance.BillingConformance):
    url = "credits:http://127.0.0.1:1"
    secrets: ClassVar[dict[str, str]] = {"CREDITS_TOKEN": TOKEN}
    bad_urls = (
        "credits:",
        "credits:http://credits.example",
        "credits:https://ada@credits.example",
        "credits:https://credits.example?account=ada",
    )
    too_much = Order(account_id="local", images=101, model="fake")
    service: ClassVar[RunningCredits]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def a_service(cls) -> Iterator[None]:
        with running_credits(Settings(credits=100)) as service:
            cls.service, cls.url = service, f"credits:{service.url}"
            yield

    async def account_with(self, credits: int) -> str:
        account = str(uuid4())
        self.service.give(account, credits - 100)
        return account


class TestPlugin(conformance.PluginConformance):
    plugin = "credits"
