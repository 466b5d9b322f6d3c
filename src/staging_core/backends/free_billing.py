"""``free:`` allows everything and asks for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import SettingError
from staging_core.interfaces import OpenContext
from staging_core.models import Order, Quote
from staging_core.urls import BackendURL


class FreeBilling:
    """Implements ``Billing``."""

    async def quote(self, order: Order) -> Quote:
        """No credits, no money, for every order."""
        return Quote(credits=0, rule="free")


@asynccontextmanager
async def open_free_billing(url: BackendURL, context: OpenContext) -> AsyncIterator[FreeBilling]:
    """Open ``free:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: free billing takes no path and no options.")
    yield FreeBilling()
