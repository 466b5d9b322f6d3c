"""Coupons, the codes that give them, and the discounts that come of them."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call, merged
from .cycle import later
from .prices import currency
from .refusal import Refused, required
from .store import Object


class Coupons:
    """A coupon takes off a part or an amount, once, for some months or for ever."""

    def __init__(self, account: Account) -> None:
        self._account = account

    # --- coupons --------------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """Either a part or an amount in a currency."""
        params = call.params
        duration = params.get("duration", "once")
        if ("percent_off" in params) == ("amount_off" in params):
            raise Refused("You must pass exactly one of percent_off and amount_off.")
        if "amount_off" in params and "currency" not in params:
            raise required("currency")
        if not 0 < params.get("percent_off", 1) <= 100:
            raise Refused("Coupon percent_off must be between 0 and 100.", param="percent_off")
        if params.get("amount_off", 1) < 1:
            raise Refused(
                "Invalid positive integer", code="parameter_invalid_integer", param="amount_off"
            )
        if (duration == "repeating") != ("duration_in_months" in params):
            raise Refused(
                "duration_in_months goes with duration=repeating, and only with it.",
                param="duration_in_months",
            )
        if self._account.store.known("coupon", params.get("id")):
            raise Refused("Coupon already exists.", code="resource_already_exists", param="id")
        coupon = self._account.make(
            "coupon",
            "co",
            id=params.get("id") or self._account.store.letters(8),
            **call.given("amount_off", "duration_in_months", "max_redemptions", "name",
                         "percent_off", "redeem_by"),
            currency=currency(params["currency"]) if "currency" in params else None,
            duration=duration,
            metadata=merged({}, params.get("metadata")),
            times_redeemed=0,
            valid=True,
        )  # fmt: skip
        if products := (params.get("applies_to") or {}).get("products"):
            coupon["_products"] = set(products)
        self._account.tell("coupon.created", coupon)
        return coupon

    def update(self, call: Call) -> Object:
        """Its name and metadata."""
        coupon = self._account.find("coupon", call.id)
        with self._account.changing(coupon, "coupon.updated"):
            coupon.update(call.given("name"))
            coupon["metadata"] = merged(coupon["metadata"], call.params.get("metadata"))
        return coupon

    def delete(self, call: Call) -> Object:
        """Nobody gets it any more; whoever has it keeps it."""
        coupon = self._account.find("coupon", call.id)
        self._account.tell("coupon.deleted", coupon)
        coupon["valid"] = False
        coupon["deleted"] = True
        return {"id": coupon["id"], "object": "coupon", "deleted": True}

    # --- codes ----------------------------------------------------------------------------------

    def create_code(self, call: Call) -> Object:
        """A code that gives a coupon; of the active ones each code is one."""
        params = call.params
        id = params["promotion"].get("coupon")
        if not id:
            raise required("promotion[coupon]")
        self._account.named("coupon", id, "promotion[coupon]")
        if owner := params.get("customer"):
            self._account.named("customer", owner, "customer")
        text = params.get("code") or self._account.store.letters(8).upper()
        if self._code(text):
            raise Refused("An active promotion code with this code already exists.", param="code")
        restrictions = params.get("restrictions") or {}
        code = self._account.make(
            "promotion_code",
            "promo",
            active=params.get("active", True),
            code=text,
            **call.given("customer", "expires_at", "max_redemptions"),
            metadata=merged({}, params.get("metadata")),
            promotion={"coupon": id, "type": "coupon"},
            restrictions={
                "first_time_transaction": restrictions.get("first_time_transaction", False),
                "minimum_amount": restrictions.get("minimum_amount"),
                "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
            },
            times_redeemed=0,
        )
        self._account.tell("promotion_code.created", code)
        return code

    def update_code(self, call: Call) -> Object:
        """On or off, and its metadata."""
        code = self._account.find("promotion_code", call.id)
        with self._account.changing(code, "promotion_code.updated"):
            code.update(call.given("active"))
            code["metadata"] = merged(code["metadata"], call.params.get("metadata"))
        return code

    def _code(self, text: str) -> Object | None:
        codes = self._account.store.all("promotion_code", active=True)
        return next((one for one in codes if one["code"].lower() == text.lower()), None)

    def entered(self, text: str) -> Object:
        """The active code that a customer has typed; ``Refused`` if there is none."""
        code = self._code(text)
        if code is None:
            raise Refused("This code is invalid.", param="promotion_code")
        return code

    # --- discounts ------------------------------------------------------------------------------

    def checked(
        self, given: list[dict[str, Any]] | str | None, owner: str | None, currency: str
    ) -> list[tuple[Object, Object | None]]:
        """The coupons, with their codes, that ``discounts`` names; ``Refused`` if not to be had."""
        return [self._checked(one, owner, currency) for one in given or [] if one]

    def _checked(
        self, given: dict[str, Any] | str, owner: str | None, currency: str
    ) -> tuple[Object, Object | None]:
        assert isinstance(given, dict)
        code = None
        if "promotion_code" in given:
            param = "discounts[0][promotion_code]"
            code = self._account.named("promotion_code", given["promotion_code"], param)
            self._check_code(code, owner)
            id = code["promotion"]["coupon"]
        else:
            id = given.get("coupon", "")
        coupon = self._account.named("coupon", id, "discounts[0][coupon]")
        now = self._account.now(owner)
        if _spent(coupon) or (coupon["redeem_by"] or now) < now:
            message = f"Coupon {coupon['id']} is used up or has expired."
            raise Refused(message, code="coupon_expired", param="discounts[0][coupon]")
        if coupon["currency"] and coupon["currency"] != currency:
            raise Refused("The coupon's currency is not that of the invoice.", param="discounts")
        return coupon, code

    def _check_code(self, code: Object, owner: str | None) -> None:
        now = self._account.now(owner)
        first = code["restrictions"]["first_time_transaction"]
        if not code["active"] or _spent(code) or (code["expires_at"] or now) < now:
            message = "This promotion code is not active."
        elif code["customer"] and code["customer"] != owner:
            message = "This promotion code is for another customer."
        elif first and owner and self._account.store.all("charge", customer=owner, paid=True):
            message = "This promotion code cannot be redeemed: the customer has paid before."
        else:
            return
        raise Refused(message, param="discounts[0][promotion_code]")

    def redeemed(
        self, pairs: list[tuple[Object, Object | None]], owner: str | None, **of: str | None
    ) -> list[str]:
        """The ids of new discounts of a subscription or an invoice; the coupons are used up so."""
        return [self._redeemed(coupon, code, owner, of) for coupon, code in pairs]

    def _redeemed(
        self, coupon: Object, code: Object | None, owner: str | None, of: dict[str, str | None]
    ) -> str:
        start = self._account.now(owner)
        months = coupon["duration_in_months"]
        discount = self._account.make(
            "discount",
            "di",
            owner,
            customer=owner,
            end=later(start, "month", months) if months else None,
            promotion_code=code["id"] if code else None,
            source={"coupon": coupon["id"], "type": "coupon"},
            start=start,
            **of,
        )
        del discount["created"], discount["livemode"]
        for used in (coupon, code):
            if used is not None:
                used["times_redeemed"] += 1
        coupon["valid"] = not _spent(coupon)
        self._account.tell("customer.discount.created", discount)
        return str(discount["id"])

    def coupon_of(self, discount: Object) -> Object:
        """The coupon of a discount, also one that was deleted."""
        coupon = self._account.store.known("coupon", discount["source"]["coupon"])
        assert coupon is not None
        return coupon


def _spent(used: Object) -> bool:
    most = used["max_redemptions"]
    return most is not None and used["times_redeemed"] >= most
