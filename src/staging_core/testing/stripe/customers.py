"""Customers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .account import Account, shown
from .call import Call, merged
from .payment_methods import PaymentMethods
from .prices import MOST
from .refusal import Refused
from .store import Object

_FIELDS = ("address", "balance", "description", "email", "name", "phone", "preferred_locales",
           "shipping", "tax_exempt")  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MOST_ON_A_CLOCK = 3


class Customers:
    """``on_delete``: what ends with a customer."""

    def __init__(self, account: Account, methods: PaymentMethods) -> None:
        self._account, self._methods = account, methods
        self.on_delete: list[Callable[[Object], None]] = []

    def create(self, call: Call) -> Object:
        """A customer; two creates make two, whatever they have in common."""
        _check(call)
        clock = call.params.get("test_clock")
        if clock:
            self._account.named("test_helpers.test_clock", clock, "test_clock")
            if len(self._account.store.all("customer", test_clock=clock)) >= _MOST_ON_A_CLOCK:
                raise Refused("A test clock has three customers at most.", param="test_clock")
        metadata = merged({}, call.params.get("metadata"))
        customer = self.made(**call.given(*_FIELDS), metadata=metadata, test_clock=clock)
        try:
            if method := call.params.get("payment_method"):
                self._methods.attached(method, customer["id"], "payment_method")
            self._set_default(customer, call)
        except Refused:
            self._account.store.remove(customer)
            raise
        self._account.tell("customer.created", customer)
        return customer

    def made(self, **fields: Any) -> Object:
        """A customer that nobody is told of yet."""
        clock = self._account.store.known(
            "test_helpers.test_clock", str(fields.get("test_clock") or "")
        )
        usual = {
            "balance": 0,
            "delinquent": False,
            "invoice_prefix": self._account.store.letters(8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": {},
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
        }
        customer = self._account.make("customer", "cus", **{**usual, **fields})
        if clock:
            customer["created"] = clock["frozen_time"]
        return customer

    def update(self, call: Call) -> Object:
        """Changes what is given."""
        customer = self._account.find("customer", call.id)
        _check(call)
        self._set_default(shown(customer), call)  # what is refused changes nothing
        metadata = merged(customer["metadata"], call.params.get("metadata"))
        with self._account.changing(customer, "customer.updated"):
            customer.update(call.given(*_FIELDS), metadata=metadata)
            self._set_default(customer, call)
        return customer

    def retrieve(self, call: Call) -> Object:
        """One that was deleted is still known as that."""
        customer = self._account.store.known("customer", call.id)
        if customer is not None and customer.get("deleted"):
            return _deleted(customer)
        return self._account.find("customer", call.id)

    def delete(self, call: Call) -> Object:
        """For good; subscriptions end at once."""
        customer = self._account.find("customer", call.id)
        self.remove(customer)
        return _deleted(customer)

    def remove(self, customer: Object) -> None:
        """For good."""
        for end in self.on_delete:
            end(customer)
        self._account.tell("customer.deleted", customer)
        customer["deleted"] = True

    def _set_default(self, customer: Object, call: Call) -> None:
        settings = call.params.get("invoice_settings") or {}
        if "default_payment_method" in settings:
            id = settings["default_payment_method"] or None
            if id:
                param = "invoice_settings[default_payment_method]"
                self._methods.of_customer(id, customer["id"], param)
            customer["invoice_settings"]["default_payment_method"] = id


def _check(call: Call) -> None:
    email = call.params.get("email")
    if email and not _EMAIL.fullmatch(email):
        raise Refused(f"Invalid email address: {email}", code="email_invalid", param="email")
    if abs(call.params.get("balance", 0)) > MOST:
        raise Refused("The balance is too large.", code="amount_too_large", param="balance")


def _deleted(customer: Object) -> Object:
    return {"id": customer["id"], "object": "customer", "deleted": True}
