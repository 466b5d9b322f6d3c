"""Prices: once or every so often, licensed or metered, flat or in tiers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .account import Account
from .call import Call, merged
from .refusal import Refused, required
from .store import Object, page, within

MOST = 99_999_999
CURRENCIES = frozenset({"usd", "eur", "gbp", "cad", "aud", "chf", "dkk", "jpy", "nok", "nzd",
                        "pln", "sek", "sgd"})  # fmt: skip
_FIELDS = ("active", "lookup_key", "nickname", "tax_behavior")


class Prices:
    """A price's amount never changes: it is made inactive and another is made."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, call: Call) -> Object:
        """For a product that there is; in a currency that is known."""
        params = call.params
        if "product" not in params:
            raise required("product")
        product = self._account.named("product", params["product"], "product")
        usual = {"active": True, "tax_behavior": "unspecified"}
        recurring, amounts = self._recurring(params.get("recurring")), _amounts(params)
        metadata = merged({}, params.get("metadata"))
        known = currency(params["currency"])
        self._free_key(call)
        price = self._account.make(
            "price",
            "price",
            **{**usual, **call.given(*_FIELDS)},
            billing_scheme=params.get("billing_scheme", "per_unit"),
            currency=known,
            metadata=metadata,
            product=product["id"],
            recurring=recurring,
            tiers_mode=params.get("tiers_mode"),
            type="recurring" if recurring else "one_time",
            **amounts,
        )
        self._account.tell("price.created", price)
        return price

    def update(self, call: Call) -> Object:
        """Active or not, its lookup key, its name, its metadata."""
        price = self._account.find("price", call.id)
        self._free_key(call, price["id"])
        with self._account.changing(price, "price.updated"):
            price.update(call.given(*_FIELDS))
            price["metadata"] = merged(price["metadata"], call.params.get("metadata"))
        return price

    def pages(self, call: Call) -> Object:
        """The newest first."""
        found = [price for price in self._account.store.all("price") if _wanted(price, call.params)]
        return page(found[::-1], call.params, call.path, "price", lambda one: one)

    def _recurring(self, given: dict[str, Any] | None) -> Object | None:
        if given is None:
            return None
        meter = given.get("meter")
        usage = given.get("usage_type", "licensed")
        if meter:
            self._account.named("billing.meter", meter, "recurring[meter]")
        if (usage == "metered") != bool(meter):
            raise Refused(
                "A price with usage_type=metered needs a meter, and only such a price has one.",
                param="recurring[meter]",
            )
        count = given.get("interval_count", 1)
        longest = {"day": 1095, "week": 156, "month": 36, "year": 3}[given["interval"]]
        if not 1 <= count <= longest:
            raise Refused(
                "Invalid recurring[interval_count]: three years at most.",
                param="recurring[interval_count]",
            )
        return {
            "interval": given["interval"],
            "interval_count": count,
            "meter": meter,
            "trial_period_days": None,
            "usage_type": usage,
        }

    def _free_key(self, call: Call, own: str | None = None) -> None:
        """Take the lookup key from the price that has it, if that is asked for."""
        key = call.params.get("lookup_key")
        for other in self._account.store.all("price", lookup_key=key) if key else []:
            if other["id"] == own:
                continue
            if not call.params.get("transfer_lookup_key"):
                message = f"A price (`{other['id']}`) already uses that lookup key."
                raise Refused(message, param="lookup_key")
            with self._account.changing(other, "price.updated"):
                other["lookup_key"] = None


def _wanted(price: Object, asked: dict[str, Any]) -> bool:
    """Whether a page with these parameters has this price."""
    recurring, names = asked.get("recurring", {}), ("active", "currency", "product", "type")
    return (
        all(price[name] == asked[name] for name in names if name in asked)
        and price["lookup_key"] in asked.get("lookup_keys", [price["lookup_key"]])
        and within(price["created"], asked.get("created", {}))
        and all((price["recurring"] or {}).get(name) == recurring[name] for name in recurring)
    )


def sold(account: Account, given: str | None, param: str) -> Object:
    """The price that a call names; ``Refused`` unless it is there and active."""
    if not given:
        raise required(param)
    price = account.named("price", given, param)
    if not price["active"]:
        message = "The price specified is inactive. This field only accepts active prices."
        raise Refused(message, param=param)
    return price


def currency(given: str) -> str:
    """The currency in small letters; ``Refused`` if unknown."""
    if given.lower() not in CURRENCIES:
        raise Refused(f"Invalid currency: {given}.", param="currency")
    return given.lower()


def _amounts(params: dict[str, Any]) -> dict[str, Any]:
    """``unit_amount``, its decimal, and tiers; exactly one way to say what a unit costs."""
    if params.get("billing_scheme") == "tiered":
        if not params.get("tiers") or not params.get("tiers_mode"):
            raise required("tiers" if not params.get("tiers") else "tiers_mode")
        return {"unit_amount": None, "unit_amount_decimal": None, "_tiers": _tiers(params["tiers"])}
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise Refused(
            "You may only specify one of these parameters: unit_amount, unit_amount_decimal."
        )
    if "unit_amount" not in params and "unit_amount_decimal" not in params:
        raise required("unit_amount")
    amount = Decimal(params.get("unit_amount", params.get("unit_amount_decimal", 0)))
    _check(amount, "unit_amount" if "unit_amount" in params else "unit_amount_decimal")
    whole = int(amount) if amount == int(amount) else None
    return {"unit_amount": whole, "unit_amount_decimal": format(amount.normalize(), "f")}


def _check(amount: Decimal, param: str) -> None:
    if amount < 0:
        raise Refused("Invalid non-negative integer", code="parameter_invalid_integer", param=param)
    if amount > MOST:
        raise Refused(f"Amount must be no more than {MOST}.", code="amount_too_large", param=param)


def _tiers(given: list[dict[str, Any]]) -> list[Object]:
    """The tiers in order, the last one without an end."""
    ends = [tier.get("up_to") for tier in given]
    whole = [end for end in ends[:-1] if isinstance(end, int)]
    if ends[-1] != "inf" or len(whole) != len(ends) - 1 or whole != sorted(set(whole)):
        raise Refused("The tiers must ascend, and the last one ends at inf.", param="tiers")
    return [
        {
            "up_to": None if tier["up_to"] == "inf" else tier["up_to"],
            "unit": Decimal(tier.get("unit_amount_decimal", tier.get("unit_amount", 0))),
            "flat": tier.get("flat_amount", 0),
        }
        for tier in given
    ]


def tiers(price: Object) -> list[Object]:
    """The tiers as ``expand[]=tiers`` shows them."""
    return [
        {
            "flat_amount": tier["flat"] or None,
            "flat_amount_decimal": str(tier["flat"]) if tier["flat"] else None,
            "unit_amount": int(tier["unit"]) if tier["unit"] == int(tier["unit"]) else None,
            "unit_amount_decimal": str(tier["unit"]),
            "up_to": tier["up_to"],
        }
        for tier in price.get("_tiers", [])
    ]


def cost(price: Object, quantity: int) -> int:
    """What so many units cost, in the smallest unit of the currency."""
    if price["billing_scheme"] == "per_unit":
        return rounded(Decimal(price["unit_amount_decimal"]) * quantity)
    found, below = price["_tiers"], 0
    if price["tiers_mode"] == "volume":
        (tier, *_) = (one for one in found if one["up_to"] is None or quantity <= one["up_to"])
        return rounded(tier["unit"] * quantity + tier["flat"])
    whole = Decimal(0)
    for tier in found:
        if quantity <= below:
            break
        end = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        whole += tier["unit"] * (end - below) + tier["flat"]
        below = end
    return rounded(whole)


def rounded(amount: Decimal) -> int:
    """To whole cents, halves away from zero."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
