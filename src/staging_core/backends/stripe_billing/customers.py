"""Customers: an account's face at Stripe, which says whose it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

from staging_core.errors import PaymentRefused
from staging_core.models import PaidCustomer

from .line import Params, under
from .part import ACCOUNT, Part
from .refusal import is_missing
from .seen import Customer, Named


class Customers(Part):
    """Makes them, finds them, and tells what they are entitled to."""

    async def make_customer(
        self, account_id: str, *, email: str | None, name: str | None, key: str
    ) -> str:
        """Its id; the account's stands in its metadata."""
        params: Params = {"metadata": {ACCOUNT: account_id}}
        params |= {"email": email} if email else {}
        params |= {"name": name} if name else {}
        made = self._v1.customers.create_async(params, under(key))
        return (await self._line.ask(made, Customer)).id

    async def find_customer(self, account_id: str, *, since: float) -> PaidCustomer | None:
        """The oldest of the account's since then, by Stripe's list, which is never late."""
        oldest = None
        async for customer in self._customers_since(since):
            if customer.metadata.get(ACCOUNT) == account_id:
                oldest = customer
        return await self._paid_customer(oldest) if oldest else None

    async def portal(self, customer_id: str, *, return_url: str) -> str:
        """The address of the customer portal; it is set up in Stripe's dashboard."""
        params: Params = {"customer": customer_id, "return_url": return_url}
        made = await self._line.ask(self._v1.billing_portal.sessions.create_async(params), Named)
        return made.url or ""

    async def _look_customer(self, customer_id: str) -> PaidCustomer | None:
        asked = self._v1.customers.retrieve_async(customer_id, {"expand": ["subscriptions"]})
        try:
            return await self._paid_customer(await self._line.ask(asked, Customer))
        except PaymentRefused as error:
            if is_missing(error.__cause__):
                return None
            raise

    async def _all_customers(self, since: float) -> AsyncIterator[PaidCustomer]:
        async for customer in self._customers_since(since, whatever=True):
            yield await self._paid_customer(customer)

    def _customers_since(self, since: float, *, whatever: bool = False) -> AsyncIterator[Customer]:
        params: Params = {"created": {"gte": int(since)}, "expand": ["data.subscriptions"]}
        return self._line.each(self._v1.customers.list_async, params, Customer, whatever=whatever)

    async def _paid_customer(self, customer: Customer) -> PaidCustomer:
        return PaidCustomer(
            id=customer.id,
            account_id=customer.metadata.get(ACCOUNT),
            deleted=customer.deleted,
            created_at=customer.created,
            features=await self._features(customer),
        )

    async def _features(self, customer: Customer) -> tuple[str, ...]:
        if not customer.subscriptions.data or ACCOUNT not in customer.metadata:
            return ()  # Stripe knows features of products that are subscribed to, and no others
        held = self._line.each(
            self._v1.entitlements.active_entitlements.list_async, {"customer": customer.id}, Named
        )
        return tuple(sorted([one.lookup_key async for one in held if one.lookup_key]))
