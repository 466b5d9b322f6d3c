"""The customer portal: its configurations, its sessions, and what customers do there."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call, merged
from .payment_methods import PaymentMethods
from .refusal import Refused, required
from .store import Object
from .subscriptions import Subscriptions

DEEDS = ("cancel", "keep", "switch", "method")


class Portal:
    """A customer may do what the session's configuration allows."""

    def __init__(
        self, account: Account, methods: PaymentMethods, subscriptions: Subscriptions
    ) -> None:
        self._account, self._methods = account, methods
        self._subscriptions = subscriptions

    # --- configurations -------------------------------------------------------------------------

    def configure(self, call: Call) -> Object:
        """A configuration; the first one is the default."""
        params = call.params
        if "features" not in params:
            raise required("features")
        first = not self._account.store.all("billing_portal.configuration")
        now = self._account.now()
        made = self._account.make(
            "billing_portal.configuration",
            "bpc",
            active=True,
            business_profile={
                **dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")),
                **(params.get("business_profile") or {}),
            },
            default_return_url=params.get("default_return_url"),
            features=_features(params["features"]),
            is_default=first,
            login_page={"enabled": False, "url": None},
            metadata=merged({}, params.get("metadata")),
            name=params.get("name"),
            updated=now,
        )
        self._account.tell("billing_portal.configuration.created", made)
        return made

    def update(self, call: Call) -> Object:
        """Other features, or off."""
        one = self._account.find("billing_portal.configuration", call.id)
        if one["is_default"] and call.params.get("active") is False:
            raise Refused("The default configuration cannot be deactivated.", param="active")
        with self._account.changing(one, "billing_portal.configuration.updated"):
            one.update(call.given("active", "default_return_url", "name"))
            one["business_profile"].update(call.params.get("business_profile") or {})
            one["features"] = _merged(one["features"], call.params.get("features") or {})
            one["metadata"] = merged(one["metadata"], call.params.get("metadata"))
            one["updated"] = self._account.now()
        return one

    # --- sessions -------------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """A session with a page for one customer."""
        params = call.params
        if "customer" not in params:
            raise required("customer")
        self._account.named("customer", params["customer"], "customer")
        configuration = self._configuration(params.get("configuration"))
        session = self._account.make(
            "billing_portal.session",
            "bps",
            params["customer"],
            configuration=configuration["id"],
            customer=params["customer"],
            flow=self._flow(params.get("flow_data"), params["customer"]),
            locale=params.get("locale"),
            return_url=params.get("return_url", configuration["default_return_url"]),
        )
        secret = self._account.store.letters(24)
        session["_secret"] = secret
        session["url"] = f"{self._account.base_url}/p/session/{session['id']}"
        self._account.tell("billing_portal.session.created", session)
        return session

    def _configuration(self, id: str | None) -> Object:
        if id:
            return self._account.named("billing_portal.configuration", id, "configuration")
        usual = self._account.store.all("billing_portal.configuration", is_default=True)
        if not usual:
            message = (
                "No configuration provided and your test mode default configuration has not been"
                " created. Provide a configuration or create your default."
            )
            raise Refused(message)
        return usual[0]

    def _flow(self, given: dict[str, Any] | None, owner: str) -> Object | None:
        if given is None:
            return None
        kind = given["type"]
        flow: Object = {
            "after_completion": {
                "hosted_confirmation": None,
                "redirect": None,
                "type": "portal_homepage",
                **(given.get("after_completion") or {}),
            },
            **dict.fromkeys(
                ("subscription_cancel", "subscription_update", "subscription_update_confirm")
            ),
            "type": kind,
        }
        if kind.startswith("subscription"):
            part = given.get(kind) or {}
            if "subscription" not in part:
                raise required(f"flow_data[{kind}][subscription]")
            self._own(part["subscription"], owner)
            flow[kind] = part
        return flow

    # --- by the customer ------------------------------------------------------------------------

    def act(self, session: Object, deed: str, params: dict[str, Any]) -> Object:
        """``cancel``, ``keep``, ``switch`` (to ``price``) or ``method`` (``payment_method``)."""
        features = self._account.find("billing_portal.configuration", session["configuration"])[
            "features"
        ]
        owner = session["customer"]
        if deed == "method":
            _allowed(features["payment_method_update"])
            return self._new_method(owner, params)
        one = self._own(params.get("subscription", ""), owner)
        match deed:
            case "cancel":
                _allowed(features["subscription_cancel"])
                return self._cancel(one, features["subscription_cancel"])
            case "keep":
                _allowed(features["subscription_cancel"])
                return self._updated(one, {"cancel_at": ""})
            case "switch":
                _allowed(features["subscription_update"])
                return self._switch(one, params, features["subscription_update"])
            case _:
                raise Refused(f"There is no deed {deed!r}; known: {', '.join(DEEDS)}.")

    def _cancel(self, one: Object, how: Object) -> Object:
        if how["mode"] == "immediately":
            return self._subscriptions.cancel(_call(one, {}))
        # Of flexible billing the portal names the end; only the API sets the flag.
        return self._updated(one, {"cancel_at": "min_period_end"})

    def _switch(self, one: Object, params: dict[str, Any], how: Object) -> Object:
        prices = {price for product in how["products"] or [] for price in product["prices"]}
        if params.get("price") not in prices:
            raise Refused("The portal does not offer this price.", param="price")
        item = {"id": one["items"]["data"][0]["id"], "price": params["price"]}
        change = {"items": [item], "proration_behavior": how["proration_behavior"]}
        return self._updated(one, change)

    def _new_method(self, owner: str, params: dict[str, Any]) -> Object:
        customer = self._account.find("customer", owner)
        method = self._methods.attached(params.get("payment_method", ""), owner, "payment_method")
        with self._account.changing(customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = method["id"]
        return method

    def _updated(self, one: Object, params: dict[str, Any]) -> Object:
        return self._subscriptions.update(_call(one, params))

    def _own(self, id: str, owner: str) -> Object:
        one = self._account.named("subscription", id, "subscription")
        if one["customer"] != owner:
            raise Refused("The subscription is another customer's.", param="subscription")
        return one


def _call(one: Object, params: dict[str, Any]) -> Call:
    return Call(params=params, parts={"id": one["id"]}, path="")


def _allowed(feature: Object) -> None:
    if not feature["enabled"]:
        raise Refused("The portal's configuration does not offer this.")


def _features(given: dict[str, Any]) -> Object:
    """All features, those that are not given off."""
    features = _merged(_off(), given)
    updates = features["subscription_update"]
    fixed = {"enabled": False, "maximum": None, "minimum": 1}
    updates["products"] = [
        {"adjustable_quantity": fixed, **product} for product in updates["products"] or []
    ]
    if updates["enabled"] and not updates["products"]:
        raise required("features[subscription_update][products]")
    return features


def _off() -> Object:
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "feedback_options": None, "options": []},
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": False,
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": None,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def _merged(old: Object, new: dict[str, Any]) -> Object:
    whole = dict(old)
    for name, value in new.items():
        both = isinstance(value, dict) and isinstance(old.get(name), dict)
        whole[name] = _merged(old[name], value) if both else value
    return whole
