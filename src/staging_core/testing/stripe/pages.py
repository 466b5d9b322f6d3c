"""What customers do in their browser: they open a page, and send its form."""

from __future__ import annotations

from staging_core.testing.double.message import Answer, Request

from .account import Account
from .checkout import Checkout
from .form import decoded
from .html import checkout_page, done, gone, invoice_page, pdf, portal_page
from .invoicing import Invoicing
from .payment_methods import PaymentMethods
from .portal import Portal
from .refusal import Refused
from .store import Object


class Pages:
    """No secret key opens them, the id in their address does."""

    def __init__(
        self,
        account: Account,
        checkout: Checkout,
        portal: Portal,
        invoicing: Invoicing,
        methods: PaymentMethods,
    ) -> None:
        self._account, self._checkout, self._portal = account, checkout, portal
        self._invoicing, self._methods = invoicing, methods

    async def checkout(self, request: Request, id: str) -> Answer:
        """``/c/pay/{id}``: the form, or the form that is sent."""
        session = self._account.store.known("checkout.session", id)
        if session is None or session["status"] != "open":
            return gone()
        if request.method != "POST":
            return checkout_page(session)
        form = decoded(request.body.decode())
        try:
            if code := form.get("promotion_code"):
                self._checkout.enter_code(session, code)
            self._checkout.pay(session, form.get("payment_method", ""), form.get("email") or None)
        except Refused as refused:
            return checkout_page(session, refused.message, refused.status)
        return done(_landing(session), "Thank you.")

    async def invoice(self, request: Request, id: str) -> Answer:
        """``/i/{id}``: the invoice, and a form that pays it."""
        invoice = self._account.store.known("invoice", id)
        if invoice is None or invoice["status"] == "draft":
            return gone()
        if request.method != "POST" or invoice["status"] != "open":
            return invoice_page(invoice)
        form = decoded(request.body.decode())
        try:
            method = self._methods.usable(form.get("payment_method", ""), invoice["customer"])
            refused = self._invoicing.attempt(invoice, method, off_session=False)
        except Refused as wrong:
            refused = wrong
        if refused:
            return invoice_page(invoice, refused.message, refused.status)
        return invoice_page(invoice)

    async def pdf(self, request: Request, id: str) -> Answer:
        """``/i/{id}/pdf``."""
        invoice = self._account.store.known("invoice", id)
        return pdf(invoice) if invoice and invoice["number"] else gone()

    async def portal(self, request: Request, id: str) -> Answer:
        """``/p/session/{id}``: the customer's subscriptions."""
        session = self._account.store.known("billing_portal.session", id)
        if session is None:
            return gone()
        problem, status = "", 200
        if request.method == "POST":
            form = decoded(request.body.decode())
            try:
                self._portal.act(session, str(form.pop("deed", "")), form)
            except Refused as refused:
                problem, status = refused.message, refused.status
        owned = self._account.store.all("subscription", customer=session["customer"])
        return portal_page(session, owned, problem, status)


def _landing(session: Object) -> str | None:
    url: str | None = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"]) if url else None
