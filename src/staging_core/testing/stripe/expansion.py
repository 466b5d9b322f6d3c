"""``expand[]``: ids become objects, and what is only there when asked for is put in."""

from __future__ import annotations

from typing import Any

from .account import Account, shown
from .checkout import listed
from .prices import tiers
from .published import expandable
from .refusal import Refused
from .store import Object, listing

DEEPEST = 4


class Expansion:
    """Works on copies."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def shown(self, value: Object, paths: list[str]) -> Object:
        """The object as it is answered."""
        whole = shown(value)
        for path in paths:
            names = path.split(".")
            if len(names) > DEEPEST:
                message = f"You cannot expand more than {DEEPEST} levels of a property: {path}"
                raise Refused(message, param="expand")
            self._expand(whole, names, path)
        return whole

    def _expand(self, value: Any, names: list[str], path: str) -> None:
        if not names or value is None:
            return
        if isinstance(value, list):
            for one in value:
                self._expand(one, names, path)
            return
        name, *rest = names
        if not isinstance(value, dict):
            raise _cannot(path)
        if "id" in value and self._included(value, name):
            self._expand(value[name], rest, path)
            return
        if name not in value:
            raise _cannot(path)
        if not rest and not self._may(value, name):
            raise _cannot(path)
        value[name] = self._object(value[name])
        self._expand(value[name], rest, path)

    def _may(self, value: Object, name: str) -> bool:
        return "object" not in value or expandable(value["object"], name)

    def _object(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._object(one) for one in value]
        found = self._account.store.any(value) if isinstance(value, str) else None
        return value if found is None else shown(found)

    def _included(self, value: Object, name: str) -> bool:
        """Put in what is only there when asked for; whether it is one of those."""
        known = self._account.store.known(value["object"], value["id"]) or value
        match value["object"], name:
            case "checkout.session", "line_items":
                value[name] = listed(known)
            case "customer", "subscriptions":
                value[name] = self._of_customer(known)
            case "invoice", "confirmation_secret":
                value[name] = self._secret(known)
            case "invoice", "payments":
                value[name] = self._payments(known)
            case "price", "tiers":
                value[name] = tiers(known) or None
            case "coupon", "applies_to":
                products = known.get("_products")
                value[name] = {"products": sorted(products)} if products else None
            case _:
                return False
        return True

    def _of_customer(self, customer: Object) -> Object:
        owned = self._account.store.all("subscription", customer=customer["id"])
        running = [one for one in owned if one["ended_at"] is None]
        url = f"/v1/customers/{customer['id']}/subscriptions"
        return listing([shown(one) for one in running[::-1]], url)

    def _secret(self, invoice: Object) -> Object | None:
        intent = self._account.store.known("payment_intent", invoice.get("_intent"))
        if intent is None:
            return None
        return {"client_secret": intent["client_secret"], "type": "payment_intent"}

    def _payments(self, invoice: Object) -> Object:
        found = self._account.store.all("invoice_payment", invoice=invoice["id"])
        return listing([shown(one) for one in found], "/v1/invoice_payments")


def _cannot(path: str) -> Refused:
    message = (
        f"This property cannot be expanded ({path}). You may want to try expanding"
        f" 'data.{path}' instead."
    )
    return Refused(message, param="expand[0]")
