"""Features, and who is entitled to them by what they subscribe to."""

from __future__ import annotations

from .account import Account
from .call import Call, merged
from .refusal import Refused
from .store import Object, listing, page

_GIVES = ("active", "trialing", "past_due")


class Entitlements:
    """A customer is entitled to the features of all products that they subscribe to."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, call: Call) -> Object:
        """A feature; its lookup key stays its own for ever."""
        key = call.params["lookup_key"]
        if self._account.store.all("entitlements.feature", lookup_key=key):
            message = f"A feature with lookup_key '{key}' already exists."
            raise Refused(message, code="resource_already_exists", param="lookup_key")
        feature = self._account.make(
            "entitlements.feature",
            "feat",
            active=True,
            lookup_key=key,
            metadata=merged({}, call.params.get("metadata")),
            name=call.params["name"],
        )
        del feature["created"]
        return feature

    def update(self, call: Call) -> Object:
        """Its name, its metadata, and whether it may be given any more."""
        feature = self._account.find("entitlements.feature", call.id)
        feature.update(call.given("name", "active"))
        feature["metadata"] = merged(feature["metadata"], call.params.get("metadata"))
        return feature

    def features(self, call: Call) -> Object:
        """The newest first."""
        having = {name: call.params[name] for name in ("lookup_key",) if name in call.params}
        found = self._account.store.all("entitlements.feature", **having)
        found = [one for one in found if one["active"] != call.params.get("archived", False)]
        return page(found[::-1], call.params, call.path, "feature", lambda one: one)

    def active(self, call: Call) -> Object:
        """What a customer is entitled to now."""
        owner = call.params["customer"]
        self._account.named("customer", owner, "customer")
        found = self._account.store.all("entitlements.active_entitlement", _customer=owner)
        return page(found, call.params, call.path, "active entitlement", lambda one: one)

    def refresh(self, subscription: Object) -> None:
        """Look again at what the customer subscribes to, and tell when it gives something else."""
        owner = subscription["customer"]
        wanted = self._features(owner)
        held = {
            one["feature"]: one
            for one in self._account.store.all("entitlements.active_entitlement", _customer=owner)
        }
        if wanted.keys() == held.keys():
            return
        for id in held.keys() - wanted.keys():
            self._account.store.remove(held[id])
        for id in wanted.keys() - held.keys():
            self._grant(owner, wanted[id])
        self._tell(owner)

    def _features(self, owner: str) -> dict[str, Object]:
        found: dict[str, Object] = {}
        for one in self._account.store.all("subscription", customer=owner):
            if one["status"] not in _GIVES:
                continue
            for item in one["items"]["data"]:
                product = self._account.store.known("product", item["price"]["product"]) or {}
                features = [each["entitlement_feature"] for each in product.get("_features", [])]
                found |= {feature["id"]: feature for feature in features}
        return found

    def _grant(self, owner: str, feature: Object) -> None:
        made = self._account.make(
            "entitlements.active_entitlement",
            "ent",
            feature=feature["id"],
            lookup_key=feature["lookup_key"],
            _customer=owner,
        )
        del made["created"]

    def _tell(self, owner: str) -> None:
        held = self._account.store.all("entitlements.active_entitlement", _customer=owner)
        url = f"/v1/customer/{owner}/entitlements"
        summary = {
            "object": "entitlements.active_entitlement_summary",
            "customer": owner,
            "entitlements": listing(held, url),
            "livemode": False,
        }
        self._account.tell("entitlements.active_entitlement_summary.updated", summary)
