"""Ways to pay: cards that Stripe keeps; we only see their last digits."""

from __future__ import annotations

import re

from staging_core.errors import NotFound, PaymentRefused
from staging_core.models import PaymentMethod
from staging_core.models.payment_method import Card

from .line import Params
from .part import Part
from .refusal import is_missing
from .seen import Customer, Method, Named

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


class Methods(Part):
    """Those of a customer."""

    async def payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        """The one that pays the next bill first, then the newest."""
        default = _default(await self._customer(customer_id))
        listed = self._v1.customers.payment_methods.list_async
        found = [
            _shown(one, default)
            async for one in self._line.each(lambda params: listed(customer_id, params), {}, Method)
        ]
        return sorted(found, key=lambda one: not one.is_default)

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        """Also of subscriptions that have one of their own, as those of a checkout do."""
        await self._check_owned(customer_id, method_id)
        settings: Params = {"invoice_settings": {"default_payment_method": method_id}}
        await self._line.ask(self._v1.customers.update_async(customer_id, settings), Named)
        for one in (await self._customer(customer_id)).subscriptions.data:
            if one.default_payment_method not in (None, method_id):
                chosen: Params = {"default_payment_method": method_id}
                await self._line.ask(self._v1.subscriptions.update_async(one.id, chosen), Named)

    async def remove_payment_method(self, customer_id: str, method_id: str) -> None:
        """Stripe forgets it for good."""
        await self._check_owned(customer_id, method_id)
        await self._line.ask(self._v1.payment_methods.detach_async(method_id), Named)

    async def _check_owned(self, customer_id: str, method_id: str) -> None:
        nobodys = NotFound("This is no way to pay of the account.")
        if not _ID.fullmatch(method_id):
            raise nobodys
        try:
            await self._line.ask(
                self._v1.customers.payment_methods.retrieve_async(customer_id, method_id), Named
            )
        except PaymentRefused as error:
            raise (nobodys if is_missing(error.__cause__) else error) from error.__cause__

    async def _customer(self, customer_id: str) -> Customer:
        asked = self._v1.customers.retrieve_async(customer_id, {"expand": ["subscriptions"]})
        return await self._line.ask(asked, Customer)


def _default(customer: Customer) -> str | None:
    """What pays next: what a subscription says, else what the customer says."""
    own = (one.default_payment_method for one in customer.subscriptions.data)
    return next(filter(None, own), customer.invoice_settings.default_payment_method)


def _shown(method: Method, default: str | None) -> PaymentMethod:
    card = method.card
    return PaymentMethod(
        id=method.id,
        type=method.type,
        card=Card(
            brand=card["brand"],
            last4=card["last4"],
            exp_month=card["exp_month"],
            exp_year=card["exp_year"],
        )
        if card
        else None,
        is_default=method.id == default,
    )
