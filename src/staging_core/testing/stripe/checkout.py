"""Checkout: a session is made by the merchant and paid by the customer, on a page of the double."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .account import Account, shown
from .call import Call, merged
from .cards import MESSAGES, Card
from .coupons import Coupons
from .customers import Customers
from .intents import Intents, bounds
from .items import Items, Wanted
from .payment_methods import PaymentMethods, cards_only
from .prices import cost, sold
from .published import filled
from .refusal import Refused, declined, required, unspoken
from .renewal import Due
from .settings import DAY_S
from .store import Object, listing, page
from .subscribing import Subscribing

SOONEST_S, LATEST_S = 1800, DAY_S


class Checkout:
    """A session is ``open`` until it is paid (``complete``) or its day is over (``expired``)."""

    def __init__(
        self,
        account: Account,
        *,
        customers: Customers,
        methods: PaymentMethods,
        intents: Intents,
        items: Items,
        subscribing: Subscribing,
        coupons: Coupons,
    ) -> None:
        self._account, self._customers, self._methods = account, customers, methods
        self._intents, self._items, self._subscribing = intents, items, subscribing
        self._coupons = coupons

    # --- by the merchant ------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """A session with a page to be paid on."""
        params = call.params
        mode = params.get("mode")
        if mode is None:
            raise required("mode")
        owner = params.get("customer")
        if owner:
            self._account.named("customer", owner, "customer")
        if owner and "customer_email" in params:
            raise Refused(
                "You may only specify one of these parameters: customer, customer_email.",
                param="customer_email",
            )
        back = "success_url" if _hosted(params) else "return_url"
        if back not in params:
            raise required(back)
        _check_parts(mode, params)
        lines = self._lines(mode, params)
        discounts = params.get("discounts") or []
        if discounts and params.get("allow_promotion_codes"):
            raise Refused(
                "You may only specify one of these parameters: allow_promotion_codes, discounts."
            )
        session = self._made(mode, params, lines, self._expires(owner, params))
        session["_discounts"] = discounts
        try:
            self._add_up(session)
        except Refused:
            self._account.store.remove(session)
            raise
        return session

    def expire(self, call: Call) -> Object:
        """Nobody can pay it any more."""
        session = self._account.find("checkout.session", call.id)
        if session["status"] != "open":
            message = (
                f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
                f" Session has a status of {session['status']}."
            )
            raise Refused(message)
        self._expire(session)
        return session

    def line_items(self, call: Call) -> Object:
        """What is bought."""
        session = self._account.find("checkout.session", call.id)
        return page(session["_lines"], call.params, call.path, "line item", lambda one: one)

    def due(self, clock: str | None) -> Iterator[Due]:
        """Sessions that are over when their time has come."""
        for session in self._account.store.all("checkout.session", status="open"):
            on = (self._account.clock_of(session["customer"]) or {}).get("id")
            if on == clock:
                yield session["expires_at"], lambda one=session: self._expire(one)  # type: ignore[misc]

    def _expire(self, session: Object) -> None:
        session["status"], session["url"] = "expired", None
        self._account.tell("checkout.session.expired", session)

    # --- what it is made of ---------------------------------------------------------------------

    def _lines(self, mode: str, params: dict[str, Any]) -> list[Object]:
        given = params.get("line_items") or []
        if mode == "setup":
            if given:
                raise Refused("You cannot pass line_items in setup mode.", param="line_items")
            return []
        if not given:
            raise required("line_items")
        lines = [self._line(one, place) for place, one in enumerate(given)]
        prices = [line["price"] for line in lines]
        if len({price["currency"] for price in prices}) > 1:
            raise Refused("All line items must have the same currency.", param="line_items")
        recurring = [price for price in prices if price["recurring"]]
        if mode == "payment" and recurring:
            message = (
                "You specified `payment` mode but passed a recurring price. Either switch to"
                " `subscription` mode or use only one-time prices."
            )
            raise Refused(message, param="mode")
        if mode == "subscription" and not recurring:
            raise Refused(
                "You must provide at least one recurring price in `subscription` mode when using"
                " prices.",
                param="mode",
            )
        if mode == "subscription" and len(recurring) < len(prices):
            raise unspoken("one-time prices beside recurring ones in a checkout")
        return lines

    def _line(self, given: dict[str, Any], place: int) -> Object:
        price = sold(self._account, given.get("price"), f"line_items[{place}][price]")
        metered = price["recurring"] and price["recurring"]["usage_type"] == "metered"
        quantity = given.get("quantity")
        if metered and quantity is not None:
            raise Refused(
                "Quantity should not be specified where usage_type is `metered`.",
                param=f"line_items[{place}][quantity]",
            )
        if not metered and not 1 <= (quantity or 0) <= 999_999:
            raise required(f"line_items[{place}][quantity]")
        amount = 0 if metered else cost(price, quantity or 1)
        product = self._account.find("product", price["product"])
        return filled(
            {
                "id": self._account.store.new_id("li"),
                "object": "item",
                "amount_discount": 0,
                "amount_subtotal": amount,
                "amount_tax": 0,
                "amount_total": amount,
                "currency": price["currency"],
                "description": product["name"],
                "metadata": {},
                "price": price,
                "quantity": quantity,
            }
        )

    def _made(self, mode: str, params: dict[str, Any], lines: list[Object], expires: int) -> Object:
        taxed = bool((params.get("automatic_tax") or {}).get("enabled"))
        session = self._account.make(
            "checkout.session",
            "cs_test",
            params.get("customer"),
            **{name: params.get(name) for name in (
                "allow_promotion_codes", "cancel_url", "client_reference_id", "customer",
                "customer_email", "locale", "payment_method_collection", "success_url",
                "return_url",
            )},
            adaptive_pricing={"enabled": False},
            allowed_payment_method_types=cards_only(params),
            automatic_tax={
                "enabled": taxed,
                "liability": {"type": "self"} if taxed else None,
                "provider": "stripe" if taxed else None,
                "status": "complete" if taxed else None,
            },
            currency=lines[0]["currency"] if lines else params.get("currency"),
            custom_fields=[],
            custom_text=dict.fromkeys(
                ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
            ),
            customer_creation=_creation(mode, params),
            expires_at=expires,
            metadata=merged({}, params.get("metadata")),
            mode=mode,
            payment_method_options={},
            payment_method_types=["card"],
            payment_status="no_payment_required" if mode == "setup" else "unpaid",
            shipping_options=[],
            status="open",
            ui_mode=params.get("ui_mode", "hosted_page"),
            _lines=lines,
            _params=params,
        )  # fmt: skip
        if _hosted(params):
            session["url"] = f"{self._account.base_url}/c/pay/{session['id']}"
        else:
            secret = self._account.store.letters(30)
            session["client_secret"] = f"{session['id']}_secret_{secret}"
        return session

    def _expires(self, owner: str | None, params: dict[str, Any]) -> int:
        now = self._account.now(owner)
        expires: int = params.get("expires_at", now + LATEST_S)
        if not now + SOONEST_S <= expires <= now + LATEST_S:
            message = "The expires_at timestamp must be 30 minutes to 24 hours from now."
            raise Refused(message, param="expires_at")
        return expires

    def _add_up(self, session: Object) -> None:
        if session["mode"] == "setup":
            return
        subtotal = sum(line["amount_subtotal"] for line in session["_lines"])
        pairs = self._coupons.checked(
            session["_discounts"], session["customer"], session["currency"]
        )
        off = 0
        for coupon, _ in pairs:
            part = coupon["percent_off"]
            rest = subtotal - off
            off += min(rest, coupon["amount_off"]) if part is None else round(rest * part / 100)
        if session["mode"] == "payment" and subtotal > off:
            bounds(subtotal - off, session["currency"], "line_items")
        session["amount_subtotal"], session["amount_total"] = subtotal, subtotal - off
        session["total_details"] = {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0}
        session["discounts"] = [
            {"coupon": coupon["id"], "promotion_code": code["id"] if code else None}
            for coupon, code in pairs
        ]

    # --- by the customer ------------------------------------------------------------------------

    def enter_code(self, session: Object, text: str) -> None:
        """The customer has typed a promotion code."""
        if not session["allow_promotion_codes"]:
            raise Refused("This session takes no promotion codes.")
        code = self._coupons.entered(text)
        session["_discounts"] = [{"promotion_code": code["id"]}]
        self._add_up(session)

    def pay(self, session: Object, method: str, email: str | None) -> Object:
        """The customer has filled in the page; ``Refused`` when their card is declined.

        A card whose holder is asked has been asked: they have said yes.
        """
        if session["status"] != "open":
            raise Refused(f"This session is {session['status']}.")
        chosen = self._methods.usable(method, session["customer"])
        chosen["billing_details"]["email"] = email or chosen["billing_details"]["email"]
        card: Card = chosen["_card"]
        if card.declines and (session["mode"] != "setup" or not card.attaches):
            raise declined(card.declines, card.reason, MESSAGES[card.declines])
        owner = self._owner(session, email)
        match session["mode"]:
            case "subscription":
                self._subscribe(session, owner or {}, chosen)
            case "payment":
                self._take(session, owner, chosen)
            case _:
                self._save(session, owner, chosen)
        self._complete(session, owner, email)
        return session

    def _owner(self, session: Object, email: str | None) -> Object | None:
        if session["customer"]:
            return self._account.find("customer", session["customer"])
        if session["customer_creation"] != "always":
            return None
        owner = self._customers.made(email=email or session["customer_email"])
        self._account.tell("customer.created", owner)
        session["customer"] = owner["id"]
        return owner

    def _subscribe(self, session: Object, owner: Object, method: Object) -> None:
        self._methods.attached(method["id"], owner["id"], "payment_method")
        data = session["_params"].get("subscription_data") or {}
        wanted = [
            Wanted(price=line["price"], quantity=line["quantity"], metadata={})
            for line in session["_lines"]
        ]
        self._items.check_together([one.price for one in wanted], owner["currency"])
        params = {
            **data,
            "automatic_tax": session["_params"].get("automatic_tax"),
            "default_payment_method": method["id"],
            "discounts": session["_discounts"],
        }
        method["_card"] = _asked(method["_card"])
        one = self._subscribing.start(owner, wanted, params, method["id"])
        session["subscription"], session["invoice"] = one["id"], one["latest_invoice"]
        session["payment_status"] = "no_payment_required" if one["trial_end"] else "paid"

    def _take(self, session: Object, owner: Object | None, method: Object) -> None:
        session["payment_status"] = "paid"
        pairs = self._coupons.checked(
            session["_discounts"], session["customer"], session["currency"]
        )
        self._coupons.redeemed(pairs, session["customer"], checkout_session=session["id"])
        if session["amount_total"] == 0:
            session["payment_status"] = "no_payment_required"
            return
        data = session["_params"].get("payment_intent_data") or {}
        intent = self._intents.made(
            session["amount_total"],
            session["currency"],
            owner["id"] if owner else None,
            description=data.get("description"),
            metadata=merged({}, data.get("metadata")),
            receipt_email=data.get("receipt_email"),
            setup_future_usage=data.get("setup_future_usage"),
            _authenticated=True,
        )
        session["payment_intent"] = intent["id"]
        self._intents.tried(intent, method, off_session=False)

    def _save(self, session: Object, owner: Object | None, method: Object) -> None:
        intent = self._intents.setup(owner["id"] if owner else None)
        data = session["_params"].get("setup_intent_data") or {}
        intent["metadata"] = merged({}, data.get("metadata"))
        session["setup_intent"] = intent["id"]
        self._intents.save(intent, method)

    def _complete(self, session: Object, owner: Object | None, email: str | None) -> None:
        session["status"], session["url"] = "complete", None
        known = owner or {}
        session["customer_details"] = {
            "address": known.get("address"),
            "business_name": None,
            "email": email or known.get("email") or session["customer_email"],
            "individual_name": None,
            "name": known.get("name"),
            "phone": known.get("phone"),
            "tax_exempt": "none",
            "tax_ids": [],
        }
        self._account.truth.tell(
            "checkout", id=session["id"], mode=session["mode"], amount=session["amount_total"]
        )
        self._account.tell("checkout.session.completed", session)


def _hosted(params: dict[str, Any]) -> bool:
    """Whether the customer is sent to a page, and not paid for within the merchant's own."""
    return bool(params.get("ui_mode", "hosted_page") == "hosted_page")


def _creation(mode: str, params: dict[str, Any]) -> str | None:
    if params.get("customer"):
        return None
    usual = "if_required" if mode == "payment" else "always"
    return str(params.get("customer_creation", usual))


def _check_parts(mode: str, params: dict[str, Any]) -> None:
    parts = {
        "subscription_data": "subscription",
        "payment_intent_data": "payment",
        "setup_intent_data": "setup",
        "customer_creation": "payment",
    }
    for name, belongs in parts.items():
        if name in params and mode != belongs:
            raise Refused(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def _asked(card: Card) -> Card:
    """The card, its holder having been asked."""
    return Card(brand=card.brand, last4=card.last4, disputes=card.disputes)


def listed(session: Object) -> Object:
    """The lines as ``expand[]=line_items`` shows them."""
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return listing([shown(line) for line in session["_lines"]], url)
