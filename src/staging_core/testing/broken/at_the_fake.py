"""The suite of payments at a provider in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from staging_core.interfaces import BillingContext
from staging_core.models import Callback
from staging_core.testing.conformance import PaymentsConformance
from staging_core.testing.fake_payments import FakePayments, reported, signed
from staging_core.testing.fake_provider import FakeProvider
from staging_core.urls import BackendURL

from .row import Broken

_NUMBERS = itertools.count()


class AtTheFake(PaymentsConformance):
    """The suite at a provider in memory, with ``subject`` for a backend."""

    subject: ClassVar[type[FakePayments]] = FakePayments
    plugins = ()
    provider: FakeProvider

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Any]:
        """A provider that has no prices but those that are published."""
        self.provider = FakeProvider({})

        @asynccontextmanager
        async def opener(_: BackendURL, context: BillingContext) -> AsyncIterator[FakePayments]:
            yield self.subject(context.standings, self.provider)

        async with super().open(home, opener) as billing:
            yield billing

    async def pay(self, url: str) -> None:
        """On the page."""
        self.provider.pay_page(url)

    async def reports(self) -> list[Callback]:
        """Signed as the provider signs them."""
        return [signed(self.provider, notice) for notice in self.provider.events]

    async def signed(self, body: bytes) -> Callback:
        """By the provider."""
        return reported(self.provider, body)

    async def have_card(self, customer_id: str, *, pays: bool) -> None:
        """A card that pays, or is declined."""
        self.provider.new_card(customer_id, pays=pays)

    async def deliver(self, *, well: bool) -> None:
        """What is not delivered is kept by the provider."""
        self.provider.delivers = well

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """No call is answered."""
        self.provider.away = True
        yield
        self.provider.away = False

    async def now(self) -> float:
        """The provider goes by the real time."""
        return time.time()


def broken_at_the_fake(backend: type[FakePayments], *fails: str) -> Broken:
    """A row: ``backend`` at a provider in memory, and exactly the checks that it must fail."""
    suite = type(backend.__name__, (AtTheFake,), {"subject": backend})
    return Broken(backend.__name__, suite, frozenset(fails))


def anew() -> str:
    """A key that nobody has used."""
    return f"key {next(_NUMBERS)}"
